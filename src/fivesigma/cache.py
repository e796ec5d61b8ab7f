"""Where simulated events and compiled programs are kept from one call to the next, and what of it can be emptied."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fivesigma.errors import OutputError

NAMES = {
    "events": "simulated events",
    "programs": "compiled programs",
    "layouts": "which layout of devices is fastest",
}
"""The caches, and what is in each."""

_EVENTS = re.compile(r"(?:resonance|muons)-\d+-[0-9a-f]{12}\.(?:parquet|npz)")
_PARTS = re.compile(_EVENTS.pattern + r"\.parts")
_PIECE = re.compile(r"(?:[0-9a-f]{12}-[\w.+-]+|\.[0-9a-f]{12}-[\w.+-]+\.part)\.npz")
_PROGRAMS = re.compile(r"xla-[0-9a-f]{8}")
_PROGRAM = re.compile(r"[\w.<>-]+-[0-9a-f]{64}-(?:cache|atime)")
_LAYOUTS = re.compile(r"layouts-[0-9a-f]{8}\.json")

_held: dict[tuple[int, int], int] = {}
"""Folders that this process has said it uses: (device, inode) → file descriptor, open until the process ends."""


def cache_place() -> Path:
    """Where simulated events and compiled programs are kept: FIVESIGMA_CACHE, else XDG_CACHE_HOME or ~/.cache."""
    given = os.environ.get("FIVESIGMA_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fivesigma"


def cache_folder() -> Path:
    """The folder of `cache_place`; from now on this process counts as one that uses it, so that nobody empties it."""
    place = cache_place()
    with suppress(OSError, ImportError):
        import fcntl

        place.mkdir(parents=True, exist_ok=True)
        number = os.open(place, os.O_RDONLY)
        key = _key(number)
        if key in _held:
            os.close(number)
        else:
            fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
            _held[key] = number
    return place


@contextmanager
def alone_with_cache() -> Iterator[None]:
    """While within it, no other process begins to use the cache.

    Raises:
        OutputError: if one uses it already.
    """
    place = cache_place()
    try:
        import fcntl

        number = os.open(place, os.O_RDONLY)
    except (OSError, ImportError):
        yield  # no folder, or a system without locks
        return
    mine = _held.get(_key(number))
    held = number if mine is None else mine
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"the cache in {place} is in use by another process{_who(held)}",
                hint="wait until it has ended, then try again",
            ) from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        if mine is not None:
            with suppress(OSError):
                fcntl.flock(mine, fcntl.LOCK_SH)
        os.close(number)


def _key(number: int) -> tuple[int, int]:
    state = os.fstat(number)
    return state.st_dev, state.st_ino


def _who(number: int) -> str:
    """The processes that hold a lock of an open folder, where the system tells."""
    inode = str(os.fstat(number).st_ino)
    with suppress(OSError, IndexError, ValueError):
        rows = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
        found = sorted({int(row[4]) for row in rows if row[1] == "FLOCK" and row[5].split(":")[-1] == inode} - {os.getpid()})
        return f" (number {', '.join(map(str, found))})" if found else ""
    return ""


@dataclass(frozen=True)
class Cache:
    """Files that can be removed, and nothing is lost but time.

    Attributes:
        name: of the cache.
        what: is in it.
        place: the folder.
        files: all of ours in it; nothing else that may be there.
        folders: that are removed if nothing else is in them.
    """

    name: str
    what: str
    place: Path
    files: tuple[Path, ...]
    folders: tuple[Path, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(_size(path) for path in self.files)

    def unused_for(self, days: float) -> "Cache":
        """The files of it that were neither written nor read for so many days."""
        limit = time.time() - days * 86400
        return Cache(self.name, self.what, self.place, tuple(p for p in self.files if _last_used(p) < limit), self.folders)

    def empty(self) -> int:
        """Remove the files, and folders that are empty then; give the number of bytes that were freed."""
        freed = 0
        for path in self.files:
            size = _size(path)
            with suppress(OSError):  # somebody else was faster, or it is not ours to remove
                path.unlink()
                freed += size
        for folder in self.folders:
            with suppress(OSError):
                folder.rmdir()
        return freed


def caches() -> list[Cache]:
    """The caches of this user, each with the files in it that are ours."""
    place = cache_place()
    entries = _entries(place)
    folders = [path for path in entries if path.is_dir() and not path.is_symlink()]
    parts = [path for path in folders if _PARTS.fullmatch(path.name)]
    programs = [path for path in folders if _PROGRAMS.fullmatch(path.name)]
    files = [path for path in entries if path.is_file() and not path.is_symlink()]
    pieces = [piece for folder in parts for piece in _entries(folder) if _PIECE.fullmatch(piece.name) and piece.is_file()]
    compiled = [path for folder in programs for path in _entries(folder) if _PROGRAM.fullmatch(path.name)]
    events = [path for path in files if _EVENTS.fullmatch(path.name)]
    return [
        Cache("events", NAMES["events"], place, (*events, *pieces), tuple(parts)),
        Cache("programs", NAMES["programs"], place, tuple(compiled), tuple(programs)),
        Cache("layouts", NAMES["layouts"], place, tuple(path for path in files if _LAYOUTS.fullmatch(path.name))),
    ]


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.lstat().st_size
    return 0


def _last_used(path: Path) -> float:
    with suppress(OSError):
        state = path.stat()
        return max(state.st_atime, state.st_mtime)
    return time.time()


def in_words(size: float) -> str:
    """A number of bytes as people read it.

    >>> in_words(0), in_words(1500), in_words(2_340_000_000)
    ('0 B', '1.5 kB', '2.3 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
