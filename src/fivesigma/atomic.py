"""Files and folders that are either complete or visibly unfinished."""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from fivesigma.errors import OutputError


@contextmanager
def writing(path: str | os.PathLike[str], *, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and move it into place when the block succeeds.

    Args:
        path: the file to make; its folder is made if absent.
        replace: whether an existing file may be replaced.

    Raises:
        OutputError: if the file exists and must not be replaced, or the place cannot be written.
    """
    path = Path(path)
    if os.path.lexists(path) and not replace:
        raise OutputError(f"{path} exists already", hint="choose another name, or remove it first")
    with named_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in left_over(path):
            with suppress(OSError):  # a folder, or another command was faster
                old.unlink()
        # The suffix is kept because some writers choose their format by it.
        handle, name = tempfile.mkstemp(prefix=_mark(path), suffix=".part" + path.suffix, dir=path.parent)
        os.close(handle)
    part = Path(name)
    try:
        with named_errors(path):
            yield part
            part.chmod(0o666 & ~_umask())
            record(path, part)
            if replace:
                part.replace(path)
            else:
                _put(part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Make a folder beside a file for what it is put together from; it is removed afterwards, or by the next call.

    Args:
        path: the file to make.

    Raises:
        OutputError: if the place cannot be written.
    """
    with named_errors(path):
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        for old in left_over(path):
            if old.is_dir():
                shutil.rmtree(old, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_mark(path), suffix=".parts", dir=path.absolute().parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def left_over(path: Path) -> list[Path]:
    """What killed commands of this machine have left beside a file that they were writing."""
    mine = re.compile(rf"{re.escape(_of(path))}(\d+)-\w{{8}}\.parts?(\..*)?")
    with suppress(OSError):
        found = [(entry, mine.fullmatch(entry.name)) for entry in os.scandir(path.absolute().parent)]
        return [Path(entry.path) for entry, match in found if match and not _alive(int(match[1]))]
    return []


def all_left_over(folder: Path) -> list[Path]:
    """What killed commands of this machine have left in a folder and below: unfinished files, and folders of pieces."""
    node = re.escape(_node())
    pattern = re.compile(rf"\..*-{node}-(\d+)-\w{{8}}\.parts?(\..*)?")
    found = []
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            match = pattern.fullmatch(name)
            if match is not None and not _alive(int(match[1])):
                found.append(Path(place, name))
        # What is inside a folder of pieces goes with it.
        folders[:] = [name for name in folders if not pattern.fullmatch(name)]
    return sorted(found)


def _node() -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", platform.node())[:32]


def _of(path: Path) -> str:
    """How the names of temporary files of this machine begin; a name of the longest kind leaves no room for more."""
    return f".{path.stem[:_LONGEST]}-{_node()}-"


_LONGEST = 100


def _mark(path: Path) -> str:
    return f"{_of(path)}{os.getpid()}-"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _put(part: Path, path: Path) -> None:
    """Give a complete file its name, unless another command has made one of this name meanwhile.

    Raises:
        OutputError: naming the file that holds what was written.
    """
    for count in range(1, _MOST_NAMES):
        name = path if count == 1 else path.with_name(f"{path.stem}-{count}{path.suffix}")
        try:
            os.link(part, name)
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            if name.exists():
                continue
            part.replace(name)
        if count > 1:
            raise OutputError(f"{path} was written by another command meanwhile; what this one wrote is in {name}")
        return
    raise OutputError(f"{path} was written by another command meanwhile", hint="choose another name")


_MOST_NAMES = 1000


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Refuse to work in a folder that another command is writing.

    Raises:
        OutputError: if one is.
    """
    with named_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    place = os.open(folder, os.O_RDONLY)
    try:
        with suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputError(
                    f"another command is writing {folder}", hint="wait until it is finished, or choose another folder"
                ) from None
            except OSError:
                pass  # a file system without locks
        yield
    finally:
        os.close(place)


MANIFEST = "manifest.json"
"""Where a folder keeps the hashes of the files in it and below, if it does."""

LEVELS = 5
"""How far below a manifest a file can lie: `baselines/NAME/folds/fold-1/model.keras`."""


def record(path: Path, part: Path) -> None:
    """Enter a complete file into the manifest of its folder, or of one above, if there is one that keeps such files.

    The hash before is kept as well: whenever the process is killed, what lies in the folder is one of the two.

    Args:
        path: the name that the file is about to get.
        part: the complete file.
    """
    for folder in list(path.parents)[:LEVELS]:
        if (folder / MANIFEST).is_file():
            break
    else:
        return
    name = path.relative_to(folder).as_posix()
    hidden = any(piece.startswith(".") or piece == "checkpoints" for piece in name.split("/"))
    with _locked(folder):
        tree = read_manifest(folder)
        if tree is None or hidden or not any(fnmatchcase(name, pattern) for pattern in tree["keeps"]):
            return
        digest, before = sha256(part), tree["files"].get(name, [])
        tree["files"][name] = [digest, *(known for known in before[:1] if known != digest)]
        replacement = folder / f".{MANIFEST}.part"
        replacement.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")
        replacement.replace(folder / MANIFEST)


def remove(path: Path) -> None:
    """Remove a file, and its hash from the manifest that keeps it."""
    path.unlink()
    for folder in list(path.parents)[:LEVELS]:
        if (folder / MANIFEST).is_file():
            with _locked(folder):
                tree = read_manifest(folder)
                if tree is not None and tree["files"].pop(path.relative_to(folder).as_posix(), None) is not None:
                    replacement = folder / f".{MANIFEST}.part"
                    replacement.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")
                    replacement.replace(folder / MANIFEST)
            return


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of a folder: `keeps`, patterns of names, and `files`, name → hashes; None if there is none."""
    try:
        tree = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(tree, dict) or not _are_texts(tree.get("keeps")) or not isinstance(tree.get("files"), dict):
        return None
    return tree if all(_are_texts(digests) for digests in tree["files"].values()) else None


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the manifest of a folder; where there are no locks, all of them."""
    place = os.open(folder, os.O_RDONLY)
    try:
        with suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in one step: no reader ever sees half of it."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's errors about `path` into one sentence each."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and not _concerns(Path(os.fsdecode(error.filename)), path):
            raise
        reason = _reason(error)
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            reason = next((f"{above} is a file and no folder" for above in path.parents if above.is_file()), reason)
        raise OutputError(f"cannot write {path}: {reason}", hint=_hint(error)) from error


def _concerns(file: Path, path: Path) -> bool:
    """Whether an error on `file` is one of writing `path`: itself, what lies above or below, or its part."""
    file, path = file.absolute(), path.absolute()  # temporary files have absolute names
    part = file.parent == path.parent and file.name.startswith(_of(path))
    return part or file == path or file in path.parents or path in file.parents


def _reason(error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    return "the disk is full" if full else (error.strerror or str(error))


def _hint(error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    if full:
        return "free some space or choose another place with --output"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "choose a place where you may write, with --output; of a run that you may only read, use a copy (cp -r)"
    return "choose another place"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
