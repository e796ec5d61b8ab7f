"""Which events a run was trained on, as hashes: they are found again in any file, whatever its format or order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.split import Split
from fivesigma.atomic import writing
from fivesigma.errors import RunError
from fivesigma.events import Events
from fivesigma.hashing import HashSet, Sieve, hashes_of_inputs, mix
from fivesigma.preparation.folds import Fold, fold_of
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder

NAME = "trained_on.npz"

NEW, SAME_NUMBER, SAME_EVENT, SAME_INPUTS = 0, 1, 2, 3
"""What is known of an event: nothing; training events have its number; its number and its inputs; its inputs only."""

BLOCK = 1 << 23
"""Hashes in a block: its 64 MB return to the system when they are freed, which smaller pieces of memory do not."""

SHOWN = 3
"""File names in a message, at most."""


LEADING = 4
"""Features that a sieve looks at."""


def write(folder: RunFolder, pieces: Iterable[Events], count: int, fold: Fold | None = None) -> None:
    """Write hashes of all events that a run trains and validates on.

    Args:
        folder: folder of the run.
        pieces: the events.
        count: how many they are.
        fold: with folds, the fold of each event, from 1.
    """
    inputs, numbers, names = _Hashes(), _Hashes(), tuple[str, ...]()
    sieve, leading = Sieve.for_number(count), np.zeros(0, np.intp)
    for events in pieces:
        leading = leading if names else _most_different(events.features)
        names = events.feature_names
        inputs.add(hashes_of_inputs(events.features))
        sieve.add(hashes_of_inputs(events.features[:, leading], of=len(names)))
        if not np.array_equal(events.event_number, events.fingerprint):  # otherwise they have no number of their own
            numbers.add(mix(events.event_number))
    arrays = {"features": np.array(names), "leading": leading, "sieve": sieve.marks}
    numbered = len(numbers) > 0
    if fold is None:
        arrays |= _prefixed("inputs", HashSet.of_many(inputs.joined()))
    else:
        hashes = inputs.joined()
        found, first = HashSet.of(hashes)
        arrays |= _prefixed("inputs", found)
        arrays["fold"] = _of_inputs(found, hashes, fold, first, numbered).astype(np.uint16)
    if numbered:
        arrays |= _prefixed("numbers", HashSet.of_many(numbers.joined()))
    with writing(folder / NAME) as part, open(part, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _most_different(features: NDArray[np.float32]) -> NDArray[np.intp]:
    """The columns with the most different values among the first events."""
    counts = [len(np.unique(column)) for column in features[:1000].T]
    return np.sort(np.argsort(counts, kind="stable")[::-1][:LEADING])


class _Hashes:
    """Collects hashes in large blocks, whose memory returns to the system when it is freed."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.uint64]] = []
        self._free = 0

    def __len__(self) -> int:
        return len(self._blocks) * BLOCK - self._free

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """Append some hashes."""
        while len(hashes):
            if not self._free:
                self._blocks.append(np.empty(BLOCK, np.uint64))
                self._free = BLOCK
            some, hashes = hashes[: self._free], hashes[self._free :]
            start = BLOCK - self._free
            self._blocks[-1][start : start + len(some)] = some
            self._free -= len(some)

    def joined(self) -> NDArray[np.uint64]:
        """All hashes as one array. They are removed from here block by block, so that there are never two copies of all."""
        found, done = np.empty(len(self), np.uint64), 0
        self._blocks.reverse()
        while self._blocks:
            some = self._blocks.pop()[: len(found) - done]
            found[done : done + len(some)] = some
            done += len(some)
        self._free = 0
        return found


def _of_inputs(
    found: HashSet, hashes: NDArray[np.uint64], fold: Fold, first: NDArray[np.intp], numbered: bool
) -> NDArray[np.intp]:
    """The fold of each key; 0 where events of several folds have the same inputs, if numbers can tell them apart."""
    one = fold[first]
    if numbered:
        _, place = found.find(hashes)
        one[place[fold != fold[first][place]]] = 0
    return one


def _prefixed(name: str, hashes: HashSet) -> dict[str, NDArray[Any]]:
    return {f"{name}_{key}": values for key, values in hashes.to_arrays().items()}


@dataclass(frozen=True)
class TrainedOn:
    """The events that a run was trained and validated on.

    Attributes:
        features: names of the features that are hashed.
        inputs: hashes of their values.
        numbers: hashes of the event numbers, if the events have numbers.
        fold: with folds, the fold of each of `inputs`, from 1; 0 where it is not one.
        leading: positions of the features that the sieve looks at.
        sieve: holds back most events that are not among them, by a few features; None for a run of an older version.
    """

    features: tuple[str, ...]
    inputs: HashSet
    numbers: HashSet | None = None
    fold: Fold | None = None
    leading: NDArray[np.intp] | None = None
    sieve: Sieve | None = None

    @classmethod
    def load(cls, folder: RunFolder) -> "TrainedOn | None":
        """Read the hashes of a run; None for a run of an older version, which has none.

        Raises:
            RunError: if the file is damaged.
        """
        if not folder.has(NAME):
            return None
        try:
            with np.load(folder / NAME, allow_pickle=False) as file:  # which reads an array when it is asked for
                return cls(
                    features=tuple(map(str, file["features"])),
                    inputs=HashSet.from_arrays(file["inputs_bits"], file["inputs_steps"]),
                    numbers=HashSet.from_arrays(file["numbers_bits"], file["numbers_steps"])
                    if "numbers_bits" in file
                    else None,
                    fold=file["fold"].astype(np.intp) if "fold" in file else None,
                    leading=_positions(file["leading"], len(file["features"])) if "sieve" in file else None,
                    sieve=Sieve(file["sieve"]) if "sieve" in file else None,
                )
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"{folder / NAME} is damaged: {error}", hint="train again") from None

    def of(
        self, inputs: NDArray[np.float32] | None, event_number: NDArray[np.uint64] | None, length: int, split: Split
    ) -> tuple[NDArray[np.int8], Fold]:
        """What is known of each event, and with folds the fold of each, from 1; 0 for new events.

        The fold is that of the training event with the same inputs, whatever its number: files are often numbered anew.
        Where no inputs or those of several folds are the same, it follows from the event number, even if other inputs show
        that it is another event or a systematic variation.

        Args:
            inputs: values of `features`, [event, feature]; None if the file has not all of them.
            event_number: numbers of the events; None if the file has none.
            length: number of events.
            split: section `split`.
        """
        same_inputs, place = np.zeros(length, bool), np.zeros(length, np.intp)
        if inputs is not None:
            some = self._candidates(inputs)
            same_inputs[some], place[some] = self.inputs.find(hashes_of_inputs(inputs[some]))
        if event_number is None or self.numbers is None:
            fold = np.zeros(length, np.intp) if self.fold is None else np.where(same_inputs, self.fold[place], 0)
            return np.where(same_inputs, SAME_EVENT, NEW).astype(np.int8), fold
        same_number, _ = self.numbers.find(mix(event_number))
        both = same_number & same_inputs if inputs is not None else same_number
        one = np.where(same_number, SAME_NUMBER, np.where(same_inputs, SAME_INPUTS, NEW))
        known = np.where(both, SAME_EVENT, one).astype(np.int8)
        fold = np.zeros(length, np.intp) if split.folds is None else np.where(same_number, fold_of(event_number, split), 0)
        if self.fold is not None:
            of_inputs = np.where(same_inputs, self.fold[place], 0)
            fold = np.where(of_inputs > 0, of_inputs, fold)
        return known, fold

    def _candidates(self, inputs: NDArray[np.float32]) -> NDArray[np.intp] | slice:
        """The events that may be among those of the training."""
        if self.sieve is None or self.leading is None:
            return slice(None)
        return np.flatnonzero(self.sieve.passes(hashes_of_inputs(inputs[:, self.leading], of=len(self.features))))


def _positions(values: NDArray[Any], features: int) -> NDArray[np.intp]:
    """Positions of features, from a file.

    Raises:
        ValueError: if there is no such feature.
    """
    if values.dtype.kind not in "iu" or values.ndim != 1 or not ((values >= 0) & (values < features)).all():
        raise ValueError("these are no positions of features")
    return values.astype(np.intp)


def as_trained(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Convert event numbers of a file as in training; missing ones are 0."""
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, 0)
    return values if values.dtype == np.uint64 else values.astype(np.int64).view(np.uint64)


class Counts:
    """How many events of each file a run was trained on.

    Args:
        folds: number of folds, or None.
    """

    def __init__(self, folds: int | None) -> None:
        self._folds = folds
        self._files: dict[str, NDArray[np.int64]] = {}

    def add(self, file: str, known: NDArray[np.int8]) -> None:
        """Count some events of a file."""
        self._files[file] = self._files.get(file, np.zeros(4, np.int64)) + np.bincount(known, minlength=4)

    def say(self, listener: Listener) -> None:
        """Say in one line how many events were trained on, and what that means for their scores."""
        if not self._files:
            return
        listed = ", ".join(f"{file}: {_of(rows)}" for file, rows in list(self._files.items())[:SHOWN])
        more = f" and {len(self._files) - SHOWN} more files" if len(self._files) > SHOWN else ""
        whose, where = (f" of {next(iter(self._files))}", "") if len(self._files) == 1 else ("", f" ({listed}{more})")
        counts = np.sum(list(self._files.values()), axis=0)
        total, alike, same, copies = int(counts.sum()), *(int(counts[i]) for i in (SAME_NUMBER, SAME_EVENT, SAME_INPUTS))
        facts = [(same, "were trained on or validated with")] if same else []
        facts += [(copies, "have the inputs of a training event and another number")] if copies else []
        facts += [(alike, "have the number of a training event and other inputs")] if alike else []
        few, *others = [
            f"{number:,} more {words}" if i else f"{number:,} of {total:,} events{whose} {words}"
            for i, (number, words) in enumerate(facts)
        ] or [""]
        if same:
            few += where
        if self._folds is not None and facts:
            listener.say(
                f"{', and '.join([few, *others])}: each of them is scored by the fold that was not trained on it, every "
                f"other one by the mean of the {self._folds} folds"
            )
        elif same or copies:
            better = "their scores are better than those of new events"
            better = better if same else f"if they are the same events, {better}"
            listener.say(f"warning: {'; '.join([f'{few}: {better}', *others])}")
        else:
            none = f"none of the {total:,} events{whose} was trained on"
            listener.say(f"{none}, but {alike:,} {facts[0][1]}" if alike else none)


def _of(rows: NDArray[np.int64]) -> str:
    return f"{f'{rows[SAME_EVENT]:,}' if rows[SAME_EVENT] else 'none'} of {rows.sum():,}"
