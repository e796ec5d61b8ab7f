"""`fivesigma validate` on few events: a page, its figures, its JSON and its exit code."""

import json

import numpy as np
import pytest

from fivesigma.cluster.local import LocalProcesses
from fivesigma.validation import networks, of_muons, of_resonance, publish, speed
from fivesigma.validation.comparison import Comparison
from fivesigma.verbs import validate


@pytest.fixture
def quick(monkeypatch):
    """Measurements of speed that take no time; they are right, but not exact."""
    few = speed.Effort(generated=1000, selected=20, repetitions=1, muons=20_000)
    monkeypatch.setattr(speed, "Effort", lambda: few)


def check_page(folder, figures):
    page = (folder / "validation.html").read_text(encoding="utf-8")
    tree = json.loads((folder / "validation.json").read_text(encoding="utf-8"))
    assert "src=" not in page
    assert "<link" not in page
    assert page.count("<figure") == len(figures) + 1
    for name in ("overview", *figures):
        for ending in ("pdf", "png", "json"):
            assert (folder / "plots" / f"{name}.{ending}").stat().st_size > 0
    rows = tree["comparisons"]
    assert tree["passed"] + tree["failed"] + tree["not_judged"] == len(rows)
    assert all(row["quantity"].split(" (")[0].replace("<", "&lt;") in page for row in rows)
    return {row["group"]: [r for r in rows if r["group"] == row["group"]] for row in rows}


def test_resonance(command, tmp_path, quick, monkeypatch):
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    monkeypatch.setitem(networks.SETTINGS, "train.epochs", 2)
    code, out, err = command("validate", "resonance", "-n", "600", "-j", "1")
    assert (code, err.count("error")) == (0, 0)
    assert out.strip().splitlines()[-1] == "validation/resonance/validation.html"
    figures = ("quartiles", "features", "angles", "jets", "tags", "correlations", "networks", "limits")
    groups = check_page(tmp_path / "validation" / "resonance", figures)
    assert len(groups["quartiles"]) == 45
    assert len(groups["correlations"]) == 66
    assert {row["verdict"] for row in groups["AUC, parameterised"]} == {"not judged"}
    assert "too few" in groups["AUC, without mass"][0]["note"]
    assert groups["speed"][-1]["verdict"] == "pass"


def test_without_the_speed_it_is_not_measured(command, tmp_path, monkeypatch):
    monkeypatch.setattr(of_muons, "memory_rows", lambda listener: [])
    monkeypatch.setattr(speed, "muon_rows", None)  # a call would fail
    assert command("validate", "muons", "-n", "25000", "-j", "1", "--no-speed")[0] == 0
    tree = json.loads((tmp_path / "validation" / "muons" / "validation.json").read_text(encoding="utf-8"))
    assert "speed" not in {row["group"] for row in tree["comparisons"]}


def test_muons(command, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(of_muons, "memory_rows", lambda listener: [])
    code, out, err = command("validate", "muons", "-n", "25000", "-j", "1")
    assert (code, err.count("error")) == (0, 0)
    assert "not judged" in out
    figures = ("extrapolation", "windows", "widths", "bends", "classes", "momentum", "correlations", "field", "limits")
    groups = check_page(tmp_path / "validation" / "muons", figures)
    assert {row["verdict"] for row in groups["field"]} == {"pass"}
    assert {row["verdict"] for row in groups["tracks"]} == {"not judged"}
    assert len(groups["windows in φ"]) == 4


def test_strict_leaves_with_1_if_something_fails(command, monkeypatch):
    bad = publish.Validation(publish.OUTPUT / "x.html", [Comparison("g", "q", 1.0, 2.0, tolerance=0.1)])
    monkeypatch.setitem(validate._VALIDATIONS, "muons", (lambda *_: bad, 1))
    assert command("validate", "muons", "-q")[0] == 0
    assert command("validate", "muons", "-q", "--strict")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("resonance", "--data", "none.parquet"), "none.parquet"),
        (("muons", "--data", "bad.npz"), "bad.npz"),
        (("muons", "-n", "0"), "greater than or equal to 1"),
        (("resonance", "-o", "file"), "is a file"),
    ],
)
def test_wrong_input_is_one_sentence(command, tmp_path, arguments, text):
    np.savez(tmp_path / "bad.npz", x=np.zeros(3))
    (tmp_path / "file").write_text("")
    code, _, err = command("validate", *arguments)
    assert code == 2
    assert text in err


def test_memory_is_that_of_the_process_alone():
    held = np.ones(100_000_000)  # 800 MB here must not count there
    with LocalProcesses(1) as fresh:
        fresh.submit("writing", of_muons._peak_memory, 1000, "parquet")
        [(_, found)] = fresh.results()
    assert held[0] == 1
    assert np.isnan(found) or 50 < found < 600


def test_a_file_without_a_mass_is_refused(tmp_path, command):
    from fivesigma.data.write import write_columns
    from fivesigma.simulation.resonance import FEATURES

    columns = {name: np.ones(10, np.float32) for name in (*FEATURES, "mass")} | {"label": np.zeros(10, np.int8)}
    write_columns(tmp_path / "background.parquet", [columns])
    code, _, err = command("validate", "resonance", "--data", tmp_path / "background.parquet")
    assert code == 2
    assert "no events of 500 GeV" in err


def test_a_file_in_the_published_layout_is_read_back_in_gev(tmp_path):
    from fivesigma.data.write import write_columns
    from fivesigma.simulation.resonance import FEATURES
    from fivesigma.simulation.uci import to_uci

    random = np.random.default_rng(1)
    columns = {name: random.uniform(1, 2, 6).astype(np.float32) for name in FEATURES}
    columns |= {f"jet{i}_btag": np.ones(6, np.float32) for i in range(1, 5)} | {"jets_no": np.full(6, 5, np.float32)}
    columns |= {"label": np.array([0, 1, 1, 1, 1, 1], np.int8)}
    columns |= {"mass": np.array([500, 500, 750, 1000, 1250, 1500], np.float32)}
    write_columns(tmp_path / "uci.parquet", [to_uci(columns)])
    found = of_resonance._collisions(tmp_path / "uci.parquet")
    for name in FEATURES:
        np.testing.assert_allclose(found[name], columns[name], rtol=1e-5, atol=1e-5)
