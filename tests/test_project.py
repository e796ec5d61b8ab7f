"""The project itself: its public names, its map, its promises."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fivesigma as fs
from studies import architecture

ROOT = Path(__file__).parents[1]


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


def test_every_module_can_be_imported_by_its_dotted_name():
    code = "import fivesigma as fs; import fivesigma.metrics.roc as roc; import fivesigma.training.fit as fit; "
    code += "print(callable(fs.train), roc.__name__, fit.__name__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "fivesigma.metrics.roc", "fivesigma.training.fit"]


def test_the_architecture_page_has_one_line_for_every_file():
    assert architecture.PAGE.read_text(encoding="utf-8") == architecture.page(), "run python -m studies.architecture"


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
