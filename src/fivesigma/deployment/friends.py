"""A folder of friends: a file of scores for each file of events, and a note of what the scores are of."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fivesigma.atomic import named_errors, write_text
from fivesigma.data.formats import format_of_name, split_treename
from fivesigma.errors import OutputError

NOTE = "scored-by.json"
"""Says which network, model, parameters and files the scores in the folder are of."""


_LATER = ("layout", "exported")
"""What the notes of earlier versions do not say."""


class Friends:
    """The folder, which is made if it is not there.

    Args:
        folder: where the scores are written.
        scorer: network, model and parameters, as JSON.
        files: the files of events.
        treename: tree inside the files, where their names give none.

    Attributes:
        places: file of events → its file of scores.

    Raises:
        OutputError: if two files have one name, if scores would replace a file, or if the folder holds other scores.
    """

    def __init__(self, folder: Path, scorer: Mapping[str, Any], files: Sequence[str], treename: str | None) -> None:
        self._folder, self._scorer, self._treename = folder, dict(scorer), treename
        self.places = _places(files, folder)
        with named_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        if (folder / NOTE).is_file():
            self._check()
            return
        there = next((place for place in self.places.values() if place.exists()), None)
        if there is not None:
            raise OutputError(f"{there} exists already", hint="choose another folder, or remove it first")
        self._write({})

    def begin(self, file: str) -> None:
        """Note the file before its scores are written, so that a kill never leaves scores of an unknown file."""
        known = self._read().get("files", {})
        self._write({**known, self.places[file].name: self._state(file)})

    def _check(self) -> None:
        """Refuse a folder with scores of another network, of another file of the same name, or of a file that has changed.

        The notes of earlier versions name no files, no layout and no exported model.
        """
        before = self._read()
        known = before.pop("files", {})
        later = {name: value for name, value in self._scorer.items() if name in before or name not in _LATER}
        if before != later:
            raise OutputError(
                f"{self._folder} holds scores of another network, model or parameter, or of files that were read with other "
                "options",
                hint="choose another folder",
            )
        for file, place in self.places.items():
            if place.exists() and place.name in known and _differ(known[place.name], self._state(file)):
                raise OutputError(
                    f"{place} holds the scores of another file or tree, or of {file} before it changed",
                    hint=f"choose another folder, or remove {place}",
                )

    def _read(self) -> dict[str, Any]:
        with suppress(ValueError):
            found = json.loads((self._folder / NOTE).read_text(encoding="utf-8"))
            files = found.get("files", {}) if isinstance(found, dict) else None
            if isinstance(files, dict) and all(isinstance(state, dict) for state in files.values()):
                return dict(found)
        raise OutputError(f"{self._folder / NOTE} is damaged", hint="choose another folder")

    def _write(self, files: Mapping[str, Any]) -> None:
        write_text(self._folder / NOTE, json.dumps({**self._scorer, "files": files}, indent=1) + "\n")

    def _state(self, file: str) -> dict[str, Any]:
        """What tells a file from another one of its name, and from the same file after a change."""
        path, inside = split_treename(file)
        treename = inside or self._treename
        try:
            found = Path(path).stat()
        except OSError:  # not a file of this machine
            return {"path": path, "treename": treename}
        return {"bytes": found.st_size, "modified": found.st_mtime_ns, "treename": treename}


def _differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two states are of different files or trees; without a name the tree is the only one, or the usual one."""
    named = None not in (one.get("treename"), other.get("treename"))
    return any(one.get(key) != other.get(key) for key in {*one, *other} if named or key != "treename")


def _places(files: Sequence[str], folder: Path) -> dict[str, Path]:
    """Where the scores of each file are written: a file of its name, as Parquet if its own format cannot be written."""
    found: dict[str, Path] = {}
    for file in dict.fromkeys(files):
        path = Path(split_treename(file)[0])
        known = format_of_name(path.name)
        name = path.name if known is not None and known.writer is not None else f"{path.name}.parquet"
        place = folder / name
        if place in found.values():
            raise OutputError(f"two files are called {path.name}", hint="score them into two folders")
        if place.absolute() == path.absolute() or (place.exists() and place.samefile(path)):
            raise OutputError(f"the scores of {path} would replace it", hint="choose another folder")
        found[file] = place
    return found
