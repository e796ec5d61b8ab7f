"""Apply systematic variations: other weights of the same events, or events of other samples."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.search import Systematic, Variation
from fivesigma.data.load import load_samples, read_formulas
from fivesigma.data.normalisation import normalised
from fivesigma.errors import AnalysisError, EventsError
from fivesigma.events import Events, check_features
from fivesigma.preparation.parameters import assign, drawn_anywhere, signal_rows
from fivesigma.preparation.split import OUT_OF_FOLD, sides
from fivesigma.progress import Listener
from fivesigma.runs.source import Source
from fivesigma.scores import Scores, concatenate

Varied = tuple[Scores, Scores | None]
"""Scores at plus and minus one standard deviation; None to mirror the first."""


@dataclass
class Variations:
    """The systematic uncertainties of an analysis, on the events of one part.

    Attributes:
        analysis: the analysis as the user wrote it.
        source: its events.
        part: part that the search is evaluated on.
        score: scores events of this part with the run's own network.
        listener: receives progress.
    """

    analysis: Analysis
    source: Source
    part: str
    score: Callable[[Events], Scores]
    listener: Listener

    def of(self, nominal: Scores) -> dict[str, Varied]:
        """Name of each uncertainty → scores of the varied events.

        Args:
            nominal: scores of the part without variation.

        Raises:
            ColumnNotFound: if a formula of a weight needs a column that does not exist.
            AnalysisError: if a sample's normalisation is not known.
            EventsError: for events that cannot be used.
        """
        nominal = replace(nominal, observers={})
        self._weights = self._other_weights()
        return {name: self._one(name, systematic, nominal) for name, systematic in self.analysis.systematics.items()}

    def _one(self, name: str, systematic: Systematic, nominal: Scores) -> Varied:
        if systematic.relative is not None:
            chosen = self._concerned(systematic, nominal)
            up, down = (
                replace(nominal, weight=np.where(chosen, nominal.weight * (1 + sign * systematic.relative), nominal.weight))
                for sign in (1, -1)
            )
            return up, down
        assert systematic.up is not None  # an uncertainty has one or the other
        self.listener.progress(0, 1, f"systematic variation {name}")
        down_side = None if systematic.down is None else self._varied(name, systematic.down, nominal)
        return self._varied(name, systematic.up, nominal), down_side

    def _concerned(self, systematic: Systematic, nominal: Scores) -> NDArray[np.bool_]:
        """Mask of the events that a relative uncertainty applies to, [event]."""
        if systematic.classes:
            return np.isin(nominal.target, [self.analysis.classes.index(name) for name in systematic.classes])
        if systematic.samples:
            return np.isin(self._members(), [self._names.index(name) for name in systematic.samples])
        return np.ones(len(nominal), bool)

    def _varied(self, name: str, variation: Variation, nominal: Scores) -> Scores:
        if variation.weights is not None:
            return replace(nominal, weight=self._weights[variation.weights])
        others = ~np.isin(self._members(), [self._names.index(sample) for sample in variation.samples])
        pieces = [self._sample(name, sample, variation) for sample in variation.samples]
        return concatenate([_taken(nominal, others), *pieces])

    @property
    def _names(self) -> list[str]:
        """Names of the samples in the order of their events."""
        assert self.source.origin is not None  # events on disk have no variations
        return [name for name, sample in self.source.origin.samples.items() if sample.files]

    def _members(self) -> NDArray[np.intp]:
        """Index of the sample of each event, [event]."""
        return np.repeat(np.arange(len(self._names)), [len(rows) for rows in self.source.rows[self.part]])

    def _other_weights(self) -> dict[str, NDArray[np.float64]]:
        """Formula → weights of the part's events if it replaces `weights`; all formulas are read at once."""
        variations = [v for s in self.analysis.systematics.values() for v in (s.up, s.down) if v is not None]
        formulas = list(dict.fromkeys(v.weights for v in variations if v.weights is not None))
        origin = self.source.origin
        if not formulas or origin is None:
            return {}
        found: dict[str, list[NDArray[np.float64]]] = {text: [] for text in formulas}
        for name, rows in zip(self._names, self.source.rows[self.part], strict=True):
            own = origin.samples[name].weight
            columns = read_formulas(origin, name, list(dict.fromkeys([*formulas, *([own] if own else [])])))
            for text in formulas:
                weight = columns[text][rows].astype(np.float64)
                weight = weight * columns[own][rows].astype(np.float64) if own else weight
                if not np.isfinite(weight).all():
                    bad = int((~np.isfinite(weight)).sum())
                    raise EventsError(f"the weight {text!r} is not finite in {bad:,} events of sample {name!r}")
                found[text].append(weight)
        return {text: np.concatenate(pieces) for text, pieces in found.items()}

    def _sample(self, name: str, sample: str, variation: Variation) -> Scores:
        """Scores of the events of an alternative sample that belong to the same part by their event number."""
        base = self.analysis.samples[sample]
        total = variation.sum_weights.get(sample)
        if base.xsec is not None and base.sum_weights is not None and total is None:
            raise AnalysisError(
                f"systematics.{name}: sample {sample!r} gives its `sum_weights`, which are not those of the other files",
                hint=f"add sum_weights: {{{sample}: …}} beside `samples`",
            )
        other = base.model_copy(update={"files": variation.samples[sample], "sum_weights": total})
        alone = self.analysis.model_copy(update={"samples": {sample: other}})
        (loaded,) = load_samples(normalised(alone, self.listener.progress), self.listener.progress)
        check_features(loaded.events, self.source.parts[self.part])
        if self.part == OUT_OF_FOLD:
            events = loaded.events
        else:
            events = sides(loaded.use, set(self.source.uses), loaded.events, self.analysis.split).get(
                self.part, loaded.events.take(np.zeros(0, np.intp))
            )
        if len(events) == 0:
            raise EventsError(f"systematics.{name}: no event of the other {sample!r} is in the {self.part} part")
        if drawn_anywhere(self.analysis.parameters):
            training = self.source.parts["train" if "train" in self.source.parts else OUT_OF_FOLD]
            events = assign(events, self.analysis.parameters, signal_rows(training))
        return replace(self.score(events), observers={})


def _taken(scores: Scores, chosen: NDArray[np.bool_]) -> Scores:
    """Scores of the chosen events."""
    numbers = scores.event_number[chosen] if len(scores.event_number) else scores.event_number
    at: Mapping[tuple[float, ...], NDArray[np.float32]] = {k: v[chosen] for k, v in scores.at_hypothesis.items()}
    return replace(
        scores,
        score=scores.score[chosen],
        target=scores.target[chosen],
        weight=scores.weight[chosen],
        parameters=scores.parameters[chosen] if len(scores.parameters) else scores.parameters,
        at_hypothesis=at,
        observers={},
        event_number=numbers,
    )
