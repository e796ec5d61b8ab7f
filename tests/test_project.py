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
    assert len(fs.__all__) <= 30
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


VERBS = sorted(path.stem for path in (ROOT / "src/fivesigma/verbs").glob("[!_]*.py") if path.stem != "base")


def test_a_verb_has_the_same_name_everywhere():
    """verbs/X.py, cli/X.py, the command, docs/X.md and a test that is called after it."""
    from fivesigma.cli.main import app

    commands = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert commands == set(VERBS)
    for verb in VERBS:
        assert (ROOT / "src/fivesigma/cli" / f"{verb}.py").is_file()
        assert (ROOT / "docs" / f"{verb}.md").is_file()
        assert (ROOT / "tests/verbs" / f"test_{verb}.py").is_file()


def test_one_place_knows_a_metric():
    """Direction, unit and meaning of each metric stand in metrics/standard.py alone."""
    from fivesigma import plugins

    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")}
    for spec in plugins.metrics:
        places = [path.name for path, text in texts.items() if f'"{spec.meaning}"' in text]
        assert places == ["standard.py"], spec.name
    assert not [path for path, text in texts.items() if "SMALLER_IS_BETTER" in text]


def test_kinds_of_baselines_are_told_apart_nowhere():
    for path in (ROOT / "src").rglob("*.py"):
        found = re.search(r"isinstance\([^)]*(BoostedTrees|LookupTable|OtherNetwork|Trees\b|Table\b)", path.read_text())
        assert found is None, path


def test_functions_take_few_parameters():
    """Seven at most; the public verbs, whose arguments are the user's options, excepted."""
    import ast

    for path in (ROOT / "src").rglob("*.py"):
        if path.parent.name == "cli" or (path.parent.name == "verbs" and path.stem in VERBS):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                assert len([name for name in names if name not in ("self", "cls")]) <= 7, f"{path}: {node.name}"


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


def test_every_public_name_is_on_the_page_of_the_api():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in set(fs.__all__) - {"__version__", "metrics"}:
        assert re.search(rf"auto\w+:: {name}(\(\))?\n", page), name


def test_every_page_of_the_documentation_is_in_its_contents():
    """Commands are listed by the site itself."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        assert path.stem in VERBS or path.stem == "index" or f"\n{path.stem}\n" in index, path.name


def test_every_notebook_is_in_the_contents_and_has_no_outputs():
    import json

    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for path in (ROOT / "examples").glob("*.ipynb"):
        assert f"\nnotebooks/{path.stem}\n" in index, path.name
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs"), f"{path.name}: jupyter nbconvert --clear-output --inplace {path}"
