"""Write columns to a file in chunks; the file appears under its name only when it is complete."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.atomic import writing
from fivesigma.data.formats import format_of_name, writable_suffixes
from fivesigma.data.readers.base import FileFormat
from fivesigma.data.types import SameTypes
from fivesigma.data.writers.base import Chunk
from fivesigma.errors import OutputError


class NothingToWrite(OutputError):
    """There is no row, so that nobody knows the types of the columns."""


def write_columns(
    path: str | Path,
    chunks: Iterable[Chunk],
    *,
    replace: bool = False,
    types: Mapping[str, np.dtype[Any]] | None = None,
) -> int:
    """Write chunks of columns to a file whose ending gives the format.

    Args:
        path: .parquet, .csv, .csv.gz, .root, .npz or .h5.
        chunks: columns by name, each [event]; the same names every time.
        replace: whether an existing file may be replaced.
        types: column → its type, as far as it is not that of the first chunk.

    Returns:
        The number of rows written.

    Raises:
        OutputError: if the file exists, or the disk is full.
        NothingToWrite: if there are no rows, and the format cannot say so.
        WiderTypes: if a later chunk has values that the types of the first one do not hold.
    """
    path = Path(path)
    writer_of = writable_format(path).writer
    assert writer_of is not None  # else the format would have been refused
    rows, same = 0, SameTypes(types)
    with writing(path, replace=replace) as part, closing(writer_of(part)) as writer:
        for chunk in chunks:
            writer.write(same.of(chunk))
            rows += len(next(iter(chunk.values())))
        if rows == 0 and not writer.can_be_empty:
            raise NothingToWrite(f"there are no events to write to {path}", hint="the files that were given have none")
    return rows


def writable_format(path: Path) -> FileFormat:
    """The format that belongs to the name of an output file.

    Raises:
        OutputError: if no format with this ending can be written.
    """
    found = format_of_name(path.name)
    if found is None or found.writer is None:
        raise OutputError(f"the format of {path} is unknown", hint=f"end the name in {', '.join(writable_suffixes())}")
    return found
