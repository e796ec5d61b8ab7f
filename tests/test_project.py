"""The project itself: its public names, its map, its promises."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fivesigma as fs

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "src").rglob("*")
    if path.suffix in (".py", ".yaml", ".j2", ".csv") and path.name != "__init__.py"
)


def test_the_public_surface_is_small_sorted_and_there():
    assert len(fs.__all__) <= 25
    assert list(fs.__all__) == sorted(fs.__all__)
    for name in fs.__all__:
        assert getattr(fs, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = fs.nothing


def test_importing_fivesigma_loads_neither_jax_nor_matplotlib():
    heavy = "[name for name in ('jax', 'keras', 'matplotlib') if name in sys.modules]"
    code = f"import sys, fivesigma; fivesigma.load('hepmass'); print({heavy})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_verb_stays_a_function_after_its_room_was_imported():
    verbs = "callable(fs.train), callable(fs.report), callable(fs.evaluate)"
    code = f"import fivesigma as fs; from fivesigma.train import fit; import fivesigma.report.page; print({verbs})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True True True"


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_the_architecture_page_names_every_file(path):
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = page.split(f"### `{path.parent}/`", 1)
    assert len(section) == 2, f"ARCHITECTURE.md has no section {path.parent}/"
    assert f"`{path.name}`" in section[1].split("\n### ")[0]


def test_the_architecture_page_names_no_file_that_is_gone():
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for section in page.split("\n### ")[1:]:
        folder = re.match(r"`([^`]+)`", section)[1]
        for name in re.findall(r"^\| `([^`]+)` \|", section, re.M):
            assert (ROOT / folder / name).is_file(), f"{folder}{name}"


def test_no_index_address_in_the_pins():
    assert "://" not in (ROOT / "constraints.txt").read_text()


def test_every_dependency_is_pinned():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {
        re.match(r"[\w-]+", line)[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()
    }
    missing = [d for d in wanted if re.match(r"[\w-]+", d)[0].lower().replace("_", "-") not in names]
    assert missing == []
