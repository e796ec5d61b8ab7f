"""Measure the permutation importance of each input on events that the network was not trained on."""

from collections.abc import Mapping

import numpy as np

from fivesigma.assessment.base import Assessment, Findings
from fivesigma.events import Events
from fivesigma.metrics.importance import importance
from fivesigma.metrics.metric import Metric
from fivesigma.progress import Listener
from fivesigma.runs.source import Source
from fivesigma.training.folds import Folds
from fivesigma.training.network import Network

FEWEST = 100
"""Smallest number of events for permutation importance."""


class Importance(Assessment):
    """Importance of every input; with folds, for the network of the first fold on the events of this fold.

    Args:
        most: largest number of events that are used; 0 for no importance.
        network: of the run.
        source: its events.
        task: `binary`, `multiclass` or `regression`.
        listener: receives progress.
    """

    def __init__(self, most: int, network: Network | Folds, source: Source, task: str, listener: Listener) -> None:
        self._most, self._task, self._listener = most, task, listener
        self._of_folds = isinstance(network, Folds)
        self._sample = self._sampled(source)
        self._network = network.networks[0] if isinstance(network, Folds) else network

    def finish(self) -> Mapping[str, Findings]:
        if self._sample is None:
            return {}
        found = self._measured(self._sample)
        useful = [name for name, gain in found.items() if not gain.value <= 0][:5]
        self._listener.say(f"most important inputs (permutation): {', '.join(useful) or 'none makes a difference'}")
        return {"folds" if self._of_folds else "val": Findings({"importance": found})}

    def _sampled(self, source: Source) -> Events | None:
        """Some events that the network was not trained on and that are no test events; None if there are not enough."""
        if self._of_folds:
            assert source.division is not None  # the analysis that has trained folds divides its events into folds
            events, rows = source.division.events, np.flatnonzero(source.division.fold == 1)
        elif "val" in source.parts:
            events, rows = source.parts["val"], np.arange(len(source.parts["val"]))
        else:
            return None
        if not self._most or len(rows) < FEWEST:
            return None
        return events.take(rows[np.linspace(0, len(rows) - 1, min(self._most, len(rows))).astype(np.intp)])

    def _measured(self, events: Events) -> dict[str, Metric]:
        """Input → importance, the largest first."""

        def on_progress(done: int, total: int) -> None:
            self._listener.progress(done, total, "permuting the inputs")

        columns = ((events.features, events.parameters), events.target, events.weight)
        found = importance(self._network.score, *columns, self._task, on_progress=on_progress)
        by_name = dict(zip((*events.feature_names, *events.parameter_names), found, strict=True))
        return dict(sorted(by_name.items(), key=lambda item: -item[1].value if np.isfinite(item[1].value) else np.inf))
