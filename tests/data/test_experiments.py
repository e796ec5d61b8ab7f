"""The files of experiments, with the columns that `docs/data.md` names for them.

Small trees with the names and types of each format are written here; real files, where they are there, are read with the
same expressions.
"""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from numpy.testing import assert_array_equal

from fivesigma.analysis.file import load
from fivesigma.data.load import load_samples
from fivesigma.errors import FivesigmaError

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "real"
PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")

PT = ak.values_astype(ak.Array([[50.0, 25.0], [], [40.0]]), np.float32)
ETA = ak.values_astype(ak.Array([[0.5, -3.0], [], [-1.0]]), np.float32)
MET = np.array([10, 20, 30], np.float32)
NUMBER = np.array([1, 2, 3], np.uint64)
NAN = np.nan

NANOAOD = {
    "Jet_pt": PT,
    "Jet_eta": ETA,
    "MET_pt": MET,
    "event": NUMBER,
    "HLT_IsoMu24": np.array([1, 0, 1], bool),
    "genWeight": MET,
}
PHYSLITE = {
    "AnalysisJetsAuxDyn.pt": PT * 1000,
    "AnalysisJetsAuxDyn.eta": ETA,
    "EventInfoAuxDyn.eventNumber": NUMBER,
}
TREEMAKER = {"Jets/Jets.fCoordinates.fPt": PT, "Jets/Jets.fCoordinates.fEta": ETA, "MET": MET, "EvtNum": NUMBER}
DELPHES = {
    "Jet/Jet.PT": PT,
    "Jet/Jet.Eta": ETA,
    "MissingET/MissingET.MET": ak.Array([[10.0], [20.0], [30.0]]),
    "Event/Event.Number": ak.Array([[1], [2], [3]]),
}
EDM4HEP = {
    "ReconstructedParticles/ReconstructedParticles.energy": PT,
    "ReconstructedParticles/ReconstructedParticles.momentum.z": ETA,
    "Particle#0/Particle#0.index": ak.Array([[7, 8], [], [9]]),
}
FLAT = {"lep_pt": MET, "jet pt": MET, "mass:jj": MET, "eventNumber": NUMBER}

FORMATS = {
    "NanoAOD": (
        "Events",
        NANOAOD,
        {
            "Jet_pt[0]": [50, NAN, 40],
            "count(Jet_pt > 30 and abs(Jet_eta) < 2.5)": [1, 0, 1],
            "sum(Jet_pt[abs(Jet_eta) < 2.5])": [50, 0, 40],
            "MET_pt": MET,
            "HLT_IsoMu24": [1, 0, 1],
        },
        "event",
    ),
    "PHYSLITE": (
        "CollectionTree",
        PHYSLITE,
        {"AnalysisJetsAuxDyn.pt[0] / 1000": [50, NAN, 40], "count(abs(AnalysisJetsAuxDyn.eta) < 2.5)": [1, 0, 1]},
        "EventInfoAuxDyn.eventNumber",
    ),
    "TreeMaker": (
        "TreeMaker2/PreSelection",
        TREEMAKER,
        {
            "`Jets/Jets.fCoordinates.fPt`[0]": [50, NAN, 40],
            "max(`Jets/Jets.fCoordinates.fPt`[abs(`Jets/Jets.fCoordinates.fEta`) < 2.5])": [50, NAN, 40],
            "MET": MET,
        },
        "EvtNum",
    ),
    "Delphes": (
        "Delphes",
        DELPHES,
        {"`Jet/Jet.PT`[0]": [50, NAN, 40], "count(`Jet/Jet.PT` > 30)": [1, 0, 1], "`MissingET/MissingET.MET`[0]": MET},
        None,
    ),
    "EDM4hep": (
        "events",
        EDM4HEP,
        {
            "sum(`ReconstructedParticles/ReconstructedParticles.energy`)": [75, 0, 40],
            "`ReconstructedParticles/ReconstructedParticles.momentum.z`[0]": [0.5, NAN, -1],
            "count(`Particle#0/Particle#0.index`)": [2, 0, 1],
        },
        None,
    ),
    "flat": ("ntuple", FLAT, {"lep_pt": MET, "jet pt": MET, "`jet pt` / `mass:jj`": [1, 1, 1]}, "eventNumber"),
}


def write(path, treename, columns):
    types = {
        name: f"var * {values.type.content.content}" if isinstance(values, ak.Array) else values.dtype
        for name, values in columns.items()
    }
    counters = {name: f"n{i}" for i, name in enumerate(columns)}
    with uproot.recreate(path) as file:
        file.mktree(treename, types, counter_name=lambda name: counters[name]).extend(columns)


def features_of(file, treename, texts, number=None, target="1"):
    tree = {"features": list(texts), "target": target, "event_number": number}
    (loaded,) = load_samples(load({**tree, "samples": {"s": {"files": f"{file}:{treename}"}}}))
    return loaded.events


@pytest.mark.parametrize("name", FORMATS)
def test_the_columns_of_a_format_are_read_as_the_page_says(tmp_path, name):
    treename, columns, features, number = FORMATS[name]
    write(tmp_path / "t.root", treename, columns)
    events = features_of(tmp_path / "t.root", treename, features, number)
    assert events.feature_names == tuple(features)
    for i, (text, expected) in enumerate(features.items()):
        assert_array_equal(events.features[:, i], np.asarray(expected, np.float32), err_msg=text)
    if number is not None:
        assert_array_equal(events.event_number, NUMBER)


@pytest.mark.parametrize("name", FORMATS)
def test_the_page_shows_each_format_with_columns_that_are_tested(name):
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {name}")]
    treename, _, features, number = FORMATS[name]
    assert f"`{treename}`" in row
    shown = [text for text in features if f"`` {text} ``" in row or f"`{text}`" in row]
    assert shown
    assert number is None or f"`{number}`" in row


def test_a_list_per_event_cannot_number_events_and_the_remedy_is_told(tmp_path):
    """Delphes and EDM4hep keep the event number in a list of one."""
    write(tmp_path / "t.root", "Delphes", DELPHES)
    with pytest.raises(FivesigmaError, match=r"'Event/Event.Number' .* has a list per event") as caught:
        features_of(tmp_path / "t.root", "Delphes", ["`Jet/Jet.PT`[0]"], "Event/Event.Number")
    assert "`Event/Event.Number`[0]" in caught.value.hint
    events = features_of(tmp_path / "t.root", "Delphes", ["`Jet/Jet.PT`[0]"], "`Event/Event.Number`[0]")
    assert_array_equal(events.event_number, NUMBER)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not on this machine")
@pytest.mark.parametrize(
    ("name", "tree", "texts", "number"),
    [
        (
            "nanoAOD_2015_CMS_Open_Data_ttbar.root",
            "Events",
            ["Jet_pt[0]", "count(Jet_pt > 30 and abs(Jet_eta) < 2.5)", "sum(Jet_pt[abs(Jet_eta) < 2.5])"],
            "event",
        ),
        (
            "uproot-HZZ.root",
            "events",
            ["sqrt(Jet_Px[0]**2 + Jet_Py[0]**2)", "count(Jet_E > 60 and Jet_ID)", "sum(Jet_E[Jet_ID])"],
            None,
        ),
    ],
)
def test_real_files_give_what_a_loop_gives(name, tree, texts, number):
    events = features_of(REAL / name, tree, texts, number)
    rows = uproot.open(REAL / name)[tree].arrays(filter_name="Jet_*" if number is None else ["Jet_pt", "Jet_eta", "event"])
    expected = []
    for row in rows:
        if number is None:
            jets = list(zip(row["Jet_E"], row["Jet_ID"], strict=True))
            first = np.hypot(row["Jet_Px"][0], row["Jet_Py"][0]) if jets else NAN
            expected.append([first, sum(e > 60 and good for e, good in jets), sum(e for e, good in jets if good)])
        else:
            jets = list(zip(row["Jet_pt"], row["Jet_eta"], strict=True))
            central = [pt for pt, eta in jets if abs(eta) < 2.5]
            expected.append([jets[0][0] if jets else NAN, sum(pt > 30 for pt in central), sum(central)])
    np.testing.assert_allclose(events.features, np.array(expected, float), rtol=1e-5)
    if number is not None:
        assert_array_equal(events.event_number, ak.to_numpy(rows["event"]))
