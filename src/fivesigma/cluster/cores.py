"""How many cores this process may use, as its batch job, its container or `taskset` allows."""

import os
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")


def cores(groups: Path = CONTROL_GROUPS) -> int:
    """The cores this process may use, at least 1.

    The smallest of: the processor mask (`taskset`, Slurm, HTCondor), the quota of the control group
    (containers) and `SLURM_CPUS_PER_TASK`.

    Args:
        groups: where the control groups are mounted.
    """
    limits = [_mask(), *_quota(groups)]
    given = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if given.isdigit():
        limits.append(int(given))
    return max(1, min(limits))


def share(workers: int) -> int:
    """Threads for each of `workers` processes that share this process's cores, at least 1."""
    return max(1, cores() // workers)


def _mask() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota(groups: Path) -> list[int]:
    """Whole cores that the control group allows (version 2, then version 1); empty without a limit."""
    try:
        quota, period = (groups / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota, period = ((groups / "cpu" / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        except OSError:
            return []
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return []  # "max", or -1
    return [int(quota) // int(period)]
