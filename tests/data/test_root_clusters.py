"""The clusters of an RNTuple: the same values whatever the clusters, and each cluster decompressed once."""

import threading
from collections import Counter

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from fivesigma.data.formats import open_table

KINDS = {
    "f": np.float32,
    "d": np.float64,
    "i": np.int16,
    "u": np.uint64,
    "b": np.bool_,
}


def table(rows, seed=1):
    generator = np.random.default_rng(seed)
    found = {name: generator.integers(0, 2 if kind is np.bool_ else 1000, rows).astype(kind) for name, kind in KINDS.items()}
    lists = ak.Array([list(range(1 + i % 4)) for i in range(rows)])
    return {**found, "list": lists, "text": ak.Array([f"n{i}" for i in range(rows)])}


def write(path, sizes):
    """An RNTuple with clusters of these sizes; all rows."""
    columns = table(sum(sizes))
    with uproot.recreate(path) as file:
        start, made = 0, None
        for size in sizes:
            piece = {name: values[start : start + size] for name, values in columns.items()}
            if made is None:
                made = file.mkrntuple("Events", piece)
            else:
                made.extend(piece)
            start += size
    return columns


def put_together(parts, name):
    return [value for part in parts for value in ak.to_list(part[name])]


@settings(max_examples=25)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 90))
def test_the_values_do_not_depend_on_the_clusters(tmp_path_factory, sizes, chunk):
    path = tmp_path_factory.mktemp("clusters") / "e.root"
    columns = write(path, sizes)
    reader = open_table(str(path))
    parts = list(reader.chunks(list(columns), size=chunk))
    for name, values in columns.items():
        assert put_together(parts, name) == ak.to_list(values), name
    lengths = [len(part["f"]) for part in parts]
    assert max(lengths) <= chunk
    for rows, places in ((sum(sizes) // 2, 3), (7, 2)):
        some = list(reader.sampled(list(columns), rows, places))
        chosen = put_together(some, "text")
        for name, values in columns.items():
            assert put_together(some, name) == [ak.to_list(values)[int(text[1:])] for text in chosen], name


@pytest.fixture
def decompressed(monkeypatch):
    """A function: reader → how often each cluster of each column has been decompressed, counted from then on."""

    def count(reader):
        model, read = type(reader._tree.ntuple), Counter()
        plain = model.read_cluster_pages

        def counted(self, cluster, column, *arguments, **named):
            read[cluster, column] += 1
            return plain(self, cluster, column, *arguments, **named)

        monkeypatch.setattr(model, "read_cluster_pages", counted)
        return read

    return count


@pytest.mark.parametrize("chunk", [10, 25, 100, 1000])
def test_each_cluster_is_decompressed_once(tmp_path, decompressed, chunk):
    write(tmp_path / "e.root", [60, 60, 60, 60])
    reader = open_table(str(tmp_path / "e.root"))
    read = decompressed(reader)
    parts = list(reader.chunks(list(KINDS), size=chunk))
    assert sum(len(part["f"]) for part in parts) == 240
    assert set(read.values()) == {1}
    assert len(read) == 4 * len(KINDS)


def test_places_of_one_cluster_are_decompressed_once(tmp_path, decompressed):
    write(tmp_path / "e.root", [5000])
    reader = open_table(str(tmp_path / "e.root"))
    read = decompressed(reader)
    assert sum(len(part["f"]) for part in reader.sampled(["f", "d"], 100, 10)) == 100
    assert set(read.values()) == {1}


def test_leaving_early_ends_the_thread_that_reads_ahead(tmp_path):
    write(tmp_path / "e.root", [60, 60])
    chunks = open_table(str(tmp_path / "e.root")).chunks(["f"], size=10)
    next(chunks)
    chunks.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]
