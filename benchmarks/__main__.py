"""Measure fivesigma and its peers, and write one table.

    python -m benchmarks                      everything; hours, on a machine that does nothing else
    python -m benchmarks training prediction  some groups; the others keep their rows in the table
    python -m benchmarks --quick              a trial with few events, whose numbers mean little

The table is `results.md` and, with every repetition, `results.json`.
"""

import argparse
import importlib
import sys
import time
from pathlib import Path
from types import ModuleType

from benchmarks.machine import floating_point_units, load, machine
from benchmarks.options import Options
from benchmarks.peers import missing, sentence
from benchmarks.table import HEAD, Section, into_page, write
from benchmarks.worker import WorkerFailed

GROUPS = (
    "training",
    "training_busy",
    "quantised",
    "limit",
    "time_to_accuracy",
    "tuning",
    "csv_reading",
    "root_reading",
    "shards",
    "prediction",
    "single_events",
    "evaluation",
    "notebook",
    "overhead",
    "two_processes",
    "growth",
    "million_rows",
    "large_data",
)
"""Modules of this folder with `NEEDS`, `ABOUT` and `measure`."""

DEFAULT_OUTPUT = Path(__file__).parent / "results"


def main() -> int:
    """Run what the command line names; the exit code tells whether every target was reached."""
    names, options, page = _parse()
    groups = {name: importlib.import_module(f"benchmarks.{name}") for name in names}
    absent = missing(module for group in groups.values() for module in group.NEEDS)
    if absent:
        print(sentence(absent), file=sys.stderr)
        return 2
    done = [_measure(name, group, options) for name, group in groups.items()]
    print(f"\nwritten: {options.output / 'results.md'} and results.json")
    if page is not None:
        into_page(page, options.output)
        print(f"written: {page}")
    return 0 if all(done) else 1


def _measure(name: str, group: ModuleType, options: Options) -> bool:
    """Measure one group and put it into the table; whether it reached its targets. A failure leaves the others alone."""
    options.say(f"{name}: begins")
    before = machine() | {"floating point": floating_point_units()}
    started = time.perf_counter()
    try:
        rows = group.measure(options)
    except WorkerFailed as error:
        options.say(f"{name}: failed. {error}")
        return False
    before["load after"] = load()
    write(options.output, Section(name, group.ABOUT, rows, before, options.quick))
    print(f"\n## {name}: {time.perf_counter() - started:.0f} s\n\n{HEAD}", *(row.as_markdown() for row in rows), sep="\n")
    return all(row.reached is not False for row in rows)


def _parse() -> tuple[list[str], Options, Path | None]:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "names", nargs="*", metavar="GROUP", help=f"what to measure: {', '.join(GROUPS)}; everything by default"
    )
    parser.add_argument("--quick", action="store_true", help="few events and repetitions")
    parser.add_argument("--repetitions", type=int, help="turns of each contender, instead of each group's own number")
    parser.add_argument("--batch", type=int, action="append", help="of training and training_busy; may be repeated")
    parser.add_argument("--data", type=Path, help="simulated collisions in UCI layout; made and kept by default")
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="folder of the table")
    parser.add_argument("--scratch", type=Path, help="folder of large files that are made once and kept")
    parser.add_argument("--page", type=Path, help="a Markdown page whose table of results is replaced by this one")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in GROUPS]
    if unknown:
        parser.error(f"no group {unknown[0]!r}; there are {', '.join(GROUPS)}")
    started = time.perf_counter()

    def say(text: str) -> None:
        print(f"[{time.perf_counter() - started:6.0f} s] {text}", file=sys.stderr, flush=True)

    folder = (given.scratch or given.output / "scratch").resolve()
    batches = tuple(given.batch) if given.batch else None
    options = Options(given.quick, given.repetitions, given.data, folder, given.output, say, batches)
    return given.names or list(GROUPS), options, given.page


if __name__ == "__main__":
    sys.exit(main())
