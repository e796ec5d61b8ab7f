"""Whole journeys through the command line."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml

import fivesigma as fs
from fivesigma.data.parquet import ParquetReader

from ..conftest import write_csv

COMPLETE = [
    "analysis.yaml",
    "metadata.json",
    "explore.json",
    "recipe.json",
    "model.keras",
    "history.jsonl",
    "metrics.json",
    "curves.json",
    "report.html",
    "predictions/val.parquet",
    "predictions/test.parquet",
    "checkpoints/last.npz",
    "plots/roc.pdf",
    "plots/roc.png",
    "plots/roc.json",
    "plots/features-1.pdf",
]


def test_run_leaves_a_complete_folder_and_prints_it_last(toy, command):
    code, out, _ = command("run", toy)
    folder = Path(out.splitlines()[-1])
    assert code == 0
    assert folder.parent == Path("runs/toy")
    assert [name for name in COMPLETE if not (folder / name).is_file()] == []
    assert not (folder / "UNFINISHED").exists()
    metrics = json.loads((folder / "metrics.json").read_text())
    for name in ("auc", "accuracy", "log_loss", "balanced_accuracy", "f1_weighted", "f1_macro"):
        assert set(metrics["test"][name]) == {"value", "error"}
    assert metrics["test"]["auc"]["value"] > 0.8
    assert set(metrics) == {"train", "val", "test"}


def test_quiet_prints_the_folder_and_nothing_else(toy, command):
    code, out, err = command("run", toy, "--quiet", "--output", "elsewhere")
    assert code == 0
    assert out.startswith("elsewhere/toy/")
    assert len(out.splitlines()) == 1
    assert err == ""


def test_each_verb_goes_on_with_what_the_one_before_left(toy, command):
    folders = [command(verb, toy)[1].splitlines()[-1] for verb in ("explore", "train")]
    assert folders[0] == folders[1]
    assert command("evaluate", folders[0])[1].splitlines()[-1] == folders[0]
    code, out, _ = command("report", "toy")
    assert code == 0
    assert out.splitlines()[-1] == f"{folders[0]}/report.html"
    # Another run of the same analysis begins anew: a finished one is never touched.
    assert command("run", toy)[1].splitlines()[-1] != folders[0]


def test_run_is_explore_train_evaluate_and_report(toy, command):
    whole = Path(command("run", toy)[1].splitlines()[-1])
    for verb in ("explore", "train"):
        steps = command(verb, toy, "--output", "steps")[1].splitlines()[-1]
    command("evaluate", steps)
    assert (whole / "metrics.json").read_text() == (Path(steps) / "metrics.json").read_text()


def test_an_interrupted_training_is_resumed_and_ends_the_same(toy, command, monkeypatch):
    whole = Path(command("run", toy, "--output", "whole")[1].splitlines()[-1])
    from fivesigma.cli.console import Terminal

    say = Terminal.epoch

    def interrupt(self, row, epochs):
        if row["epoch"] == 2:
            raise KeyboardInterrupt
        say(self, row, epochs)

    monkeypatch.setattr(Terminal, "epoch", interrupt)
    code, _, err = command("run", toy)
    assert code == 130
    assert "interrupted" in err
    (stopped,) = Path("runs/toy").iterdir()
    assert json.loads((stopped / "UNFINISHED").read_text())["step"] == "train"
    monkeypatch.setattr(Terminal, "epoch", say)
    _, out, _ = command("run", toy)
    assert "going on with the run" in out
    assert Path(out.splitlines()[-1]) == stopped
    assert (stopped / "metrics.json").read_text() == (whole / "metrics.json").read_text()


def test_the_resolved_analysis_runs_again_to_the_same_numbers(toy, command):
    first = Path(command("run", toy, "--set", "train.epochs=2")[1].splitlines()[-1])
    assert yaml.safe_load((first / "analysis.yaml").read_text())["train"]["epochs"] == 2
    second = Path(command("run", first / "analysis.yaml", "--output", "again")[1].splitlines()[-1])
    assert (first / "metrics.json").read_text() == (second / "metrics.json").read_text()


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


def test_predict_gives_the_scores_of_evaluate(toy, command):
    folder = Path(command("run", toy)[1].splitlines()[-1])
    command("predict", folder, "test.csv", "-o", "scored.parquet")
    expected = ParquetReader(str(folder / "predictions/test.parquet")).read()
    np.testing.assert_array_equal(ParquetReader("scored.parquet").read()["score"], expected["score"])


def test_compare_shows_what_differs(toy, command):
    first = command("run", toy)[1].splitlines()[-1]
    second = command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1]
    code, out, _ = command("compare", first, second)
    assert code == 0
    assert "train.epochs" in out
    assert "test auc" in out


def test_init_makes_a_file_that_check_accepts(command):
    code, out, _ = command("init", "hepmass")
    assert code == 0
    Path("my.yaml").write_text(out)
    code, out, _ = command("check", "my.yaml", "--set", "train.epochs=10")
    assert code == 0
    assert "epochs: 10" in out
    assert out.splitlines()[-1] == "my.yaml: ok"


def test_check_reads_the_names_in_the_files(toy, command):
    assert command("check", toy)[0] == 0
    code, _, err = command("check", toy, "--set", "observers=[summ]")
    assert code == 2
    assert "'sum'" in err


@pytest.mark.parametrize("name", fs.builtin_names())
def test_every_built_in_analysis_is_valid(name):
    assert fs.load(name).features


def test_schema_lists_every_section(command):
    code, out, _ = command("schema")
    assert code == 0
    assert {"features", "labels", "train", "split"} <= set(json.loads(out)["properties"])


def test_columns_lists_names(toy, command):
    code, out, _ = command("columns", "train.csv")
    assert code == 0
    assert "x2" in out


def test_python_and_command_line_agree(toy, command):
    first = Path(command("run", toy)[1].splitlines()[-1])
    run = fs.run(toy, output="python")
    assert run.metrics == json.loads((first / "metrics.json").read_text())
    assert "<table>" in run._repr_html_()
    assert len(run.history) == 3
    assert len(run.predictions()["score"]) == 500
    assert run.report.is_file()


def test_the_report_needs_no_network_and_shows_every_figure(toy, command):
    folder = Path(command("run", toy)[1].splitlines()[-1])
    page = (folder / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons", ""
    )
    assert "<script" not in page
    assert page.count("<svg") == len(list((folder / "plots").glob("*.pdf")))


def test_the_program_runs_as_a_module():
    run = subprocess.run([sys.executable, "-m", "fivesigma", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("fivesigma ")
