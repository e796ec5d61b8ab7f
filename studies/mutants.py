"""Which changes of the code no test notices, in `metrics` and `preparation`: `python -m studies.mutants [COUNT]`.

mutmut makes the changes (the section `tool.mutmut` of pyproject.toml says of which files) in the folder `mutants/`, and runs
the tests that reach each of them. There are some ten thousand; a random sample is tried here.
"""

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "mutants"
COUNT = 250
MUTMUT = (sys.executable, "-m", "mutmut")
STATES = {None: "not tried", 0: "not noticed", 5: "not reached", 33: "not reached"}
"""What mutmut's exit codes mean; with any other one a test failed, hung or ended its process: the change was noticed."""


def main(arguments: Sequence[str]) -> int:
    """Try a sample and print the table and the changes that no test noticed."""
    count = int(arguments[0]) if arguments else COUNT
    shutil.rmtree(FOLDER, ignore_errors=True)
    # A name that no change has: mutmut makes all changes, finds which tests reach them, and tries none.
    said = _mutmut("fivesigma.metrics.metric.x_nothing*")
    names = sorted(known())
    if not names:
        print(f"mutmut made no change:\n{said}", file=sys.stderr)
        return 1
    chosen = random.Random(1).sample(names, min(count, len(names)))
    print(f"{len(chosen)} of {len(names):,} changes are tried", flush=True)
    said = _mutmut(*chosen)
    found = {name: code for name, code in known().items() if name in set(chosen)}
    if all(code is None for code in found.values()):
        print(f"mutmut tried no change:\n{said}", file=sys.stderr)
        return 1
    print("\n".join(table(found)))
    for name in sorted(name for name, code in found.items() if code in STATES):
        print(f"\n{name}")
        done = subprocess.run([*MUTMUT, "show", name], cwd=ROOT, capture_output=True, text=True, check=False)
        print("\n".join(line for line in done.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")))
    return 0


def known() -> dict[str, int | None]:
    """Every change that mutmut made → exit code of its tests; None if it was not tried."""
    found: dict[str, int | None] = {}
    for path in sorted(FOLDER.rglob("*.meta")):
        found |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def table(found: Mapping[str, int | None]) -> list[str]:
    """A row for each module.

    >>> print("\\n".join(table({"fivesigma.metrics.roc.x_auc__mutmut_1": 1, "fivesigma.metrics.roc.x_auc__mutmut_2": 0})))
    | module | changes tried | noticed | not noticed | reached by no test |
    |---|---|---|---|---|
    | metrics.roc | 2 | 1 | 1 | 0 |
    | all | 2 | 1 | 1 | 0 |
    """
    counts: dict[str, Counter[str]] = {}
    for name, code in found.items():
        module = name.split(".x")[0].removeprefix("fivesigma.")
        for row in (module, "all"):
            counts.setdefault(row, Counter())[STATES.get(code, "noticed")] += 1
    lines = ["| module | changes tried | noticed | not noticed | reached by no test |", "|---|---|---|---|---|"]
    for row in [*sorted(counts.keys() - {"all"}), "all"]:
        count = counts[row]
        lines.append(f"| {row} | {count.total()} | {count['noticed']} | {count['not noticed']} | {count['not reached']} |")
    return lines


def _mutmut(*names: str) -> str:
    """Run mutmut for some changes; returns the end of what it printed."""
    command = [*MUTMUT, "run", *names]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout[-2000:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
