"""The help loads neither a Markdown parser nor a syntax highlighter, and whoever needs them gets the real ones."""

import subprocess
import sys

CODE = """
import sys
from fivesigma.cli import helping
helping.prepare(sys.argv[1:])
print("typer.rich_utils" in sys.modules, "markdown_it" in sys.modules, "rich.markdown" in sys.modules)
if "typer.rich_utils" in sys.modules:
    import typer.rich_utils
    made = typer.rich_utils.Markdown("*a*")
    from rich.markdown import Markdown
    print(type(made) is Markdown)
"""


def said(*arguments):
    done = subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_what_the_help_does_not_show_is_not_loaded():
    assert said("run", "--help") == ["True False False", "True"]


def test_other_commands_do_not_load_the_help():
    assert said("run", "toy.yaml") == ["False False False"]
