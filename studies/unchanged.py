"""Whether a change of the code changed a number: every built-in analysis run small, and what it left compared bit for bit.

    python -m studies.unchanged record before.json      # on the code as it was
    python -m studies.unchanged record after.json       # on the code as it is
    python -m studies.unchanged compare before.json after.json

Only the command line is used, so the same script runs on both sides of a rewrite. Recorded are a hash of every network's
weights, `metrics.json`, `scan.json`, the trials of a search and the predictions. A few minutes on two cores.
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

COLLISIONS = ("simulate.events=6000", "train.epochs=2")
MUONS = ("simulate.events=20000", "train.epochs=2")
BASELINES = ("baselines.trees.kind=boosted_trees", "baselines.trees.rounds=20")
SEARCH = ("evaluate.search.yields.background=2000", "evaluate.search.yields.signal=200")
SPACE = ("tune.max_epochs=3", "tune.factor=3")

CASES: dict[str, tuple[list[str], ...]] = {
    "hepmass": (["run", "hepmass", *COLLISIONS, *BASELINES], ["scan", "RUN", "--compare"], ["predict", "RUN", "EVENTS"]),
    "hepmass-folds": (
        ["run", "hepmass", *COLLISIONS, *BASELINES, *SEARCH, "split.folds=2", "evaluate.recalibrate=isotonic"],
        ["scan", "RUN"],
        ["predict", "RUN", "EVENTS"],
    ),
    "hepmass-article": (["run", "hepmass-article", *COLLISIONS],),
    "hepmass-balanced": (
        [
            "run",
            "hepmass",
            *COLLISIONS,
            "train.balance=[class, mass]",
            "model.parameters=affine",
            "train.monitor=auc",
            "train.average=0.99",
        ],
    ),
    "hepmass-shards": (["prepare", "hepmass", *COLLISIONS], ["run", "hepmass", *COLLISIONS, "shards=SHARDS"]),
    "hepmass-tune": (["tune", "hepmass", *COLLISIONS, *SPACE],),
    "muon-pt": (["run", "muon-pt", *MUONS, "baselines.trees.rounds=20"],),
    "muon-pt-article": (["run", "muon-pt-article", *MUONS],),
    "muon-pt-folds": (["run", "muon-pt", *MUONS, "split.folds=2", "baselines.article=null", "baselines.trees.rounds=20"],),
    "muon-class": (["run", "muon-class", *MUONS, "baselines.trees.rounds=20"],),
    "muon-class-article": (["run", "muon-class-article", *MUONS],),
}
"""Name → commands, one after another; everything with `=` becomes `--set`."""

RENAMED = {"floor": "min_background", "most_error": "max_mc_error"}
"""Keys of recorded files that were meant to change."""


def record(place: Path, names: list[str]) -> None:
    """Run the cases and write what they left."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            print(f"{name} …", file=sys.stderr, flush=True)
            own = Path(folder) / name
            events = Path(folder) / "events.parquet"
            if not events.exists():
                _fivesigma("simulate", "resonance", "-o", str(events), "--events", "3000", "--seed", "7", "--layout", "uci")
            run = ""
            for command in CASES[name]:
                run = _command(command, run, own, events) or run
            found[name] = dict(sorted(left(own)))
    place.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")


def _command(command: list[str], run: str, own: Path, events: Path) -> str | None:
    """Run one command; the run's folder if it made one."""
    verb, *words = command
    named = {"RUN": run, "EVENTS": str(events)}
    arguments = [named.get(word, word) for word in words if "=" not in word or word.startswith("-")]
    for word in words:
        if "=" in word:
            arguments += ["--set", word.replace("SHARDS", str(own / "shards"))]
    if verb == "predict":
        return _fivesigma(verb, *arguments, "-o", str(own / "predicted.parquet")) and None
    if verb == "prepare":
        return _fivesigma(verb, *arguments, "-o", str(own / "shards")) and None
    return _fivesigma(verb, *arguments, *(("--output", str(own)) if verb != "scan" else ()))


def _fivesigma(*arguments: str) -> str:
    """The last line on standard output."""
    command = [sys.executable, "-m", "fivesigma", *arguments, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout.strip().splitlines()[-1]


def left(own: Path) -> Iterator[tuple[str, Any]]:
    """Name of a file → what it says, without times and places."""
    for path in sorted(own.rglob("*")):
        # Runs are called by the time they were made.
        name = "/".join(part for part in path.relative_to(own).parts if not part[:8].isdigit())
        if path.suffix == ".keras":
            yield name, _weights(path)
        elif path.name in ("metrics.json", "scan.json", "folds.json", "tune.json", "verdicts.json", "recipe.json"):
            yield name, _plain(json.loads(path.read_text(encoding="utf-8")))
        elif path.suffix == ".parquet" and "shards" not in path.parts:
            yield name, _columns(path)
        elif path.name == "baseline.json":
            yield name, _plain(json.loads(path.read_text(encoding="utf-8")))
        elif path.name == "history.jsonl":
            yield name, [_plain(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _weights(path: Path) -> str:
    """A hash of all weights of a Keras file, in the order of their names."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(
            lambda name, item: digest.update(np.asarray(item).tobytes()) if isinstance(item, h5py.Dataset) else None
        )
    return digest.hexdigest()


def _columns(path: Path) -> dict[str, str]:
    """A hash of each column of a file of predictions."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return {
        name: hashlib.sha256(np.ascontiguousarray(table.column(name).to_numpy()).tobytes()).hexdigest()
        for name in table.column_names
    }


def _plain(tree: Any) -> Any:
    """Without what differs from call to call."""
    if isinstance(tree, Mapping):
        tree = tree.get("parts", tree) if "version" in tree and "parts" in tree else tree
        kept = {RENAMED.get(key, key): value for key, value in tree.items() if key not in ("seconds", "analysis", "version")}
        return {key: _plain(value) for key, value in kept.items()}
    return [_plain(value) for value in tree] if isinstance(tree, list) else tree


def compare(first: Path, second: Path) -> int:
    """Print every difference; 1 if there is one."""
    trees = [json.loads(path.read_text(encoding="utf-8")) for path in (first, second)]
    differences = list(_differences(*trees, ""))
    for line in differences[:200]:
        print(line)
    numbers = sum(1 for _ in _leaves(trees[1]))
    print(f"{len(differences)} differences in {numbers} numbers and hashes of {len(trees[1])} cases")
    return 1 if differences else 0


def _differences(one: Any, other: Any, place: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from _differences(one.get(key, "(not there)"), other.get(key, "(not there)"), f"{place}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(*pair, f"{place}[{i}]")
    elif one != other:
        yield f"{place}: {str(one)[:80]} → {str(other)[:80]}"


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict | list):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from _leaves(value)
    else:
        yield tree


def main() -> int:
    """Record or compare."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.unchanged", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    recorded = verbs.add_parser("record", help="run the cases and write FILE")
    recorded.add_argument("file", type=Path)
    recorded.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; all by default")
    compared = verbs.add_parser("compare", help="print every difference of two files")
    compared.add_argument("first", type=Path)
    compared.add_argument("second", type=Path)
    options = parser.parse_args()
    if options.verb == "compare":
        return compare(options.first, options.second)
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]!r}; there are {', '.join(CASES)}")
    record(options.file, options.cases or list(CASES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
