"""A run as one file: everything that a colleague needs to check it and use it, with the hash of each part."""

import hashlib
import json
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from fivesigma.atomic import read_manifest, writing
from fivesigma.deployment.card import model_card
from fivesigma.deployment.citations import bibtex
from fivesigma.errors import FivesigmaError, RunError
from fivesigma.runs.folder import RunFolder

INDEX, CARD, CITATIONS = "package.json", "MODEL_CARD.md", "CITATION.bib"
VERSION = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""No date, so that the same run gives the same bytes."""
MOST_BYTES = 1 << 36
"""Largest sum of the files of a package; a small file that promises more is no package."""


def write_package(folder: RunFolder, path: Path) -> list[str]:
    """Write the package of a run; give the names of the files in it.

    Raises:
        OutputError: if the file exists.
    """
    texts = {CARD: model_card(folder), CITATIONS: bibtex(folder)}
    names = _files(folder)
    with writing(path, replace=False) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        digests = {}
        for name, text in texts.items():
            _add(archive, name, text.encode())
            digests[name] = hashlib.sha256(text.encode()).hexdigest()
        for name in names:
            content = (folder / name).read_bytes()
            _add(archive, name, content)
            digests[name] = hashlib.sha256(content).hexdigest()
        index = {"version": VERSION, "analysis": folder.analysis().name, "files": dict(sorted(digests.items()))}
        _add(archive, INDEX, (json.dumps(index, indent=1) + "\n").encode())
    return [*texts, *names, INDEX]


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Unpack a package into a folder that is removed afterwards; nothing in it is run.

    Yields:
        The folder, and a sentence for each file that is not what the package says.

    Raises:
        RunError: if the file is no package.
    """
    with tempfile.TemporaryDirectory(prefix="fivesigma-package-") as place:
        try:
            problems = _extract(path, Path(place))
        except FivesigmaError:
            raise
        except _DAMAGES as error:
            reason = f"{type(error).__name__}: {error}"
            hint = "make one with `fivesigma package RUN`"
            raise RunError(f"{path} is no package of a run, or it is damaged ({reason})", hint=hint) from None
        yield Path(place), problems


def _extract(path: Path, place: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        index, entries = _index(archive), archive.infolist()
        _refuse_unsafe(path, entries)
        archive.extractall(place)
        return list(_problems(place, index["files"], {entry.filename for entry in entries}))


_DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, KeyError, ValueError, TypeError, EOFError, NotImplementedError),
    *(RuntimeError, struct.error),  # encrypted; cut short
)
"""What reading a damaged archive raises."""
_PACKED = (
    *("*.json", "*.jsonl", "*.yaml", "*.npz", "*.keras", "report.html"),
    *("predictions/*.parquet", "folds/*/*", "export/**/*"),
)
"""What is packed beside the files in the manifest, which a run of an older version does not have."""


def _files(folder: RunFolder) -> list[str]:
    """Names of the files of a run that belong into its package."""
    tree = read_manifest(folder.path)
    found = set(tree["files"]) if tree is not None else set()
    for pattern in _PACKED:
        found |= {path.relative_to(folder.path).as_posix() for path in folder.path.glob(pattern)}
    kept = [name for name in found if (folder / name).is_file() and "checkpoints" not in name.split("/")]
    return sorted(name for name in kept if not any(piece.startswith(".") for piece in name.split("/")))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(entry, content)


def _index(archive: zipfile.ZipFile) -> dict[str, Any]:
    tree = json.loads(archive.read(INDEX))
    if not isinstance(tree, dict) or not isinstance(tree.get("files"), dict):
        raise ValueError(f"{INDEX} has no list of files")
    if tree["version"] > VERSION:
        raise ValueError("it was made by a later version of fivesigma")
    return dict(tree)


def _refuse_unsafe(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse names that lead out of the folder, links, and sizes beyond all measure."""
    for entry in entries:
        name = PurePosixPath(entry.filename)
        link = (entry.external_attr >> 16) & 0o170000 == 0o120000
        if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename or link:
            raise RunError(f"{path} holds {entry.filename!r}, which leads out of the package")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise RunError(f"{path} would unpack to more than {MOST_BYTES:,} bytes")


def _problems(folder: Path, digests: dict[str, str], names: set[str]) -> Iterator[str]:
    for name, digest in digests.items():
        if name not in names or not (folder / name).is_file():
            yield f"{name} is missing in the package"
        elif hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            yield f"{name} is not the file that was packed"
    for name in sorted(names - set(digests) - {INDEX}):
        yield f"{name} is not among the files that were packed"
