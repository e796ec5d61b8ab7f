"""Gradient-boosted trees: LightGBM, for two classes, more, and regressions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma import extras
from fivesigma.analysis.baselines import BoostedTrees
from fivesigma.cluster.cores import cores

Column = NDArray[np.float64]
EVENTS_PER_THREAD = 20_000
_LOSSES = {"squared_error": "regression", "absolute_error": "regression_l1", "huber": "huber"}


@dataclass(frozen=True)
class Learning:
    """What trees learn from, or are stopped by.

    Attributes:
        inputs: NaN where missing, float32 [event, input].
        target: class index, or the target of a regression, [event].
        weight: [event]; negative ones count as zero, as a tree cannot grow with them.
    """

    inputs: NDArray[np.float32]
    target: NDArray[Any]
    weight: Column


@dataclass(frozen=True)
class Trees:
    """Trained trees.

    Attributes:
        text: the trees in LightGBM's own text format.
    """

    text: str

    @cached_property
    def _booster(self) -> Any:
        return extras.lightgbm().Booster(model_str=self.text)

    @property
    def rounds(self) -> int:
        """Boosting rounds that are kept."""
        return int(self._booster.current_iteration())

    def score(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability of class 1 [event], probabilities [event, class], or the prediction [event].

        Args:
            inputs: NaN where missing, [event, input].
        """
        return np.asarray(self._booster.predict(inputs, num_threads=_threads(len(inputs))), np.float32)


def grow(
    training: Learning,
    validation: Learning | None,
    settings: BoostedTrees,
    classes: int = 0,
    on_round: Callable[[int, int], None] | None = None,
) -> Trees:
    """Boost trees on training events until the validation loss no longer falls.

    The trees do not depend on the number of cores.

    Args:
        training: events to learn from.
        validation: events that choose the number of rounds; without them all `settings.rounds` are made.
        settings: of the trees.
        classes: number of classes; 0 for a regression.
        on_round: called with the number of the round, from 1, and the most there can be.

    Raises:
        MissingExtra: without LightGBM.

    Source: Ke et al., LightGBM, Advances in Neural Information Processing Systems 30 (2017) 3146.
    """
    library = extras.lightgbm()
    first = _dataset(library, training)
    others = [] if validation is None else [_dataset(library, validation, first)]
    callbacks = [] if validation is None else [library.early_stopping(settings.patience, verbose=False)]
    if on_round is not None:
        callbacks.append(lambda state: on_round(state.iteration + 1, settings.rounds))
    booster = library.train(
        _settings(settings, classes, len(training.inputs)), first, settings.rounds, valid_sets=others, callbacks=callbacks
    )
    return Trees(booster.model_to_string(num_iteration=booster.best_iteration if validation is not None else -1))


_QUIET = {"verbosity": -1}


def _dataset(library: Any, part: Learning, binned_as: Any = None) -> Any:
    target, weight = (np.asarray(values, np.float32) for values in (part.target, np.maximum(part.weight, 0)))
    return library.Dataset(part.inputs, target, weight=weight, reference=binned_as, params=_QUIET)


def _threads(events: int) -> int:
    """Of few events there is less to do than to wait for one another."""
    return min(cores(), 1 + events // EVENTS_PER_THREAD)


def _settings(settings: BoostedTrees, classes: int, events: int) -> dict[str, Any]:
    objective = {0: _LOSSES[settings.loss], 2: "binary"}.get(classes, "multiclass")
    chosen: dict[str, Any] = {
        "objective": objective,
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.min_events,
        "feature_fraction": settings.share,
        "lambda_l2": settings.l2,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": _threads(events),
        **_QUIET,
    }
    if objective == "multiclass":
        chosen["num_class"] = classes
    if objective == "huber":
        chosen["alpha"] = settings.huber_delta
    return chosen
