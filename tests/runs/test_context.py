"""What the verbs' arguments in Python may be."""

from pathlib import Path

import numpy as np
import pytest

import fivesigma as fs
from fivesigma.errors import AnalysisError, FivesigmaError, OutputError
from fivesigma.progress import Listener
from fivesigma.runs.context import RunContext, parameter_values
from fivesigma.runs.folder import RunFolder


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"output": 3}, "output is 3, which is no folder"),
        ({"workers": "two"}, "workers is 'two'; a number of processes is needed"),
        ({"workers": 0}, "workers is 0"),
        ({"workers": True}, "workers is True"),
        ({"listener": print}, "which is no fivesigma.Listener"),
        ({"settings": [1]}, r"settings is \[1\], which is no mapping"),
        ({"data": ["x.csv"]}, r"data is \['x.csv'\], which is no mapping"),
    ],
)
def test_an_argument_that_is_none_of_its_kind_is_one_sentence(toy, tmp_path, arguments, said):
    with pytest.raises(AnalysisError, match=said):
        fs.train(toy, **{"output": tmp_path / "runs", **arguments})
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: fs.Run(3), "3 is no run"),
        (lambda: fs.evaluate(None), "None is no run"),
        (lambda: fs.compare(1, 2), "1 is no run"),
        (lambda: fs.export("toy", 3), "3"),
        (lambda: fs.predict(3, "x.csv", "out.parquet"), "3 is no run"),
        (lambda: fs.validate(4), "4"),
        (lambda: fs.simulate(4, 5), "4"),
    ],
)
def test_what_is_no_run_and_no_name_is_one_sentence(tmp_path, monkeypatch, call, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FivesigmaError, match=said):
        call()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ([1], r"at is \[1\], which is no mapping"),
        ({"mass": "heavy"}, r"at\['mass'\] is 'heavy', which is no finite number"),
        ({"mass": float("nan")}, "no finite number"),
        ({"mass": True}, "no finite number"),
    ],
)
def test_parameter_values_are_a_mapping_of_finite_numbers(at, said):
    with pytest.raises(AnalysisError, match=said):
        parameter_values(at)
    assert parameter_values(None) == {}
    assert parameter_values({"mass": np.int64(3)}) == {"mass": 3.0}


def test_what_looks_like_a_listener_and_any_whole_number_are_taken():
    class Own:
        say = done = progress = epoch = table = trials = lambda self, *given: None

    context = RunContext.of("out", Own(), np.int64(2))
    assert (context.output, context.workers.count) == (Path("out"), 2)
    assert isinstance(RunContext.of().listener, Listener)


def test_a_run_that_cannot_be_written_to_gives_one_sentence_of_ours(toy, tmp_path, monkeypatch):
    run = fs.explore(toy, output=tmp_path / "runs")

    def read_only(*given, **more):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(RunFolder, "write_json", lambda *given: (_ for _ in ()).throw(OutputError("cannot write")))
    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(OutputError, match="cannot write"):
        fs.report(run, output=tmp_path / "runs")
    with pytest.raises(OutputError, match=r"(?i)read-only"):
        RunFolder(run.path).finish()
