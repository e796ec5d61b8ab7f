"""The verb `cite`: what a run used, and nothing that it did not."""

import re
from pathlib import Path

import pytest

from fivesigma.analysis.file import validate
from fivesigma.deployment import citations
from fivesigma.deployment.citations import KNOWN, Used, bibtex
from fivesigma.runs.folder import RunFolder
from fivesigma.verbs.cite import cite


def keys(folder):
    return {citation.key for citation in cite(folder.path)}


@pytest.fixture
def make(tmp_path):
    """A function: sections of an analysis → the folder of a run."""

    def make(inputs=(), simulated=False, **sections):
        tree = {"features": ["a"], "target": {"variable": "y"}, **sections}
        folder = RunFolder.create(tmp_path, validate(tree, "test"), "test")
        folder.update_metadata(inputs=[{"sample": "train", "path": path} for path in inputs], simulated=simulated)
        return folder

    return make


ALWAYS = {"fivesigma", "chollet2015keras", "jax2018github", "harris2020numpy"}


def test_a_plain_run_cites_what_it_is_made_with(make):
    assert keys(make()) == {*ALWAYS, "kingma2014adam"}
    assert keys(make(train={"optimizer": "sgd"})) == ALWAYS
    assert keys(make(train={"optimizer": "adamw"})) == {*ALWAYS, "kingma2014adam", "loshchilov2019adamw"}


def test_the_references_of_the_analysis_come_with_their_numbers(make):
    text = bibtex(make(references=["Baldi, arXiv:1601.07913", "HEPMASS, doi:10.24432/C5PP5W", "CMS-TDR-021"]))
    assert "eprint = {1601.07913}" in text
    assert "doi = {10.24432/C5PP5W}" in text
    assert text.count("% named by the analysis") == 3


def test_files_exports_limits_and_searches_are_cited_if_they_were_used(make):
    assert {"uproot", "awkward"} <= keys(make(inputs=["/data/events.root"]))
    assert not {"uproot", "awkward"} & keys(make(inputs=["/data/root.csv.gz"]))
    folder = make()
    folder.write_json("export/check.json", {"hls": {}, "onnx": {}})
    assert {"sun2026hgq", "fastml_hls4ml", "duarte2018hls4ml", "sun2025da4ml"} <= keys(folder)
    folder = make()
    folder.write_json("metrics.json", {"version": 2, "test": {"search": {"at": {"": {"limit": {"value": 1, "error": 0}}}}}})
    assert {"pyhf", "pyhf_joss", "cowan2011asymptotic"} <= keys(folder)
    folder = make(tune={"space": {"train.learning_rate": {"choice": [0.001, 0.01]}}, "method": "tpe"})
    assert not {"akiba2019optuna", "bergstra2011tpe"} & keys(folder)  # it may be tuned, and was not
    folder.write_text("tune/best.yaml", "")
    assert {"akiba2019optuna", "bergstra2011tpe"} <= keys(folder)
    another = make(tune={"space": {"train.learning_rate": {"choice": [0.001, 0.01]}}, "method": "tpe"})
    assert "akiba2019optuna" not in keys(another)
    folder.write_text("tune/best.yaml", (another / "analysis.yaml").read_text())  # it has the settings that a search found
    assert "akiba2019optuna" in keys(another)
    folder = make(tune={"space": {"train.learning_rate": {"choice": [0.001, 0.01]}}, "method": "hyperband"})
    folder.write_text("tune/best.yaml", "")
    assert "li2018hyperband" in keys(folder)
    folder = make(baselines={"trees": {"kind": "boosted_trees"}})
    assert "ke2017lightgbm" not in keys(folder)
    (folder / "baselines" / "trees").mkdir(parents=True)
    folder.update_metadata(versions={"lightgbm": "4.5"})
    assert "ke2017lightgbm" in keys(folder)


def test_simulated_collisions_cite_generator_and_jets(tmp_path):
    import fivesigma as fs

    for name, expected in (("hepmass", True), ("muon-pt", False)):
        folder = RunFolder.create(tmp_path, fs.load(name), "test")
        folder.update_metadata(simulated=True)
        assert ({"bierlich2022pythia", "cacciari2012fastjet", "cacciari2008antikt"} <= keys(folder)) == expected
        folder.update_metadata(simulated=False)
        assert "bierlich2022pythia" not in keys(folder)


def test_every_entry_is_sound():
    assert len({known.key for known in KNOWN}) == len(KNOWN)
    used = Used(validate({"features": ["a"], "target": {"variable": "y"}}, "test"))
    for known in KNOWN:
        text = str(known.citation(used))
        assert text.count("{") == text.count("}"), known.key
        first, rest = text.split("\n", 1)
        assert first.startswith("% ")
        assert "@" not in first  # BibTeX would take it for an entry
        assert re.match(r"@\w+\{[\w-]+,\n", rest), known.key
        fields = known.citation(used).fields
        assert {"title", "author"} <= set(fields)
        if "eprint" in fields:
            assert re.fullmatch(r"\d{4}\.\d{4,5}", fields["eprint"]), known.key
            assert fields["archivePrefix"] == "arXiv"
        if "doi" in fields:
            assert re.fullmatch(r"10\.\d{4,5}/\S+", fields["doi"]), known.key


def test_every_entry_of_the_bibliography_is_cited_by_something():
    text = (Path(citations.__file__).parent / "citations.bib").read_text(encoding="utf-8")
    assert sorted(re.findall(r"@\w+\{([\w-]+),", text)) == sorted(known.key for known in KNOWN)


@pytest.mark.usefixtures("undrawn")
def test_the_command_prints_bibtex_alone(toy, command):
    folder = Path(command("train", toy, "--set", "train.epochs=1")[1].splitlines()[-1])
    code, out, err = command("cite", "toy")
    assert (code, err) == (0, "")
    assert out == bibtex(RunFolder(folder))
    assert command("cite", "nothing")[0] == 2
