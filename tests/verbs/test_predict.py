"""The verb `predict`: every event of files scored, in order."""

import threading
from pathlib import Path

import numpy as np
import pytest

import fivesigma as fs

from ..conftest import write_csv


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
        monkeypatch.setattr("fivesigma.verbs.predict.ROWS", rows)
        command("predict", "toy", "many.csv", "-o", f"{rows}.parquet")
    expected = fs.open_table("65536.parquet").read()
    for rows in (1024, 300):
        found = fs.open_table(f"{rows}.parquet").read()
        np.testing.assert_array_equal(found["event_number"], expected["event_number"])
        np.testing.assert_allclose(found["score"], expected["score"], atol=1e-6)


def test_an_interrupted_prediction_leaves_no_file_and_no_thread(toy, command, monkeypatch):
    command("train", toy)
    write_csv(Path("many.csv"), 5000)
    monkeypatch.setattr("fivesigma.verbs.predict.ROWS", 300)

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


def test_a_cluster_that_does_not_answer_is_one_sentence(toy, command, monkeypatch):
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr("fivesigma.cluster.dask.ANSWER_WITHIN", 0.5)
    code, _, err = command("simulate", "muons", "-n", 10, "-o", "muons.npz", "--cluster", "tcp://127.0.0.1:1")
    assert code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in err
    assert [path for path in Path().iterdir() if "muons" in path.name] == []
