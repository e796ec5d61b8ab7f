"""The verb `compare`: runs side by side."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import yaml

import fivesigma as fs
from fivesigma.data.readers.parquet import ParquetReader
from fivesigma.metrics.roc import auc
from fivesigma.verbs.compare import _with_searches


@pytest.fixture
def runs(toy, command, undrawn):
    settings = ([], ["--set", "train.epochs=1"], ["--set", "train.seed=7", "--set", "split.seed=3"])
    return [command("run", toy, *more)[1].splitlines()[-1] for more in settings]


def test_compare_shows_what_differs(runs, command):
    first, second, third = runs
    code, out, _ = command("compare", first, second)
    assert code == 0
    assert "train.epochs" in out
    assert "test auc" in out
    code, out, _ = command("compare", first, second, third)
    assert code == 0
    assert "third − first" in out
    code, _, err = command("compare", first)
    assert (code, "two or more runs" in err) == (2, True)


def test_differences_on_the_same_events_have_the_paired_error(runs):
    found = fs.compare(*runs[:2])
    assert found["settings"] == {"train.epochs": [3, 1]}
    rows = {(row["part"], row["name"]): row for row in found["metrics"]}
    row = rows["test", "auc"]
    (difference,) = row["differences"]
    assert row["difference"] == {key: difference[key] for key in ("value", "error")}
    assert (row["first"], row["second"]) == tuple(row["values"])
    assert difference["value"] == pytest.approx(row["second"]["value"] - row["first"]["value"], abs=1e-12)
    assert difference["same_events"] is True
    assert difference["significance"] == difference["value"] / difference["error"]
    # The slow twin: AUC of both on bootstrap replicas of the same events.
    columns = [ParquetReader(f"{run}/predictions/test.parquet").read() for run in runs[:2]]
    one, two = ({name: values[np.argsort(c["event_number"])] for name, values in c.items()} for c in columns)
    generator = np.random.default_rng(1)
    gaps = []
    for _ in range(150):
        weight = one["weight"] * generator.poisson(1.0, len(one["weight"]))
        gaps.append(auc(two["score"], one["target"], weight).value - auc(one["score"], one["target"], weight).value)
    assert difference["error"] == pytest.approx(np.std(gaps), rel=0.25)
    constant, calibration = (rows["test", name]["differences"][0] for name in ("accuracy_of_constant", "calibration_error"))
    assert constant == {"value": pytest.approx(0, abs=1e-12), "error": 0.0, "significance": None, "same_events": True}
    assert calibration["same_events"] is True
    assert all(
        row["differences"][0]["error"] == 0 for row in fs.compare(runs[0], runs[0])["metrics"] if row["part"] == "test"
    )
    independent = np.hypot(row["first"]["error"], row["second"]["error"])
    assert difference["error"] < 0.9 * independent
    # Training events are not kept.
    (training,) = rows["train", "auc"]["differences"]
    assert training["same_events"] is False


def test_runs_on_other_events_have_independent_errors(runs):
    found = fs.compare(runs[0], runs[2])
    rows = {(row["part"], row["name"]): row for row in found["metrics"]}
    # Another split of the training file: other validation events; the test file is the same.
    (val,), (test,) = rows["val", "auc"]["differences"], rows["test", "auc"]["differences"]
    assert (val["same_events"], test["same_events"]) == (False, True)
    one, other = rows["val", "auc"]["values"]
    assert val["error"] == pytest.approx(np.hypot(one["error"], other["error"]))


def test_an_absurd_error_in_a_file_is_compared_all_the_same(runs):
    place = Path(runs[0]) / "metrics.json"
    tree = json.loads(place.read_text())
    tree["val"]["auc"]["error"] = 1e300
    place.write_text(json.dumps(tree))
    (Path(runs[0]) / "manifest.json").unlink()
    rows = {(row["part"], row["name"]): row for row in fs.compare(runs[0], runs[2])["metrics"]}
    assert rows["val", "auc"]["differences"][0]["error"] == 1e300


@pytest.mark.parametrize("column", ["weight", "target", "event_number", "sum"])
def test_events_that_differ_in_anything_are_not_paired(runs, column):
    place = Path(runs[1]) / "predictions" / "test.parquet"
    columns = ParquetReader(str(place)).read()
    columns[column] = columns[column].copy()
    columns[column][0] = columns[column].max() + 1 if column != "target" else 1 - columns[column][0]
    pyarrow.parquet.write_table(pyarrow.table(columns), place)
    rows = {(row["part"], row["name"]): row for row in fs.compare(*runs[:2])["metrics"]}
    (difference,) = rows["test", "auc"]["differences"]
    assert difference["same_events"] is False


def test_the_page_has_settings_metrics_and_curves(runs, command):
    code, out, err = command("compare", *runs, "--html", "all.html")
    assert (code, out.splitlines()[-1]) == (0, "all.html"), err
    assert command("compare", *runs, "--html", "all.html")[0] == 0  # its own page may be made again
    Path("mine.html").write_text("<p>mine</p>")
    for name, said in (("mine.html", "mine.html exists already"), ("my.yaml", "my.yaml does not end in .html")):
        code, _, err = command("compare", *runs, "--html", name)
        assert (code, said in err) == (2, True)
    assert Path("mine.html").read_text() == "<p>mine</p>"
    html = Path("all.html").read_text()
    for text in ("train.epochs", "test auc", 'id="learning-curves"', 'id="roc"', "Content-Security-Policy"):
        assert text in html
    assert "plots/" not in html.replace("data-png", "")
    code, out, _ = command("compare", *runs[:2], "--json")
    assert code == 0
    assert json.loads(out)["judged"] == "test"


def test_the_result_of_folds_stands_beside_that_of_test_events(toy, command, undrawn):
    first = command("run", toy)[1].splitlines()[-1]
    folds = command("run", toy, "--set", "split.folds=2", "--set", "samples.test=null")[1].splitlines()[-1]
    found = fs.compare(first, folds)
    assert found["judged"] == "test / folds"
    (row,) = (row for row in found["metrics"] if (row["part"], row["name"]) == ("test / folds", "auc"))
    one, other = (
        json.loads((Path(run) / "metrics.json").read_text())[part]["auc"]
        for run, part in ((first, "test"), (folds, "folds"))
    )
    assert row["values"] == [one, other]
    assert row["differences"][0]["value"] == pytest.approx(other["value"] - one["value"])
    assert row["differences"][0]["error"] == pytest.approx(np.hypot(one["error"], other["error"]))
    assert not row["differences"][0]["same_events"]
    assert found["not_compared"] == ["val"]
    code, out, _ = command("compare", first, folds, "--html", "page.html")
    assert (code, "test / folds auc" in out) == (0, True)
    assert "test / folds" in Path("page.html").read_text()
    assert fs.compare(folds, folds)["judged"] == "folds"


def test_runs_on_the_same_test_events_stay_paired_beside_a_run_with_folds(toy, command, undrawn):
    one, two, folds = (
        command("run", toy, *more)[1].splitlines()[-1]
        for more in ((), ("--set", "train.epochs=1"), ("--set", "split.folds=2", "--set", "samples.test=null"))
    )
    found = fs.compare(one, two, folds)
    rows = {(row["part"], row["name"]): row["differences"] for row in found["metrics"]}
    assert rows["test / folds", "auc"][0] == rows["test", "auc"][0]
    assert rows["test / folds", "auc"][0]["same_events"]
    assert not rows["test / folds", "auc"][1]["same_events"]


def test_runs_that_predict_something_else_have_no_differences(toy, command, undrawn):
    swapped = ("--set", "labels.names=[signal, background]", "--set", "labels.variable=1 - label")
    other = [*swapped, "--set", "name=other"]
    first, second = (command("run", toy, *more)[1].splitlines()[-1] for more in ((), other))
    found = fs.compare(first, second)
    (sentence,) = found["incomparable"]
    assert "predicts signal, background and" in sentence
    assert found["metrics"]
    assert all(row["differences"] == [None] and row["difference"] is None for row in found["metrics"])
    code, out, _ = command("compare", first, second, "--html", "page.html")
    assert (code, "differences of their metrics have no meaning" in " ".join(out.split())) == (0, True)
    assert "assumes independent samples" not in out
    assert "predicts signal, background and" in Path("page.html").read_text()
    assert fs.compare(first, first)["incomparable"] == []


def test_other_names_of_the_same_classes_change_nothing(toy, command, undrawn):
    first, second = (
        command("run", toy, *more)[1].splitlines()[-1] for more in ((), ("--set", "labels.names=[others, something]"))
    )
    found = fs.compare(first, second)
    assert found["incomparable"] == []
    rows = {(row["part"], row["name"]): row for row in found["metrics"]}
    assert rows["test", "auc"]["differences"][0]["same_events"]


def numbered_from_zero(toy, replaced):
    """An analysis of a file of each class, without observers and weights."""
    header, *rows = Path("test.csv").read_text().splitlines()
    fields = np.array([row.split(",") for row in rows], float)
    names = header.split(",")
    fields[:, names.index("event")] = np.arange(len(fields))
    samples = {"train": {"files": ["train.csv"]}}
    for label in (0, 1):
        own = fields[fields[:, names.index("label")] == label]
        if label in replaced:
            own[:, names.index("x0")] += 0.5
        name = f"{label}{'-other' if label in replaced else ''}.csv"
        np.savetxt(name, own, delimiter=",", header=header, comments="", fmt=["%d", "%d"] + ["%.9g"] * 4)
        samples[f"of_{label}"] = {"files": [name], "use": "test"}
    tree = yaml.safe_load(toy.read_text())
    del tree["observers"], tree["weights"]
    place = toy.with_name(f"{len(replaced)}.yaml")
    place.write_text(yaml.safe_dump({**tree, "samples": samples}))
    return place


@pytest.mark.parametrize(("replaced", "same"), [([], True), ([1], False), ([0, 1], False)])
def test_files_that_all_count_from_zero_are_not_the_same_events(toy, command, undrawn, replaced, same):
    arguments = ("--set", "train.epochs=1")
    one = command("run", numbered_from_zero(toy, []), *arguments)[1].splitlines()[-1]
    two = command("run", numbered_from_zero(toy, replaced), *arguments, "--set", "train.seed=7")[1].splitlines()[-1]
    rows = {(row["part"], row["name"]): row for row in fs.compare(one, two)["metrics"]}
    assert rows["test", "auc"]["differences"][0]["same_events"] is same


@pytest.mark.parametrize(
    "search", [None, [], {"at": None}, {"at": {"all": None}}, {"at": {"all": {"limit": None, "binned": 3}}}]
)
def test_a_damaged_search_is_left_out(search):
    assert list(_with_searches({"test": {"auc": 1, "search": search}})["test"]) == ["auc", "search"]


def test_limits_on_signals_of_another_size_are_not_subtracted(toy, command, undrawn):
    runs = [
        command("run", toy, "--set", "train.epochs=1", "--set", f"evaluate.search.yields={{background: 500, signal: {n}}}")[
            1
        ].splitlines()[-1]
        for n in (20, 20, 40)
    ]
    found = fs.compare(*runs)
    rows = {row["name"]: row for row in found["metrics"] if row["part"] == "test"}
    same, other = rows["search: expected limit"]["differences"]
    assert same["value"] == 0
    assert other is None
    assert rows["search: expected limit"]["values"][2]["value"] < 0.7 * rows["search: expected limit"]["values"][0]["value"]
    assert rows["auc"]["differences"][1] is not None
    (sentence,) = found["incomparable"]
    assert "evaluate.search.yields" in sentence
    assert runs[2] in sentence
