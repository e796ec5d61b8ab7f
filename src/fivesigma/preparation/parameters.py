"""Draw parameters, such as the mass of X, for background events, which have none by nature."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.parameters import Parameter
from fivesigma.errors import EventsError
from fivesigma.events import Events
from fivesigma.hashing import uniform

SEED = 31_337
"""Keeps the draws independent of the split, which hashes the same numbers."""


def signal_rows(training: Events) -> NDArray[np.float32]:
    """Parameters of the signal's training events, [event, parameter], from which those of the background are drawn.

    They are in rising order, so that what is drawn does not depend on the order of the events.

    Raises:
        EventsError: if there is no signal.
    """
    rows: NDArray[np.float32] = training.parameters[training.target != 0]
    if len(rows) == 0:
        raise EventsError("there is no signal event from which the background's parameters could be drawn")
    return np.sort(rows, axis=0) if rows.shape[1] == 1 else rows[np.lexsort(rows.T[::-1])]


def drawn_anywhere(parameters: Mapping[str, Parameter]) -> bool:
    """Whether any parameter of the background is drawn."""
    return any(parameter.background != "given" for parameter in parameters.values())


def drawn_from_signal(parameters: Mapping[str, Parameter]) -> list[str]:
    """Names of the parameters whose values for background are those of random signal events."""
    return [name for name, parameter in parameters.items() if parameter.background == "signal"]


def assign(events: Events, parameters: Mapping[str, Parameter], signal: NDArray[np.float32]) -> Events:
    """Draw parameters for the background events; the same event always gets the same value.

    Args:
        events: of any part.
        parameters: the section `parameters`. Parameters drawn from the signal are drawn together, so that only
            combinations occur that the signal has; uniform ones are independent of one another.
        signal: what `signal_rows` gives.
    """
    drawn = events.parameters.copy()
    background = np.flatnonzero(events.target == 0)
    numbers = events.event_number[background]
    chosen = (uniform(numbers, SEED) * len(signal)).astype(np.intp)
    for i, parameter in enumerate(parameters.values()):
        if parameter.background == "signal":
            drawn[background, i] = signal[chosen, i]
        elif parameter.background == "uniform":
            low, high = signal[:, i].min(), signal[:, i].max()
            drawn[background, i] = low + (high - low) * uniform(numbers, SEED + 1 + i)
    return replace(events, parameters=drawn)


def values_without_events(
    events: Events, parameters: Mapping[str, Parameter], among: str = "all training events"
) -> list[str]:
    """A sentence on each parameter with allowed values that no training event has.

    Args:
        events: training events, or a sample; of a parameter that is drawn for background, the signal alone has values.
        parameters: the section `parameters`.
        among: what the events are, in words.
    """
    sentences = []
    for (name, parameter), column in zip(parameters.items(), events.parameters.T, strict=True):
        own = column if parameter.background == "given" else column[events.target != 0]
        known = np.unique(own)
        absent = [value for value in parameter.values or [] if np.float32(value) not in known]
        if absent:
            listed = ", ".join(f"{value:g}" for value in absent)
            who = "no event" if parameter.background == "given" else "no event of the signal"
            which = f"{who} among {among} has {name} = {listed}"
            sentences.append(f"{which}, which `parameters.{name}.values` lists: is a file missing?")
    return sentences


def trained_ranges(names: Sequence[str], hypotheses: Sequence[tuple[float, ...]]) -> dict[str, tuple[float, float]]:
    """Parameter → smallest and largest value of the training's signal; empty if these are too many to list.

    >>> trained_ranges(["mass"], [(500.0,), (1500.0,)])
    {'mass': (500.0, 1500.0)}
    """
    columns = zip(*hypotheses, strict=True) if hypotheses else ()
    return {name: (min(values), max(values)) for name, values in zip(names, columns, strict=False)}


def outside_training(at: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> list[str]:
    """A sentence on each value of a parameter that lies outside the range of the training.

    >>> outside_training({"g": 0.1}, {"g": (float(np.float32(0.1)), 0.5)}), outside_training({"g": 7.0}, {"g": (0.1, 0.5)})
    ([], ['g=7 lies outside the training range 0.1 … 0.5'])
    """
    return [
        f"{name}={at[name]:g} lies outside the training range {low:g} … {high:g}"
        for name, (low, high) in ranges.items()
        if name in at and not low <= np.float32(at[name]) <= high  # as precise as the values of the training
    ]
