"""Arrow IPC files, also called Feather files, through pyarrow."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from fivesigma.data.readers.base import ColumnNames, Columns, FileFormat, Reader, reading
from fivesigma.data.readers.parquet import to_numpy


class ArrowReader(Reader):
    """One Arrow file; missing entries become NaN."""

    @cached_property
    def _table(self) -> Any:
        from pyarrow.dataset import dataset

        with reading(self.where):
            return dataset(self.path, format="ipc")

    def types(self) -> Mapping[str, str]:
        return {field.name: str(field.type) for field in self._table.schema}

    def length(self) -> int:
        with reading(self.where):
            return int(self._table.count_rows())

    def _chunks(
        self, names: Sequence[str], size: int, integers: Collection[str], float32: Collection[str]
    ) -> Iterator[Columns]:
        for batch in self._table.to_batches(columns=list(names), batch_size=size):
            yield {name: to_numpy(batch.column(name)) for name in names}


def open_arrow(path: str, treename: str | None, columns: ColumnNames) -> ArrowReader:
    """The reader of a file, which holds one table whose columns have names."""
    return ArrowReader(path, where=path)


ARROW = FileFormat("arrow", (".arrow", ".feather"), open_arrow, magic=b"ARROW1")
