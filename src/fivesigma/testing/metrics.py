"""Rules for every metric: weights, errors, direction and undefined values."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics import Metric, MetricOptions, MetricSpec
from fivesigma.metrics.spec import TASKS
from fivesigma.testing.rules import never_raises, require

OPTIONS = MetricOptions()


@dataclass(frozen=True)
class Sample:
    """Arguments of a metric: score [event] or [event, class], target [event] and weight [event]."""

    score: NDArray[Any]
    target: NDArray[Any]
    weight: NDArray[Any]

    def take(self, index: NDArray[Any]) -> "Sample":
        """The events at `index`, in that order."""
        return Sample(self.score[index], self.target[index], self.weight[index])

    def weighted(self, weight: NDArray[Any]) -> "Sample":
        """The same events with other weights."""
        return Sample(self.score, self.target, weight)


def sample_of(task: str, events: int, seed: int, quality: float = 2.0) -> Sample:
    """Events with exponential weights and scores that are the true probabilities, or predictions with Gaussian errors.

    Args:
        task: `binary`, `multiclass` (three classes) or `regression`.
        events: number of events.
        seed: seed of the generator.
        quality: separation of the classes, or inverse error of the predictions.
    """
    generator = np.random.default_rng(seed)
    weight = generator.exponential(1, events)
    if task == "regression":
        truth = generator.normal(50, 10, events)
        return Sample(truth + generator.normal(0.5, 4 / quality, events), truth, weight)
    shares = np.array([0.6, 0.4] if task == "binary" else [0.5, 0.3, 0.2])
    target = generator.choice(len(shares), events, p=shares)
    seen = generator.normal(0, 1, (events, len(shares))) + quality * np.eye(len(shares))[target]
    odds = shares * np.exp(quality * seen)
    score = odds / odds.sum(axis=1, keepdims=True)
    return Sample(score[:, 1] if task == "binary" else score, target, weight)


def check_metric(spec: MetricSpec, *, events: int = 2000, toys: int = 300) -> None:
    """Check a metric: weights, error, coverage, direction, and values where it is undefined.

    Args:
        spec: the metric, which must have a function.
        events: number of events of a sample.
        toys: number of samples for the coverage of the error.

    Raises:
        AssertionError: with the rule that is broken.
    """
    require(spec.name.isidentifier(), f"the name {spec.name!r} is not made of letters, digits and _")
    require(spec.tasks and set(spec.tasks) <= set(TASKS), f"{spec.name}: the tasks {spec.tasks} are not among {TASKS}")
    require(spec.meaning, f"{spec.name} has no meaning, which the report shows")
    require(spec.function is not None, f"{spec.name} has no function")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # NumPy warns where a metric is undefined
        for task in spec.tasks:
            _check_weights(spec, task, events)
            _check_errors(spec, task, events)
            _check_undefined(spec, task)
            _check_direction(spec, task, events)
            _check_coverage(spec, task, events, toys)


def _value(spec: MetricSpec, sample: Sample) -> Metric:
    assert spec.function is not None  # has been checked
    with never_raises(f"{spec.name} raises for {len(sample.target)} events"):
        found = spec.function(sample.score, sample.target, sample.weight, OPTIONS)
    require(isinstance(found, Metric), f"{spec.name} returns {type(found).__name__}, not a Metric")
    return found


def _require_same(found: Metric, expected: Metric, what: str, *, error: float | None = None) -> None:
    """Require the same value, and the same error within a relative tolerance `error`."""
    require(np.isclose(found.value, expected.value, rtol=1e-6, atol=1e-9), f"{what}: {expected.value} becomes {found.value}")
    if error is not None:
        alike = np.isclose(found.error, expected.error, rtol=error)
        require(alike, f"{what}: the error {expected.error} becomes {found.error}")


def _check_weights(spec: MetricSpec, task: str, events: int) -> None:
    sample = sample_of(task, events, seed=1)
    plain, ones = _value(spec, sample), np.ones(events)
    require(np.isfinite(plain.value), f"{spec.name} of {events} {task} events is not a number")
    require(np.isfinite(plain.error), f"{spec.name}: the error of {events} {task} events is not a number")
    what = f"{spec.name}: a common factor of all weights changes it"
    _require_same(_value(spec, sample.weighted(1024 * sample.weight)), plain, what, error=1e-6)
    _require_same(_value(spec, sample.weighted(2 * ones)), _value(spec, sample.weighted(ones)), what, error=1e-6)
    order = np.random.default_rng(2).permutation(events)
    # Draws of a bootstrap may follow the rows, so that the error may change by as much as it is uncertain.
    _require_same(_value(spec, sample.take(order)), plain, f"{spec.name}: the order of events changes it", error=0.25)
    # Only one class, or large targets, so that the weights matter.
    chosen = sample.target > np.median(sample.target) if task == "regression" else sample.target == 1
    twice = _value(spec, sample.take(np.concatenate([np.arange(events), np.flatnonzero(chosen)])))
    doubled = _value(spec, sample.weighted(sample.weight * (1 + chosen)))
    _require_same(twice, doubled, f"{spec.name}: an event that stands twice is not one of twice the weight")


def _check_errors(spec: MetricSpec, task: str, events: int) -> None:
    mean = []
    for count in (events, 16 * events):
        errors = [_value(spec, sample_of(task, count, seed)).error for seed in range(10)]
        require(np.isfinite(errors).all(), f"{spec.name}: the error of {count} {task} events is not a number")
        require(min(errors) > 0, f"{spec.name}: the error of {count} {task} events is not positive")
        mean.append(np.mean(errors))
    ratio = mean[0] / mean[1]
    require(2.8 < ratio < 5.6, f"{spec.name}: the error of 16 times as many events is smaller by {ratio:.2f}, not about 4")


def _check_undefined(spec: MetricSpec, task: str) -> None:
    for what, sample in _odd_samples(task):
        found = _value(spec, sample)
        for number in (found.value, found.error):
            require(not np.isinf(float(number)), f"{spec.name} of {what} is infinite; where it is not defined, it is NaN")


def _odd_samples(task: str) -> Iterator[tuple[str, Sample]]:
    usual = sample_of(task, 100, seed=3)
    for events in (0, 1, 2):
        yield f"{events} events", usual.take(np.arange(events))
    for side in (0, 1):
        yield "events of one class", Sample(usual.score, np.full_like(usual.target, side), usual.weight)
    yield "equal scores", Sample(np.full_like(usual.score, 0.5), usual.target, usual.weight)
    yield "events without weight", usual.weighted(np.zeros(100))
    yield "events with weights of both signs", usual.weighted(np.where(np.arange(100) % 3, 1.0, -1.0))


def _check_direction(spec: MetricSpec, task: str, events: int) -> None:
    if spec.larger_is_better is None:
        return
    good, bad = (_value(spec, sample_of(task, events, seed=4, quality=quality)).value for quality in (2.0, 0.7))
    right = good > bad if spec.larger_is_better else good < bad
    said = "larger" if spec.larger_is_better else "smaller"
    require(right, f"{spec.name}: {said} is said to be better, but better scores give {good:.4g} and worse ones {bad:.4g}")


def _check_coverage(spec: MetricSpec, task: str, events: int, toys: int) -> None:
    truth = _value(spec, sample_of(task, 200 * events, seed=5)).value
    found = [_value(spec, sample_of(task, events, seed)) for seed in range(100, 100 + toys)]
    covered = np.mean([abs(metric.value - truth) <= metric.error for metric in found])
    what = f"{spec.name}: the error covers the truth in {100 * covered:.0f} % of {toys} {task} samples, not in about 68 %"
    # Fluctuations of so many samples are allowed three times: 0.60 to 0.76 for 300.
    require(abs(covered - 0.6827) <= max(0.08, 3 * (0.6827 * 0.3173 / toys) ** 0.5), what)
