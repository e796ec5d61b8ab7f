"""Parquet files, through pyarrow."""

from pathlib import Path
from typing import Any

from fivesigma.data.writers.arrow import array
from fivesigma.data.writers.base import Chunk, Writer


class ParquetWriter(Writer):
    """Parquet, zstd-compressed, a row group per chunk; no dictionaries, because scores hardly repeat."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def write(self, columns: Chunk) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({name: array(values) for name, values in columns.items()})
        if self._file is None:
            self._file = pq.ParquetWriter(self._path, table.schema, compression="zstd", use_dictionary=False)
        self._file.write_table(table)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
