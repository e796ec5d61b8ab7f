"""The same table in every format that a reader knows."""

import gzip

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from fivesigma.data.formats import open_table


def _root(path, columns):
    with uproot.recreate(path) as file:
        file.mktree("Events", {name: values.dtype for name, values in columns.items()}).extend(columns)


def _rntuple(path, columns):
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", ak.Array(columns))


def _text(columns, header, mark):
    cells = [["nan" if value != value else repr(value.item()) for value in column] for column in columns.values()]
    rows = [mark.join(row) for row in zip(*cells, strict=True)]
    return "".join(line + "\n" for line in ([header] if header else []) + rows)


def _matrix(columns):
    return np.stack([columns["b"], columns["c"]], axis=1)


def _npz_2d(path, columns):
    np.savez(path, a=columns["a"], m=_matrix(columns), n=columns["n"])


def _compound(columns):
    rows = np.empty(len(columns["a"]), [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        rows[name] = values
    return rows


def _hdf5(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file.create_dataset(name.replace("__", "/"), data=values, chunks=True, compression="gzip")


FORMATS = {
    "ttree": ("t.root", _root, {}),
    "ttree by name": ("t.root", _root, {"treename": "Events"}),
    "rntuple": ("r.root", _rntuple, {}),
    "parquet": ("t.parquet", lambda p, c: pq.write_table(pa.table(c), p), {}),
    "parquet row groups": ("t.pq", lambda p, c: pq.write_table(pa.table(c), p, row_group_size=7), {}),
    "csv": ("t.csv", lambda p, c: p.write_text(_text(c, "# a,b,c,n", ",")), {}),
    "csv windows": ("t.csv", lambda p, c: p.write_bytes(_text(c, "\ufeffa;b;c;n", ";").replace("\n", "\r\n").encode()), {}),
    "csv gz": ("t.csv.gz", lambda p, c: p.write_bytes(gzip.compress(_text(c, "a,b,c,n", ",").encode())), {}),
    "csv without header": ("t.txt", lambda p, c: p.write_text(_text(c, "", "\t")), {"columns": list("abcn")}),
    "npz": ("t.npz", lambda p, c: np.savez(p, **c), {}),
    "npz 2-D": ("t.npz", _npz_2d, {"columns": {"m": ["b", "c"]}}),
    "hdf5": ("t.h5", lambda p, c: _hdf5(p, **c), {}),
    "hdf5 2-D": ("t.h5", lambda p, c: _hdf5(p, a=c["a"], m=_matrix(c), n=c["n"]), {"columns": {"m": ["b", "c"]}}),
    "hdf5 compound": ("t.hdf5", lambda p, c: _hdf5(p, table=_compound(c)), {}),
    "hdf5 group": (
        "t.h5",
        lambda p, c: _hdf5(p, **{f"g__{n}": v for n, v in c.items()}, other=np.zeros(1)),
        {"treename": "g"},
    ),
}


class Table:
    """A small table: `a` large whole numbers, `b` with missing values, `c` float32, `n` small integers."""

    def __init__(self, folder, kind, rows=50):
        generator = np.random.default_rng(rows)
        self.columns = {
            "a": np.arange(rows) + 2**60 + 1,
            "b": np.where(np.arange(rows) % 3 == 1, np.nan, generator.normal(size=rows)),
            "c": generator.normal(size=rows).astype(np.float32),
            "n": generator.integers(-9, 9, rows).astype(np.int32),
        }
        name, write, self.options = FORMATS[kind]
        self.kind, self.path = kind, folder / name
        write(self.path, self.columns)

    def open(self):
        """A new reader of the file."""
        return open_table(str(self.path), **self.options)


@pytest.fixture(params=FORMATS)
def table(request, tmp_path):
    """One table, in each format in turn."""
    return Table(tmp_path, request.param)


@pytest.fixture
def make_table(tmp_path):
    """A function: (format, rows) → the table in it."""
    return lambda kind, rows=50: Table(tmp_path, kind, rows)
