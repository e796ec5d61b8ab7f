"""`fivesigma validate` on few events: a page, its figures, its JSON and its exit code."""

import json

import numpy as np
import pytest

from fivesigma.journey import validation
from fivesigma.simulate.validation import speed
from fivesigma.simulate.validation.comparison import Comparison


@pytest.fixture
def quick(monkeypatch):
    """Measurements of speed that take no time; they are right, but not exact."""
    monkeypatch.setattr(speed, "Effort", lambda: speed.__dict__["_quick"])
    monkeypatch.setattr(speed, "_quick", QUICK, raising=False)


QUICK = speed.Effort(generated=1000, selected=20, muons=20_000)


def check_page(folder, figures):
    page = (folder / "validation.html").read_text(encoding="utf-8")
    tree = json.loads((folder / "validation.json").read_text(encoding="utf-8"))
    assert "http" not in page.replace("http://www.w3.org", "").replace("https://doi.org", "") or "src=" not in page
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
    monkeypatch.setitem(validation.validate_resonance.__globals__["train_on"].__globals__["SETTINGS"], "train.epochs", 2)
    code, out, err = command("validate", "resonance", "-n", "1500", "-j", "1")
    assert (code, err.count("error")) == (0, 0)
    assert out.strip().splitlines()[-1] == "validation/resonance/validation.html"
    figures = ("quartiles", "features", "angles", "jets", "tags", "correlations", "networks", "limits")
    groups = check_page(tmp_path / "validation" / "resonance", figures)
    assert len(groups["quartiles"]) == 45
    assert len(groups["correlations"]) == 66
    assert {row["verdict"] for row in groups["AUC, parameterised"]} == {"not judged"}
    assert "too few" in groups["AUC, without mass"][0]["note"]
    assert groups["speed"][-1]["verdict"] == "pass"
    # The second call, now on the file itself and in the UCI layout, compares the same events.
    first = {row["quantity"]: row["found"] for row in groups["b-tags"]}
    cached = next(iter((validation.simulated_file(validation._resonance(1500), validation.Listener()),)))
    monkeypatch.setattr(validation, "train_on", lambda *_, **__: validation.Trained({}, {}, 0, []))
    code, _, err = command("validate", "resonance", "--data", cached, "-o", "again", "-q")
    assert code == 0, err
    tree = json.loads((tmp_path / "again" / "resonance" / "validation.json").read_text(encoding="utf-8"))
    assert {row["quantity"]: row["found"] for row in tree["comparisons"] if row["group"] == "b-tags"} == first


def test_muons(command, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(validation, "memory_rows", lambda listener: [])
    code, out, err = command("validate", "muons", "-n", "25000", "-j", "1")
    assert (code, err.count("error")) == (0, 0)
    assert "not judged" in out
    figures = ("extrapolation", "windows", "widths", "bends", "classes", "momentum", "correlations", "field", "limits")
    groups = check_page(tmp_path / "validation" / "muons", figures)
    assert {row["verdict"] for row in groups["field"]} == {"pass"}
    assert {row["verdict"] for row in groups["tracks"]} == {"not judged"}
    assert len(groups["windows in φ"]) == 4


def test_strict_leaves_with_1_if_something_fails(command, monkeypatch):
    bad = validation.Validation(validation.OUTPUT / "x.html", [Comparison("g", "q", 1.0, 2.0, tolerance=0.1)])
    monkeypatch.setattr(validation, "validate_muons", lambda *_: bad)
    assert command("validate", "muons", "-q")[0] == 0
    assert command("validate", "muons", "-q", "--strict")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("resonance", "--data", "none.parquet"), "none.parquet"),
        (("muons", "--data", "bad.npz"), "bad.npz"),
        (("muons", "-n", "0"), "0"),
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
    peak = validation._peak_memory
    with validation.pool(1) as executor:
        found = executor.submit(peak, 1000, "parquet").result()
    assert held[0] == 1
    assert np.isnan(found) or 50 < found < 600


def test_a_file_without_a_mass_is_refused(tmp_path, command):
    from fivesigma.data.write import write_columns
    from fivesigma.simulate.resonance import FEATURES

    columns = {name: np.ones(10, np.float32) for name in (*FEATURES, "mass")} | {"label": np.zeros(10, np.int8)}
    write_columns(tmp_path / "background.parquet", [columns])
    code, _, err = command("validate", "resonance", "--data", tmp_path / "background.parquet")
    assert code == 2
    assert "no events of 500 GeV" in err
