"""Make the runs of the physics results that are not there yet, and write docs/physics-results.md.

    python -m studies                              # everything; an hour on two cores
    python -m studies hepmass                      # a part of it
    python -m studies --data susy.train=susy_train.csv --data susy.test=susy_test.csv
    python -m studies --quick --output /tmp/trial --page /tmp/trial/page.md

Runs are kept in `runs/studies`: a second call only writes the page.
"""

import argparse
import sys
from pathlib import Path

import fivesigma as fs
from fivesigma.cli.console import Terminal
from fivesigma.errors import FivesigmaError, did_you_mean
from studies.catalogue import GROUPS, QUICK
from studies.page import SECTIONS, page
from studies.picture import growth
from studies.stored import run_of


def main(arguments: list[str] | None = None) -> int:
    """Run, then write; 2 if the input is wrong."""
    options = _options(arguments)
    terminal = Terminal()
    data: dict[str, dict[str, str]] = {}
    for text in options.data:
        place, _, file = text.partition("=")
        group, _, sample = place.partition(".")
        if group not in GROUPS or not sample or not file:
            terminal.error(f"cannot read --data {text!r}", f"write GROUP.SAMPLE=FILE, with GROUP one of {', '.join(GROUPS)}")
            return 2
        data.setdefault(group, {})[sample] = file
    sections, versions = [], ""
    every: dict[str, fs.Run] = {}
    unknown = [group for group in options.groups if group not in GROUPS]
    if unknown:
        terminal.error(f"no group {unknown[0]!r}; {did_you_mean(unknown[0], GROUPS)}")
        return 2
    try:
        for group in options.groups or [name for name in GROUPS if name != "susy" or "susy" in data]:
            rows, runs = GROUPS[group](), {}
            more = QUICK[group] if options.quick else {}
            for i, row in enumerate(rows):
                terminal.say(f"{group}, run {i + 1} of {len(rows)}: {row.step}")
                runs[row.name] = run_of(row, options.output, more, data.get(group, {}), terminal)
            sections.append(SECTIONS[group](rows, runs))
            every |= runs
            metadata = next(iter(runs.values())).folder.read_json("metadata.json")
            used = {"fivesigma": metadata["fivesigma"], **metadata["versions"]}
            versions = ", ".join(f"{name} {used[name]}" for name in ("fivesigma", "jax", "keras", "python") if name in used)
    except FivesigmaError as error:
        terminal.error(error.what, error.hint)
        return 2
    options.page.parent.mkdir(parents=True, exist_ok=True)
    picture = options.page.parent / "figures" / f"{options.page.stem}.png"
    drawn = growth(every, picture)
    options.page.write_text(page(sections, versions, f"figures/{picture.name}" if drawn else ""), encoding="utf-8")
    terminal.result(str(options.page))
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m studies", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    parser.add_argument(
        "--data", action="append", default=[], metavar="GROUP.SAMPLE=FILE", help="files instead of simulation"
    )
    parser.add_argument("--output", type=Path, default=Path("runs/studies"), help="where runs are kept")
    parser.add_argument("--page", type=Path, default=Path("docs/physics-results.md"), help="the page that is written")
    parser.add_argument("--quick", action="store_true", help="few events and one epoch: a trial")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
