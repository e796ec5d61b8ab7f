"""Data files in which bytes were changed: every reader reads them or says in one sentence why not."""

import contextlib
import gzip
import random
import warnings

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

import fivesigma as fs
from fivesigma.data.write import write_columns
from fivesigma.errors import FivesigmaError

from .conftest import SCALE, limits

ROWS = 60


def columns():
    chance = np.random.default_rng(1)
    return {
        "event": np.arange(ROWS, dtype=np.int64),
        "pt": chance.exponential(30, ROWS),
        "eta": chance.normal(0, 1, ROWS).astype(np.float32),
        "label": chance.integers(0, 2, ROWS).astype(np.int32),
    }


def lists():
    return ak.unflatten(np.arange(3 * ROWS, dtype=np.float64), np.full(ROWS, 3))


def plain(path):
    write_columns(path, [columns()])


def parquet_lists(path):
    table = {name: pa.array(values) for name, values in columns().items()}
    names = pa.array(["a"] * ROWS)
    pq.write_table(pa.table({**table, "jets": pa.array(lists().to_list()), "name": names}), path, compression="zstd")


def root_lists(path):
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        file.mktree("Events", {"pt": "float64", "jets": "var * float64"})
        file["Events"].extend({"pt": columns()["pt"], "jets": lists()})


def rntuple(path):
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", ak.zip({"pt": columns()["pt"], "jets": lists()}, depth_limit=1))


def wide_text(path):
    with open(path, "w") as file:
        file.write("a b c\n" + "".join(f"{i} {i / 7:.3f} {i % 3}\n" for i in range(ROWS)))


SEEDS = {
    "events.parquet": plain,
    "lists.parquet": parquet_lists,
    "events.root": plain,
    "lists.root": root_lists,
    "rntuple.root": rntuple,
    "events.csv": plain,
    "events.csv.gz": plain,
    "events.dat": wide_text,
    "events.npz": plain,
    "events.h5": plain,
}
ODD = (
    b"\x00",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff" * 8,
    b"\x80\x00\x00\x00",
    b"nan",
    b"1e999",
    b'"',
    b"\r",
    b"\xef\xbb\xbf",
)


def changed(content, chance):
    """Bytes with one to three faults: cut off, flipped, replaced, repeated, removed, or another number in them."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data)) if data else 0
        length = chance.choice([1, 2, 4, 8, 64, 512])
        match chance.randrange(7):
            case 0:
                del data[at:]
            case 1 if data:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                data[at : at + length] = bytes(chance.randrange(256) for _ in range(length))
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                del data[at : at + length]
            case 5:
                odd = chance.choice(ODD)
                data[at : at + len(odd)] = odd
            case _:
                data[at : at + length] = bytes(length)
    return bytes(data)


def look(path):
    """Whatever a user may do first with a file."""
    table = fs.open_table(str(path))
    table.types()
    table.length()
    table.read()


@pytest.mark.parametrize("name", SEEDS)
def test_a_changed_file_is_read_or_refused_in_one_sentence(name, tmp_path, tried):
    place = tmp_path / name
    SEEDS[name](place)
    content, packed = place.read_bytes(), name.endswith(".gz")
    chance = random.Random(f"{name} 1")
    cases = max(20, int(25 * SCALE))
    for case in range(cases):
        # Changes of packed text are seen by the unpacker; half of them are made before it is packed.
        inside = packed and case % 2
        data = gzip.compress(changed(gzip.decompress(content), chance)) if inside else changed(content, chance)
        place.write_bytes(data)
        with limits(f"{name}, case {case}"), contextlib.suppress(FivesigmaError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            look(place)
    tried(f"changed files: {name}", cases)
