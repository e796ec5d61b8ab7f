"""Files and folders that are either complete or visibly unfinished."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
    if path.exists() and not replace:
        raise OutputError(f"{path} exists already", hint="choose another name, or remove it first")
    with named_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix is kept because some writers choose their format by it.
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".part" + path.suffix, dir=path.parent)
        os.close(handle)
    part = Path(name)
    try:
        with named_errors(path):
            yield part
            part.chmod(0o666 & ~_umask())
            part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


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
        raise OutputError(f"cannot write {path}: {_reason(error)}", hint=_hint(error)) from error


def _concerns(file: Path, path: Path) -> bool:
    """Whether an error on `file` is one of writing `path`: itself, what lies above or below, or its part."""
    part = file.parent == path.parent and file.name.startswith(f".{path.stem}-")
    return part or file == path or file in path.parents or path in file.parents


def _reason(error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    return "the disk is full" if full else (error.strerror or str(error))


def _hint(error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    return "free some space or choose another place with --output" if full else "choose another place"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
