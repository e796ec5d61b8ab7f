"""Bad input: one sentence, exit code 2, nothing overwritten, nothing half-made."""

import errno
import gzip
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from fivesigma.runs import session

from ..conftest import TREE, write_csv


def refused(result, *words):
    """The command ended with 2, one sentence and no traceback; each word stands in the message."""
    code, out, err = result
    sentence = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2, (out, err)
    assert len(sentence) == 1
    assert "Traceback" not in out + err
    for word in words:
        assert word in err, err
    return err


def changed(toy, **changes):
    toy.write_text(yaml.safe_dump({**TREE, **changes}, sort_keys=False))
    return toy


def test_missing_file(toy, command):
    refused(command("run", toy, "--data", "train=trian.csv"), "no file", "trian.csv", "train.csv")


def test_missing_analysis(command):
    refused(command("run", "hepmas"), "no analysis 'hepmas'", "hepmass")


def test_truncated_gzip(toy, command):
    whole = gzip.compress(Path("train.csv").read_bytes())
    Path("train.csv.gz").write_bytes(whole[: len(whole) // 2])
    refused(command("run", toy, "--data", "train=train.csv.gz"), "train.csv.gz")


def test_not_the_format_its_name_says(toy, command):
    Path("bad.root").write_bytes(b"this is not ROOT at all" * 100)
    refused(command("run", toy, "--data", "train=bad.root"), "bad.root")


def test_wrong_column_names_the_nearest(toy, command):
    refused(command("run", changed(toy, features=["x0", "X1", "x2"])), "no column 'X1'", "'x1'")


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("train.epoch=3", "epochs"),
        ("trian.epochs=3", "'train'"),
        ("train.epochs=many", "train.epochs"),
        ("split.test=1.5", "split.test"),
    ],
)
def test_mistyped_key_or_value(toy, command, setting, word):
    refused(command("run", toy, "--set", setting), word)


def test_nan_labels(toy, command):
    text = Path("train.csv").read_text().splitlines()
    fields = text[5].split(",")
    text[5] = ",".join([fields[0], "nan", *fields[2:]])
    Path("train.csv").write_text("\n".join(text) + "\n")
    refused(command("run", toy), "1 of 1,500", "'label'")


def test_one_class_empty_after_the_selection(toy, command):
    refused(command("run", toy, "--set", "selection=label == 1"), "class 'background' has no event")


def test_nothing_passes_the_selection(toy, command):
    refused(command("run", toy, "--set", "selection=x0 > 1000"), "no event")


def test_a_test_event_also_in_training(toy, command):
    lines = Path("train.csv").read_text().splitlines()
    with Path("test.csv").open("a") as file:
        file.write(lines[3] + "\n")
    refused(command("run", toy), "1 of ", "also among the test events")


def test_truth_among_the_inputs(toy, command):
    refused(command("run", changed(toy, features=["x0", "label"])), "'label'", "knows the answer")
    refused(
        command("run", changed(toy, features=["x0", "cheat"], new_variables={"cheat": "2 * label", "sum": "x0"})),
        "knows the answer",
    )


def test_truth_allowed_explicitly_is_reported(toy, command):
    code, out, _ = command(
        "run",
        changed(toy, features=["x0", "cheat"], new_variables={"cheat": "2 * label", "sum": "x0"}, allow_truth=["label"]),
    )
    assert code == 0
    assert "Truth among the inputs" in (Path(out.splitlines()[-1]) / "report.html").read_text()


def test_a_class_of_negative_weights(toy, command):
    refused(command("run", toy, "--set", "weights=w * (1 - 2 * label)"), "the weights of class 'signal' add up to -")


@pytest.mark.parametrize("name", ["analysis.yaml", "metadata.json", "recipe.json", "model.keras"])
def test_a_corrupt_run_folder(toy, command, name):
    folder = Path(command("train", toy, "--quiet")[1].strip())
    (folder / name).write_bytes(b"\x00\x01 {")
    refused(command("evaluate", folder), "damaged")


def test_a_folder_that_is_no_run(toy, command):
    Path("some").mkdir()
    refused(command("report", "some"), "not a run folder")
    refused(command("evaluate", "nothing"), "no run nothing")


def test_disk_full(toy, command, monkeypatch):
    import fivesigma.atomic

    def full(*arguments, **settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fivesigma.atomic.tempfile, "mkstemp", full)
    refused(command("run", toy), "the disk is full")


def test_a_prediction_never_overwrites(toy, command):
    command("train", toy)
    Path("scored.csv").write_text("mine")
    refused(command("predict", "toy", "test.csv", "-o", "scored.csv"), "exists already")
    assert Path("scored.csv").read_text() == "mine"


def test_a_failed_prediction_leaves_no_file(toy, command):
    command("train", toy)
    write_csv(Path("short.csv"), 50)
    lines = Path("short.csv").read_text().splitlines()
    Path("short.csv").write_text("\n".join([*lines, "1,2,three,4,5,6"]) + "\n")
    refused(command("predict", "toy", "short.csv", "-o", "scored.parquet"), "short.csv")
    assert [path for path in Path().iterdir() if "scored" in path.name] == []


def test_unknown_output_format(toy, command):
    command("train", toy)
    refused(command("predict", "toy", "test.csv", "-o", "scored.xlsx"), "scored.xlsx", ".parquet")


def test_mistyped_command_and_option(toy, command):
    refused(command("rnu", toy), "'run'")
    refused(command("run", toy, "--quite"), "--quite")


def test_an_unknown_simulation(command):
    refused(command("simulate", "muons", "-o", "x.npz", "--spectrum", "falling"), "falling", "prompt")
    refused(command("simulate", "muons", "-o", "x.npz", "--events", "0"), "events")
    refused(command("simulate", "resonance", "-o", "x.parquet", "--mass", "100"), "100")
    assert not Path("x.npz").exists()


def test_a_defect_of_ours_is_exit_code_one_without_a_traceback(toy, command, monkeypatch):

    def defect(*arguments):
        raise ZeroDivisionError("a slip")

    monkeypatch.setattr(session, "load_source", defect)
    code, out, err = command("run", toy)
    assert code == 1
    assert "defect of fivesigma" in err
    assert "Traceback" not in out + err
    kept = Path(re.search(r"/\S+fivesigma-error-\S+\.txt", err)[0])
    assert "a slip" in kept.read_text()
    kept.unlink()


def test_every_error_leaves_the_data_alone(toy, command):
    before = {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    command("run", toy, "--set", "features=[x9]")
    assert {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before
    assert np.isfinite(np.loadtxt("train.csv", delimiter=",", skiprows=1)).all()
