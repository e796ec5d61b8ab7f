"""Signs of leakage: an input that knows the answer, or events on both sides of a split."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fivesigma.cluster.cores import cores
from fivesigma.errors import AnalysisError, did_you_mean
from fivesigma.events import Events
from fivesigma.hashing import contained, fingerprints
from fivesigma.metrics.roc import auc
from fivesigma.names import matches
from fivesigma.prefetch import side_by_side

TOO_GOOD = 0.99
"""AUC of one feature alone, or its rank correlation with a regression's target, above which it is suspicious."""
FOLLOWS = 0.5
"""Rank correlation of a feature with the event number above which it is suspicious."""
FEW = 10
"""Test events with the inputs of a training event that are not worth a sentence."""
FIRST = 3
"""Columns of which all are compared."""
MOST = 100_000
"""Largest number of events that are examined."""


def suspicions(parts: Mapping[str, Events], numbered: bool, expected: Sequence[str] = ()) -> list[str]:
    """Sentences on what looks like leakage; empty if nothing does.

    Args:
        parts: events by part; of the test events, only copies of training events are searched for. Events with the inputs
            of an event of another class are searched for among those that the network is trained on.
        numbered: whether the events have numbers of their own, not hashes of their content.
        expected: names or globs of features that are known to be strong and are not reported.

    Raises:
        AnalysisError: if one of `expected` matches no feature.
    """
    rows = _sample(parts)
    known = _expected(rows, expected)
    strong = [f"{text}: does it know the answer?" for name, text in _strong(rows) if name not in known]
    return [*strong, *(_follows_number(rows) if numbered else []), *_in_two_classes(parts), *_on_both_sides(parts)]


def strong_features(parts: Mapping[str, Events], expected: Sequence[str]) -> list[str]:
    """Sentences on features that would be suspicious, but are expected to be strong.

    Args:
        parts: events by part.
        expected: as for `suspicions`.
    """
    rows = _sample(parts)
    known = _expected(rows, expected)
    return [text for name, text in _strong(rows) if name in known] if known else []


def _sample(parts: Mapping[str, Events]) -> Events:
    seen = next(events for part, events in parts.items() if part != "test")
    return seen.take(np.arange(0, len(seen), max(1, len(seen) // MOST)))


def _expected(events: Events, patterns: Sequence[str]) -> set[str]:
    """Features that match the names or globs."""
    found: set[str] = set()
    for pattern in patterns:
        chosen = {name for name in events.feature_names if matches(name, pattern)}
        if not chosen:
            raise AnalysisError(
                f"expected: {pattern!r} matches no feature",
                hint=f"{did_you_mean(pattern, events.feature_names)} Otherwise remove it from `expected`",
            )
        found |= chosen
    return found


def _strong(events: Events) -> list[tuple[str, str]]:
    """Features whose value, or whose absence, predicts the target alone: name, and how well."""

    def judged(pair: tuple[str, NDArray[np.float32]]) -> list[tuple[str, str]]:
        name, column = pair
        questions = (name, column), (f"whether {name} is missing", np.isnan(column).astype(np.float32))
        answers = [(what, *_power(values, events)) for what, values in questions]
        return [(name, f"{what} alone {words} {power:.4f}") for what, power, words in answers if power > TOO_GOOD]

    columns = zip(events.feature_names, events.features.T, strict=True)
    return [each for found in side_by_side(judged, columns, cores()) for each in found]


def _power(values: NDArray[np.float32], events: Events) -> tuple[float, str]:
    """How well one column alone predicts the target, and how to say so."""
    present = np.isfinite(values)
    if present.sum() < 2 or (values[present] == values[present][0]).all():
        return 0.0, ""
    values, target, weight = values[present], events.target[present], np.maximum(events.weight[present], 0)
    if not events.classes:
        return abs(rank_correlation(values, target)), "has a rank correlation with the target of"
    classes = range(len(events.classes)) if len(events.classes) != 2 else [1]  # of two, one is as good as the other
    areas = [auc(values, (target == i).astype(int), weight).value for i in classes]
    best = max((max(area, 1 - area) for area in areas if np.isfinite(area)), default=0.0)
    return best, "separates a class with an AUC of"


def _follows_number(events: Events) -> list[str]:
    number = events.event_number.astype(np.float64)
    found = []
    for name, column in zip(events.feature_names, events.features.T, strict=True):
        present = np.isfinite(column)
        if present.sum() > 2 and abs(value := rank_correlation(column[present], number[present])) > FOLLOWS:
            found.append(f"{name} follows the event number (rank correlation {value:.2f}): is it an index?")
    return found


def _in_two_classes(parts: Mapping[str, Events]) -> list[str]:
    """A warning about training events with the inputs of an event of another class: do two samples read the same events?"""
    learnt = next(events for part, events in parts.items() if part != "test")
    found = []
    rows = [np.flatnonzero(learnt.target == i) for i in range(len(learnt.classes))]
    first = list(side_by_side(lambda own: _inputs(learnt, own, FIRST), iter(rows), cores()))
    for i, j in combinations(range(len(rows)), 2):
        if contained(first[j], first[i]).sum() <= FEW:
            continue
        one, other = (_inputs(learnt, rows[k]) for k in (i, j))
        shared = int(contained(other, one).sum())
        if shared > FEW and not _by_chance(one, other):
            found.append(
                f"{shared:,} of {len(rows[j]):,} {learnt.classes[j]} events have the same inputs as an event of "
                f"{learnt.classes[i]}: do two samples read the same events?"
            )
    return found


def _by_chance(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> bool:
    """Whether two groups of events share hashes about as often as the events of each group share them among themselves.

    Where the inputs are whole numbers, or rounded ones, different events have the same inputs. Of n and m such events about
    n m λ pairs do across the groups, and n²λ/2 and m²λ/2 within them.
    """
    (values, counts), (others, other_counts) = (np.unique(hashes, return_counts=True) for hashes in (one, other))
    _, here, there = np.intersect1d(values, others, assume_unique=True, return_indices=True)
    across = float((counts[here].astype(np.float64) * other_counts[there]).sum())
    within = [float((each * (each - 1.0) / 2).sum()) + 1 for each in (counts, other_counts)]
    return across <= 6 * math.sqrt(within[0] * within[1])


def _on_both_sides(parts: Mapping[str, Events]) -> list[str]:
    """A warning about test events with the content of a training event, or with its inputs alone."""
    test = parts.get("test")
    others = [events for part, events in parts.items() if part in ("train", "folds")]
    if test is None or not others or not len(test.fingerprint):
        return []
    remedy = "if they are the same events, name the column that numbers them (`event_number`), or remove the copies"
    shared = int(contained(test.fingerprint, np.concatenate([events.fingerprint for events in others])).sum())
    if shared:
        return [f"{shared:,} of {len(test):,} test events have the same content as a training event: {remedy}"]
    if not test.observers:
        return []
    shared = _sharing_inputs(test, others)
    if shared <= FEW or _by_chance(
        _inputs_and_target(test), np.concatenate([_inputs_and_target(events) for events in others])
    ):
        return []
    return [
        f"{shared:,} of {len(test):,} test events have the same inputs as a training event and differ from it in an "
        "observer: if they are the same events, give different files for training and test"
    ]


def _sharing_inputs(test: Events, others: Sequence[Events]) -> int:
    """Number of test events whose features and target are those of a training event; zero if there are few.

    Two events that differ in the first columns differ: only where these agree all of them are compared.
    """

    wanted, *learnt = side_by_side(lambda events: _inputs_and_target(events, first=FIRST), iter([test, *others]), cores())
    candidates = np.flatnonzero(contained(wanted, np.concatenate(learnt)))
    if len(candidates) <= FEW:
        return 0
    rows = (np.flatnonzero(contained(hashes, wanted[candidates])) for hashes in learnt)
    among = np.concatenate([_inputs_and_target(events, chosen) for events, chosen in zip(others, rows, strict=True)])
    return int(contained(_inputs_and_target(test, candidates), among).sum())


def _inputs(events: Events, rows: NDArray[np.intp] | slice = slice(None), first: int | None = None) -> NDArray[np.uint64]:
    """A hash of the (first) features of events, [event], without observers and parameters, which may be drawn."""
    return fingerprints([column[rows] for column in events.features.T[:first]])


def _inputs_and_target(
    events: Events, rows: NDArray[np.intp] | slice = slice(None), first: int | None = None
) -> NDArray[np.uint64]:
    """As `_inputs`, with the target."""
    return fingerprints([*(column[rows] for column in events.features.T[:first]), events.target[rows].astype(np.float32)])


def rank_correlation(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Spearman's rank correlation; 0 if either is constant.

    >>> round(rank_correlation(np.array([1, 2, 3, 4]), np.array([1, 8, 27, 64])), 6)
    1.0
    """
    ranks = [_ranks(values) for values in (first, second)]
    spread = [float(rank.std()) for rank in ranks]
    if 0.0 in spread:
        return 0.0
    return float(((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())).mean() / (spread[0] * spread[1]))


def _ranks(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Rank of each value; equal values share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[place], np.float64)
