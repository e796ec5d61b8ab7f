"""Run folders in which a file was changed: each verb ends well or with one sentence, whatever is in the file."""

import contextlib
import json
import random
import shutil
from pathlib import Path

import pytest
import yaml

import fivesigma
from fivesigma.atomic import MANIFEST
from fivesigma.errors import FivesigmaError
from fivesigma.reporting import figures
from fivesigma.verbs.verify import verify

from ..conftest import TREE, write_csv
from .conftest import SCALE, limits

CASES = max(120, int(5 * SCALE))
"""Changed folders, all verbs together."""

ODD = (None, True, 0, -1, 1e300, "x", "", [], {}, [1, "a", None], {"a": 1}, [[]])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run with everything evaluated, and its events."""
    place = tmp_path_factory.mktemp("hostile")
    write_csv(place / "events.csv", 400, 1)
    samples = {"events": {"files": [str(place / "events.csv")]}}
    small = {**TREE, "samples": samples, "train": {"epochs": 1, "batch_size": 64}, "model": {"layers": [4]}}
    made = fivesigma.train({**small, "name": "small"}, output=place)
    return fivesigma.evaluate(made, output=place).path


def changed(tree, chance, depth=0):
    """A tree in which one value or key is another one."""
    if depth and chance.random() < 0.15:
        return chance.choice(ODD)
    if isinstance(tree, dict) and tree:
        key = chance.choice(list(tree))
        rest = {k: v for k, v in tree.items() if k != key}
        return rest if chance.random() < 0.3 else {**tree, key: changed(tree[key], chance, depth + 1)}
    if isinstance(tree, list) and tree:
        i = chance.randrange(len(tree))
        return tree[:i] + ([] if chance.random() < 0.3 else [changed(tree[i], chance, depth + 1)]) + tree[i + 1 :]
    return chance.choice(ODD)


def change(path, chance):
    """Change something in a file of JSON, of lines of JSON or of YAML."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        path.write_text(json.dumps(changed(json.loads(text), chance)), encoding="utf-8")
    elif path.suffix == ".jsonl":
        lines = text.splitlines()
        i = chance.randrange(len(lines))
        lines[i] = json.dumps(changed(json.loads(lines[i]), chance))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        path.write_text(yaml.safe_dump(changed(yaml.safe_load(text), chance)), encoding="utf-8")


def opened(folder):
    """What a notebook looks at first."""
    found = fivesigma.Run(folder)
    return found.metrics, found.history, repr(found)


@pytest.mark.parametrize("verb", ["report", "predict", "verify", "compare", "opened"])
def test_a_changed_file_never_ends_in_a_traceback(run, tmp_path, monkeypatch, verb, tried):
    monkeypatch.setattr(figures, "_GROUPS", {"data": lambda *_: iter(())})  # they take most of the time
    chance = random.Random(f"{verb} 1")
    names = [*(path.name for path in run.glob("*.json")), "history.jsonl", "analysis.yaml"]
    verbs = {
        "report": fivesigma.report,
        "predict": lambda folder: fivesigma.predict(folder, run.parents[1] / "events.csv", tmp_path / "scored.csv"),
        "verify": verify,
        "compare": lambda folder: fivesigma.compare(folder, run),
        "opened": opened,
    }
    for case in range(CASES // 5):
        folder = Path(shutil.copytree(run, tmp_path / str(case) / "small"))
        name = chance.choice(names)
        change(folder / name, chance)
        if name != MANIFEST and chance.random() < 0.5:
            (folder / MANIFEST).unlink()
        with limits(f"case {case}: {name}"), contextlib.suppress(FivesigmaError):
            verbs[verb](folder)
        (tmp_path / "scored.csv").unlink(missing_ok=True)
        shutil.rmtree(tmp_path / str(case))
    tried(f"run folders: {verb}", CASES // 5)
