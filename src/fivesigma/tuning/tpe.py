"""TPE: where good settings were found, more are tried; through Optuna (extra `tune`).

Source: Bergstra, Bardenet, Bengio, Kégl, Adv. Neural Inf. Process. Syst. 24 (2011) 2546; all keys at once
("multivariate"): Falkner, Klein, Hutter, Proc. Mach. Learn. Res. 80 (2018) 1437, arXiv:1807.01774.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fivesigma import extras
from fivesigma.analysis.tune import Choice, FloatRange, IntRange
from fivesigma.tuning.space import Range, Setting, float_at, steps_of

AT_RANDOM = 5
"""The first so many settings are drawn at random."""


def propose(
    space: Mapping[str, Range], tried: Sequence[tuple[Setting, float | None]], count: int, seed: int
) -> list[Setting]:
    """The next settings to try; the same arguments give the same settings.

    Args:
        space: key → range.
        tried: settings with their results, smaller is better; None for a training that failed, which counts
            like the worst result.
        count: number of proposals; they do not know the results of one another.
        seed: seed of the draws.

    Raises:
        MissingExtra: if Optuna is not installed.
    """
    optuna = extras.optuna()
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=AT_RANDOM, multivariate=True, constant_liar=True)
    study = optuna.create_study(sampler=sampler)
    ranges = {key: _distribution(optuna, values) for key, values in space.items()}
    worst = max((value for _, value in tried if value is not None), default=None)
    for setting, value in tried:
        result = worst if value is None else value
        if result is not None:
            params = {key: _encoded(values, setting[key]) for key, values in space.items()}
            study.add_trial(optuna.trial.create_trial(params=params, distributions=ranges, value=result))
    points = [study.ask(ranges).params for _ in range(count)]
    return [{key: _decoded(values, point[key]) for key, values in space.items()} for point in points]


def _distribution(optuna: Any, values: Range) -> Any:
    if isinstance(values, Choice):
        return optuna.distributions.CategoricalDistribution(range(len(values.choice)))
    # Optuna wants a range to be a whole number of steps.
    if isinstance(values, IntRange):
        first, last = values.int
        step = 1 if values.log else values.step
        return optuna.distributions.IntDistribution(first, last - (last - first) % step, log=values.log, step=step)
    low, high = values.float
    if values.step is None or values.log:
        return optuna.distributions.FloatDistribution(low, high, log=values.log)
    return optuna.distributions.IntDistribution(0, steps_of(low, high, values.step) - 1)


def _encoded(values: Range, value: Any) -> Any:
    """Replace a choice, which may be a list, and a value of a range with a step by its position."""
    if isinstance(values, Choice):
        return values.choice.index(value)
    if isinstance(values, FloatRange) and values.step is not None:
        return round((value - values.float[0]) / values.step)
    return value


def _decoded(values: Range, value: Any) -> Any:
    if isinstance(values, Choice):
        return values.choice[value]
    return float_at(values, value) if isinstance(values, FloatRange) and values.step is not None else value
