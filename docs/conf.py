"""The documentation site: `make docs`."""

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from fivesigma.version import __version__  # noqa: E402

project = "fivesigma"
author = "The fivesigma developers"
copyright = "The fivesigma developers"  # noqa: A001 (Sphinx's name)
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
root_doc = "index"
templates_path: list[str] = []

# MyST, the dialect of Markdown that GitHub shows as well.
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]

# Notebooks are executed while the site is built; FIVESIGMA_DOCS_EXECUTE=off leaves their outputs out.
nb_execution_mode = os.environ.get("FIVESIGMA_DOCS_EXECUTE", "cache")
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_typehints = "none"  # the docstrings say what arguments mean; the signature is in the source
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
add_module_names = False

html_theme = "furo"
html_title = f"fivesigma {__version__}"
html_static_path = ["static"]
html_js_files = ["site.js"]
html_favicon = "static/icon.svg"
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
copybutton_prompt_text = "$ "
linkcheck_anchors = False

html_math_renderer = "mathml"


def _gather(app: object) -> None:
    """Copy what stands outside of this folder, so that one site has all of it."""
    notebooks = HERE / "notebooks"
    shutil.rmtree(notebooks, ignore_errors=True)
    notebooks.mkdir()
    for path in sorted((ROOT / "examples").glob("*.ipynb")):
        shutil.copy(path, notebooks / path.name)


def _schema(app: object, exception: Exception | None) -> None:
    """Publish the schema beside the pages, for editors."""
    import json

    from fivesigma.verbs.schema import schema

    if exception is None:
        (Path(app.outdir) / "schema.json").write_text(json.dumps(schema(), indent=1), encoding="utf-8")  # type: ignore[attr-defined]


def _formula(translator: object, node: object, display: str) -> None:
    """A formula as MathML, which browsers draw and read out by themselves: the site needs no script from elsewhere."""
    from docutils.nodes import SkipNode
    from latex2mathml.converter import convert

    translator.body.append(convert(node.astext(), display=display))  # type: ignore[attr-defined]
    raise SkipNode


def _commands(app: object, page: str, source: list[str]) -> None:
    """Name every command in the list of pages, in the order of `fivesigma --help`."""
    if page == "index":
        from fivesigma.cli.main import app as commands

        names = [each.name for each in (*commands.registered_commands, *commands.registered_groups)]
        source[0] = source[0].replace("COMMANDS", "\n".join(str(name) for name in names))


def setup(app: object) -> None:
    """Called by Sphinx."""
    inline, block = ((lambda t, n, d=d: _formula(t, n, d), None) for d in ("inline", "block"))
    app.add_html_math_renderer("mathml", inline, block)  # type: ignore[attr-defined]
    app.connect("source-read", _commands)  # type: ignore[attr-defined]
    app.connect("builder-inited", _gather)  # type: ignore[attr-defined]
    app.connect("build-finished", _schema)  # type: ignore[attr-defined]
