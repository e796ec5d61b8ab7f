"""The help without what it never shows: typer loads a Markdown parser and a syntax highlighter, half of its time."""

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

_UNUSED = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
"""Module → its class; our help texts are no Markdown, and our own sentences stand for tracebacks."""


def prepare(arguments: Sequence[str]) -> None:
    """Load typer's help, if it is asked for, so that a class that it does not need is loaded when it is first made.

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
    """A module with one class, which makes an object of the class of the same name in the real module."""

    def make(cls: type, *arguments: Any, **more: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **more)

    found = ModuleType(module)
    setattr(found, name, type(name, (), {"__new__": make}))
    return found
