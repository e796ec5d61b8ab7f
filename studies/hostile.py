"""Hostile inputs in large numbers: `python -m studies.hostile [CASES] [--only AREA …] [--page]`, which is `make hostile`.

The tests of tests/hostile with many more inputs than by default. With `--page` the table is written into docs/robustness.md;
areas that were not tried keep their rows, so that a night per area gives the whole table.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from studies.marks import between, renew

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "robustness.md"
CASES = 48_000
AREAS = {
    "files": "test_files.py",
    "analyses": "test_analyses.py",
    "run-folders": "test_run_folders.py",
    "signals": "test_signals.py",
    "full-disk": "test_full_disk.py",
}
"""Names for the command line, and the tests of each."""
ROW = re.compile(r"(?P<area>.+?)\s+(?P<tried>[\d,]+) tried\s+(?P<failed>\d+) tests failed")
SUMS = {
    "changed files": "data files of all formats, some bytes or values changed",
    "run folders": "run folders, a file changed",
    "stopped commands": "commands stopped at a random moment by Ctrl-C, SIGTERM or SIGKILL, and given again",
}
"""Areas of which only the sum is shown."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests, show what they print, and renew the table; returns their exit code."""
    parser = argparse.ArgumentParser(prog="python -m studies.hostile", description="Try hostile inputs in large numbers.")
    parser.add_argument("cases", nargs="?", type=int, default=CASES, help="measure of how many; 4800 for a tenth")
    parser.add_argument("--only", nargs="+", choices=AREAS, metavar="AREA", default=list(AREAS), help=", ".join(AREAS))
    parser.add_argument("--page", action="store_true", help="write the table into docs/robustness.md")
    options = parser.parse_args(arguments)
    # One test tries an input after the other for as long as it takes: that is no reason to print where it is.
    command = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "load", "-q", "-o", "faulthandler_timeout=0"]
    command += [f"tests/hostile/{AREAS[area]}" for area in options.only]
    environment = {**os.environ, "FIVESIGMA_HOSTILE": str(options.cases)}
    lines = []
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if options.page and not process.returncode:
        renew(PAGE, "hostile", table(lines, between(PAGE, "hostile").splitlines()))
    return process.returncode


def table(lines: Iterable[str], old: Iterable[str] = ()) -> str:
    """The summary of the tests as Markdown.

    Args:
        lines: what the tests print.
        old: lines of a table; its rows stay where nothing was tried.

    >>> old = ["| input | tried | failed |", "|---|---|---|", "| full disk | 30 | 0 |", "| names | 400 | 0 |"]
    >>> print(table(["names    800 tried     0 tests failed", "changed files: a.csv  1,000 tried  0 tests failed"], old))
    | input | tried | failed |
    |---|---|---|
    | data files of all formats, some bytes or values changed | 1,000 | 0 |
    | full disk | 30 | 0 |
    | names | 800 | 0 |
    <BLANKLINE>
    """
    sums: dict[str, list[int]] = {}
    for found in filter(None, map(ROW.match, lines)):
        area = found["area"]
        row = sums.setdefault(SUMS.get(area.split(":")[0], area), [0, 0])
        row[0] += int(found["tried"].replace(",", ""))
        row[1] += int(found["failed"])
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in list(old)[2:]}
    rows |= {area: f"| {area} | {tried:,} | {failed} |" for area, (tried, failed) in sums.items()}
    return "\n".join(["| input | tried | failed |", "|---|---|---|", *(rows[area] for area in sorted(rows)), ""])


if __name__ == "__main__":
    sys.exit(main())
