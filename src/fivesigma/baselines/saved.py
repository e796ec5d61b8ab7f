"""The trained baselines of a run, loaded to score new files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.baselines.base import INDEX, BaselineModel
from fivesigma.baselines.of_run import analysis_of, kind_of, load_model
from fivesigma.data.plan import Plan
from fivesigma.errors import AnalysisError, RunError, did_you_mean
from fivesigma.preparation.folds import Fold
from fivesigma.runs.folder import RunFolder

NETWORK = "network"
"""Name of the run's own network among its models; no baseline may have it."""


@dataclass(frozen=True)
class SavedBaseline:
    """A trained baseline of a run, with one model for each fold if the run has folds.

    Attributes:
        analysis: what it learned, from which columns.
        models: its models, that of fold 1 first.
        features: names of the features in the order of training; None for those of `analysis`.
    """

    analysis: Analysis
    models: Sequence[BaselineModel]
    features: tuple[str, ...] | None = None

    def features_of(self, plan: Plan) -> tuple[str, ...]:
        """Names of the features it is given, in their order.

        Args:
            plan: plan of the new file, made with `analysis`.
        """
        return plan.features if self.features is None else self.features

    def by(self, fold: Fold) -> "_ByFold":
        """A scorer that uses, for each event, the model of its fold; 0 stands for the mean of all models."""
        return _ByFold(self.models, fold)

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score events with the mean of all models, as `Network.score`."""
        if len(self.models) == 1:
            return self.models[0].score(features, parameters)
        each = [model.score(features, parameters) for model in self.models]
        return np.asarray(np.mean(each, axis=0, dtype=np.float64), np.float32)


@dataclass(frozen=True)
class _ByFold:
    models: Sequence[BaselineModel]
    fold: Fold

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        mean = SavedBaseline.score(self, features, parameters)  # type: ignore[arg-type]
        for number in np.unique(self.fold[self.fold > 0]):
            rows = np.flatnonzero(self.fold == number)
            mean[rows] = self.models[number - 1].score(features[rows], None if parameters is None else parameters[rows])
        return mean


def load_baseline(folder: RunFolder, name: str, network: Sequence[str]) -> SavedBaseline:
    """Load a trained baseline of a run.

    Args:
        folder: folder of the run.
        name: name of the baseline.
        network: features of the run's network.

    Raises:
        AnalysisError: if the run has no such baseline.
        RunError: if it is not trained.
    """
    analysis = folder.analysis()
    check_name(analysis, name)
    place = RunFolder(folder / "baselines" / name)
    folds = analysis.split.folds
    places = [place] if folds is None else [place.fold(number) for number in range(1, folds + 1)]
    if not all(each.has(INDEX) for each in places):
        raise RunError(f"the baseline {name!r} of the run {folder} is not trained", hint="train again: fivesigma train")
    settings = analysis.baselines[name]
    own = places[0].analysis() if places[0].has("analysis.yaml") else analysis_of(settings, analysis)
    models = [load_model(each) for each in places]
    return SavedBaseline(own, models, _features(own, analysis, settings, network))


def check_name(analysis: Analysis, name: str) -> None:
    """Refuse a name that no model of a run has.

    Raises:
        AnalysisError: with the nearest name.
    """
    known = [NETWORK, *analysis.baselines]
    if name not in known:
        raise AnalysisError(f"the run has no model {name!r}; {did_you_mean(name, known)}")


def _features(own: Analysis, analysis: Analysis, settings: Any, network: Sequence[str]) -> tuple[str, ...] | None:
    """Names of the network's features, if the baseline was trained on the same events as the network."""
    same = all(getattr(own, key) == getattr(analysis, key) for key in ("target", "labels", "new_variables", "parameters"))
    if kind_of(settings).picks_columns:
        shared = set(own.features) <= set(network)
    else:
        shared = own.features == analysis.features and own.exclude == analysis.exclude
    return tuple(network) if same and shared else None
