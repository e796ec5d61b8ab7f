"""The verb `predict`: every event of files scored, in order."""

import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
import yaml

import fivesigma as fs
from fivesigma import plugins
from fivesigma.analysis.section import Section
from fivesigma.baselines.base import INDEX, BaselineKind
from fivesigma.data.write import write_columns

from ..conftest import TREE, Heard, write_csv


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "root", "npz", "h5"])
def test_predict_keeps_every_event_in_order(toy, command, ending):
    command("train", toy)
    code, out, _ = command("predict", "toy", "test.csv", "-o", f"scored.{ending}")
    assert (code, out.splitlines()[-1]) == (0, f"scored.{ending}")
    columns = fs.open_table(f"scored.{ending}").read()
    assert set(columns) == {"event_number", "sum", "score"}
    raw = np.loadtxt("test.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(columns["event_number"], raw[:, 0])
    np.testing.assert_allclose(columns["sum"], raw[:, 2] + raw[:, 3])


def test_event_numbers_of_an_expression_are_written_as_integers(toy, command):
    """Delphes keeps them in a list of one; expressions compute in double precision."""
    for name in ("train", "test"):
        raw = np.loadtxt(f"{name}.csv", delimiter=",", skiprows=1)
        columns = {"label": raw[:, 1], "w": raw[:, 5], **{f"x{i}": raw[:, 2 + i] for i in range(3)}}
        pq.write_table(pa.table({"event": [[int(n)] for n in raw[:, 0]], **columns}), f"{name}.parquet")
    toy.write_text(toy.read_text().replace(".csv", ".parquet").replace("event_number: event", "event_number: event[0]"))
    code, _, err = command("train", toy, "--set", "train.epochs=1")
    assert code == 0, err
    code, _, err = command("predict", "toy", "test.parquet", "-o", "scored.parquet")
    assert code == 0, err
    number = fs.open_table("scored.parquet").read()["event_number"]
    assert number.dtype == np.int64
    np.testing.assert_array_equal(number, raw[:, 0])


@pytest.mark.parametrize("ending", ["parquet", "npz"])
def test_predict_over_several_files_is_the_same_whoever_scores_them(toy, command, ending):
    command("train", toy)
    for i in range(3):
        write_csv(Path(f"part{i}.csv"), 300 + 3_000 * (i == 1), seed=7 + i)
    for workers in (1, 2):
        code, _, err = command("predict", "toy", "part*.csv", "part0.csv", "-o", f"{workers}.{ending}", "-j", workers)
        assert code == 0, err
    assert Path(f"1.{ending}").read_bytes() == Path(f"2.{ending}").read_bytes()
    assert len(fs.open_table(f"2.{ending}").read()["score"]) == 4_200
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


def test_scores_do_not_depend_on_how_many_events_are_scored_at_a_time(toy, command, monkeypatch):
    command("train", toy)
    write_csv(Path("many.csv"), 5000)
    for rows in (1 << 16, 1024, 300):
        monkeypatch.setattr("fivesigma.deployment.scoring.ROWS", rows)
        command("predict", "toy", "many.csv", "-o", f"{rows}.parquet")
    expected = fs.open_table("65536.parquet").read()
    for rows in (1024, 300):
        found = fs.open_table(f"{rows}.parquet").read()
        np.testing.assert_array_equal(found["event_number"], expected["event_number"])
        np.testing.assert_allclose(found["score"], expected["score"], atol=1e-6)


def test_an_interrupted_prediction_leaves_no_file_and_no_thread(toy, command, monkeypatch):
    command("train", toy)
    write_csv(Path("many.csv"), 5000)
    monkeypatch.setattr("fivesigma.deployment.scoring.ROWS", 300)

    class Interrupting(fs.progress.Listener):
        def progress(self, done, total, text):
            if done > 1000:
                raise KeyboardInterrupt

    before = {thread.name for thread in threading.enumerate()}
    with pytest.raises(KeyboardInterrupt):
        fs.predict("toy", "many.csv", "scored.parquet", listener=Interrupting())
    assert [path for path in Path().iterdir() if "scored" in path.name] == []
    left = {thread.name for thread in threading.enumerate()} - before
    assert not [name for name in left if name.startswith(("ahead", "side-by-side"))]


def test_a_file_that_cannot_be_scored_beside_others_leaves_nothing(toy, command):
    command("train", toy)
    write_csv(Path("good.csv"), 50)
    Path("bad.csv").write_text(Path("good.csv").read_text() + "1,2,three,4,5,6\n")
    code, _, err = command("predict", "toy", "good.csv", "bad.csv", "-o", "scored.parquet", "--workers", 2)
    assert code == 2
    assert "bad.csv" in err
    assert [path for path in Path().iterdir() if "scored" in path.name] == []


def test_observers_that_not_all_files_have_are_left_out_and_said(toy, command):
    command("train", toy, "--set", "observers=[sum, w, x2]", "--set", "train.epochs=1")
    rows = fs.open_table("test.csv").read()
    for name, kept in (("all.parquet", list(rows)), ("some.parquet", [n for n in rows if n != "w"])):
        pq.write_table(pa.table({key: rows[key] for key in kept}), name)
    for files in ("all.parquet", "some.parquet"), ("some.parquet", "all.parquet"):
        Path("out.parquet").unlink(missing_ok=True)
        code, out, err = command("predict", "toy", *files, "-o", "out.parquet")
        assert code == 0, err
        assert "not in some.parquet, so left out: w" in out
        columns = fs.open_table("out.parquet").read()
        assert {"sum", "x2", "score"} <= set(columns)
        assert "w" not in columns
        np.testing.assert_allclose(columns["x2"], np.tile(rows["x2"], 2))


def test_columns_to_keep_are_found_by_name(toy, command):
    command("train", toy, "--set", "train.epochs=1")
    rows = fs.open_table("test.csv").read()
    for name, kept in (("a.parquet", list(rows)), ("b.parquet", list(rows)[::-1])):
        pq.write_table(pa.table({key: rows[key] for key in kept}), name)
    assert command("predict", "toy", "a.parquet", "b.parquet", "-o", "out.parquet", "--keep")[0] == 0
    found = fs.open_table("out.parquet").read()
    for name in ("x0", "x1", "w"):
        np.testing.assert_array_equal(found[name], np.tile(rows[name], 2))


def test_a_file_without_events_has_no_friend_and_stops_no_other(toy, command):
    command("train", toy, "--set", "train.epochs=1")
    rows = fs.open_table("test.csv").read()
    for name, count in (("a", 20), ("empty", 0), ("z", 30)):
        pq.write_table(pa.table({key: values[:count] for key, values in rows.items()}), f"{name}.parquet")
    code, out, err = command("predict", "toy", "a.parquet", "empty.parquet", "z.parquet", "-o", "friends", "--friend")
    assert code == 0, err
    assert "empty.parquet has no events, so there is no friends/empty.parquet" in out
    assert sorted(path.name for path in Path("friends").glob("*.parquet")) == ["a.parquet", "z.parquet"]


def test_a_damaged_file_stops_the_friends_of_no_other(toy, command):
    command("train", toy, "--set", "train.epochs=1")
    rows = fs.open_table("test.csv").read()
    for name in "abz":
        pq.write_table(pa.table(rows), f"{name}.parquet")
    whole = Path("b.parquet").read_bytes()
    Path("b.parquet").write_bytes(whole[: len(whole) // 2])
    arguments = ("predict", "toy", "a.parquet", "b.parquet", "z.parquet", "-o", "friends", "--friend")
    code, out, err = command(*arguments)
    assert code == 2
    assert "warning: b.parquet is not scored" in out
    assert "1 of 3 files are not scored: b.parquet" in " ".join(err.split())
    assert sorted(path.name for path in Path("friends").glob("*.parquet")) == ["a.parquet", "z.parquet"]
    Path("b.parquet").write_bytes(whole)
    code, out, err = command(*arguments)
    assert code == 0, err
    assert "there already: friends/a.parquet" in out
    assert sorted(path.name for path in Path("friends").glob("*.parquet")) == ["a.parquet", "b.parquet", "z.parquet"]
    code, _, err = command("predict", "toy", "gone.parquet", "-o", "more", "--friend")
    assert code == 2
    assert "gone.parquet" in err


FOLDS = [["train", "toy.yaml", "--set", "split.folds=3"], ["run", "toy.yaml", "--set", "split.folds=3"]]


def test_a_cluster_that_does_not_answer_is_one_sentence(toy, command, monkeypatch):
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr("fivesigma.cluster.dask.ANSWER_WITHIN", 0.5)
    code, _, err = command("simulate", "muons", "-n", 10, "-o", "muons.npz", "--cluster", "tcp://127.0.0.1:1")
    assert code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in err
    assert [path for path in Path().iterdir() if "muons" in path.name] == []


@pytest.mark.parametrize(
    "verb", [["tune", "toy.yaml", "--set", "tune.space={train.batch_size: {choice: [32, 64]}}"], *FOLDS]
)
def test_a_cluster_that_does_not_answer_is_found_before_the_events_are_read(toy, command, monkeypatch, verb):
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr("fivesigma.cluster.dask.ANSWER_WITHIN", 0.5)
    code, _, err = command(*verb, "--cluster", "tcp://127.0.0.1:1")
    assert code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in err
    assert not list(Path().glob("runs/*/*"))


@pytest.mark.parametrize(
    "verb", [["train", "toy.yaml"], ["run", "toy.yaml"], ["explore", "toy.yaml"], ["prepare", "toy.yaml", "-o", "p"]]
)
def test_a_cluster_with_nothing_to_do_is_refused(toy, command, verb):
    code, _, err = command(*verb, "--cluster", "tcp://127.0.0.1:1")
    assert code == 2
    assert "nothing here that the workers of tcp://127.0.0.1:1 could share" in err
    assert not list(Path().glob("runs/*/*"))


def raw(path):
    """The rows of a file of `write_csv`, column by column."""
    values = np.loadtxt(path, delimiter=",", skiprows=1)
    return dict(zip(("event", "label", "x0", "x1", "x2", "w"), values.T, strict=True))


def predicted(run, *files, **options):
    """What predict says about files, and the scored columns."""
    listener = Heard()
    out = Path(f"scored-{len(list(Path().iterdir()))}.parquet")
    fs.predict(run, [str(file) for file in files], out, listener=listener, **options)
    return listener.lines, fs.open_table(str(out)).read()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A function: (folds, numbered) → a run, its training file and its folder."""
    made = {}

    def run(folds, numbered):
        if (folds, numbered) not in made:
            folder = tmp_path_factory.mktemp("run")
            write_csv(folder / "train.csv", 600, seed=1)
            write_csv(folder / "test.csv", 300, seed=2)
            tree = {**TREE, "split": {"folds": folds}, "train": {"epochs": 1}, "model": {"layers": [4]}}
            tree |= {} if numbered else {"event_number": None}
            (folder / "toy.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
            made[folds, numbered] = fs.train(folder / "toy.yaml", output=folder / "runs", workers=1)
        return made[folds, numbered], made[folds, numbered].path.parents[2] / "train.csv"

    return run


def other_line_endings(file, place):
    place.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))


def a_skim(file, place):
    head, *rows = file.read_text().splitlines()
    place.write_text("\n".join([head, *rows[::3]]) + "\n")


def another_format(file, place):
    columns = raw(file)
    columns["event"] = columns["event"].astype(np.int64)
    # The label, the weight and the order are none of what the network sees.
    pq.write_table(pa.table({name: values[::-1] for name, values in columns.items() if name not in ("label", "w")}), place)


def single_precision(file, place):
    columns = raw(file)
    types = {"event": columns["event"].astype(np.int64)}
    types |= {name: columns[name].astype(np.float32) for name in ("x0", "x1", "x2")}
    with uproot.recreate(place) as root:
        root.mktree("Events", {name: values.dtype for name, values in types.items()}).extend(types)


def fewer_digits(file, place):
    columns = raw(file)
    np.savetxt(
        place,
        np.column_stack([columns[name] for name in ("event", "x0", "x1", "x2")]),
        delimiter=",",
        header="event,x0,x1,x2",
        comments="",
        fmt=["%d", "%.8g", "%.8g", "%.8g"],
    )


WAYS = [
    (other_line_endings, "csv"),
    (a_skim, "csv"),
    (another_format, "parquet"),
    (single_precision, "root"),
    (fewer_digits, "csv"),
]


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(("way", "ending"), WAYS)
def test_training_events_are_known_in_any_file_and_scored_out_of_fold(runs, command, numbered, way, ending):
    run, file = runs(3, numbered)
    place = Path(f"other.{ending}")
    way(file, place)
    said, columns = predicted(run, place)
    _, wanted = predicted(run, file)
    events, numbers = raw(file), fs.open_table(str(place)).read(["event"])["event"]
    order = (numbers - events["event"][0]).astype(int)
    slack = 15 if way is fewer_digits else 0  # so many values lie at the edge of what counts as the same
    assert (columns["fold"] != wanted["fold"][order]).sum() <= (0 if numbered else slack)
    same = columns["fold"] == wanted["fold"][order]
    np.testing.assert_allclose(columns["score"][same], wanted["score"][order][same], atol=1e-5)
    assert (wanted["fold"] > 0).all()
    (line,) = [line for line in said if "trained on" in line]
    found = re.fullmatch(
        r"(\d+) of (\d+) events of other\.\w+ were trained on or validated with.*: each of them is scored by .*", line
    )
    assert int(found[2]) == len(order)
    assert len(order) - int(found[1]) <= slack


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(("way", "ending"), WAYS)
def test_training_events_are_known_in_any_file_and_warned_of(runs, command, numbered, way, ending):
    run, file = runs(None, numbered)
    place = Path(f"other.{ending}")
    way(file, place)
    said, columns = predicted(run, place)
    (line,) = [line for line in said if "trained on" in line]
    found = re.fullmatch(r"warning: (\d+) of (\d+) events of other\.\w+ were trained on or validated with: .*", line)
    assert int(found[2]) == len(columns["score"])
    assert int(found[2]) - int(found[1]) <= (15 if way is fewer_digits else 0)


@pytest.mark.parametrize("folds", [3, None])
@pytest.mark.parametrize("numbered", [True, False])
def test_new_events_are_known_to_be_new(runs, command, folds, numbered):
    run, file = runs(folds, numbered)
    write_csv(Path("new.csv"), 200, seed=5)
    said, columns = predicted(run, "new.csv", file, file.parent / "test.csv", workers=2 if folds and numbered else 1)
    (line,) = [line for line in said if "trained on" in line]
    assert "600 of 1,100 events were trained on or validated with (new.csv: none of 200, " in line
    assert f"{file}: 600 of 600" in line
    said, columns = predicted(run, "new.csv")
    assert [line for line in said if "trained on" in line] == ["none of the 200 events of new.csv was trained on"]
    if folds:
        assert (columns["fold"] == 0).all()


def test_other_events_of_the_same_numbers_are_told_from_training_events(runs, command):
    """Samples are numbered independently: a number alone makes no warning, and any network may score such an event."""
    write_csv(Path("new.csv"), 200, seed=5)
    head, *rows = Path("new.csv").read_text().splitlines()
    rows = [f"{10_000 + i},{row.partition(',')[2]}" for i, row in enumerate(rows)]
    Path("same.csv").write_text("\n".join([head, *rows]) + "\n")
    said, _ = predicted(runs(None, True)[0], "same.csv")
    (line,) = [line for line in said if "trained on" in line]
    assert line == (
        "none of the 200 events of same.csv was trained on, but 200 have the number of a training event and other inputs"
    )
    said, columns = predicted(runs(3, True)[0], "same.csv")
    (line,) = [line for line in said if "trained on" in line]
    assert "200 of 200 events of same.csv have the number of a training event and other inputs" in line
    assert (columns["fold"] > 0).all()


@pytest.mark.parametrize("first", [0, 50_000])
def test_events_with_new_numbers_are_known_by_their_content(runs, command, first):
    """After a skim, rows are often numbered anew: with numbers that other training events have, or with others."""
    run, file = runs(3, True)
    head, *rows = file.read_text().splitlines()
    kept, known = rows[1::2], int(rows[0].partition(",")[0])
    numbered = [f"{(first or known) + i},{row.partition(',')[2]}" for i, row in enumerate(kept)]
    Path("skim.csv").write_text("\n".join([head, *numbered]) + "\n")
    said, columns = predicted(run, "skim.csv")
    _, wanted = predicted(run, file)
    np.testing.assert_array_equal(columns["fold"], wanted["fold"][1::2])
    (line,) = [line for line in said if "trained on" in line]
    what = "have the inputs of a training event and another number" if first else "were trained on or validated with"
    assert line.startswith(f"300 of 300 events of skim.csv {what}: each of them is scored by the fold")
    said, _ = predicted(runs(None, True)[0], "skim.csv")
    (line,) = [line for line in said if "trained on" in line or "training event" in line]
    if first:
        assert line == (
            "warning: 300 of 300 events of skim.csv have the inputs of a training event and another number: if they are the "
            "same events, their scores are better than those of new events"
        )
    else:
        assert line.startswith("warning: 300 of 300 events of skim.csv were trained on or validated with: ")


def test_a_file_without_numbers_is_known_by_its_content(runs, command):
    run, file = runs(3, True)
    columns = raw(file)
    pq.write_table(pa.table({name: columns[name] for name in ("x0", "x1", "x2")}), "bare.parquet")
    _, found = predicted(run, "bare.parquet")
    _, wanted = predicted(run, file)
    np.testing.assert_array_equal(found["fold"], wanted["fold"])


def test_a_run_of_before_knows_its_files_and_says_what_it_cannot_know(runs, command):
    run, file = runs(3, True)
    kept = (run.path / "trained_on.npz").read_bytes()
    _, wanted = predicted(run, file)
    (run.path / "trained_on.npz").unlink()
    try:
        said, found = predicted(run, file)
    finally:
        (run.path / "trained_on.npz").write_bytes(kept)
    np.testing.assert_array_equal(found["fold"], wanted["fold"])
    assert any("trained on, so each event is scored by the fold" in line for line in said)


def test_what_a_run_remembers_is_small(runs):
    run, _ = runs(3, True)
    assert (run.path / "trained_on.npz").stat().st_size < 600 * 12 + 3000


def test_tree_format_and_column_names_of_the_samples_hold_for_new_files(command):
    for name in ("train.events", "new.events"):
        write_csv(Path(name), 300, seed=len(name))
        Path(name).write_text("".join(Path(name).read_text().splitlines(keepends=True)[1:]))
    tree = {**TREE, "columns": ["event", "label", "x0", "x1", "x2", "w"], "observers": [], "train": {"epochs": 1}}
    tree["samples"] = {"all": {"files": "train.events", "format": "csv"}}
    Path("t.yaml").write_text(yaml.safe_dump(tree))
    assert command("train", "t.yaml")[0] == 0
    code, _, err = command("predict", "toy", "new.events", "-o", "a.parquet")
    assert code == 0, err
    Path("new.events").rename("new")
    assert command("predict", "toy", "new", "-o", "b.parquet")[0] == 0
    a, b = (fs.open_table(f"{name}.parquet").read(["score"])["score"] for name in "ab")
    np.testing.assert_array_equal(a, b)
    columns = {f"c{i}": values for i, values in enumerate(np.loadtxt("new", delimiter=",").T)}
    np.savez("new.npz", m=np.stack(list(columns.values()), axis=1))
    code, _, err = command("predict", "toy", "new.npz", "-o", "c.parquet", "--columns", "m=event,label,x{0..2},w")
    assert code == 0, err
    np.testing.assert_allclose(fs.open_table("c.parquet").read(["score"])["score"], a, atol=1e-6)
    Path("new").rename("new.parquet")
    code, _, err = command("predict", "toy", "new.parquet", "-o", "d.parquet", "--format", "csv", "--columns", "a,b")
    assert (code, "`columns` names 2" in err) == (2, True)
    assert command("predict", "toy", "new.parquet", "-o", "d.parquet", "--format", "csv")[0] == 0


def test_a_tree_of_a_sample_is_the_tree_of_new_files(command):
    for name in ("train.root", "new.root"):
        write_csv(Path("t.csv"), 300, seed=len(name))
        with uproot.recreate(name) as file:
            for tree in ("Events", "Others"):
                columns = raw("t.csv")
                columns["event"] = columns["event"].astype(np.int64)
                file.mktree(tree, {name: values.dtype for name, values in columns.items()}).extend(columns)
    tree = {**TREE, "samples": {"all": {"files": "train.root", "treename": "Events"}}, "train": {"epochs": 1}}
    Path("t.yaml").write_text(yaml.safe_dump(tree))
    assert command("train", "t.yaml")[0] == 0
    assert command("predict", "toy", "new.root", "-o", "a.csv")[0] == 0
    assert command("predict", "toy", "new.root", "-o", "b.csv", "--treename", "Others")[0] == 0
    code, _, err = command("predict", "toy", "new.root", "-o", "c.csv", "--treename", "Other")
    assert (code, "did you mean 'Others'" in err) == (2, True)


def test_names_of_written_columns_can_be_used_again(command):
    columns = raw(write_csv(Path("t.csv"), 300))
    columns = {"Jets/Jets.pt": columns["x0"], "Jets.Jets.pt": columns["x1"], "x": columns["x2"], "label": columns["label"]}
    pq.write_table(pa.table(columns), "t.parquet")
    tree = {**TREE, "samples": {"s": {"files": "t.parquet"}}, "features": ["Jets/Jets.pt", "`Jets.Jets.pt` * 2", "x"]}
    tree |= {"labels": {"variable": "label", "names": ["t t", "t/W"]}, "new_variables": {}, "weights": None}
    tree |= {"observers": ["Jets/Jets.pt", "Jets.Jets.pt", "1 * x", "score"], "event_number": None}
    tree["new_variables"] = {"score": "x + 1"}
    Path("t.yaml").write_text(yaml.safe_dump({**tree, "train": {"epochs": 1}}))
    code, _, err = command("train", "t.yaml")
    assert code == 0, err
    code, _, err = command("predict", "toy", "t.parquet", "-o", "out.root")
    assert code == 0, err
    found = fs.open_table("out.root").read()
    assert list(found) == ["Jets_Jets_pt", "Jets_Jets_pt_2", "_1_x", "score_2", "score"]
    np.testing.assert_allclose(found["Jets_Jets_pt"], columns["Jets/Jets.pt"])
    np.testing.assert_allclose(found["Jets_Jets_pt_2"], columns["Jets.Jets.pt"])
    np.testing.assert_allclose(found["score_2"], columns["x"] + 1)


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["W+", "W-", "Z"], ["score_Wplus", "score_Wminus", "score_Z"]),
        (["a b", "a/b", "a"], ["score_a_b", "score_a_b_2", "score_a"]),
    ],
)
def test_classes_that_differ_in_punctuation_alone_keep_their_scores(command, names, written):
    columns = raw(write_csv(Path("t.csv"), 300))
    columns = {f"x{i}": columns[f"x{i}"] for i in range(3)} | {"kind": np.arange(len(columns["x0"])) % 3}
    pq.write_table(pa.table(columns), "t.parquet")
    tree = {"name": "three", "samples": {"s": {"files": "t.parquet"}}, "features": ["x*"], "model": {"layers": [4]}}
    tree |= {"labels": {"variable": "kind", "names": names}, "train": {"epochs": 1}}
    Path("t.yaml").write_text(yaml.safe_dump(tree))
    assert command("train", "t.yaml")[0] == 0
    code, _, err = command("predict", "three", "t.parquet", "-o", "out.root")
    assert code == 0, err
    found = fs.open_table("out.root").read()
    assert [name for name in found if name.startswith("score")] == written
    np.testing.assert_allclose(sum(found[name] for name in written), 1, rtol=1e-5)
    order = np.argmax([found[name] for name in written], axis=0)
    np.testing.assert_array_equal(order, found["predicted_class"])


class OwnSettings(Section):
    kind: Literal["own"] = "own"


@dataclass(frozen=True)
class OwnModel:
    """Scores by the last feature alone, from 0 to 1."""

    columns: tuple[str, ...]
    middle: float

    def score(self, features, parameters=None):
        return (1 / (1 + np.exp(self.middle - features[:, -1]))).astype(np.float32)

    def save(self, place):
        place.write_json(INDEX, {"kind": "own", "columns": list(self.columns), "middle": self.middle})

    def describe(self):
        return ""


class OwnKind(BaselineKind):
    name = "own"
    settings = OwnSettings

    def title(self, settings):
        return "the last feature"

    def fit(self, settings, learning):
        train = learning.parts["train"]
        return OwnModel(train.feature_names, float(train.features[:, -1].mean()))

    def load(self, place):
        tree = place.read_json(INDEX)
        return OwnModel(tuple(tree["columns"]), tree["middle"])


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("folds", [None, 2])
def test_any_baseline_scores_new_files_by_its_name_as_in_the_evaluation(toy, command, monkeypatch, folds):
    pytest.importorskip("lightgbm", reason="the extra `trees` is not installed")
    monkeypatch.setitem(plugins.baselines.registered, "own", OwnKind())
    other = {**TREE, "name": "other", "features": ["x0 * x1", "x2"], "train": {"epochs": 1}, "model": {"layers": [4]}}
    Path("other.yaml").write_text(yaml.safe_dump(other))
    baselines = {
        "table": {"kind": "lookup_table", "address": {"x2": 3, "x0": 3}},
        "trees": {"kind": "boosted_trees", "rounds": 5, "features": ["x2", "x0"]},
        "plain": {"kind": "own"},
        "small": {"kind": "network", "analysis": str(toy.parent / "other.yaml")},
    }
    run = fs.run(toy, {"baselines": baselines, "split.folds": folds, "train.epochs": 1}, workers=1)
    parts = {"test.csv": "test"} | ({"train.csv": "folds"} if folds else {})
    for file, part in parts.items():
        expected = run.predictions(part)
        for name in ("network", *baselines):
            _, columns = predicted(run, file, model=name)
            wanted = expected["score" if name == "network" else f"score_{name}"]
            np.testing.assert_allclose(columns["score"], wanted, atol=1e-6, err_msg=f"{name} {file}")
            np.testing.assert_array_equal(columns["event_number"], expected["event_number"])
            np.testing.assert_allclose(columns["sum"], expected["sum"])
    code, _, err = command("predict", run.path, "test.csv", "-o", "out.csv", "--model", "tabel")
    assert (code, "the run has no model 'tabel'; did you mean 'table'?" in err) == (2, True)
    code, _, err = command("predict", run.path, "test.csv", "-o", "out.csv", "-m", "table")
    assert code == 0, err
    (next(path for path in (run.path / "baselines" / "plain").rglob("baseline.json"))).unlink()
    code, _, err = command("predict", run.path, "test.csv", "-o", "none.csv", "-m", "plain")
    assert (code, "'plain' of the run" in err, "is not trained" in err) == (2, True, True)


def test_events_of_a_prepared_folder_are_known(toy, command):
    assert command("prepare", toy, "-o", "shards", "--shards", "2")[0] == 0
    code, _, err = command("train", toy, "--set", "shards=shards", "--set", "train.epochs=1")
    assert code == 0, err
    code, out, _ = command("predict", "toy", "train.csv", "test.csv", "-o", "out.parquet", "-j", "1")
    assert code == 0
    assert (
        "1,500 of 2,000 events were trained on or validated with (train.csv: 1,500 of 1,500, test.csv: none of 500)"
        in " ".join(out.split())
    )


def test_columns_that_are_missing_leave_the_number_to_decide(toy, command):
    """A baseline of fewer features scores a file that has no more: its events are known by their numbers."""
    baselines = {"small": {"kind": "boosted_trees", "rounds": 2, "features": ["x0", "x2"]}}
    pytest.importorskip("lightgbm", reason="the extra `trees` is not installed")
    run = fs.train(toy, {"baselines": baselines, "train.epochs": 1}, workers=1)
    columns = raw("train.csv")
    pq.write_table(pa.table({name: columns[name] for name in ("event", "x0", "x2")}), "few.parquet")
    said, found = predicted(run, "few.parquet", model="small")
    assert any(
        line.startswith("warning: 1,500 of 1,500 events of few.parquet were trained on or validated with") for line in said
    )
    assert len(found["score"]) == 1500


def test_friends_have_the_rows_of_their_files_and_are_made_once(toy, command):
    command("train", toy, "--set", "train.epochs=1")
    write_csv(Path("a.csv"), 300, seed=5)
    write_csv(Path("b.csv"), 200, seed=6)
    before = Path("a.csv").read_bytes()
    code, out, err = command("predict", "toy", "a.csv", "b.csv", "-o", "scores", "--friend")
    assert (code, err, out.splitlines()[-1]) == (0, "", "scores")
    assert "none of the 500 events was trained on" in out
    for name, count in (("a", 300), ("b", 200)):
        found = fs.open_table(f"scores/{name}.csv").read()
        assert set(found) == {"event_number", "score"}
        raw = np.loadtxt(f"{name}.csv", delimiter=",", skiprows=1)
        np.testing.assert_array_equal(found["event_number"], raw[:, 0])
        assert len(raw) == count
    assert Path("a.csv").read_bytes() == before
    first = Path("scores/a.csv").stat().st_mtime_ns
    Path("scores/b.csv").unlink()  # as after a kill
    code, out, _ = command("predict", "toy", "a.csv", "b.csv", "-o", "scores", "--friend")
    assert (code, "there already: scores/a.csv" in out, "scored 200 events" in out) == (0, True, True)
    assert Path("scores/a.csv").stat().st_mtime_ns == first


def test_friends_replace_nothing(toy, command):
    command("train", toy, "--set", "train.epochs=1")
    write_csv(Path("a.csv"), 50, seed=5)
    code, _, err = command("predict", "toy", "a.csv", "-o", ".", "--friend")
    assert (code, "the scores of a.csv would replace it" in err) == (2, True)
    Path("other").mkdir()
    write_csv(Path("other/a.csv"), 60, seed=6)
    code, _, err = command("predict", "toy", "a.csv", "other/a.csv", "-o", "scores", "--friend")
    assert (code, "two files are called a.csv" in err) == (2, True)
    code, _, err = command("predict", "toy", "a.csv", "-o", "other", "--friend")
    assert (code, "other/a.csv exists already" in err) == (2, True)
    assert command("predict", "toy", "a.csv", "-o", "scores", "--friend")[0] == 0
    command("train", toy, "--set", "train.epochs=2")
    code, _, err = command("predict", "toy", "a.csv", "-o", "scores", "--friend")
    assert (code, "scores holds scores of another network" in err) == (2, True)


def test_friends_are_those_of_their_own_file(toy, command):
    command("train", toy, "--set", "train.epochs=1")
    write_csv(Path("a.csv"), 50, seed=5)
    Path("other").mkdir()
    write_csv(Path("other/a.csv"), 50, seed=6)
    assert command("predict", "toy", "a.csv", "-o", "scores", "--friend")[0] == 0
    before = Path("scores/a.csv").read_bytes()
    code, _, err = command("predict", "toy", "other/a.csv", "-o", "scores", "--friend")
    assert (code, "scores/a.csv holds the scores of another file" in " ".join(err.split())) == (2, True)
    write_csv(Path("a.csv"), 50, seed=7)  # made again
    assert command("predict", "toy", "a.csv", "-o", "scores", "--friend")[0] == 2
    assert Path("scores/a.csv").read_bytes() == before
    Path("scores/a.csv").unlink()
    assert command("predict", "toy", "a.csv", "-o", "scores", "--friend")[0] == 0
    assert command("predict", "toy", "a.csv", "-o", "scores", "--friend")[0] == 0
    with uproot.recreate("b.root") as file:
        rows = np.genfromtxt("a.csv", delimiter=",", names=True)
        file["Events"] = {name: rows[name] for name in rows.dtype.names}
    assert command("predict", "toy", "b.root", "-o", "scores", "--friend")[0] == 0
    code, out, _ = command("predict", "toy", "b.root:Events", "-o", "scores", "--friend")  # its only tree
    assert (code, "there already: scores/b.root" in out) == (0, True)
    for damaged in ("[]", "{", '{"files": 3}', '{"files": {"a.csv": 3}}'):
        Path("scores/scored-by.json").write_text(damaged)
        code, _, err = command("predict", "toy", "a.csv", "-o", "scores", "--friend")
        assert (code, "scored-by.json is damaged" in " ".join(err.split())) == (2, True)


@pytest.mark.parametrize("ending", ["parquet", "root", "csv"])
def test_all_columns_of_the_files_are_kept(toy, command, ending):
    run = command("run", toy)[1].splitlines()[-1]
    fs.predict(run, ["test.csv", "train.csv"], f"alone.{ending}", workers=1)
    code, _out, _ = command("predict", run, "test.csv", "train.csv", "-o", f"kept.{ending}", "--keep")
    assert code == 0
    alone, kept = (fs.open_table(f"{name}.{ending}").read() for name in ("alone", "kept"))
    table = np.concatenate([np.genfromtxt(name, delimiter=",", names=True) for name in ("test.csv", "train.csv")])
    assert set(kept) == {*alone, "event", "label", "x0", "x1", "x2", "w"}
    for name in ("event", "label", "x0", "x1", "x2", "w"):
        np.testing.assert_allclose(kept[name], table[name], rtol=1e-9)
    for name in alone:
        np.testing.assert_array_equal(kept[name], alone[name])


def test_kept_columns_yield_their_name_and_lists_are_left_out(toy, command):
    run = command("run", toy)[1].splitlines()[-1]
    rows = np.genfromtxt("test.csv", delimiter=",", names=True)
    columns = {name: pa.array(rows[name]) for name in rows.dtype.names}
    columns |= {"score": pa.array(np.arange(len(rows))), "jets": pa.array([[1.0, 2.0]] * len(rows))}
    columns |= {"flag": pa.array(rows["x0"] > 0)}
    pq.write_table(pa.table(columns), "new.parquet")
    code, out, _ = command("predict", run, "new.parquet", "-o", "kept.parquet", "--keep")
    assert code == 0
    assert "not one number for each event in new.parquet, so left out: jets" in out
    kept = fs.open_table("kept.parquet").read()
    np.testing.assert_array_equal(kept["score_2"], np.arange(len(rows)))
    assert kept["score_2"].dtype == np.int64
    assert kept["flag"].dtype == np.bool_
    assert kept["score"].min() > 0
    assert kept["score"].max() < 1
    assert command("predict", run, "new.parquet", "-o", "friends", "--keep", "--friend")[0] == 2
    pq.write_table(pa.table({name: values for name, values in columns.items() if name != "w"}), "other.parquet")
    code, _, err = command("predict", run, "new.parquet", "other.parquet", "-o", "both.parquet", "--keep")
    assert code == 2
    assert "other.parquet has other columns than new.parquet, such as 'w'" in err


def test_a_kept_observer_keeps_its_type_and_its_marker_of_missing_values(toy, command):
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "missing_values": [-999]}))
    run = command("train", toy, "--set", "train.epochs=1", "-q")[1].strip()
    rows = np.genfromtxt("test.csv", delimiter=",", names=True)
    jets = np.where(np.arange(len(rows)) % 3, 2, -999).astype(np.int32)
    pq.write_table(pa.table({**{n: rows[n] for n in rows.dtype.names}, "jets": jets}), "new.parquet")
    place = Path(run) / "analysis.yaml"
    tree = yaml.safe_load(place.read_text())
    place.write_text(yaml.safe_dump({**tree, "observers": [*tree["observers"], "jets"]}))
    (Path(run) / "manifest.json").unlink()
    assert command("predict", run, "new.parquet", "-o", "kept.parquet", "--keep")[0] == 0
    kept = fs.open_table("kept.parquet").read()
    assert kept["jets"].dtype == np.int32
    np.testing.assert_array_equal(kept["jets"], jets)
    assert command("predict", run, "new.parquet", "-o", "plain.parquet")[0] == 0
    observed = fs.open_table("plain.parquet").read()
    assert np.isnan(observed["jets"][0])
    np.testing.assert_array_equal(observed["sum"], kept["sum"])


def with_masses(path, masses):
    """Add a column of masses to a CSV file."""
    head, *rows = path.read_text().splitlines()
    lines = [f"{row},{mass}" for row, mass in zip(rows, np.resize(masses, len(rows)), strict=True)]
    path.write_text("\n".join([f"{head},mass", *lines]) + "\n")
    return path


@pytest.mark.parametrize("others", [("a.csv", "b.csv"), ("b.csv", "a.csv")])
def test_files_with_and_without_the_parameter_are_not_one_table(toy, command, others):
    for name in ("train.csv", "test.csv"):
        with_masses(Path(name), [500, 1000])
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "parameters": {"mass": {"background": "given"}}}))
    run = command("train", toy, "--set", "train.epochs=1", "-q")[1].strip()
    with_masses(write_csv(Path("a.csv"), 50, seed=4), [500])
    write_csv(Path("b.csv"), 50, seed=5)
    code, _, err = command("predict", run, *others, "-o", "both.csv")
    assert code == 2
    assert "b.csv has no parameter 'mass' and a.csv has it" in " ".join(err.split())
    assert not Path("both.csv").exists()
    code, _, err = command("predict", run, *others, "-o", "both.csv", "--at", "mass=500")
    assert code == 0, err
    assert len(fs.open_table("both.csv").read()["score"]) == 100


def test_the_column_of_a_parameter_keeps_its_type_too(toy, command):
    for name in ("train", "test"):
        with_masses(Path(f"{name}.csv"), [500, 1000])
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "parameters": {"mass": {"background": "given"}}}))
    run = command("train", toy, "--set", "train.epochs=1", "-q")[1].strip()
    raw = np.loadtxt(write_csv(Path("a.csv"), 50, seed=4), delimiter=",", skiprows=1)
    columns = {"event": raw[:, 0].astype(int), **{f"x{i}": raw[:, 2 + i] for i in range(3)}}
    pq.write_table(pa.table({**columns, "mass": np.full(50, 612.34567891)}), "a.parquet")
    for options, dtype, value in ((["--keep"], np.float64, 612.34567891), ([], np.float32, np.float32(612.34567891))):
        code, _, err = command("predict", run, "a.parquet", "-o", f"{dtype.__name__}.parquet", *options)
        assert code == 0, err
        found = fs.open_table(f"{dtype.__name__}.parquet").read()
        assert (found["mass"].dtype, found["mass"][0]) == (dtype, value)
        assert "mass_2" not in found
    np.testing.assert_array_equal(*(fs.open_table(f"{name}.parquet").read()["score"] for name in ("float32", "float64")))


def as_parquet(path, jets, numbers):
    """Events like those of `write_csv`, with a column `jets`."""
    raw = np.loadtxt(write_csv(path.with_suffix(".csv"), len(jets), seed=4), delimiter=",", skiprows=1)
    columns = {"label": raw[:, 1], "w": raw[:, 5], **{f"x{i}": raw[:, 2 + i] for i in range(3)}}
    pq.write_table(pa.table({"event": numbers, "jets": jets, **columns}), path, row_group_size=500)
    return path


@pytest.mark.parametrize(
    ("ending", "workers"), [("parquet", 1), ("root", 1), ("npz", 1), ("csv", 1), ("h5", 1), ("parquet", 2), ("npz", 2)]
)
def test_a_type_that_widens_further_down_changes_no_value(toy, command, monkeypatch, ending, workers):
    monkeypatch.setattr("fivesigma.deployment.scoring.ROWS", 1000)
    monkeypatch.setattr("fivesigma.data.readers.base.CHUNK", 1000)
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "observers": ["jets"]}).replace(".csv", ".parquet"))
    jets, numbers = np.arange(3000) % 7, np.arange(3000, dtype=np.int32)
    for name in ("train", "test"):
        as_parquet(Path(f"{name}.parquet"), pa.array(jets, pa.int32()), numbers + 5000)
    run = command("train", toy, "--set", "train.epochs=1", "-q", "--set", "split.overlap=keep")[1].strip()
    late = pa.array([*jets[:-5].tolist(), None, *jets[-4:].tolist()], pa.int32())
    as_parquet(Path("one.parquet"), late, numbers)
    as_parquet(Path("two.parquet"), pa.array(jets, pa.int32()), numbers.astype(np.int64) + 5 * 10**9)
    code, out, err = command("predict", run, "one.parquet", "two.parquet", "-o", f"out.{ending}", "-j", workers)
    assert code == 0, out + err
    found = fs.open_table(f"out.{ending}").read()
    np.testing.assert_array_equal(found["event_number"], np.concatenate([numbers, numbers.astype(np.int64) + 5 * 10**9]))
    assert np.flatnonzero(np.isnan(found["jets"].astype(float))).tolist() == [2995]
    np.testing.assert_array_equal(np.delete(found["jets"], 2995), np.delete(np.concatenate([jets, jets]), 2995))
    if ending == "npz":
        code, out, err = command("predict", run, "one.parquet", "two.parquet", "-o", "kept.npz", "--keep", "-j", workers)
        assert code == 0, out + err
        kept = fs.open_table("kept.npz").read()
        for name in ("jets", "event_number", "score"):
            np.testing.assert_array_equal(kept[name], found[name])
        assert kept["event"].dtype == np.int64
        np.testing.assert_array_equal(kept["event"], kept["event_number"])


def test_whole_numbers_that_no_type_holds_beside_missing_ones_are_one_sentence(toy, command):
    numbers = np.arange(3000)
    as_parquet(Path("big.parquet"), pa.array([None, *(2**60 + 1 + numbers[1:]).tolist()], pa.int64()), numbers)
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "observers": ["jets"]}).replace(".csv", ".parquet"))
    for name in ("train", "test"):
        as_parquet(Path(f"{name}.parquet"), pa.array(numbers, pa.int64()), numbers + 5000 * (name == "test"))
    run = command("train", toy, "--set", "train.epochs=1", "-q", "--set", "split.overlap=keep")[1].strip()
    code, _, err = command("predict", run, "big.parquet", "-o", "out.parquet")
    assert code == 2
    assert "column 'jets' has missing values and whole numbers above 2⁵³" in " ".join(err.split())


def test_half_precision_is_written_to_root_as_single(tmp_path):
    values = np.array([0.5, 1.5, np.nan], np.float16)
    write_columns(tmp_path / "half.root", [{"x": values}])
    found = uproot.open(tmp_path / "half.root")["Events"]["x"].array(library="np")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values.astype(np.float32))


def test_parameter_values_of_a_file_outside_the_training_range_are_said(toy, command):
    for name in ("train.csv", "test.csv"):
        with_masses(Path(name), [500, 1000])
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "parameters": {"mass": {"background": "given"}}}))
    run = command("train", toy, "--set", "train.epochs=1", "-q")[1].strip()
    new = with_masses(write_csv(Path("new.csv"), 50, seed=4), [-1, 750, 500, 1000, 2000])
    code, out, err = command("predict", run, new, "-o", "new.parquet")
    assert code == 0, err
    said = " ".join(out.split())
    assert "warning: mass is outside the training range 500 … 1000 in 20 of 50 events, such as -1 in new.csv" in said
    np.testing.assert_array_equal(fs.open_table("new.parquet").read()["mass"][:5], [-1, 750, 500, 1000, 2000])
    code, out, _ = command("predict", run, new, "-o", "at.parquet", "--at", "mass=750")
    assert (code, "outside the training range" in out) == (0, False)
    inside = with_masses(write_csv(Path("inside.csv"), 50, seed=5), [499.9999, 1000.0002])
    assert "outside the training range" not in command("predict", run, inside, "-o", "inside.parquet")[1]


def test_a_parameter_without_a_value_is_one_sentence_on_its_option(toy, command):
    run = command("train", toy)[1].splitlines()[-1]
    code, _, err = command("predict", run, "train.csv", "-o", "scores.csv", "--at", "mass")
    assert (code, "cannot read --at 'mass'" in err, "--at mass=1000" in err) == (2, True, True)
    assert not Path("scores.csv").exists()


def test_friends_of_other_options_or_of_another_export_are_others(toy, command):
    pytest.importorskip("onnxruntime")
    run = command("train", toy, "--set", "train.epochs=1")[1].splitlines()[-1]
    header, *rows = Path("test.csv").read_text().splitlines()
    Path("plain.csv").write_text("\n".join([*rows, ""]))
    names = header.split(",")
    swapped = [{"x0": "x1", "x1": "x0"}.get(name, name) for name in names]
    assert command("predict", run, "plain.csv", "-o", "f", "--friend", "--columns", ",".join(swapped))[0] == 0
    code, _, err = command("predict", run, "plain.csv", "-o", "f", "--friend", "--columns", header)
    assert (code, "were read with other options" in " ".join(err.split())) == (2, True)
    assert command("export", run)[0] == 0
    arguments = ("predict", run, "test.csv", "-o", "g", "--friend", "--with", "onnx")
    assert command(*arguments)[0] == 0
    assert command(*arguments)[0] == 0
    assert command("export", run, "--set", "opset=17")[0] == 0
    assert command(*arguments)[0] == 2
    note = json.loads(Path("g/scored-by.json").read_text())
    Path("g/scored-by.json").write_text(json.dumps({k: v for k, v in note.items() if k not in ("layout", "exported")}))
    assert command(*arguments)[0] == 0  # a note of an earlier version


def test_a_kept_column_has_its_own_name_although_another_would_get_it(toy, command):
    run = command("train", toy, "--set", "train.epochs=1")[1].splitlines()[-1]
    columns = fs.open_table("test.csv").read()
    size = len(columns["x0"])
    write_columns("new.parquet", [{**columns, "jets.pt": np.full(size, 7.0), "jets_pt": np.arange(size)}])
    code, out, err = command("predict", run, "new.parquet", "-o", "kept.parquet", "--keep", "-j", 1)
    assert code == 0, err
    found = fs.open_table("kept.parquet").read()
    np.testing.assert_array_equal(found["jets_pt"], np.arange(size))
    np.testing.assert_array_equal(found["jets_pt_2"], np.full(size, 7.0))
    assert "'jets.pt' as jets_pt_2" in out


def test_a_link_to_nowhere_is_a_file_that_exists(toy, command):
    run = command("train", toy, "--set", "train.epochs=1")[1].splitlines()[-1]
    Path("link.parquet").symlink_to("nowhere.parquet")
    code, _, err = command("predict", run, "test.csv", "-o", "link.parquet", "-j", 1)
    assert (code, "link.parquet exists already" in err) == (2, True)
    assert not Path("link-2.parquet").exists()


def test_scores_that_are_no_numbers_are_said(toy, command):
    """Two inputs of which the scaling makes infinity."""
    scaled = (
        "new_variables={small: x0 / 10, tiny: x1 / 10}",
        "features=[small, tiny, x2]",
        "observers=[]",
        "train.epochs=1",
    )
    code, out, err = command("train", toy, *(word for setting in scaled for word in ("--set", setting)))
    assert code == 0, err
    run = out.splitlines()[-1]
    header, *rows = Path("test.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows[:20]]
    for i in (3, 7):
        for name in ("x0", "x1"):
            cells[i][header.split(",").index(name)] = "3e39"
    Path("large.csv").write_text("\n".join([header, *(",".join(row) for row in cells), ""]))
    code, out, err = command("predict", run, "large.csv", "-o", "large.parquet")
    assert (code, err) == (0, "")
    assert np.flatnonzero(~np.isfinite(fs.open_table("large.parquet").read()["score"])).tolist() == [3, 7]
    assert "warning: 2 of 20 events have a score that is no number" in " ".join(out.split())
    assert "is no number" not in command("predict", run, "test.csv", "-o", "usual.parquet")[1]


def test_the_exported_file_that_scores_and_the_value_it_is_fixed_at_are_said(toy, command):
    pytest.importorskip("onnxruntime")
    for name in ("train.csv", "test.csv"):
        with_masses(Path(name), [500, 1000])
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "parameters": {"mass": {"background": "given"}}}))
    run = command("train", toy, "--set", "train.epochs=1", "-q")[1].strip()
    assert command("export", run, "--at", "mass=750", "-o", "fixed.onnx")[0] == 0
    code, out, err = command("predict", run, "test.csv", "-o", "a.parquet", "--with", "onnx")
    assert code == 0, err
    assert "fixed.onnx, at mass=750 for all events, as it was exported" in " ".join(out.split())
    Path("fixed.onnx").unlink()
    code, _, err = command("predict", run, "test.csv", "-o", "b.parquet", "--with", "onnx")
    assert (code, "is not there any more" in " ".join(err.split())) == (2, True)
