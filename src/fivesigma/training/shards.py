"""Training and validation events from a folder of shards, a window at a time.

Every shard is a lane. A batch takes events from all lanes in proportion to their length, so its
content does not depend on how many processes share the lanes; within a lane, the groups of the
file come in a new order each epoch and the events of a window in a new order again.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fivesigma.data.shards import Shard, Shards
from fivesigma.errors import RunError
from fivesigma.events import Events
from fivesigma.training.windows import Arrays, Window

ToArrays = Callable[[Events], Arrays]


def seats(lengths: NDArray[np.int64], totals: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of the first events of an epoch come from each lane (the events of one shard), [total, lane].

    Event i of a lane of n stands at (i + ½)/n of the epoch (Webster's apportionment), which makes every
    stretch of it proportional to within one event, and a longer stretch never takes fewer from a lane.

    Args:
        lengths: events of each lane, [lane].
        totals: numbers of events from the beginning, [total].

    >>> seats(np.array([6, 3]), np.array([0, 3, 5, 9])).tolist()
    [[0, 0], [2, 1], [3, 2], [6, 3]]
    """
    events = int(lengths.sum())
    counts = (2 * np.outer(totals, lengths) + events) // (2 * events)  # rounded, in whole numbers: no ties are missed
    size = np.maximum(lengths, 1)
    while True:
        short = totals - counts.sum(axis=1)
        add, drop = np.flatnonzero(short > 0), np.flatnonzero(short < 0)
        if not len(add) and not len(drop):
            return counts
        following = np.where(counts[add] < lengths, (counts[add] + 0.5) / size, np.inf)
        counts[add, following.argmin(axis=1)] += 1
        latest = np.where(counts[drop] > 0, (counts[drop] - 0.5) / size, -np.inf)
        # Among equals the last lane goes first, as it would have come last.
        counts[drop, len(lengths) - 1 - latest[:, ::-1].argmax(axis=1)] -= 1


@dataclass
class FromShards:
    """Training events that come from shards, window by window.

    Attributes:
        shards: the folder.
        arrays: turns events into network inputs.
        batch: events of a batch, all processes together.
        window: events in memory at a time, all processes together.
        per_process: devices of this process that share its rows.
        rank, processes: this process reads every `processes`-th lane, from `rank`.
        seed: seed of the order.

    Raises:
        RunError: if there are more processes than shards.
    """

    shards: Shards
    arrays: ToArrays
    batch: int
    window: int
    per_process: int = 1
    rank: int = 0
    processes: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        lengths = np.asarray(self.shards.rows["train"], np.int64)
        self._numbers = np.flatnonzero(lengths)
        self._lengths = lengths[self._numbers]
        self._events = int(self._lengths.sum())
        if len(self._lengths) < self.processes:
            raise RunError(
                f"{self.processes} processes cannot share the {len(self._lengths)} shards of {self.shards.folder}",
                hint="run fewer processes, or prepare more shards with `fivesigma prepare --shards`",
            )
        self.steps = math.ceil(self._events / self.batch)
        windows = math.ceil(self.steps / max(1, self.window // self.batch))
        self._size = math.ceil(self.steps / windows)
        self._rows = self._capacity()
        self._mine = np.arange(self.rank, len(self._lengths), self.processes)

    @property
    def window_steps(self) -> int:
        """Batches of a window."""
        return self._size

    def shared_by(self, devices: int) -> "FromShards":
        """The same events in the same order, in batches that so many devices of this process divide evenly."""
        return replace(self, per_process=devices)

    def _capacity(self) -> int:
        """Rows per batch of each process: enough for its lanes at every step, the same for all."""
        rows = self.batch
        if self.processes > 1:
            shares = [self._lengths[rank :: self.processes] for rank in range(self.processes)]
            rows = min(self.batch, max(math.ceil(self.batch * s.sum() / self._events) + len(s) for s in shares))
        return rows + -rows % self.per_process

    def windows(self, epoch: int, first: int = 0) -> Iterator[Window]:
        """The windows of one epoch, from number `first` on."""
        before = seats(self._lengths, np.array([min(first * self._size * self.batch, self._events)]))[0]
        lanes = [
            _Lane(self.shards.open("train", int(self._numbers[i])), self.arrays, (self.seed, epoch, int(i)), int(before[i]))
            for i in self._mine
        ]
        for number in range(first, math.ceil(self.steps / self._size)):
            start = number * self._size
            steps = min(self._size, self.steps - start)
            totals = np.minimum((start + np.arange(steps + 1)) * self.batch, self._events)
            yield self._window(epoch, number, start + steps == self.steps, totals, lanes)

    def _window(self, epoch: int, number: int, last: bool, totals: NDArray[np.int64], lanes: "list[_Lane]") -> Window:
        steps = len(totals) - 1
        taken = np.diff(seats(self._lengths, totals), axis=0)
        found, order, steps_of, before = [], [], [], 0
        for place, lane in zip(self._mine, lanes, strict=True):
            count = int(taken[:, place].sum())
            generator = np.random.default_rng((self.seed, epoch, number, int(place)))
            found.append(lane.take(count))
            order.append(before + generator.permutation(count))
            steps_of.append(np.repeat(np.arange(steps), taken[:, place]))
            before += count
        # Lane after lane becomes step after step; the sort is stable, so it is the same everywhere.
        by_step = np.argsort(np.concatenate(steps_of), kind="stable")
        index = np.concatenate(order)[by_step]
        table = np.concatenate(found)
        filled = taken[:, self._mine].sum(axis=1)
        block = np.empty((self._size, self._rows, table.shape[1]), np.float32)
        flat = block.reshape(-1, table.shape[1])
        if (filled[:-1] == self._rows).all():
            np.take(table, index, axis=0, out=flat[: len(index)], mode="clip")
        else:
            firsts = np.cumsum(filled) - filled
            flat[np.arange(len(index)) + np.repeat(np.arange(steps) * self._rows - firsts, filled)] = table[index]
        self._fill(block, filled)
        counts = np.ones(self._size, np.float32)
        counts[:steps] = np.diff(totals)
        return Window(epoch, number, last, block, counts, steps)

    @staticmethod
    def _fill(block: NDArray[np.float32], filled: NDArray[np.int64]) -> None:
        """Rows beyond the events of a batch repeat some of them with weight zero, which batch normalisation needs."""
        for step, count in enumerate(filled):
            if count < block.shape[1]:
                spare = np.arange(count, block.shape[1])
                block[step, spare] = block[step, spare % count] if count else 0
                block[step, spare, -2:] = 0


class _Lane:
    """The events of one shard, in this epoch's order of its groups, read in portions.

    Args:
        shard: the open file.
        arrays: turns events into network inputs.
        seed: numbers that identify the epoch and the lane.
        skip: number of events already taken.
    """

    def __init__(self, shard: Shard, arrays: ToArrays, seed: tuple[int, ...], skip: int) -> None:
        self._shard, self._arrays, self._seed, self._skip = shard, arrays, seed, skip
        self._order = iter(np.random.default_rng(seed).permutation(len(shard.groups)).tolist())
        self._kept: list[NDArray[np.float32]] = []

    def take(self, count: int) -> NDArray[np.float32]:
        """The next `count` events, as rows of `Arrays.table`."""
        there = sum(len(rows) for rows in self._kept)
        while there < count or not self._kept:
            group = next(self._order, -1)
            if group < 0:  # the checkpoint was written after the last event of this shard
                assert there >= count
                self._kept = [self._read(0)[:0]]
                break
            length = self._shard.groups[group]
            if self._skip >= length:
                self._skip -= length
                continue
            rows = self._read(group)[self._skip :]
            self._skip = 0
            self._kept.append(rows)
            there += len(rows)
        rows = self._kept[0] if len(self._kept) == 1 else np.concatenate(self._kept)
        self._kept = [rows[count:]]
        return rows[:count]

    def _read(self, group: int) -> NDArray[np.float32]:
        arrays = self._arrays(self._shard.read(group, inputs_only=True))
        rows = arrays.table()
        for i, redraw in enumerate(arrays.redraws):
            redraw.put(rows, redraw.draw(np.random.default_rng((*self._seed, group, i)), len(rows)))
        return rows


@dataclass(frozen=True)
class ShardPieces:
    """The events of one part, group by group, for validation.

    Attributes:
        shards: the folder.
        part: for example `val`.
        arrays: turns events into network inputs.
    """

    shards: Shards
    part: str
    arrays: ToArrays

    def pieces(self, rank: int, processes: int) -> Iterator[Arrays]:
        """This process's share: every `processes`-th shard, from `rank`."""
        for number in range(rank, len(self.shards.rows[self.part]), processes):
            shard = self.shards.open(self.part, number)
            for group in range(len(shard.groups)):
                yield self.arrays(shard.read(group, inputs_only=True))
