"""Events on which an exported model is compared: those of the test part, with the columns they were read from."""

import shutil
import weakref

import numpy as np
import pytest
import yaml

from fivesigma.analysis.file import load, validate
from fivesigma.deployment import events
from fivesigma.deployment.events import first_table, is_single, real_events, with_recorded_files
from fivesigma.errors import DataError, RunError
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.source import load_source


def analysis_of(toy, **changes):
    tree = {**yaml.safe_load(toy.read_text()), **changes}
    toy.write_text(yaml.safe_dump(tree))
    return load(toy)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({}, "test"),
        ({"samples": {"train": {"files": ["train.csv"]}}, "split": {"test": 0.3}}, "test"),
        ({"samples": {"train": {"files": ["train.csv"]}}, "split": {"test": 0.0, "val": 0.4}}, "val"),
        ({"samples": {"train": {"files": ["train.csv"]}}, "split": {"folds": 2}}, "folds"),
        ({"samples": {"train": {"files": ["train.csv"]}, "v": {"files": ["test.csv"], "use": "val"}}}, "test"),
    ],
)
def test_they_are_those_of_the_part_that_counts(toy, changes, part):
    analysis = analysis_of(toy, **changes, selection="x0 > -1")
    found = real_events(analysis, ["x0", "x1"], 100_000, Listener())
    wanted = load_source(analysis, Listener()).parts[part]
    assert found.part == part
    np.testing.assert_array_equal(found.events.event_number, wanted.event_number)
    np.testing.assert_array_equal(found.events.features, wanted.features)
    np.testing.assert_allclose(found.columns["x0"], wanted.features[:, 0], rtol=1e-7)


def test_at_most_so_many_are_taken_evenly(toy):
    analysis = analysis_of(toy)
    everything = real_events(analysis, ["x2"], 100_000, Listener())
    some = real_events(analysis, ["x2"], 50, Listener())
    assert len(some.events) == 50
    places = np.searchsorted(np.sort(everything.events.event_number), some.events.event_number)
    assert places.max() > 400
    np.testing.assert_allclose(some.columns["x2"], some.events.features[:, 2], rtol=1e-7)


def test_simulated_events_are_those_of_the_run_and_never_simulated_again(toy, tmp_path):
    tree = {**yaml.safe_load(toy.read_text()), "samples": {}, "simulate": {"process": "resonance", "events": 10_000_000}}
    folder = RunFolder.create(tmp_path, validate(tree, "test"), "test")
    with pytest.raises(RunError, match="is not there any more"):
        with_recorded_files(folder)
    folder.update_metadata(inputs=[{"sample": "simulated", "path": str(tmp_path / "train.csv"), "bytes": 1, "sha256": ""}])
    found = real_events(with_recorded_files(folder), ["x0"], 100, Listener())
    assert (found.part, len(found.events)) == ("test", 100)
    (tmp_path / "train.csv").unlink()
    with pytest.raises(RunError, match="is not there any more"):
        with_recorded_files(folder)


def test_files_that_are_gone_are_an_error(toy):
    analysis = analysis_of(toy)
    (toy.parent / "test.csv").unlink()
    with pytest.raises(DataError, match=r"test\.csv"):
        real_events(analysis, [], 100, Listener())


def test_a_column_that_is_in_double_precision_in_any_file_is_so(tmp_path):
    kinds = [("a.npz", np.float32), ("b.npz", np.float32), ("c.npz", np.float64)]
    for name, kind in kinds:
        np.savez(tmp_path / name, x=np.ones(3, kind), y=np.ones(3, np.float16), label=np.arange(3) % 2)
    for files in (["a.npz"], ["a.npz", "b.npz"], ["a.npz", "b.npz", "c.npz"], ["c.npz", "a.npz"]):
        names = [str(tmp_path / name) for name in files]
        for samples in ({"one": {"files": names}}, {str(i): {"files": [name]} for i, name in enumerate(names)}):
            tree = {"name": "t", "features": ["x", "y"], "labels": "label", "samples": samples}
            _, types, half = first_table(validate(tree, "test"))
            assert (is_single(types["x"]), is_single(types["y"])) == ("c.npz" not in files, True)
            assert half == {"y"}


def test_a_column_that_is_in_half_precision_in_any_file_is_known(tmp_path, monkeypatch):
    for name, kind in (("a", np.float32), ("b", np.float16), ("c", np.float64)):
        np.savez(tmp_path / f"{name}.npz", x=np.ones(3, kind), label=np.arange(3) % 2)
    opened = []
    real = events.reader_for

    def counted(*arguments):
        opened.append(weakref.ref(reader := real(*arguments)))
        assert sum(one() is not None for one in opened) <= 3  # not all of them stay open
        return reader

    monkeypatch.setattr(events, "reader_for", counted)
    names = [str(tmp_path / f"{name}.npz") for name in "abcaaaa"]
    (tmp_path / "more").mkdir()
    for i in range(3, 7):
        names[i] = str(shutil.copy(names[i], tmp_path / "more" / f"{i}.npz"))
    tree = {"name": "t", "features": ["x"], "labels": "label", "samples": {"s": {"files": names}}}
    _, types, half = first_table(validate(tree, "test"))
    assert (types["x"], half) == ("float64", {"x"})
