"""`fivesigma prepare`, and what is trained from the folder that it wrote."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from fivesigma.data.shards import Shards
from fivesigma.data.write import write_columns

from ..conftest import TREE


def test_shards_of_a_few_events_are_said(toy, command):
    code, out, _ = command("prepare", toy, "-o", "many", "--shards", 40)
    assert code == 0
    assert "warning: the 40 shards hold" in out
    assert "warning" not in command("prepare", toy, "-o", "few", "--shards", 8)[1]


def test_a_run_from_shards_is_complete(toy, command):
    code, out, err = command("prepare", toy, "-o", "prepared", "--shards", 3)
    assert code == 0, err
    assert "prepared" in out.splitlines()[-1]
    shards = Shards("prepared")
    assert shards.length("train") + shards.length("val") == 1500
    assert shards.length("test") == 500
    code, out, err = command("run", toy, "--set", "shards=prepared", "--set", "train.window=300")
    assert code == 0, err
    run = Path(out.splitlines()[-1])
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["auc"]["value"] > 0.8
    assert json.loads((run / "metadata.json").read_text())["events"]["test"] == 500
    assert "train (a random sample)" in out
    assert "a random sample of the prepared events" in out
    assert " 500 test events" in out
    assert (run / "report.html").is_file()
    # The same analysis on the files themselves sees the same events.
    code, out, err = command("evaluate", command("train", toy)[1].splitlines()[-1])
    direct = json.loads((Path(out.splitlines()[-1]) / "metrics.json").read_text())
    assert direct["test"]["auc"]["value"] == pytest.approx(metrics["test"]["auc"]["value"], abs=0.05)


def test_a_second_call_does_nothing_and_other_settings_are_refused(toy, command):
    assert command("prepare", toy, "-o", "p", "--shards", 2)[0] == 0
    before = {path: path.stat().st_mtime_ns for path in Path("p").rglob("*.parquet")}
    code, out, _ = command("prepare", toy, "-o", "p", "--shards", 2)
    assert code == 0
    assert "already prepared" in out
    assert {path: path.stat().st_mtime_ns for path in Path("p").rglob("*.parquet")} == before
    code, _, err = command("prepare", toy, "-o", "p", "--shards", 2, "--set", "selection=x0 > 0")
    assert code == 2
    assert "other files or settings" in err
    code, _, err = command("train", toy, "--set", "shards=p", "--set", "selection=x0 > 0")
    assert code == 2
    assert "another `selection`" in err
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    code, _, err = command("prepare", toy, "-o", "full")
    assert code == 2
    assert "not empty" in err
    assert Path("full/mine.txt").read_text() == "mine"


def test_test_events_among_the_training_files_are_found(toy, command):
    lines = Path("train.csv").read_text().splitlines()
    Path("test.csv").write_text("\n".join([lines[0], *lines[700:1200]]) + "\n")
    code, _, err = command("prepare", toy, "-o", "p")
    assert code == 2
    assert "also among the test events" in err
    code, _, err = command("prepare", toy, "-o", "q", "--set", "split.overlap=drop")
    assert code == 0, err
    assert Shards("q").length("train") + Shards("q").length("val") == 1000
    code, _, err = command("train", toy, "--set", "shards=p")
    assert code == 2
    assert "not a complete folder" in err


def test_events_that_belong_to_no_side_are_left_out(toy, command):
    tree = {**TREE, "samples": {"all": {"files": ["train.csv"]}}, "split": {"test": 0.1, "val": 0.1, "train": 0.3}}
    toy.write_text(yaml.safe_dump(tree))
    assert command("prepare", toy, "-o", "p")[0] == 0
    shards = Shards("p")
    assert shards.length("train") == pytest.approx(0.9 * 0.3 * 1500, abs=80)
    assert sum(shards.length(part) for part in shards.rows) < 900


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--processes", 2), "--coordinator, --processes and --process-id together"),
        (("--coordinator", "127.0.0.1:1", "--processes", 2, "--process-id", 2), "not one of 0 … 1"),
        (("--coordinator", "nowhere", "--processes", 2, "--process-id", 0), "not host:port"),
    ],
)
def test_wrong_places_are_a_sentence(toy, command, options, text):
    code, _, err = command("train", toy, *options)
    assert code == 2
    assert re.search(re.escape(text), err)


def test_event_numbers_that_leave_a_part_empty_are_refused_at_every_call(toy, command):
    (toy.parent / "train.csv").write_text(
        "\n".join(
            line if i == 0 else "7" + line[line.index(",") :]
            for i, line in enumerate((toy.parent / "train.csv").read_text().splitlines())
        )
    )
    for _ in range(2):
        code, _, err = command("prepare", toy, "-o", "p", "--shards", 2)
        assert code == 2
        assert "though `split" in err
        assert "all 1,500 events have the same event number" in err


def test_prepared_events_of_negative_weights_are_refused_in_a_regression_too(toy, command):
    tree = yaml.safe_load(toy.read_text())
    tree = {key: value for key, value in tree.items() if key != "labels"}
    changes = {"target": {"variable": "x2"}, "features": ["x0", "x1"], "weights": "-w"}
    toy.write_text(yaml.safe_dump({**tree, **changes}))
    assert command("prepare", toy, "-o", "p", "--shards", 1)[0] == 0
    code, _, err = command("train", toy, "--set", "shards=p")
    assert (code, "the weights add up to -" in err) == (2, True), err


def test_what_files_hide_and_single_precision_loses_is_said_here_as_well(command, tmp_path):
    lines = [f"{i},{1_700_000_000 + i % 7},{i % 2},{i * 0.37 % 1:.6f}" for i in range(400)]
    (tmp_path / "t.csv").write_text("time,label,x\n" + "\n".join(lines))
    tree = {"name": "t", "features": ["time", "x"], "labels": "label", "samples": {"s": {"files": "t.csv"}}}
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(tree))
    code, out, err = command("prepare", "t.yaml", "-o", "p", "--shards", 1)
    assert code == 0, err
    assert "the first field of every row has no name and numbers the rows" in out
    assert "warning: feature 'time' lies between 1.7e+09 and 1.7e+09" in out


@pytest.mark.parametrize("key", ["prepare.resample=up", "train.balance=[class]"])
def test_what_needs_the_events_in_memory_is_refused(toy, command, key):
    command("prepare", toy, "-o", "prepared", "--shards", 3)
    code, _, err = command("train", toy, "--set", "shards=prepared", "--set", key)
    assert code == 2
    assert f"`{key.split('=')[0]}` needs the events in memory: leave out `shards`" in " ".join(err.split())


def test_samples_that_are_not_those_of_the_folder_are_refused_by_key(toy, command):
    assert command("prepare", toy, "-o", "p", "--shards", 2)[0] == 0
    train = ("train", toy, "--set", "shards=p", "--set", "train.epochs=1", "--new", "--set")
    for setting, words in (
        ('samples.train.weight="5"', "p was prepared with another samples.train.weight"),
        ("samples.train.selection=x0 > 0", "p was prepared with another samples.train.selection"),
        ("samples.more.files=[train.csv]", "p was prepared without the sample 'more'"),
    ):
        code, _, err = command(*train, setting)
        assert (code, words in err) == (2, True), err
    code, out, err = command(*train, "samples.train.files=[test.csv]")
    assert (code, "other files of the sample 'train'" in " ".join((out + err).split())) == (0, True)
    code, out, err = command(*train, "train.batch_size=32")
    assert (code, "other files" in out + err) == (0, False)


def test_an_observer_may_have_another_type_in_another_file(tmp_path, command):
    generator = np.random.default_rng(1)
    for name, kind in (("a", np.int32), ("b", np.int64), ("c", np.float64)):
        columns = {"x": generator.normal(size=300), "cat": np.arange(300).astype(kind)}
        write_columns(tmp_path / f"{name}.parquet", [columns])
    samples = {n: {"files": [f"{n}.parquet"], "label": label} for n, label in (("a", "b"), ("b", "s"), ("c", "s"))}
    tree = {"name": "mixed", "samples": samples, "features": ["x"], "observers": ["cat"], "labels": {"names": ["b", "s"]}}
    (tmp_path / "mixed.yaml").write_text(yaml.safe_dump({**tree, "split": {"test": 0.3, "val": 0.2}}))
    code, _, err = command("prepare", "mixed.yaml", "-o", "p", "--shards", 2)
    assert code == 0, err
    shards = Shards("p")
    found = np.concatenate([shards.sample(part, 1000).observers["cat"] for part in ("train", "val", "test")])
    assert sorted(found.tolist()) == sorted([*range(300)] * 3)


def test_events_that_are_test_events_too_are_counted_in_all_shards(toy, command):
    train, test = Path("train.csv").read_text().splitlines(), Path("test.csv").read_text().splitlines()
    Path("train.csv").write_text("\n".join([*train, *test[1:41]]) + "\n")
    said = {}
    for place, arguments in (("memory", ("train", toy)), ("1", ("prepare", toy, "-o", "p1", "--shards", 1)), ("3", ())):
        code, _, err = command(*(arguments or ("prepare", toy, "-o", "p3", "--shards", 3)))
        assert code == 2
        said[place] = re.search(r"(\d+) of ([\d,]+) train events are also among the test events", " ".join(err.split()))[0]
    assert said["1"] == said["3"] == said["memory"]
    drop = ("--set", "split.overlap=drop")
    code, out, err = command("prepare", toy, "-o", "q", "--shards", 3, *drop)
    assert (code, "40 events left out of the training, as the test has them too" in out + err) == (0, True)
    code, out, err = command("train", toy, *drop, "--set", "train.epochs=1")
    assert (code, "40 events left out of the training, as the test has them too" in out + err) == (0, True)


def test_what_a_stopped_call_with_other_settings_has_left_is_removed(toy, command):
    assert command("prepare", toy, "-o", "whole", "--shards", 2)[0] == 0
    for name in ("spill-0123/piece-00000.parquet", "spill-0123/.piece-00001.part.parquet", "train/shard-00002.parquet"):
        (Path("p") / name).parent.mkdir(parents=True, exist_ok=True)
        (Path("p") / name).write_text("of a call with more shards")
    (Path("p/train") / "mine.txt").write_text("mine")
    code, out, _ = command("prepare", toy, "-o", "p", "--shards", 2)
    assert (code, "continuing in p" in out) == (0, True)
    found, whole = (sorted(str(path.relative_to(place)) for path in Path(place).rglob("*")) for place in ("p", "whole"))
    assert found == sorted([*whole, "train/mine.txt"])


def test_a_training_from_shards_says_what_a_sample_of_its_events_shows(toy, command):
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(
        yaml.safe_dump(
            {**tree, "new_variables": {**tree["new_variables"], "same": "0 * x0 + 3"}, "features": ["x0", "same"]}
        )
    )
    assert command("prepare", toy, "-o", "p", "--shards", 4)[0] == 0
    for window, words in (("100", "in a random sample of"), ("100000", "in all training events")):
        settings = ("--set", "shards=p", "--set", f"train.window={window}", "--set", "train.batch_size=50")
        out = " ".join(command("train", toy, *settings, "--set", "train.epochs=1", "--new")[1].split())
        assert f"warning: same has one value {words}" in out
