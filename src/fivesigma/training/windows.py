"""Put events into the order of an epoch, a window of batches at a time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

WINDOW_BYTES = 32 << 20
"""Size of a window of events that are in memory anyway: large enough to hide the cost of a call."""
TARGET = -3
"""Column of the target in `Arrays.table`; the training weight and the event weight follow."""
BESIDE = 3
"""Columns of `Arrays.table` that are no inputs."""


@dataclass(frozen=True)
class Redraw:
    """Parameters without a physical value, such as the mass of a background event, drawn again each epoch.

    Attributes:
        columns: positions of the parameters among the network's inputs, [parameter].
        values: values to draw from, as the network sees them, [value, parameter].
        continuous: draw uniformly between the smallest and the largest value instead.
    """

    columns: NDArray[np.intp]
    values: NDArray[np.float32]
    continuous: bool = False

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Draw parameters of `count` events, [event, parameter]."""
        if self.continuous:
            low, high = self.values.min(axis=0), self.values.max(axis=0)
            return generator.uniform(low, high, (count, len(self.columns))).astype(np.float32)
        return self.values[generator.integers(len(self.values), size=count)]

    def put(self, rows: NDArray[np.float32], parameters: NDArray[np.float32]) -> None:
        """Write these parameters, one per row, into the background (target 0) rows of `Arrays.table`."""
        chosen = np.flatnonzero(rows[:, TARGET] == 0)
        rows[chosen[:, None], self.columns] = parameters[chosen]


@dataclass(frozen=True)
class Arrays:
    """The arrays that the loop trains on or validates with.

    Attributes:
        x: network inputs, float32 [event, input].
        y: class index, 0/1, or the scaled regression target, [event].
        weight: training weight, class weights included, [event].
        event_weight: the event's own weight, for the metrics, [event].
        redraws: parameters that change from epoch to epoch.
        groups: number of the group each event belongs to, from 0, [event]; every batch takes the same number from each. None
            without groups.
        room: the array that `x` is the beginning of, if it has room for the other columns of `table`, float32
            [event, input + 3]; so a large table is not held twice.
    """

    x: NDArray[np.float32]
    y: NDArray[Any]
    weight: NDArray[np.floating[Any]]
    event_weight: NDArray[np.floating[Any]]
    redraws: tuple[Redraw, ...] = ()
    groups: NDArray[np.intp] | None = None
    room: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def table(self) -> NDArray[np.float32]:
        """Inputs, target, weight and event weight side by side, float32 [event, input + 3]."""
        result = self.room
        if result is None:
            result = np.empty((len(self), self.x.shape[1] + BESIDE), np.float32)
            result[:, :-BESIDE] = self.x
        for i, column in enumerate((self.y, self.weight, self.event_weight), start=-BESIDE):
            result[:, i] = column
        return result


@dataclass(frozen=True)
class Window:
    """Batches that are trained on in one call.

    Attributes:
        epoch: number of epochs finished before it.
        number: its place in the epoch, from 0.
        last: whether the epoch ends with it.
        block: rows of `Arrays.table`, this process's share of every batch, [step, row, column]. Rows that fill up
            a batch have weight zero; steps beyond `steps` are not read.
        counts: events of each batch, all processes together, [step].
        steps: number of batches in it.
    """

    epoch: int
    number: int
    last: bool
    block: NDArray[np.float32]
    counts: NDArray[np.float32]
    steps: int


class Source(Protocol):
    """Training events in windows."""

    @property
    def steps(self) -> int:
        """Number of batches in an epoch."""

    def windows(self, epoch: int, first: int = 0) -> Iterator[Window]:
        """Yield the windows of one epoch, from number `first` on; always the same for the same epoch."""


class Shareable(Source, Protocol):
    """Training events whose batches can be shared by any number of devices."""

    @property
    def window_steps(self) -> int:
        """Number of batches in a window."""

    def shared_by(self, devices: int) -> "Shareable":
        """The same events in the same order, in batches that can be divided evenly.

        Args:
            devices: of this process.
        """


def steps_of_window(steps: int, rows: int, columns: int) -> int:
    """Batches in a window of events in memory.

    Args:
        steps: batches of an epoch.
        rows: of a batch, this process's share.
        columns: of `Arrays.table`.
    """
    windows = math.ceil(steps / max(1, WINDOW_BYTES // (rows * columns * 4)))
    return math.ceil(steps / windows)


class InMemory:
    """All events in memory, in a new order every epoch.

    Args:
        arrays: the events.
        batch: events of a batch, all processes together.
        devices: devices that share a batch; a batch is filled up to a multiple of their number.
        rank, processes: number of this process, and of all processes, which share every batch.
        seed: seed of the order.
        shuffle: whether the order is random.
    """

    def __init__(
        self,
        arrays: Arrays,
        batch: int,
        *,
        devices: int = 1,
        rank: int = 0,
        processes: int = 1,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        self._table = arrays.table()
        self._redraws, self._groups = arrays.redraws, arrays.groups
        self._batch, self._seed, self._shuffle = batch, seed, shuffle
        self._rows = batch + -batch % devices
        self._mine = slice(rank * self._rows // processes, (rank + 1) * self._rows // processes)
        self.steps = math.ceil(len(arrays) / batch)
        self._size = steps_of_window(self.steps, self._rows // processes, self._table.shape[1])

    def windows(self, epoch: int, first: int = 0) -> Iterator[Window]:
        """The windows of one epoch, from number `first` on."""
        count = len(self._table)
        generator = np.random.default_rng((self._seed, epoch))
        if self._groups is not None:
            order = in_turns(self._groups, generator)
        else:
            order = generator.permutation(count) if self._shuffle else np.arange(count)
        # If groups are balanced, background events exchange their parameters, so that each group keeps its size.
        kept = [self._groups is not None and not redraw.continuous for redraw in self._redraws]
        drawn = [
            self._exchanged(redraw, order, generator) if keeps else redraw.draw(generator, count)
            for redraw, keeps in zip(self._redraws, kept, strict=True)
        ]
        for number in range(first, math.ceil(self.steps / self._size)):
            start = number * self._size
            steps = min(self._size, self.steps - start)
            # Row j of step s is event s · batch + j; a batch is filled up with events from the front, weight zero.
            place = (start + np.arange(steps))[:, None] * self._batch + np.arange(self._rows)[self._mine]
            real = (np.arange(self._rows)[self._mine] < self._batch) & (place < count)
            seat = (place % count).ravel()
            index = order[seat]
            block = np.empty((self._size, *real.shape[1:], self._table.shape[1]), np.float32)
            rows = block[:steps].reshape(len(index), -1)
            np.take(self._table, index, axis=0, out=rows, mode="clip")
            rows[~real.ravel(), -2:] = 0
            for redraw, parameters, keeps in zip(self._redraws, drawn, kept, strict=True):
                redraw.put(rows, parameters[seat if keeps else index])
            counts = np.ones(self._size, np.float32)
            counts[:steps] = np.minimum(self._batch, count - (start + np.arange(steps)) * self._batch)
            yield Window(epoch, number, start + steps == self.steps, block, counts, steps)

    def _exchanged(self, redraw: Redraw, order: NDArray[np.intp], generator: np.random.Generator) -> NDArray[np.float32]:
        """Parameters of the rows of an epoch, [row, parameter]: background events exchange theirs at random."""
        values = self._table[order[:, None], redraw.columns]
        drawn = np.flatnonzero(self._table[order, TARGET] == 0)
        values[drawn] = values[generator.permutation(drawn)]
        return values


def in_turns(groups: NDArray[np.intp], generator: np.random.Generator) -> NDArray[np.intp]:
    """An order of the events, of the same length, in which the groups take turns.

    Among n neighbours and g groups, each group has n/g, rounded up or down. Events of a small group appear several
    times, each time in a new order; of a large group, a random selection of events is left out.

    Args:
        groups: number of each event's group, [event]; there may be numbers without events.
        generator: random generator of the order.

    >>> groups = np.array([0, 0, 0, 0, 0, 1])
    >>> groups[in_turns(groups, np.random.default_rng(1))].tolist()
    [0, 1, 0, 1, 0, 1]
    """
    count = len(groups)
    members = [np.flatnonzero(groups == number) for number in np.unique(groups)]
    order = np.empty(count, np.intp)
    for turn, member in enumerate(members):
        places = order[turn :: len(members)]
        passes = [generator.permutation(member) for _ in range(-(-len(places) // len(member)))]
        places[:] = np.concatenate([*passes, member[:0]])[: len(places)]
    return order
