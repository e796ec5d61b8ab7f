"""Real files of open data: train on them and predict on them, every event in order.

The files (scikit-hep-testdata and CERN open data) are not part of the repository; the tests look
for them in the folder FIVESIGMA_REAL_DATA, or in ../shared/data/real beside the checkout.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import uproot
import yaml

from fivesigma.data.readers.parquet import ParquetReader

FOLDER = Path(os.environ.get("FIVESIGMA_REAL_DATA", Path(__file__).parents[3] / "shared" / "data" / "real"))

DIMUON = {
    "selection": "nMuon >= 2",
    "new_variables": {
        "deta": "Muon_eta[0] - Muon_eta[1]",
        "dphi": "delta_phi(Muon_phi[0], Muon_phi[1])",
        "mass": "sqrt(2 * Muon_pt[0] * Muon_pt[1] * (cosh(deta) - cos(dphi)))",
    },
    "features": ["Muon_pt[0]", "Muon_pt[1]", "Muon_eta[0]", "Muon_eta[1]", "dphi"],
    "target": {"variable": "mass", "unit": "GeV", "scale": 0.02},
    "prepare": {"log": ["Muon_pt*"]},
    "observers": ["nMuon", "Muon_pt[0]"],
}
ANALYSES = {
    "uproot-Zmumu.root": {
        "new_variables": {"deta": "eta1 - eta2", "dphi": "delta_phi(phi1, phi2)"},
        "features": ["pt1", "pt2", "deta", "dphi"],
        "target": {"variable": "M", "unit": "GeV", "scale": 0.01},
        "observers": ["Run", "Event"],
        "event_number": "Event",
    },
    "uproot-HZZ.root": {
        "new_variables": {"met": "hypot(MET_px, MET_py)", "muons": "count(Muon_E)"},
        "features": ["met", "count(Jet_E)", "max(hypot(Jet_Px, Jet_Py))", "hypot(Muon_Px[0], Muon_Py[0])"],
        "labels": {"variable": "muons >= 2", "names": ["fewer", "two muons"]},
        "weights": "EventWeight",
        "observers": ["muons", "met"],
    },
    "nanoAOD_2015_CMS_Open_Data_ttbar.root": {
        "treename": "Events",
        "features": ["nJet", "Jet_pt[0]", "Jet_pt[1]", "sum(Jet_pt)", "max(Jet_btagCSVV2)"],
        "target": {"variable": "MET_pt", "unit": "GeV", "scale": 0.01},
        "observers": ["run", "luminosityBlock", "event"],
        "event_number": "event",
    },
    "Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root": DIMUON,
}


def real(name):
    if not (FOLDER / name).is_file():
        pytest.skip(f"{name} is not in {FOLDER}")
    return FOLDER / name


@pytest.mark.parametrize("name", ANALYSES)
@pytest.mark.usefixtures("undrawn")
def test_predict_has_every_event_in_order_with_score_and_observers(name, command, tmp_path):
    file = real(name)
    tree = {
        "name": "real",
        "samples": {"all": {"files": [str(file)]}},
        "model": {"layers": [16]},
        "train": {"epochs": 3, "batch_size": 32},
    }
    Path("real.yaml").write_text(yaml.safe_dump({**tree, **ANALYSES[name]}))
    code, out, err = command("run", "real.yaml")
    assert code == 0, out + err
    code, out, err = command("predict", "real", file, "-o", "scored.parquet")
    assert code == 0, out + err
    scored = ParquetReader("scored.parquet").read()
    table = uproot.open(file)[ANALYSES[name].get("treename") or next(iter(uproot.open(file).keys()))]
    assert len(scored["score" if "score" in scored else "prediction"]) == table.num_entries
    assert np.isfinite(scored.get("score", scored.get("prediction"))).all()
    for observer in ANALYSES[name]["observers"]:
        if observer in table.keys():  # noqa: SIM118 - a tree is no mapping
            np.testing.assert_array_equal(scored[observer], table[observer].array(library="np"))


def test_the_example_reaches_the_published_separation_on_real_susy_rows(tmp_path):
    files = {"train": str(real("susy_train.csv")), "test": str(real("susy_test.csv"))}
    example = Path(__file__).parents[2] / "examples" / "susy.yaml"
    code = "import sys, fivesigma as fs\n"
    code += f"run = fs.train({str(example)!r}, data={files!r}, output={str(tmp_path)!r})\nprint(fs.evaluate(run).path)"
    # So many steps are faster in a program that is compiled as users compile it.
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((Path(done.stdout.splitlines()[-1]) / "metrics.json").read_text())
    assert metrics["test"]["auc"]["value"] >= 0.86
