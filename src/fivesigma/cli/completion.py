"""Shell completion: the names of analyses, runs, formats and caches that the Tab key offers."""

import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

_MOST = 200
"""Largest number of names to offer."""


def analyses(incomplete: str) -> list[str]:
    """Built-in analyses, and analysis files and folders, whose names begin with the given text."""
    # The analyses themselves are not loaded: completion must be faster than the user types.
    builtin = [entry.name.removesuffix(".yaml") for entry in (resources.files("fivesigma") / "builtin").iterdir()]
    names = sorted(name for name in builtin if not name.startswith((".", "_")))
    return [*(name for name in names if name.startswith(incomplete)), *_paths(incomplete, (".yaml", ".yml"))]


def analyses_and_files(incomplete: str) -> list[str]:
    """Built-in analyses, and all files and folders, whose names begin with the given text."""
    return [*(name for name in analyses(incomplete) if not Path(name).exists()), *_paths(incomplete, ())]


def runs(incomplete: str) -> list[str]:
    """Analyses that have runs in `runs/`, and folders, whose names begin with the given text."""
    place = Path("runs")
    try:
        found = sorted(entry.name for entry in os.scandir(place) if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        found = []
    return [*(name for name in found if name.startswith(incomplete)), *_paths(incomplete, (".zip",))]


def formats(incomplete: str) -> list[str]:
    """Names of the formats that can be read."""
    from fivesigma.plugins import readers

    return [name for name in readers.names() if name.startswith(incomplete)]


def exporters(incomplete: str) -> list[str]:
    """Names of the formats to which networks can be exported."""
    from fivesigma.plugins import exporters

    return [name for name in exporters.names() if name.startswith(incomplete)]


def _paths(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(_found(incomplete, endings)))[:_MOST]


def _found(incomplete: str, endings: tuple[str, ...]) -> Iterator[str]:
    folder, begin = os.path.split(incomplete)
    try:
        entries = sorted(os.scandir(Path(folder).expanduser()), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if not entry.name.startswith(begin) or (entry.name.startswith(".") and not begin.startswith(".")):
            continue
        path = f"{folder}/{entry.name}" if folder not in ("", "/") else folder + entry.name
        if entry.is_dir():
            yield path + "/"
        elif not endings or entry.name.endswith(endings):
            yield path


def caches(incomplete: str) -> list[str]:
    """Names of caches."""
    from fivesigma.verbs.clean import CHOICES

    return [name for name in CHOICES if name.startswith(incomplete)]
