"""Divide events into training, validation and test by a hash of the event number."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.split import Split
from fivesigma.errors import EventsError, LeakageError
from fivesigma.events import Events, check_features, concatenate
from fivesigma.hashing import contained, uniform

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
        EventsError: if no event is left for training, a part is empty or far from its share, or a class is missing.
    """
    for _, events in samples:
        check_features(events, samples[0][1])
    uses = {use for use, _ in samples}
    collected: dict[str, list[Events]] = {part: [] for part in PARTS}
    for use, events in samples:
        pooled = settings.folds is not None and use != "test"
        for part, found in ({OUT_OF_FOLD: events} if pooled else sides(use, uses, events, settings)).items():
            collected[part].append(found)
    parts = {part: concatenate(found) for part, found in collected.items() if found}
    check_shares(
        {part: len(parts[part]) if part in parts else 0 for part in PARTS},
        expected_events({use: sum(len(events) for u, events in samples if u == use) for use in uses}, settings),
        (events.event_number for use, events in samples if use not in ("val", "test")),
    )
    before = set(parts)
    if "test" in uses:
        parts = without_overlap(parts, settings)
    if "train" not in parts and OUT_OF_FOLD not in parts:
        raise EventsError("no event is left for training", hint="lower `split.val` and `split.test`, or add events")
    if "val" in before and "val" not in parts:
        raise EventsError(
            "every validation event is also a test event and was dropped",
            hint="give different files for validation and test",
        )
    check_classes({part: events for part, events in parts.items() if part != "test"})
    return parts


def expected_events(lengths: Mapping[str, int], settings: Split) -> dict[str, float]:
    """How many events each part should have; only parts that hash values decide on.

    Args:
        lengths: use → number of events of the samples with this use.
        settings: the shares.

    >>> expected_events({"train": 100, "test": 50}, Split(val=0.25))
    {'train': 75.0, 'val': 25.0}
    """
    found = dict.fromkeys(("train", "val", "test"), 0.0)
    for use, length in lengths.items():
        if use in ("val", "test") or (settings.folds is not None and use != "test"):
            continue
        for part, share in zip(found, _shares(use, set(lengths), settings), strict=True):
            found[part] += length * share
    return {part: expected for part, expected in found.items() if expected and not (part in lengths and part != "train")}


def check_shares(counts: Mapping[str, int], expected: Mapping[str, float], numbers: Iterable[NDArray[np.uint64]]) -> None:
    """Refuse parts that are empty, or far from the share that was asked for.

    Args:
        counts: part → its number of events.
        expected: part → the number it should have.
        numbers: the event numbers; looked at only if a part is not as expected.

    Raises:
        EventsError: naming the part and the likely cause.
    """
    total = sum(expected.values())
    missed = [p for p, n in expected.items() if counts[p] == 0 or _distance(counts[p], n, total) > 1]
    missed.sort(key=lambda part: counts[part])
    if not missed:
        return
    repeats = np.unique(np.concatenate(list(numbers)), return_counts=True)[1]
    # Events with one number go to one side together, so they scatter more.
    spread = float(np.sqrt((repeats.astype(np.float64) ** 2).sum() / max(repeats.sum(), 1)))
    for part in missed:
        few = len(repeats) < _FEW_NUMBERS
        if counts[part] and not few and _distance(counts[part], expected[part], total) <= spread:
            continue
        key = f"split.{part}" if part != "train" else "split"
        asked = f"though `{key}` asks for about {expected[part]:,.0f} of {total:,.0f}"
        what = f"no event is in the {part} part" if counts[part] == 0 else f"{counts[part]:,} events are in the {part} part"
        raise EventsError(
            f"{what}, {asked}: {_cause(repeats)}", hint=_REMEDY if few and len(repeats) < repeats.sum() else _MORE
        )


_FEW_NUMBERS = 100
"""Different event numbers below which a split by them says little."""
_REMEDY = "name a column that numbers the events in `event_number`; without one, the content of the events decides"
_MORE = "add events, or ask for no such part, with a share of 0; or check `event_number`"


def _distance(count: int, expected: float, total: float) -> float:
    """How far a part is from its share, in units of five standard deviations of the binomial distribution."""
    share = expected / total
    return float(abs(count - expected) / max(5 * np.sqrt(total * share * (1 - share)), 1.0))


def _cause(repeats: NDArray[np.intp]) -> str:
    total = int(repeats.sum())
    if len(repeats) == 1 and total > 1:
        return f"all {total:,} events have the same event number"
    if len(repeats) < min(_FEW_NUMBERS, total):
        return f"there are only {len(repeats)} different event numbers among {total:,} events"
    if total < _FEW_NUMBERS:
        return "there is only 1 event" if total == 1 else f"there are only {total} events"
    return f"the {len(repeats):,} event numbers do not scatter as hashes of different numbers do"


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
    # The test part lies lowest, so that changing val or train never moves an event across it.
    edges = np.array([test, test + val, test + val + train + 1e-12])
    if settings.stratify and events.classes:
        side = np.searchsorted(edges, _ranks_within_classes(place, events.target), side="right")
        side = _one_for_each_number(side, place)
    else:
        side = np.searchsorted(edges, place, side="right")
    return {part: np.flatnonzero(side == i) for i, part in enumerate(("test", "val", "train"))}


def _one_for_each_number(side: NDArray[np.intp], place: NDArray[np.float64]) -> NDArray[np.intp]:
    """The same sides, but for events of one number that lie at both sides of a boundary: all go to the first one."""
    order = np.argsort(place, kind="stable")
    first = np.flatnonzero(np.diff(place[order], prepend=-1.0))
    if len(first) == len(place):
        return side
    together = np.minimum.reduceat(side[order], first)
    found = np.empty_like(side)
    found[order] = np.repeat(together, np.diff(np.append(first, len(place))))
    return found


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
    for part, shared in shared_with_test(parts).items():
        if settings.overlap == "error":
            refuse_overlap({part: (int(shared.sum()), len(shared))})
        if shared.any():
            result[part] = parts[part].take(~shared)
    return {part: events for part, events in result.items() if len(events)}


def shared_with_test(parts: Mapping[str, Events]) -> dict[str, NDArray[np.bool_]]:
    """Which events of each other part are test events as well, part → [event]."""
    others = [part for part in ("train", "val", OUT_OF_FOLD) if part in parts and "test" in parts]
    return {part: contained(parts[part].fingerprint, parts["test"].fingerprint) for part in others}


def refuse_overlap(counts: Mapping[str, tuple[int, int]]) -> None:
    """Refuse events that are test events as well.

    Args:
        counts: part → how many there are, of how many events.

    Raises:
        LeakageError: if there are any.
    """
    for part, (shared, events) in counts.items():
        if shared:
            raise LeakageError(
                f"{shared:,} of {events:,} {part} events are also among the test events",
                hint="give different files for training and test, or set split.overlap=drop to leave them out of "
                "training (keep, if equal rows are different events)",
            )


def check_classes(parts: Mapping[str, Events]) -> None:
    """Refuse parts in which a class has no events, or only events of weight zero: nothing could be learned of it.

    Test events may lack a class: what needs both is then shown as a dash.

    Raises:
        EventsError: naming the class and the part.
    """
    for part, events in parts.items():
        weighs = events.weight != 0
        if not weighs.any() and len(events):
            raise EventsError(
                f"all {len(events):,} events of the {part} part have weight zero",
                hint="check `weights`, and `weight` and `xsec` of the samples",
            )
        for i, name in enumerate(events.classes):
            member = events.target == i
            if not member.any():
                raise EventsError(
                    f"class {name!r} has no event in the {part} part ({len(events):,} events)",
                    hint="check `labels`, `selection` and the files; or add events",
                )
            if not weighs[member].any():
                raise EventsError(
                    f"all {int(member.sum()):,} events of class {name!r} in the {part} part have weight zero",
                    hint="check `weights`, and `weight` and `xsec` of the samples",
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
