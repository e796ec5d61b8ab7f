"""Events for several workers: as they are, or in NumPy files, which processes map into memory without a copy."""

import json
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.atomic import named_errors, write_text
from fivesigma.errors import ClusterError
from fivesigma.events import Events

_NAMES = "names.json"
_PLAIN = ("feature_names", "parameter_names", "classes", "units")


def write(folder: Path, parts: Mapping[str, Events]) -> None:
    """Write split events; the folder appears under its name only when it is complete, replacing an older one."""
    beside = folder.with_name(f".{folder.name}.part")
    with named_errors(folder):
        shutil.rmtree(beside, ignore_errors=True)
        for part, events in parts.items():
            (beside / part / "observers").mkdir(parents=True)
            for field in fields(Events):
                value = getattr(events, field.name)
                if isinstance(value, np.ndarray):
                    np.save(beside / part / f"{field.name}.npy", value, allow_pickle=False)
            for i, column in enumerate(events.observers.values()):
                np.save(beside / part / "observers" / f"{i}.npy", column, allow_pickle=False)
            plain = {name: getattr(events, name) for name in _PLAIN} | {"observers": list(events.observers)}
            write_text(beside / part / _NAMES, json.dumps(plain))
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)


Handed = Path | Mapping[str, Events]
"""Split events, or the folder that they were written to."""


@contextmanager
def handed_over(parts: Mapping[str, Events], folder: Path, shares_memory: bool) -> Iterator[Handed]:
    """Events as workers take them: as they are if workers share this process's memory, else in a folder for a while."""
    if shares_memory:
        yield parts
        return
    write(folder, parts)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read(handed: Handed) -> Mapping[str, Events]:
    """The events that were handed over; those in a folder as arrays mapped into memory, which processes share.

    Raises:
        ClusterError: if there is no such folder here.
    """
    # A later search in the same place is told by its time.
    return _read(handed, _changed(handed)) if isinstance(handed, Path) else handed


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        raise ClusterError(
            f"the worker on {platform.node()} does not see {folder}",
            hint="workers of a cluster need the run's folder on a shared file system: choose one with --output",
        ) from None


@lru_cache(maxsize=1)
def _read(folder: Path, changed: int) -> dict[str, Events]:
    return {part.name: _events(part) for part in sorted(folder.iterdir())}


def _events(folder: Path) -> Events:
    plain = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
    observers = {name: _mapped(folder / "observers" / f"{i}.npy") for i, name in enumerate(plain.pop("observers"))}
    columns: dict[str, Any] = {path.stem: _mapped(path) for path in folder.glob("*.npy")}
    names: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    return Events(**columns, observers=observers, **names)


def _mapped(path: Path) -> np.ndarray[Any, Any]:
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
