"""Events on disk in random order: Parquet shards for training on more events than memory holds.

A shuffle of any amount of data in two passes (Rao, Management Science 7 (1961) 418, "scatter, then
shuffle each part"): every event goes to a bucket by a hash of its content, through one spill file
per piece of input; then each bucket, which fits into memory, is shuffled and written as a shard.
Equal events meet in one bucket, so an event on both sides of the split is found there.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fivesigma.atomic import named_errors, write_text, writing
from fivesigma.data.writers.arrow import array
from fivesigma.errors import DataError, RunError
from fivesigma.events import Events, concatenate
from fivesigma.hashing import uniform
from fivesigma.progress import Progress, silent

INDEX = "prepared.json"
PARTS = ("train", "val", "test")
BUCKET_SEED = 20_577
"""Makes buckets independent of the split, which hashes the same numbers with another seed."""
GROUPS_PER_SHARD, LEAST_GROUP, MOST_GROUP = 64, 4096, 65_536
"""Number of pieces in which a shard is read, and their smallest and largest number of rows."""

Cleaner = Callable[[dict[str, Events]], dict[str, Events]]


@dataclass(frozen=True)
class ShardWriter:
    """Writes a folder of shards; continues after an interruption.

    Attributes:
        folder: where the shards go; `prepared.json` is written last and marks it as complete.
        shards: number of buckets.
        digest: stands for everything the events follow from; spilled pieces of another digest are not used.
        decisions: what the analysis says about its events, kept beside them.
    """

    folder: Path
    shards: int
    digest: str
    decisions: Mapping[str, Any]

    @property
    def _spill(self) -> Path:
        return self.folder / f"spill-{self.digest}"

    def has(self, piece: int) -> bool:
        """Whether a piece of the input is complete already."""
        return self._piece(piece).is_file()

    def _piece(self, piece: int) -> Path:
        return self._spill / f"piece-{piece:06d}.parquet"

    def scatter(self, piece: int, parts: Mapping[str, Events]) -> None:
        """Write the events of one piece of input to a temporary file, bucket by bucket.

        Args:
            piece: its number; a piece that is there is written again.
            parts: `train`, `val`, `test` → its events.
        """
        found = [(i, parts[part]) for i, part in enumerate(PARTS) if part in parts and len(parts[part])]
        if not found:
            found = [(0, next(iter(parts.values())))]
        events = concatenate([events for _, events in found])
        side = np.repeat([i for i, _ in found], [len(events) for _, events in found]).astype(np.int8)
        bucket = (uniform(events.fingerprint, BUCKET_SEED) * self.shards).astype(np.int64)
        order = np.argsort(bucket, kind="stable")
        bounds = np.searchsorted(bucket[order], np.arange(self.shards + 1))
        table = to_table(events.take(order)).append_column("part", array(side[order]))
        with writing(self._piece(piece)) as path, pq.ParquetWriter(path, table.schema, **_PLAIN) as writer:
            for start, stop in pairwise(bounds):
                writer.write_table(table.slice(start, stop - start), row_group_size=max(1, stop - start))

    def event_numbers(self) -> Iterator[NDArray[np.uint64]]:
        """Yield the event numbers of all events, except those that are for testing, piece by piece."""
        for path in sorted(self._spill.glob("piece-*.parquet")):
            table = pq.read_table(path, columns=["event_number", "part"])
            yield table.column("event_number").to_numpy()[table.column("part").to_numpy() != PARTS.index("test")]

    def gather(
        self,
        like: Events,
        clean: Cleaner,
        seed: int,
        progress: Progress = silent,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Shuffle every bucket into a shard of each part, and write the contents to `prepared.json`.

        Args:
            like: any events of the same columns.
            clean: function that changes the parts of a bucket, for example removes events that are in two parts.
            seed: of the shuffle.
            progress: receives the progress.
            check: called when all buckets are cleaned; what it raises leaves the folder unfinished.
        """
        pieces = sorted(self._spill.glob("piece-*.parquet"))
        counts: dict[str, Any] = {part: {"rows": [], "classes": {}, "weight": 0.0, "checksums": []} for part in PARTS}
        for bucket in range(self.shards):
            parts = clean(self._bucket(pieces, bucket, like))
            for i, part in enumerate(PARTS):
                events = parts.get(part, like.take(np.zeros(0, np.intp)))
                order = np.random.default_rng((seed, bucket, i)).permutation(len(events))
                checksums = _write(self.folder / part / f"shard-{bucket:05d}.parquet", events.take(order))
                counts[part]["checksums"].append(checksums)
                _count(counts[part], events)
            progress(bucket + 1, self.shards, f"shuffling: shard {bucket + 1} of {self.shards}")
        check()
        self._remove_left_over()
        tree = {
            "digest": self.digest,
            "shards": self.shards,
            "parts": counts,
            "decisions": dict(self.decisions),
            "features": list(like.feature_names),
            "parameters": list(like.parameter_names),
            "observers": list(like.observers),
            "classes": list(like.classes),
            "units": dict(like.units),
        }
        write_text(self.folder / INDEX, json.dumps({**tree, "checksum": _digest(tree)}, indent=1) + "\n")
        with suppress(OSError):
            for path in [*pieces, *self._spill.glob(".piece-*.part.parquet")]:
                path.unlink(missing_ok=True)
            self._spill.rmdir()

    def _remove_left_over(self) -> None:
        """Remove what stopped calls with other settings have left in the folder: their pieces, and shards beyond these."""
        with suppress(OSError):
            for part in PARTS:
                for path in (self.folder / part).glob("shard-*.parquet"):
                    number = path.stem.removeprefix("shard-")
                    if number.isdigit() and int(number) >= self.shards:
                        path.unlink()
            for spill in self.folder.glob("spill-*"):
                if spill != self._spill:
                    for path in [*spill.glob("piece-*.parquet"), *spill.glob(".piece-*.part.parquet")]:
                        path.unlink()
                    spill.rmdir()

    def _bucket(self, pieces: Sequence[Path], bucket: int, like: Events) -> dict[str, Events]:
        with named_errors(self.folder):
            tables = [pq.ParquetFile(path).read_row_group(bucket) for path in pieces]
        side = np.concatenate([table.column("part").to_numpy() for table in tables])
        events = concatenate([from_table(table, like) for table in tables])
        return {part: events.take(side == i) for i, part in enumerate(PARTS)}


_PLAIN: dict[str, Any] = {"compression": "NONE", "use_dictionary": False, "write_statistics": False}


def _write(path: Path, events: Events) -> list[dict[str, int]]:
    """Write a shard; for each of its groups, column → checksum."""
    size = min(max(len(events) // GROUPS_PER_SHARD, LEAST_GROUP), MOST_GROUP)
    with writing(path) as part:
        pq.write_table(to_table(events), part, row_group_size=size, **_PLAIN)
    slices = (events.take(np.arange(start, min(start + size, len(events)))) for start in range(0, len(events), size))
    return [{name: _checksum(values) for name, values in _columns(piece).items()} for piece in slices]


def _columns(events: Events) -> dict[str, NDArray[Any]]:
    """The columns of a shard as arrays, by their name in the file; absent ones are left out."""
    columns = {name: getattr(events, name) for name in (*_NUMBERS, *_MATRICES)}
    columns |= {f"observers/{name}": values for name, values in events.observers.items()}
    return {name: values for name, values in columns.items() if values.size}


def _checksum(values: NDArray[Any]) -> int:
    """CRC-32 of the bytes of an array; that of ISA-L is several times as fast as that of zlib."""
    from isal import isal_zlib

    return int(isal_zlib.crc32(np.ascontiguousarray(values).reshape(-1).view(np.uint8)))


def _digest(tree: Mapping[str, Any]) -> str:
    """A hash of what the index says."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


def _count(row: dict[str, Any], events: Events) -> None:
    row["rows"].append(len(events))
    row["weight"] += float(events.weight.sum())
    for i, name in enumerate(events.classes):
        chosen = events.weight[events.target == i]
        before = row["classes"].get(name, {"events": 0, "weight": 0.0})
        row["classes"][name] = {
            "events": before["events"] + len(chosen),
            "weight": before["weight"] + float(chosen.sum()),
        }


def to_table(events: Events) -> pa.Table:
    """Convert events to an Arrow table.

    Features and parameters are one column each, of as many little-endian float32 numbers per row as
    `prepared.json` names: read four times as fast as a column for each. Observers are `observers/<name>`.
    """
    columns: dict[str, Any] = {name: getattr(events, name) for name in _NUMBERS}
    columns |= {f"observers/{name}": values for name, values in events.observers.items()}
    table = pa.table({name: array(np.ascontiguousarray(values)) for name, values in columns.items()})
    for name in _MATRICES:
        matrix = np.ascontiguousarray(getattr(events, name), "<f4")
        if matrix.shape[1]:
            rows = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(4 * matrix.shape[1]), len(matrix), [None, pa.py_buffer(matrix)]
            )
            table = table.append_column(name, rows)
    return table


_NUMBERS = ("target", "weight", "event_number", "fingerprint")
_MATRICES = ("features", "parameters")


def from_table(table: pa.Table, like: Events) -> Events:
    """The inverse of `to_table`; columns that the table does not have stay empty.

    Args:
        table: with the columns of `to_table`, or some of them.
        like: any events of the same names.
    """
    there = set(table.column_names)

    def matrix(name: str, width: int) -> Any:
        if not width:
            return np.zeros((table.num_rows, 0), np.float32)
        pieces = [
            np.frombuffer(chunk.buffers()[1], "<f4").reshape(-1, width)[chunk.offset : chunk.offset + len(chunk)]
            for chunk in table.column(name).chunks
            if len(chunk)
        ]
        return np.concatenate(pieces) if len(pieces) != 1 else pieces[0]

    def column(name: str, otherwise: Any) -> Any:
        return table.column(name).to_numpy() if name in there else otherwise[:0]

    return replace(
        like,
        features=matrix("features", like.features.shape[1]) if table.num_rows else like.features[:0],
        parameters=matrix("parameters", like.parameters.shape[1]) if table.num_rows else like.parameters[:0],
        target=column("target", like.target),
        weight=column("weight", like.weight),
        event_number=column("event_number", like.event_number),
        fingerprint=column("fingerprint", like.fingerprint),
        observers={n: table.column(f"observers/{n}").to_numpy() for n in like.observers if f"observers/{n}" in there},
    )


class Shards:
    """A complete folder of shards.

    Args:
        folder: a folder that `ShardWriter` wrote.
        change: function that is applied to events whenever they are read.

    Raises:
        RunError: if the folder is absent, incomplete or damaged.
    """

    def __init__(self, folder: str | Path, change: Callable[[Events], Events] | None = None) -> None:
        self.folder, self._change = Path(folder), change
        self._checked: set[tuple[str, int, str]] = set()
        if not self.folder.is_dir():
            raise RunError(f"there is no folder {folder} of prepared events", hint="make it with `fivesigma prepare`")
        try:
            self.index = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
            checksum = self.index.pop("checksum", None)
            if checksum is not None and checksum != _digest(self.index):
                raise ValueError("its checksum is another")
            self.digest: str = self.index["digest"]
            self.decisions: dict[str, Any] = self.index["decisions"]
            self.rows: dict[str, list[int]] = {part: self.index["parts"][part]["rows"] for part in PARTS}
            self._like = _empty(self.index)
        except FileNotFoundError:
            raise RunError(
                f"{folder} is not a complete folder of prepared events", hint="go on with `fivesigma prepare`"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{self.folder / INDEX} is damaged: {error}", hint="run `fivesigma prepare` again") from None

    def length(self, part: str) -> int:
        """Number of events of a part."""
        return sum(self.rows[part])

    def totals(self, part: str) -> NDArray[np.float64]:
        """Sum of weights of each class, [class]; empty for a regression."""
        rows = self.index["parts"][part]["classes"]
        return np.array([rows.get(name, {"weight": 0.0})["weight"] for name in self.index["classes"]])

    def weight(self, part: str) -> float:
        """Sum of weights of a part."""
        return float(self.index["parts"][part]["weight"])

    def pieces(self, part: str) -> Iterator[Events]:
        """Yield all events of a part, some at a time."""
        for shard in range(len(self.rows[part])):
            opened = self.open(part, shard)
            yield from (opened.read(group) for group in range(len(opened.groups)))

    def open(self, part: str, shard: int) -> "Shard":
        """Open one shard."""
        path = self.folder / part / f"shard-{shard:05d}.parquet"
        try:
            file = pq.ParquetFile(path)
        except (OSError, pa.ArrowInvalid) as error:
            reason = " ".join(str(error).split())[:120]
            raise DataError(f"the shard {path} cannot be read: {reason}", hint="run `fivesigma prepare` again") from None
        if file.metadata.num_rows != self.rows[part][shard]:
            raise DataError(
                f"the shard {path} has {file.metadata.num_rows:,} events instead of {self.rows[part][shard]:,}",
                hint="run `fivesigma prepare` again",
            )
        checksums = self.index["parts"][part].get("checksums")
        return Shard(file, self._like, self._change, checksums[shard] if checksums else (), self._checked, str(path))

    def sample(self, part: str, most: int) -> Events:
        """Read about `most` random events of a part; shards are in random order, so the first ones suffice."""
        found, total = [], 0
        for shard in range(len(self.rows[part])):
            opened = self.open(part, shard)
            for group in range(len(opened.groups)):
                if total >= most:
                    break
                found.append(opened.read(group))
                total += len(found[-1])
        return concatenate(found) if found else self._like


@dataclass(frozen=True)
class Shard:
    """One file of events in random order.

    Attributes:
        file: the Parquet file.
        like: events without rows, for the names.
        change: function that is applied to events whenever they are read.
        checksums: for each group, column → checksum; empty for a folder of an older version.
        checked: path, group and column of what has been compared with its checksum, which is done once.
        path: of the file.
    """

    file: Any
    like: Events
    change: Callable[[Events], Events] | None
    checksums: Sequence[Mapping[str, int]]
    checked: set[tuple[str, int, str]]
    path: str

    @cached_property
    def groups(self) -> list[int]:
        """Rows of each group."""
        metadata = self.file.metadata
        return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]

    def read(self, group: int, *, inputs_only: bool = False) -> Events:
        """Read the events of one group.

        Args:
            group: its number.
            inputs_only: features, parameters, target and weight alone (and the event number, if a change may need it).
        """
        names = None
        if inputs_only:
            names = ["target", "weight", *_MATRICES, *([] if self.change is None else ["event_number"])]
        try:
            events = from_table(self.file.read_row_group(group, columns=names, use_threads=False), self.like)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise self._damaged(" ".join(str(error).split())[:120]) from None
        self._check(group, events)
        return events if self.change is None else self.change(events)

    def _check(self, group: int, events: Events) -> None:
        """Compare the columns that were read with their checksums, the first time that they are read."""
        if not self.checksums:
            return
        if group >= len(self.checksums):
            raise self._damaged(f"it has more than {len(self.checksums)} pieces")
        for name, values in _columns(events).items():
            key = (self.path, group, name)
            if key in self.checked:
                continue
            if _checksum(values) != self.checksums[group].get(name):
                raise DataError(
                    f"the {name} of piece {group + 1} of the shard {self.path} are not those that were written",
                    hint="the file was changed or the disk is damaged: run `fivesigma prepare` again, to another folder",
                )
            self.checked.add(key)

    def _damaged(self, reason: str) -> DataError:
        return DataError(f"the shard {self.path} cannot be read: {reason}", hint="run `fivesigma prepare` again")


def _empty(index: Any) -> Events:
    """Events without rows, with the names in the index."""
    classes = tuple(index["classes"])
    return Events(
        features=np.zeros((0, len(index["features"])), np.float32),
        feature_names=tuple(index["features"]),
        target=np.zeros(0, np.int64 if classes else np.float32),
        weight=np.zeros(0),
        parameters=np.zeros((0, len(index["parameters"])), np.float32),
        parameter_names=tuple(index["parameters"]),
        classes=classes,
        observers={name: np.zeros(0) for name in index["observers"]},
        units=index["units"],
    )
