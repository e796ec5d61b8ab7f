"""The pages of the commands: every option of the command line is there, and no other."""

import re
from pathlib import Path

import pytest
import typer.main

from fivesigma.cli.main import app

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = typer.main.get_command(app).commands


def options(command):
    """Long names of the options of a command and of its subcommands."""
    found = {name for each in command.params for name in (*each.opts, *each.secondary_opts) if name.startswith("--")}
    for inner in getattr(command, "commands", {}).values():
        found |= options(inner)
    return found - {"--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_a_command_lists_its_options(name):
    rows = [line.split("|")[1] for line in (DOCS / f"{name}.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    listed = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", " ".join(rows)))
    assert listed == options(COMMANDS[name])


def test_every_option_and_command_has_a_help_text():
    def walk(command, path):
        assert command.help, path
        for each in command.params:
            if each.param_type_name == "option" and each.name != "help":
                assert each.help, f"{path} {each.opts}"
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{path} {name}")

    for name, command in COMMANDS.items():
        walk(command, name)
