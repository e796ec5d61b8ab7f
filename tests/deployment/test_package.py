"""A package of a run: safe to open, and every change is noticed."""

import json
import zipfile

import pytest

from fivesigma.analysis.file import validate
from fivesigma.deployment.card import model_card
from fivesigma.deployment.citations import bibtex
from fivesigma.deployment.package import INDEX, unpacked, write_package
from fivesigma.errors import OutputError, RunError
from fivesigma.runs.folder import RunFolder


@pytest.fixture
def folder(tmp_path):
    references = ["Baldi & others, 100 % free, arXiv:1601.07913", "Whiteson, HEPMASS (2016), doi:10.24432/C5PP5W"]
    tree = {"features": ["a"], "target": {"variable": "y", "unit": "GeV"}, "references": references, "description": "A try."}
    found = RunFolder.create(tmp_path, validate(tree, "test"), "test")
    found.write_json("metrics.json", {"version": 1, "test": {"rmse": {"value": 2.0, "error": 0.1}}})
    found.write_json("verdicts.json", ["it is bad"])
    found.write_text("checkpoints/last.npz", "")
    found.write_text("predictions/test.parquet", "scores")
    return found


def rewritten(path, changes):
    """The package with other contents of some files; None removes one."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    changed = path.with_name("changed.zip")
    with zipfile.ZipFile(changed, "w") as archive:
        for name, content in {**contents, **changes}.items():
            if content is not None:
                archive.writestr(name, content)
    return changed


def test_what_is_packed_comes_out_again_and_nothing_else(folder, tmp_path):
    path = tmp_path / "one.zip"
    names = write_package(folder, path)
    assert {"MODEL_CARD.md", "CITATION.bib", "analysis.yaml", "predictions/test.parquet", INDEX} <= set(names)
    assert not any("checkpoints" in name or name == "UNFINISHED" for name in names)
    with unpacked(path) as (place, problems):
        assert problems == []
        assert RunFolder.open(place).analysis() == folder.analysis()
    assert not place.exists()
    write_package(folder, tmp_path / "two.zip")
    assert (tmp_path / "two.zip").read_bytes() == path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        write_package(folder, path)


def test_changed_missing_and_new_files_are_noticed(folder, tmp_path):
    path = tmp_path / "one.zip"
    write_package(folder, path)
    changes = {"metrics.json": b"{}", "predictions/test.parquet": None, "more.py": b"print('run')"}
    with unpacked(rewritten(path, changes)) as (_, problems):
        assert problems == [
            "metrics.json is not the file that was packed",
            "predictions/test.parquet is missing in the package",
            "more.py is not among the files that were packed",
        ]


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt", "a\\..\\out.txt", "C:out.txt"])
def test_names_that_lead_out_of_the_folder_are_refused(folder, tmp_path, name):
    path = tmp_path / "one.zip"
    write_package(folder, path)
    with pytest.raises(RunError, match="leads out of the package"), unpacked(rewritten(path, {name: b"x"})):
        pass


def test_links_and_what_is_no_package_are_refused(folder, tmp_path):
    path = tmp_path / "one.zip"
    write_package(folder, path)
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(RunError, match="'link', which leads out"), unpacked(path):
        pass
    other = tmp_path / "other.zip"
    other.write_bytes(b"PK no zip")
    with pytest.raises(RunError, match="is no package of a run"), unpacked(other):
        pass
    for content in (b"[]", b"{}", json.dumps({"files": {}, "version": 99}).encode()):
        with (
            pytest.raises(RunError, match="is no package of a run"),
            unpacked(rewritten(path, {INDEX: content, "link": None})),
        ):
            pass


def test_an_error_while_a_package_is_open_is_no_error_of_the_package(folder, tmp_path):
    path = tmp_path / "one.zip"
    write_package(folder, path)
    with pytest.raises(KeyError, match="mine"), unpacked(path):
        raise KeyError("mine")


def test_the_card_has_numbers_with_errors_and_limits(folder):
    text = model_card(folder)
    assert text.startswith("# analysis\n\nA try.\n")
    assert "| rmse | 2.00 ± 0.10 GeV |" in text
    assert "- it is bad" in text
    assert "Predicts `y` [GeV]" in text
    assert "arXiv:1601.07913" in text


def test_references_become_bibtex(folder):
    text = bibtex(folder)
    assert (
        "@misc{analysis-1,\n  note = {Baldi \\& others, 100 \\% free, arXiv:1601.07913},\n  eprint = {1601.07913}," in text
    )
    assert "doi = {10.24432/C5PP5W}\n}" in text
    assert "@software{jax2018github," in text
    assert text.count("{") == text.count("}")
