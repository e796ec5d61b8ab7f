"""Folds from the command line: trained, killed, resumed, evaluated, predicted."""

import json
import os
import re
import signal
import time

import numpy as np
import pytest
import warm
import yaml

import fivesigma as fs
from fivesigma.analysis.file import load
from fivesigma.cluster import multiprocess
from fivesigma.data import mapped as shared_data
from fivesigma.deployment import scoring
from fivesigma.errors import AnalysisError
from fivesigma.hashing import uniform
from fivesigma.metrics.roc import auc
from fivesigma.preparation.folds import SEED, fold_of
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.inputs import describe_inputs
from fivesigma.runs.source import load_source
from fivesigma.training import fold_training
from fivesigma.training.folds import Folds
from fivesigma.training.training import train

from ..conftest import TREE, write_csv

K = 3
FOLDED = {
    **TREE,
    "split": {"folds": K},
    "model": {"layers": [8]},
    "train": {"epochs": 40, "batch_size": 16, "patience": 20, "monitor": "auc"},
}


class Heard(Listener):
    """Keeps what is said."""

    def __init__(self):
        self.lines, self.epochs = [], []

    def say(self, text):
        self.lines.append(text)

    def epoch(self, row, epochs):
        self.epochs.append((row["fold"], row["epoch"]))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    write_csv(folder / "train.csv", seed=1)
    write_csv(folder / "test.csv", 500, seed=2)
    (folder / "toy.yaml").write_text(yaml.safe_dump(FOLDED, sort_keys=False))
    return folder


@pytest.fixture(scope="module")
def run(place):
    """A run by two workers, and what was heard of it."""
    listener = Heard()
    made = fs.run(place / "toy.yaml", output=place / "two", listener=listener, workers=2)
    return made, listener


@pytest.fixture(scope="module")
def source(place):
    return load_source(load(place / "toy.yaml"), Listener())


def test_a_run_keeps_every_fold_and_reports_them(run):
    made, listener = run
    for number in range(1, K + 1):
        for name in ("recipe.json", "model.keras", "history.jsonl", "checkpoints/last.npz"):
            assert (made.path / "folds" / f"fold-{number}" / name).is_file()
        rows = [row for row in made.history if row["fold"] == number]
        assert [(number, row["epoch"]) for row in rows] == [each for each in listener.epochs if each[0] == number]
    assert sorted(path.name for path in (made.path / "folds").iterdir()) == ["fold-1", "fold-2", "fold-3"]
    assert list(made.metrics) == ["train", "folds", "test"]
    assert [row["events"] for row in made.metrics["folds"]["against"]["fold"]] == [
        row["events"] for row in json.loads((made.path / "folds.json").read_text())["folds"]
    ]
    assert 0 < made.metrics["test"]["one_network"]["auc"]["error"] < 0.1
    page = made.report.read_text()
    assert "<h3>Folds</h3>" in page
    assert 'id="learning-curves"' in page
    assert 'id="scores"' in page


def test_out_of_fold_scores_are_those_of_a_loop_by_hand(run, source):
    made, _ = run
    analysis, events = made.analysis, source.parts["folds"]
    fold = (uniform(events.event_number, SEED) * K).astype(int) + 1
    validates = uniform(events.event_number, 0) < 0.3
    score = np.zeros(len(events))
    for number in range(1, K + 1):
        parts = {"train": (fold != number) & ~validates, "val": (fold != number) & validates}
        seeded = load(analysis, {"train.seed": analysis.train.seed + number})
        network, _ = train(seeded, {part: events.take(np.flatnonzero(chosen)) for part, chosen in parts.items()})
        held = np.flatnonzero(fold == number)
        score[held] = network.score(events.features[held])
    columns = made.predictions("folds")
    np.testing.assert_array_equal(columns["fold"], fold)
    np.testing.assert_array_equal(columns["event_number"], events.event_number.astype(np.int64))
    np.testing.assert_allclose(columns["score"], score, atol=1e-5)
    wanted = auc(score, events.target, events.weight)
    assert made.metrics["folds"]["auc"]["value"] == pytest.approx(wanted.value, abs=1e-5)
    assert made.metrics["folds"]["auc"]["error"] == pytest.approx(wanted.error, rel=1e-3)


def test_no_worker_is_given_events_of_its_fold(run, source, tmp_path, monkeypatch):
    """Spies on what reaches `train` from the folder of events that the workers map."""
    seen = {}

    class Enough(Exception):
        pass

    def spy(analysis, parts, **_):
        seen[analysis.train.seed] = np.concatenate([part.event_number for part in parts.values()])
        raise Enough

    monkeypatch.setattr(fold_training, "train", spy)
    analysis, pool = run[0].analysis, source.parts["folds"]
    shared_data.write(tmp_path / "events", {"folds": pool})
    for number in range(1, K + 1):
        with pytest.raises(Enough):
            fold_training.train_one(number, analysis, tmp_path / "events", tmp_path / "fold")
        own = pool.event_number[fold_of(pool.event_number, analysis.split) == number]
        given = seen[analysis.train.seed + number]
        assert not np.isin(own, given).any()
        assert len(own) + len(given) == len(pool)


def test_train_scores_come_from_a_network_that_trained_on_the_event(run, source):
    folds, division = run[0].network(), source.division
    scores = fold_training.fold_scores(folds, division, None, ())["train"]()
    rows = division.training
    for number in range(1, K + 1):
        mine = np.flatnonzero(division.fold[rows] == (number - 2) % K + 1)
        assert np.isin(rows[mine], division.index(number)["train"]).all()
        np.testing.assert_array_equal(
            scores.score[mine], folds.networks[number - 1].scores(division.events.take(rows[mine])).score
        )
    assert len(scores) == len(rows)


@pytest.mark.usefixtures("undrawn")
def test_a_killed_run_goes_on_and_one_worker_gives_what_two_give(run, place):
    first = warm.command("run", place / "toy.yaml", "-o", place / "one", "-j", "1")

    def has(name):
        return list((place / "one").glob(f"toy/*/folds/{name}"))

    while not (has("fold-1/model.keras") and has("fold-2/checkpoints/last.npz")):
        assert first.poll() is None, "finished before it could be killed"
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert not has("fold-2/model.keras")
    kept = has("fold-1/model.keras")[0].stat().st_mtime_ns
    listener = Heard()
    again = fs.run(place / "toy.yaml", output=place / "one", listener=listener, workers=1)
    assert has("fold-1/model.keras")[0].stat().st_mtime_ns == kept
    assert "fold 1 is trained already" in listener.lines
    assert any(line.startswith("resuming fold 2 from") for line in listener.lines)
    assert {fold for fold, _ in listener.epochs} == {2, 3}
    assert min(epoch for fold, epoch in listener.epochs if fold == 2) > 1
    for name in ("metrics.json", "curves.json"):
        assert (again.path / name).read_text() == (run[0].path / name).read_text()


def test_predict_scores_training_files_out_of_fold_and_new_ones_by_the_mean(run, place, tmp_path):
    made, listener = run[0], Heard()
    write_csv(tmp_path / "new.csv", 300, seed=5)
    copy = tmp_path / "a-copy-of-train.csv"
    copy.write_bytes((place / "train.csv").read_bytes())
    assert fs.predict(made, [str(copy), str(tmp_path / "new.csv")], tmp_path / "out.parquet", listener=listener) == 1800
    columns, wanted = fs.open_table(str(tmp_path / "out.parquet")).read(), made.predictions("folds")
    np.testing.assert_array_equal(columns["event_number"][:1500], wanted["event_number"])
    np.testing.assert_array_equal(columns["fold"][:1500], wanted["fold"])
    np.testing.assert_allclose(columns["score"][:1500], wanted["score"], atol=1e-6)
    x = np.loadtxt(tmp_path / "new.csv", delimiter=",", skiprows=1)[:, 2:5].astype(np.float32)
    mean = np.mean([network.score(x) for network in made.network().networks], axis=0)
    assert (columns["fold"][1500:] == 0).all()
    np.testing.assert_allclose(columns["score"][1500:], mean, atol=1e-6)
    said = [line for line in listener.lines if "fold" in line]
    assert len(said) == 1
    assert re.search(
        r"1,500 of 1,800 events were trained on or validated with \(.*a-copy-of-train\.csv: 1,500 of 1,500, ", said[0]
    )
    assert said[0].endswith("the fold that was not trained on it, every other one by the mean of the 3 folds")
    fs.predict(made, str(place / "test.csv"), tmp_path / "test.parquet")
    test = fs.open_table(str(tmp_path / "test.parquet")).read()
    np.testing.assert_allclose(test["score"], made.predictions("test")["score"], atol=1e-6)


def test_rows_without_a_number_find_their_fold_by_their_content(tmp_path, monkeypatch):
    file = str(write_csv(tmp_path / "train.csv", seed=3))
    samples = {"train": {"files": [file], "selection": "x1 > 0"}}
    tree = {**FOLDED, "event_number": None, "samples": samples, "selection": "x0 > -1", "train": {"epochs": 1}}
    analysis = load(tree)
    source = load_source(analysis, Listener())
    networks = [train(analysis, source.division.parts(number))[0] for number in range(1, K + 1)]
    folder = RunFolder.create(tmp_path, analysis, "test")
    Folds(tuple(networks)).save(folder)
    folder.update_metadata(inputs=describe_inputs({"train": [file]}))
    monkeypatch.setattr(scoring, "ROWS", 100)
    fs.predict(folder.path, file, tmp_path / "out.parquet")
    columns, x = fs.open_table(str(tmp_path / "out.parquet")).read(), np.loadtxt(file, delimiter=",", skiprows=1)
    chosen = (x[:, 2] > -1) & (x[:, 3] > 0)
    assert (columns["fold"][~chosen] == 0).all()
    np.testing.assert_array_equal(columns["fold"][chosen], source.division.fold)
    wanted = fold_training.fold_scores(Folds(tuple(networks)), source.division, None, ())["folds"]()
    np.testing.assert_allclose(columns["score"][chosen], wanted.score, atol=1e-6)


def test_what_folds_cannot_be_combined_with_is_a_sentence(place, command, monkeypatch):
    code, _, err = command("tune", place / "toy.yaml")
    assert (code, "split.folds=null" in err) == (2, True)
    code, _, err = command("prepare", place / "toy.yaml")
    assert (code, "need all events in memory" in err) == (2, True)
    code, _, err = command("train", place / "toy.yaml", "--set", "split.folds=1")
    assert (code, "split.folds" in err) == (2, True)
    monkeypatch.setattr(multiprocess, "processes", lambda: 2)
    with pytest.raises(AnalysisError, match="not by several processes"):
        fs.train(place / "toy.yaml", output=place / "together")


def test_a_validation_loss_that_overflows_ends_no_run_with_folds(tmp_path):
    """One event with an undeclared 1e25 in a feature is a validation event of some folds."""
    generator = np.random.default_rng(2)
    x = generator.normal(size=(400, 2))
    columns = {"x": x[:, 0], "z": x[:, 1], "y": x[:, 0] + 0.1 * generator.normal(size=400), "event": np.arange(400)}
    columns["z"][17] = 1e25
    np.savez(tmp_path / "train.npz", **columns)
    tree = {
        "name": "outlier",
        "samples": {"train": {"files": [str(tmp_path / "train.npz")]}},
        "features": ["x", "z"],
        "target": {"variable": "y"},
        "event_number": "event",
        "prepare": {"scale": "none"},
        "split": {"folds": 3, "val": 0.5},
        "model": {"layers": [4]},
        "train": {"epochs": 1, "loss": "squared_error", "learning_rate": 1e-30},
    }
    run = fs.train(tree, output=tmp_path / "runs", workers=1)
    rows = run.folder.read_json("folds.json")["folds"]
    assert len(rows) == 3
    assert any(row["loss"] is None for row in rows)
    assert any(row["loss"] is not None for row in rows)
