"""Gradient-boosted trees: LightGBM, for two classes, more, and regressions."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fivesigma import extras
from fivesigma.analysis.section import Names, Section
from fivesigma.baselines.base import ArrayBaseline, ArrayModel, Sample
from fivesigma.baselines.logic import cost_of
from fivesigma.cluster.cores import cores
from fivesigma.errors import RunError
from fivesigma.runs import manifest
from fivesigma.runs.folder import RunFolder

FILE = "trees.txt"
EVENTS_PER_THREAD = 20_000
_LOSSES = {"squared_error": "regression", "absolute_error": "regression_l1", "huber": "huber"}


class BoostedTrees(Section):
    """Gradient-boosted trees (LightGBM, extra `trees`), stopped early on the validation events."""

    kind: Literal["boosted_trees"] = "boosted_trees"
    features: Names = Field(
        default=[], description="inputs, if other than the network's (globs allowed); parameters are always added"
    )
    rounds: int = Field(1000, gt=0, description="largest number of boosting rounds")
    leaves: int = Field(63, gt=1, description="largest number of leaves of a tree")
    learning_rate: float = Field(0.1, gt=0, le=1, description="learning rate: factor on each tree's answer")
    min_events: int = Field(20, gt=0, description="smallest number of training events in a leaf")
    share: float = Field(1.0, gt=0, le=1, description="share of the features that each tree may use")
    l2: float = Field(0.0, ge=0, description="penalty on the squares of the leaves' values")
    loss: Literal["squared_error", "absolute_error", "huber"] = Field(
        "squared_error", description="loss of a regression; classifiers use cross-entropy"
    )
    huber_delta: float = Field(1.0, gt=0, description="where the Huber loss turns linear, in units of the scaled target")
    patience: int = Field(30, gt=0, description="stop after so many rounds without a lower validation loss")
    seed: int = Field(1, ge=0, description="random seed of the choice of features, if `share` is below one")


@dataclass(frozen=True)
class Trees(ArrayModel):
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
        """Number of boosting rounds."""
        return int(self._booster.current_iteration())

    def score(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability of class 1 [event], probabilities [event, class], or the prediction [event].

        Args:
            inputs: NaN where missing, [event, input].
        """
        found = np.asarray(self._booster.predict(inputs, num_threads=_threads(len(inputs))), np.float32)
        outputs = self._booster.num_model_per_iteration()
        return found.reshape(len(inputs), outputs) if outputs > 1 else found  # of no events, LightGBM forgets the classes

    @classmethod
    def fit(
        cls,
        settings: BoostedTrees,
        training: Sample,
        validation: Sample | None,
        classes: int,
        on_round: Callable[[int, int], None],
    ) -> "Trees":
        """Boost trees until the validation loss no longer falls."""
        return grow(training, validation, settings, classes, on_round)

    def save(self, place: RunFolder) -> None:
        """Write the trees in LightGBM's own text format."""
        place.write_text(FILE, self.text)

    @classmethod
    def load(cls, place: RunFolder) -> "Trees":
        """Read the trees.

        Raises:
            RunError: if the file is missing or damaged.
        """
        try:
            text = (place / FILE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{place / FILE} is damaged: {error}", hint="train again") from None
        if not manifest.vouches(place / FILE):
            _try_out(text, place / FILE)
        return cls(text)

    def facts(self) -> dict[str, Any]:
        """The number of boosting rounds."""
        return {"rounds": self.rounds}

    def cost(self) -> dict[str, Any]:
        """Trees, nodes and, with conifer, the logic of its design in VHDL."""
        model = self._booster.dump_model()
        structures = [tree["tree_structure"] for tree in model["tree_info"]]
        return cost_of(structures, self._booster.num_model_per_iteration(), self._booster.num_feature())


_TRIAL = (
    "import sys, lightgbm; trees = lightgbm.Booster(model_str=sys.stdin.read()); "
    "trees.predict([[0.0] * trees.num_feature()])"
)


def _try_out(text: str, path: Path) -> None:
    """Read trees in another process first: LightGBM ends the process that reads damaged ones.

    Raises:
        RunError: if that process ends.
    """
    extras.lightgbm()
    sizes = re.search(r"^tree_sizes=([\d ]+)$", text, re.MULTILINE)
    start, end = text.find("Tree=0\n"), text.find("end of trees\n")
    if sizes is None or not 0 < start < end or end - start != sum(map(int, sizes[1].split())):
        # With wrong sizes it would read beyond the end of the text, which may or may not go well.
        raise RunError(f"{path} is damaged: its trees are not as long as it says", hint="train again")
    try:
        run = subprocess.run(
            [sys.executable, "-c", _TRIAL], input=text.encode(), capture_output=True, timeout=_PATIENCE, check=False
        )
        reason = "" if run.returncode == 0 else "LightGBM cannot read it"
    except subprocess.TimeoutExpired:
        reason = f"LightGBM did not read it within {_PATIENCE} s"
    if reason:
        raise RunError(f"{path} is damaged: {reason}", hint="train again")


_PATIENCE = 120


def grow(
    training: Sample,
    validation: Sample | None,
    settings: BoostedTrees,
    classes: int = 0,
    on_round: Callable[[int, int], None] | None = None,
) -> Trees:
    """Boost trees on training events until the validation loss no longer falls.

    The trees do not depend on the number of cores.

    Args:
        training: events to learn from.
        validation: events that determine the number of rounds; without them there are `settings.rounds`.
        settings: settings of the trees.
        classes: number of classes; 0 for a regression.
        on_round: called with the number of the round, from 1, and the maximum.

    Raises:
        MissingExtra: without LightGBM.

    Source: Ke et al., LightGBM, Advances in Neural Information Processing Systems 30 (2017) 3146.
    """
    library = extras.lightgbm()
    looked_at = _looked_at(training.inputs)
    first = _dataset(library, training, looked_at)
    others = [] if validation is None else [_dataset(library, validation, looked_at, first)]
    callbacks = [] if validation is None else [library.early_stopping(settings.patience, verbose=False)]
    if on_round is not None:
        callbacks.append(lambda state: on_round(state.iteration + 1, settings.rounds))
    booster = library.train(
        _settings(settings, classes, len(training.inputs)), first, settings.rounds, valid_sets=others, callbacks=callbacks
    )
    return Trees(booster.model_to_string(num_iteration=booster.best_iteration if validation is not None else -1))


_QUIET = {"verbosity": -1}


_LOOKED_AT = 200_000
"""Size of the random sample of events from which LightGBM makes its bins and learns which inputs may be missing."""
_SEEN_FOR_SURE = 30
"""If so many missing values are expected in this sample, it certainly contains some."""


def _dataset(library: Any, part: Sample, looked_at: int, binned_as: Any = None) -> Any:
    target, weight = (np.asarray(values, np.float32) for values in (part.target, np.maximum(part.weight, 0)))
    parameters = {**_QUIET, "bin_construct_sample_cnt": looked_at}
    return library.Dataset(part.inputs, target, weight=weight, reference=binned_as, params=parameters)


def _looked_at(inputs: NDArray[np.float32]) -> int:
    """Size of LightGBM's sample: all events if an input is missing so seldom that a sample may not show it.

    LightGBM would then treat the missing values as zeros.
    """
    count = len(inputs)
    if count <= _LOOKED_AT:
        return _LOOKED_AT
    missing = np.array([np.count_nonzero(np.isnan(column)) for column in inputs.T])
    seldom = (missing > 0) & (missing * _LOOKED_AT < _SEEN_FOR_SURE * count)
    return count if seldom.any() else _LOOKED_AT


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


def _label(settings: BoostedTrees) -> str:
    return "boosted trees"


BOOSTED_TREES = ArrayBaseline("boosted_trees", BoostedTrees, Trees, _label)
