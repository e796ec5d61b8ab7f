"""Divide events into training, validation and test by a hash of the event number."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.split import Split
from fivesigma.errors import EventsError, LeakageError
from fivesigma.events import Events, concatenate
from fivesigma.hashing import uniform

OUT_OF_FOLD = "folds"
"""The part that folds divide: all events but those of test samples."""
PARTS = ("train", "val", OUT_OF_FOLD, "test")


def split(samples: Sequence[tuple[str, Events]], settings: Split) -> dict[str, Events]:
    """Divide samples into training, validation and test events.

    An event's side depends on its event number alone, so adding or reordering files never moves
    it (with `stratify`, the boundary follows the class's own quantile and may move by a few events).

    Args:
        samples: pairs of (use, events), where use is `split`, `train`, `val` or `test`.
        settings: the shares.

    Returns:
        `train`, `val` and `test`; with `folds`, `folds` and `test`; a part without events is absent.

    Raises:
        LeakageError: if an event is both in the test files and in the training files.
        EventsError: if no event is left for training, or a class is missing there.
    """
    uses = {use for use, _ in samples}
    collected: dict[str, list[Events]] = {part: [] for part in PARTS}
    for use, events in samples:
        pooled = settings.folds is not None and use != "test"
        for part, found in ({OUT_OF_FOLD: events} if pooled else sides(use, uses, events, settings)).items():
            collected[part].append(found)
    parts = {part: concatenate(found) for part, found in collected.items() if found}
    if "test" in uses:
        parts = without_overlap(parts, settings)
    if "train" not in parts and OUT_OF_FOLD not in parts:
        raise EventsError("no event is left for training", hint="lower `split.val` and `split.test`, or add events")
    check_classes(parts)
    return parts


def sides(use: str, uses: set[str], events: Events, settings: Split) -> dict[str, Events]:
    """Divide some events of one sample; only `stratify` needs all of them at once.

    Args:
        use: what the sample is for: `split`, `train`, `val` or `test`.
        uses: the uses of all samples.
        events: events of the sample.
        settings: the shares.

    Returns:
        `train`, `val` and `test`; a part without events is absent.
    """
    index = _sides(events, _shares(use, uses, settings), settings)
    return {part: events if len(i) == len(events) else events.take(i) for part, i in index.items() if len(i)}


def share_of(part: str, uses: set[str], settings: Split) -> float:
    """Expected share of all events in a part; 1 for a part that has samples of its own.

    Args:
        part: `train`, `val`, `test` or `folds`.
        uses: what there are samples for.
        settings: the shares.

    >>> share_of("val", {"split"}, Split(test=0.2, val=0.25))
    0.2
    """
    if part == OUT_OF_FOLD or part in uses & {"val", "test"}:
        return 1.0
    use = "split" if "split" in uses else "train"
    return dict(zip(("train", "val", "test"), _shares(use, uses, settings), strict=True))[part]


def rows_of(samples: Sequence[tuple[str, Events]], settings: Split) -> dict[str, list[NDArray[np.intp]]]:
    """Which events of each sample belong to a part used for testing, in their order: `test`, and `folds` or `val`.

    Args:
        samples: as for `split`, which concatenates the events of the samples.
        settings: the shares.

    Returns:
        part → sample → positions among the sample's events.
    """
    uses = {use for use, _ in samples}
    found: dict[str, list[NDArray[np.intp]]] = {part: [] for part in PARTS}
    for use, events in samples:
        if settings.folds is not None and use != "test":
            index = {OUT_OF_FOLD: np.arange(len(events))}
        else:
            index = _sides(events, _shares(use, uses, settings), settings)
        for part, rows in found.items():
            rows.append(index.get(part, np.zeros(0, np.intp)))
    return found


def learning(events: Events, settings: Split) -> dict[str, NDArray[np.intp]]:
    """Indices of the `train` and `val` events among events that are not used for testing."""
    index = _sides(events, _shares("train", {"train", "test"}, settings), settings)
    return {part: index[part] for part in ("train", "val")}


def _shares(use: str, uses: set[str], settings: Split) -> tuple[float, float, float]:
    """Shares of training, validation and test for events of one use."""
    if use in ("val", "test"):
        return (0.0, 1.0, 0.0) if use == "val" else (0.0, 0.0, 1.0)
    test = 0.0 if "test" in uses else settings.test
    if use == "train" and "test" not in uses and "split" in uses:
        test = 0.0
    val = 0.0 if "val" in uses else settings.val
    train = settings.train if settings.train is not None else 1.0 - val
    return (1 - test) * train, (1 - test) * val, test


def _sides(events: Events, shares: tuple[float, float, float], settings: Split) -> dict[str, NDArray[np.intp]]:
    """Indices of the events on each side, in file order."""
    train, val, test = shares
    place = uniform(events.event_number, settings.seed)
    if settings.stratify and events.classes:
        place = _ranks_within_classes(place, events.target)
    # The test part lies lowest, so that changing val or train never moves an event across it.
    return {
        "test": np.flatnonzero(place < test),
        "val": np.flatnonzero((place >= test) & (place < test + val)),
        "train": np.flatnonzero((place >= test + val) & (place < test + val + train + 1e-12)),
    }


def _ranks_within_classes(place: NDArray[np.float64], target: NDArray[Any]) -> NDArray[np.float64]:
    """Replace each number by its rank among the events of the same class, as a fraction in [0, 1)."""
    ranks = np.empty_like(place)
    for value in np.unique(target):
        member = np.flatnonzero(target == value)
        order = np.argsort(place[member], kind="stable")
        ranks[member[order]] = (np.arange(len(member)) + 0.5) / len(member)
    return ranks


def without_overlap(parts: dict[str, Events], settings: Split) -> dict[str, Events]:
    """Training and validation events that are not test events as well.

    Checked only if the test events come from files of their own: within one sample, equal rows are
    different events; in two files they may be the same event.

    Raises:
        LeakageError: if there are events in both, and `split.overlap` is `error`.
    """
    if settings.overlap == "keep" or "test" not in parts:
        return parts
    result = dict(parts)
    for part in ("train", "val", OUT_OF_FOLD):
        if part not in parts:
            continue
        shared = np.isin(parts[part].fingerprint, parts["test"].fingerprint)
        if shared.any() and settings.overlap == "error":
            raise LeakageError(
                f"{int(shared.sum()):,} of {len(shared):,} {part} events are also among the test events",
                hint="give different files for training and test, or set split.overlap=drop to leave them out of "
                "training (keep, if equal rows are different events)",
            )
        if shared.any():
            result[part] = parts[part].take(~shared)
    return {part: events for part, events in result.items() if len(events)}


def check_classes(parts: Mapping[str, Events]) -> None:
    """Refuse parts in which a class has no events: no metric could be computed.

    Raises:
        EventsError: naming the class and the part.
    """
    for part, events in parts.items():
        if not events.classes:
            continue
        counts = np.bincount(events.target.astype(np.int64), minlength=len(events.classes))
        for name, count in zip(events.classes, counts, strict=True):
            if count == 0:
                raise EventsError(
                    f"class {name!r} has no event in the {part} part ({len(events):,} events)",
                    hint="check `labels`, `selection` and the files; or add events",
                )


def shares_table(parts: Mapping[str, Events]) -> dict[str, dict[str, float]]:
    """Share of each class, by number of events, among all events and in each part.

    Returns:
        part → class name → share; the part `all` comes first.
    """
    counts = {
        part: np.bincount(events.target.astype(np.int64), minlength=len(events.classes)) for part, events in parts.items()
    }
    classes = next(iter(parts.values())).classes
    rows = {"all": np.sum(list(counts.values()), axis=0), **counts}
    return {
        part: {name: float(n / max(row.sum(), 1)) for name, n in zip(classes, row, strict=True)}
        for part, row in rows.items()
    }
