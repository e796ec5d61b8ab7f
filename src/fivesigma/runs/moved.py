"""Files of a run that are elsewhere now than when it was made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import validate
from fivesigma.analysis.section import renamed
from fivesigma.errors import AnalysisError, RunError
from fivesigma.runs.folder import RunFolder

MOVED = "moved"
"""The key of `metadata.json`: place when the run was made → present place."""

Places = Mapping[str, str | Path]
"""A folder or file → where it is now."""


def new_name(name: str, places: Mapping[str, str]) -> str:
    """The name of a file, which may have globs and `:treename`, after a folder above it or the file itself has moved.

    >>> new_name("/old/data/a.root:tree", {"/old": "/new"})
    '/new/data/a.root:tree'
    """
    for old, new in places.items():
        if name == old or name.startswith((f"{old.rstrip('/')}/", f"{old}:")):
            return new + name[len(old) :] if old != "/" else f"{new}{name}"
    return name


def places_of(folder: RunFolder, given: Places | None = None) -> dict[str, str]:
    """Where the files of a run are now: what it has kept of that, and what is given in addition.

    Args:
        folder: of the run.
        given: a place as it was when the run was made, or as it was named last → the present place.

    Raises:
        AnalysisError: if what is given is no mapping of names.
        RunError: if no file of the run is in a place that is given.
    """
    kept = folder.read_json("metadata.json").get(MOVED)
    places = {str(old): str(new) for old, new in kept.items()} if isinstance(kept, Mapping) else {}
    added = _absolute(given)
    if not added:
        return places
    names = _names(folder, places)
    for old in added:
        if not any(new_name(name, {old: ""}) != name for name in names):
            shown = ", ".join(sorted(names)[:3]) + (", …" if len(names) > 3 else "")
            raise RunError(
                f"no file of the run {folder} was in {old}",
                hint=f"its files were: {shown}" if names else "its events were simulated: without their file they are again",
            )
    return {**{old: new_name(new, added) for old, new in places.items()}, **added}


def located(folder: RunFolder, places: Mapping[str, str]) -> Analysis:
    """The analysis of a run with the names that its files have now.

    Args:
        folder: of the run.
        places: as by `places_of`.
    """
    analysis = folder.analysis()
    if not places:
        return analysis
    tree = analysis.model_dump(mode="json", exclude_unset=True)
    return validate(renamed(tree, Analysis, lambda name: new_name(name, places)), str(folder), older=True)


def keep(folder: RunFolder, places: Mapping[str, str]) -> None:
    """Let the run know where its files are now; call it once they have been read."""
    if places and folder.read_json("metadata.json").get(MOVED) != places:
        folder.update_metadata(**{MOVED: dict(places)})


def _absolute(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise AnalysisError(f"moved is {given!r}, which is no mapping", hint='give it as {"/old/folder": "/new/folder"}')
    return {str(Path(old).expanduser().absolute()): str(Path(new).expanduser().absolute()) for old, new in given.items()}


def _names(folder: RunFolder, places: Mapping[str, str]) -> list[str]:
    """All names of files in the analysis of a run, as they are now."""
    found: list[str] = []

    def heard(name: str) -> str:
        found.append(name)
        return name

    renamed(located(folder, places).model_dump(mode="json", exclude_unset=True), Analysis, heard)
    return list(dict.fromkeys(found))
