"""CSV files, plain or gzipped, through pyarrow."""

from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.data.writers.arrow import array
from fivesigma.data.writers.base import Chunk, Writer


class CsvWriter(Writer):
    """CSV with a header, compressed if the name ends in `.gz`."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self._stream = pa.output_stream(str(path), compression="gzip" if path.name.endswith(".gz") else None)
        self._file: Any = None

    def write(self, columns: Chunk) -> None:
        import pyarrow as pa
        from pyarrow import csv

        # Truths as 0 and 1: `true` would not be read back as a number.
        plain = {name: values.astype(np.int8) if values.dtype == bool else values for name, values in columns.items()}
        table = pa.table({name: array(values) for name, values in plain.items()})
        if self._file is None:
            self._file = csv.CSVWriter(self._stream, table.schema)
        self._file.write_table(table)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._stream.close()
