"""Readers of flat ROOT files, as contenders: file → shuffled batches of float32."""

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

FEATURES = [f"f{i}" for i in range(28)]
COLUMNS = [*FEATURES, "label"]
NAME = "Events"
BLOCK = 200_000
TINY = 4096

Batches = Iterator[Any]
"""Rows of float32 [event, column], some batches at a time."""


class Reading:
    """Reads a file once; each time in a new process."""

    def write(self, tree: str, ntuple: str, events: int) -> None:
        """Write events as a TTree, and copy them into an RNTuple by ROOT."""
        from fivesigma.data.write import write_columns

        def blocks() -> Iterator[dict[str, Any]]:
            generator = np.random.default_rng(1)
            for start in range(0, events, BLOCK):
                count = min(BLOCK, events - start)
                label = generator.integers(0, 2, count).astype(np.float32)
                yield {name: generator.standard_normal(count, np.float32) + 0.25 * label for name in FEATURES} | {
                    "label": label
                }

        write_columns(Path(tree), blocks(), replace=True)
        root = _root()
        options = root.RDF.RSnapshotOptions()
        options.fOutputFormat = root.RDF.ESnapshotOutputFormat.kRNTuple
        root.RDataFrame(NAME, tree).Snapshot(NAME, ntuple, COLUMNS, options)

    def fivesigma(self, path: str, batch: int) -> dict[str, float]:
        """As every analysis reads, and as the training loop gets its batches."""
        from fivesigma.analysis.file import load
        from fivesigma.data.load import load_samples
        from fivesigma.training.windows import Arrays, InMemory

        def read(path: str) -> Batches:
            settings = {"name": "flat", "features": FEATURES, "labels": "label", "samples": {"all": {"files": [path]}}}
            events = load_samples(load(settings))[0].events
            arrays = Arrays(events.features, events.target, events.weight, events.weight)
            for window in InMemory(arrays, batch, seed=1).windows(0):
                block = window.block[: window.steps]
                # What fills up the last batch has no weight.
                yield block[block[..., -1] > 0][:, : len(COLUMNS)] if window.last else block[..., : len(COLUMNS)]

        return _timed(read, path)

    def uproot(self, path: str, batch: int, threads: int = 1) -> dict[str, float]:
        """`iterate`, one table in single precision, one permutation."""
        import uproot

        def read(path: str) -> Batches:
            pool = ThreadPoolExecutor(threads) if threads > 1 else None  # it ends with the file
            parts = []
            options = {"decompression_executor": pool, "interpretation_executor": pool} if pool else {}
            with uproot.open(f"{path}:{NAME}", **options) as tree:
                for arrays in tree.iterate(COLUMNS, step_size="100 MB", library="np"):
                    parts.append(np.stack([arrays[name] for name in COLUMNS], axis=1, dtype=np.float32, casting="same_kind"))
            yield from _shuffled(np.concatenate(parts), batch)

        return _timed(read, path)

    def RDataFrame(self, path: str, batch: int) -> dict[str, float]:
        """`AsNumpy` on all cores, one table, one permutation."""
        root = _root()
        root.EnableImplicitMT()

        def read(path: str) -> Batches:
            found = root.RDataFrame(NAME, path).AsNumpy(COLUMNS)
            yield from _shuffled(np.stack([found[name] for name in COLUMNS], axis=1, dtype=np.float32), batch)

        return _timed(read, path)

    def RDataLoader(self, path: str, batch: int) -> dict[str, float]:
        """ROOT's loader of batches, with NumPy arrays."""
        root = _root()

        def read(path: str) -> Batches:
            frame = root.RDataFrame(NAME, path)
            loader = root.Experimental.ML.RDataLoader(frame, batch, target="label", shuffle=True, drop_remainder=True)
            for x, y in loader.as_numpy():
                yield np.concatenate([x, np.reshape(y, (-1, 1))], axis=1)

        return _timed(read, path)


def _root() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package on PyPI calls itself an alpha
        import ROOT

    return ROOT


def _shuffled(table: Any, batch: int) -> Batches:
    order = np.random.default_rng(1).permutation(len(table))
    for start in range(0, len(table), batch):
        yield table[order[start : start + batch]]


def _timed(read: Callable[[str], Batches], path: str) -> dict[str, float]:
    """The second of two readings: the first, of a tiny file, imports whatever the library loads late."""
    import uproot

    with tempfile.TemporaryDirectory() as folder:
        tiny = Path(folder) / "tiny.root"
        with uproot.recreate(tiny) as file:
            file.mktree(NAME, dict.fromkeys(COLUMNS, np.float32))
            values = np.random.default_rng(1).standard_normal(TINY).astype(np.float32)
            file[NAME].extend({name: (values > 0).astype(np.float32) if name == "label" else values for name in COLUMNS})
        for _ in read(str(tiny)):
            pass
    content, started = 0.0, time.perf_counter()
    for rows in read(path):
        content += float(rows[..., -1].sum())  # the labels: every event comes once
    return {"seconds": time.perf_counter() - started, "content": content}
