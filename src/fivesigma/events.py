"""The columns of one sample of events, frozen: what readers make and everything else takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import EventsError


@dataclass(frozen=True)
class Events:
    """Columns of equal length, one row per event.

    Attributes:
        features: network inputs as read, float32 [event, feature]; NaN where missing.
        feature_names: one name per feature.
        target: class index (int64) or regression target (float32), [event]; empty when unknown.
        weight: event weight, float64 [event].
        parameters: physics parameters given to the network, such as a mass, float32 [event, parameter].
        parameter_names: one name per parameter.
        classes: class names in the order of their index; empty for regression.
        observers: columns carried along and never trained on, each [event].
        event_number: what splits and folds are made by, uint64 [event].
        fingerprint: a 64-bit hash of each row's content, to find one event in two places.
        units: unit of a column, by name; absent for dimensionless or unknown.
    """

    features: NDArray[np.float32]
    feature_names: tuple[str, ...]
    target: NDArray[Any]
    weight: NDArray[np.float64]
    parameters: NDArray[np.float32]
    parameter_names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    observers: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    event_number: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    fingerprint: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    units: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.features)

    def take(self, index: NDArray[Any]) -> "Events":
        """The events at `index` (positions or a boolean mask), in that order."""
        changes: dict[str, Any] = {
            f.name: getattr(self, f.name)[index]
            for f in fields(self)
            if isinstance(getattr(self, f.name), np.ndarray) and len(getattr(self, f.name))
        }
        return replace(self, **changes, observers={name: column[index] for name, column in self.observers.items()})

    def with_parameters(self, values: Sequence[float]) -> "Events":
        """The same events under the hypothesis that every event has these parameter values."""
        row = np.asarray(values, np.float32)
        return replace(self, parameters=np.broadcast_to(row, (len(self), len(row))).copy())


def concatenate(parts: Sequence[Events]) -> Events:
    """All events of several samples, in order.

    Raises:
        EventsError: if the samples differ in their features or in the order of them.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts:
        if part.feature_names != first.feature_names:
            raise EventsError(
                f"the samples differ in their features: {', '.join(part.feature_names)} is not "
                f"{', '.join(first.feature_names)}",
                hint="a glob in `features` follows the order in each file; name the features instead",
            )
    changes: dict[str, Any] = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(first)
        if isinstance(getattr(first, f.name), np.ndarray)
    }
    observers = {name: np.concatenate([part.observers[name] for part in parts]) for name in first.observers}
    return replace(first, **changes, observers=observers)
