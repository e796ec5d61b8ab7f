"""Makes `--help` fast: typer loads a Markdown parser and a syntax highlighter for it, which our help texts do not need."""

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

_UNUSED = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
"""Module → its class. Our help texts contain no Markdown, and fivesigma never prints a traceback by typer."""


def prepare(arguments: Sequence[str]) -> None:
    """If help is asked for, import typer's module for it without the modules that it does not use.

    Args:
        arguments: of the command.
    """
    if arguments and not {"--help", "-h"} & set(arguments):
        return
    added = [module for module in _UNUSED if module not in sys.modules]
    for module in added:
        sys.modules[module] = _later(module, _UNUSED[module])
    try:
        importlib.import_module("typer.rich_utils")
    finally:
        for module in added:
            del sys.modules[module]  # whoever else imports it gets the real one


def _later(module: str, name: str) -> ModuleType:
    """A module with one class; a call of it imports the real module and makes an object of the real class."""

    def make(cls: type, *arguments: Any, **more: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **more)

    found = ModuleType(module)
    setattr(found, name, type(name, (), {"__new__": make}))
    return found
