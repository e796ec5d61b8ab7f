"""Parquet files, through pyarrow."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from fivesigma.cluster.cores import cores
from fivesigma.data.readers.base import ColumnNames, Columns, FileFormat, Reader, beside_missing, reading
from fivesigma.data.writers.parquet import ParquetWriter


class ParquetReader(Reader):
    """One Parquet file; missing entries become NaN."""

    def __init__(self, path: str) -> None:
        super().__init__(path, path)

    @cached_property
    def _file(self) -> Any:
        import pyarrow.parquet as pq

        with reading(self.path):
            # With `pre_buffer` Arrow keeps the bytes of the whole file in memory, and reading takes longer.
            return pq.ParquetFile(self.path, pre_buffer=False)

    def types(self) -> Mapping[str, str]:
        return {field.name: str(field.type) for field in self._file.schema_arrow}

    def length(self) -> int:
        return int(self._file.metadata.num_rows)

    def _chunks(
        self, names: Sequence[str], size: int, integers: Collection[str], float32: Collection[str]
    ) -> Iterator[Columns]:
        # On two cores there is other work to do beside, and threads take longer in sum.
        threads = cores() > 2
        for batch in self._file.iter_batches(batch_size=size, columns=list(names), use_threads=threads):
            yield {name: to_numpy(batch.column(name), name) for name in names}

    @property
    def jumps(self) -> bool:
        return int(self._file.metadata.num_row_groups) > 1

    def _sampled(self, names: Sequence[str], rows: int, places: int) -> Iterator[Columns]:
        lengths = [self._file.metadata.row_group(group).num_rows for group in range(self._file.metadata.num_row_groups)]
        for group, wanted in shares_of_groups(lengths, rows, places).items():
            # The pages of a group are decoded one after another, so the first batch of a large group is cheap.
            batches = self._file.iter_batches(batch_size=wanted, row_groups=[group], columns=list(names), use_threads=False)
            for batch in islice(batches, 1):
                yield {name: to_numpy(batch.column(name), name) for name in names}


def shares_of_groups(lengths: Sequence[int], rows: int, places: int) -> dict[int, int]:
    """Groups of rows to look at, and how many rows of each: a large group has as large a share as in the file.

    Args:
        lengths: rows of each group.
        rows: that are wanted in all.
        places: groups, at least, if there are so many.

    >>> shares_of_groups([900, 10, 10, 10, 10, 10, 10, 10, 10, 10], 100, 10)
    {0: 90, 5: 10}
    >>> len(shares_of_groups([1000] * 1000, 200_000, 20))
    200
    """
    total, needed = sum(lengths), -(-rows * len(lengths) // max(sum(lengths), 1))
    places = max(1, min(max(places, needed), rows))
    each = -(-rows // places)
    middles = (np.arange(places) + 0.5) * total / places
    groups, counts = np.unique(np.searchsorted(np.cumsum(lengths), middles, side="right"), return_counts=True)
    return {group: min(count * each, lengths[group]) for group, count in zip(groups.tolist(), counts.tolist(), strict=True)}


def to_numpy(column: Any, name: str = "") -> Any:
    """Convert an Arrow column to NumPy (floats with NaN for nulls, text with None), or to Awkward if it holds lists.

    Args:
        column: an array or chunked array of Arrow.
        name: of the column, for errors.

    Raises:
        DataError: if there are nulls among whole numbers that are too large for double precision.
    """
    import pyarrow as pa

    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type) or pa.types.is_fixed_size_list(column.type):
        import awkward as ak

        # Awkward pads only lists whose offsets have 64 bits; Arrow's usual ones have 32.
        if pa.types.is_list(column.type):
            column = column.cast(pa.large_list(column.type.value_type))
        lists = ak.from_arrow(_without_null_elements(column, name))
        # A missing list is an empty one. (Awkward 2.14 shifts the events when it pads Arrow's masked lists.)
        return ak.fill_none(lists, [], axis=0) if column.null_count else lists
    if column.null_count or pa.types.is_decimal(column.type):
        column = _as_floats(column, name)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _as_floats(column: Any, name: str) -> Any:
    """A column with nulls in floating-point numbers, which can be NaN; text, dates and the like as they are."""
    import pyarrow as pa

    numbers = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    if not any(is_one(column.type) for is_one in numbers):
        return column
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        raise beside_missing(name, "fill its missing values, or leave the column out") from None


def _without_null_elements(lists: Any, name: str) -> Any:
    """A column of lists with NaN for null numbers in the lists, as for null numbers outside of lists."""
    import pyarrow as pa
    import pyarrow.compute as pc

    chunks = lists.chunks if isinstance(lists, pa.ChunkedArray) else [lists]
    if not any(chunk.flatten().null_count for chunk in chunks):
        return lists
    filled = []
    for chunk in chunks:
        values = _as_floats(chunk.flatten(), name)
        if not pa.types.is_floating(values.type):
            return lists
        values = pc.fill_null(values, pa.scalar(float("nan"), values.type))
        counts = pc.fill_null(pc.list_value_length(chunk), 0)
        offsets = pa.array(np.concatenate([[0], np.cumsum(counts.to_numpy(zero_copy_only=False))]), pa.int64())
        mask = chunk.is_null() if chunk.null_count else None
        filled.append(pa.LargeListArray.from_arrays(offsets, values, mask=mask))
    return pa.chunked_array(filled)


def _open(path: str, treename: str | None, columns: ColumnNames) -> ParquetReader:
    return ParquetReader(path)


PARQUET = FileFormat("parquet", (".parquet", ".pq"), _open, magic=b"PAR1", writer=ParquetWriter)
