"""The verb `doctor`: what is here, what is not, and what is broken; it works whatever that is."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fivesigma.extras import EXTRAS
from fivesigma.verbs import doctor

ROOT = Path(__file__).parents[2]


def test_extras_and_libraries_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def names(lines):
        return {re.match(r"[\w-]+", line)[0].lower() for line in lines}

    assert set(doctor.CORE.values()) - {"jaxlib"} == names(project["dependencies"])
    optional = {name: names(lines) for name, lines in project["optional-dependencies"].items()}
    for name in EXTRAS.keys() & optional.keys():
        assert set(EXTRAS[name].modules.values()) == optional[name], name
    source = (ROOT / "src/fivesigma/extras.py").read_text()
    assert set(re.findall(r'_require\("\w+", "(\w+)"', source)) | set(re.findall(r"fivesigma\[(\w+)\]", source)) <= set(
        EXTRAS
    )


@pytest.fixture
def quick(monkeypatch):
    """Only a few libraries are tried."""
    monkeypatch.setattr(doctor, "CORE", {"yaml": "pyyaml", "isal": "isal"})
    monkeypatch.setattr(doctor, "EXTRAS", {name: EXTRAS[name] for name in ("tune", "limits")})


def broken(folder, **modules):
    """Modules that fail when they are imported, before those that are installed."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return str(folder)


@pytest.mark.usefixtures("quick")
def test_what_is_broken_is_named_and_the_rest_goes_on(tmp_path, monkeypatch):
    texts = {"isal": "raise ImportError('no symbol')", "optuna": "import os; print('hello'); os._exit(7)"}
    texts["pyhf"] = "raise ValueError('after a library that ended the process')"
    monkeypatch.setenv("PYTHONPATH", broken(tmp_path, **texts), prepend=os.pathsep)
    steps = []
    found = doctor.doctor(lambda done, total, text: steps.append((done, total, text)))
    assert {library.package: library.works for library in found.core} == {"pyyaml": True, "isal": False}
    tune, limits = found.extras
    assert (tune.state, limits.state) == ("optuna broken", "pyhf broken")
    assert "it ends the process with code 7" in tune.libraries[0].problem
    advice = " ".join(found.advice)
    assert "isal cannot be imported (ImportError: no symbol)" in advice
    assert "pip install --force-reinstall isal" in advice
    assert [total for _, total, _ in steps] == [4] * len(steps)
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.usefixtures("quick")
def test_what_is_missing_comes_with_its_command(monkeypatch, command):
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "optuna" else "1.0")
    code, out, err = command("doctor")
    assert (code, err) == (0, "")
    (line,) = [line for line in out.splitlines() if line.startswith("tune ")]
    assert "missing" in line
    assert line.rstrip().endswith("pip install 'fivesigma[tune]'")
    code, out, _ = command("doctor", "--json")
    tree = json.loads(out)
    assert [row["state"] for row in tree["extras"]] == ["missing", "complete"]
    assert tree["cores"]["usable"] >= 1
    assert tree["memory"]["usable"] > 1e8
    assert {row["name"] for row in tree["caches"]} == {"events", "programs", "layouts"}
    assert set(tree["programs"]) == {"chromium", "g++", "verilator", "yosys"}


@pytest.mark.usefixtures("quick")
def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FIVESIGMA_CACHE", str(tmp_path / "file" / "cache"))
    found = doctor.doctor()
    assert not found.cache_writable
    assert any("set FIVESIGMA_CACHE" in sentence for sentence in found.advice)


@pytest.mark.usefixtures("quick")
def test_remembered_layouts_are_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("FIVESIGMA_CACHE", str(tmp_path))
    (tmp_path / "layouts-01234567.json").write_text('{"k": {"layout": "2x1", "rates": {"2x1": 5}}}')
    assert doctor.doctor().layouts == [{"layout": "2x1", "rates": {"2x1": 5}}]


def test_memory_heeds_the_control_group(tmp_path):
    (tmp_path / "memory.max").write_text("1000000\n")
    assert doctor._memory(tmp_path)["usable"] == 1_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert doctor._memory(tmp_path)["usable"] > 1_000_000


@pytest.mark.parametrize("library", ["pydantic", "yaml", "typer", "rich", "numpy"])
def test_the_command_works_without_a_library_of_its_own(tmp_path, library, monkeypatch):
    path = broken(tmp_path, **{library: "raise ImportError('broken on purpose')"})
    environment = {**os.environ, "PYTHONPATH": path}
    code = (
        "import fivesigma.verbs.doctor as d; d.CORE = {%r: %r}; d.EXTRAS = {}; from fivesigma.cli.main import main; main()"
    )
    code %= (library, doctor.CORE[library])
    run = subprocess.run(
        [sys.executable, "-c", code, "doctor"], capture_output=True, text=True, env=environment, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "broken on purpose" in run.stdout
    assert f"pip install --force-reinstall {doctor.CORE[library]}" in run.stdout
    arguments = [sys.executable, "-m", "fivesigma", "analyses"]
    run = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith("error: a library that fivesigma needs cannot be imported: broken on purpose")
    assert "fivesigma doctor" in run.stderr
