"""Readers of CSV in the layout of the published HEPMASS files, as contenders: file → training arrays."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.million_rows import write

FEATURES = [f"f{i}" for i in range(27)]
CHUNK = 1 << 20

Arrays = tuple[Any, Any, Any]
"""Features float32 [event, 27], labels [event], mass float32 [event]."""


class Reading:
    """Reads a file once; a new process for each time shows the memory it takes."""

    def fivesigma(self, path: str) -> dict[str, float]:
        """As every analysis reads: with checks, masses put right, and a fingerprint of each event."""
        from fivesigma.analysis.file import load
        from fivesigma.data.load import load_samples

        def read(path: str) -> Arrays:
            events = load_samples(load("hepmass-article", None, {"train": path}))[0].events
            return events.features, events.target, events.parameters[:, 0]

        return _timed(read, path)

    def pandas(self, path: str) -> dict[str, float]:
        """`read_csv` with its defaults, then the same arrays."""
        import pandas

        def read(path: str) -> Arrays:
            table = pandas.read_csv(path)
            features = table[FEATURES].to_numpy(np.float32)
            return features, table["# label"].to_numpy(np.int64), table["mass"].to_numpy(np.float32)

        return _timed(read, path)

    def polars(self, path: str) -> dict[str, float]:
        """`read_csv` with single precision asked for, then the same arrays."""
        import polars

        def read(path: str) -> Arrays:
            names = ["# label", *FEATURES, "mass"]
            table = polars.read_csv(path, schema=dict.fromkeys(names, polars.Float32))
            features = table.select(FEATURES).to_numpy()
            return features, table["# label"].to_numpy().astype(np.int64), table["mass"].to_numpy()

        return _timed(read, path)

    def pyarrow(self, path: str) -> dict[str, float]:
        """`read_csv` with single precision asked for, then the same arrays."""
        import pyarrow
        from pyarrow import csv

        def read(path: str) -> Arrays:
            names = ["# label", *FEATURES, "mass"]
            options = csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.float32()))
            table = csv.read_csv(path, convert_options=options)
            features = np.column_stack([table[name].to_numpy() for name in FEATURES])
            return features, table["# label"].to_numpy().astype(np.int64), table["mass"].to_numpy()

        return _timed(read, path)

    def duckdb(self, path: str) -> dict[str, float]:
        """`read_csv` with single precision asked for, then the same arrays."""
        import duckdb

        def read(path: str) -> Arrays:
            types = ", ".join(f"'{name}': 'FLOAT'" for name in ["# label", *FEATURES, "mass"])
            found = duckdb.sql(f"select * from read_csv('{path}', header=true, types={{{types}}})").fetchnumpy()
            features = np.column_stack([found[name] for name in FEATURES])
            return features, np.asarray(found["# label"]).astype(np.int64), np.asarray(found["mass"])

        return _timed(read, path)

    def gunzip(self, path: str) -> dict[str, float]:
        """Decompression alone, by the fastest library at hand: a file is not read faster than this."""
        from isal import igzip

        size = 0
        started = time.perf_counter()
        with igzip.open(path, "rb") as stream:
            while part := stream.read(CHUNK):
                size += len(part)
        return {"seconds": time.perf_counter() - started, "bytes": size}


def _timed(read: Callable[[str], Arrays], path: str) -> dict[str, float]:
    """The second of two readings: the first, of a tiny file, imports whatever the library loads late."""
    with tempfile.TemporaryDirectory() as folder:
        tiny = Path(folder) / "tiny.csv.gz"
        write(tiny, 100, 1)
        read(str(tiny))
    started = time.perf_counter()
    features, labels, mass = read(path)
    seconds = time.perf_counter() - started
    content = float(features.sum(dtype=np.float64) + labels.sum() + np.rint(mass).sum(dtype=np.float64))
    return {"seconds": seconds, "rows": len(features), "content": content}
