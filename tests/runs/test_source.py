"""Where the events of a run come from."""

import numpy as np
import pytest
import yaml

import fivesigma as fs
from fivesigma.analysis.file import load
from fivesigma.analysis.simulate import MuonSimulation, ResonanceSimulation
from fivesigma.progress import Listener
from fivesigma.runs import source as source_module
from fivesigma.runs.source import load_source, simulate_to
from fivesigma.simulation.chunk_store import ChunkStore


def test_a_users_folder_beside_a_simulation_stays(tmp_path, monkeypatch):
    said = []

    class Told(Listener):
        def say(self, text):
            said.append(text)

    def simulated(settings, listener, workers, store):
        ChunkStore(store, settings).save("signal-0", {"x": np.zeros(1)})
        (store / f".{'0' * 12}-signal-1-abc.part.npz").touch()  # what a killed simulation leaves
        return {"x": np.zeros(3)}

    monkeypatch.setattr("fivesigma.runs.source._resonance_columns", simulated)
    own = tmp_path / "out.parquet.parts" / "thesis"
    own.mkdir(parents=True)
    (own / "chapter.tex").write_text("years of work")
    (own.parent / "notes.npz").write_text("mine")
    simulate_to(ResonanceSimulation(process="resonance", events=3), tmp_path / "out.parquet", Told())
    assert (own / "chapter.tex").read_text() == "years of work"
    assert sorted(path.name for path in own.parent.iterdir()) == ["notes.npz", "thesis"]
    assert not any("continuing" in text for text in said)
    simulate_to(ResonanceSimulation(process="resonance", events=3), tmp_path / "new.parquet", Told())
    assert not (tmp_path / "new.parquet.parts").exists()


def test_events_of_another_version_of_pythia_are_not_taken_from_the_cache(monkeypatch):
    made = []

    def simulated(settings, path, listener, *, replace, workers):
        made.append(path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    monkeypatch.setattr("fivesigma.runs.source.simulate_to", simulated)
    settings = {kind: kind(process=name, events=7) for kind, name in _KINDS.items()}
    for version in ("8.3.1", "8.3.1", "8.3.2"):
        monkeypatch.setattr("importlib.metadata.version", lambda package, version=version: version)
        for each in settings.values():
            source_module.simulated_file(each, Listener())
    resonance, muons, other = made
    assert muons.startswith("muons-7-")
    assert resonance != other
    assert resonance.partition("-7-")[0] == other.partition("-7-")[0] == "resonance"


_KINDS = {ResonanceSimulation: "resonance", MuonSimulation: "muons"}


def test_a_part_that_nobody_needs_is_forgotten_unless_folds_share_its_events(toy):
    source = load_source(load(toy, {"split.val": 0.3}), Listener())
    assert set(source.parts) == {"train", "val", "test"}
    source.forget("train")
    source.forget("train")
    assert set(source.parts) == {"val", "test"}
    folds = load_source(load(toy, {"split": {"folds": 2}}), Listener())
    folds.forget("folds")
    assert "folds" in folds.parts


@pytest.mark.parametrize(
    "settings", [{"split.val": 0.3}, {"split": {"folds": 2}}, {"split": {"val": 0.2, "stratify": True}}]
)
def test_many_events_wait_in_files_and_are_the_same(toy, tmp_path, monkeypatch, settings):
    in_memory = load_source(load(toy, settings), Listener(), scratch=tmp_path)
    monkeypatch.setattr(source_module, "MANY", 1)
    scratch = tmp_path / "run"
    scratch.mkdir()
    in_files = load_source(load(toy, settings), Listener(), scratch=scratch)
    for part, events in in_files.parts.items():
        assert not events.features.flags.writeable
        assert in_memory.parts[part].features.flags.writeable
        for field in ("features", "target", "weight", "event_number", "fingerprint"):
            np.testing.assert_array_equal(getattr(events, field), getattr(in_memory.parts[part], field))
    assert list(in_files.parts) == list(in_memory.parts)
    assert not list(scratch.iterdir())


def test_a_run_with_events_in_files_has_the_same_numbers(toy, tmp_path, monkeypatch):
    settings = {"split.val": 0.3, "train.epochs": 2}
    made = [fs.run(toy, settings, output=tmp_path / "memory")]
    monkeypatch.setattr(source_module, "MANY", 1)
    made.append(fs.run(toy, settings, output=tmp_path / "files"))
    for name in ("metrics.json", "explore.json", "curves.json"):
        before, after = ((run.path / name).read_text() for run in made)
        assert before == after


def test_shares_of_classes_that_a_regression_does_not_have_are_said(toy):
    tree = yaml.safe_load(toy.read_text())
    del tree["labels"]
    said = []

    class Told(Listener):
        def say(self, text):
            said.append(text)

    def read(more):
        said.clear()
        load_source(load({**tree, "target": "x2", "features": ["x0", "x1"]}, {"split.val": 0.3, **more}, files), Told())
        return any("split.stratify changes nothing" in text for text in said)

    files = {name: str(toy.parent / f"{name}.csv") for name in ("train", "test")}
    assert [read({}), read({"split.stratify": True})] == [False, True]
