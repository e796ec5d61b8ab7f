"""Evaluate a search: choose cut and bins on one part, compute significance and limits on another."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma import extras
from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.search import Search
from fivesigma.assessment.base import NOTHING, Assessment, Findings
from fivesigma.assessment.variations import Variations, Varied
from fivesigma.cluster.base import Executor
from fivesigma.data.load import read_formulas
from fivesigma.errors import AnalysisError, MissingExtra
from fivesigma.events import Events
from fivesigma.hashing import uniform
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.result import judged_part
from fivesigma.metrics.search.expected import Expected, Scale, expected
from fivesigma.metrics.search.limits import BANDS, Limits, limits
from fivesigma.metrics.search.search import Choice, choose, in_bins, results
from fivesigma.metrics.search.significance import Yields
from fivesigma.metrics.search.workspace import LEAST, Shift, changes, raised, scale_of_limit, shapes, workspace
from fivesigma.metrics.summary import as_json, hypothesis_name
from fivesigma.names import number_of
from fivesigma.preparation.folds import fold_of
from fivesigma.preparation.split import OUT_OF_FOLD, share_of
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.source import Source
from fivesigma.scores import Scores

HALVES = 141_421
"""Seed of the halves that choose cut and bins for each other; independent of other divisions by event number."""

SAME = 1e-6
"""Relative difference of two sums of the same weights at most."""

Scoring = Callable[[Events], Scores]
"""Events of the part that the search is evaluated on → their scores at every hypothesis."""


class SearchAssessment(Assessment):
    """The search, evaluated as parts of the data are scored.

    Args:
        folder: folder of the run, or of a network of its scan; workspaces are written to `search/` in it.
        analysis: the analysis; without `evaluate.search` nothing is done.
        source: the run's events.
        scoring: scores alternative samples.
        listener: receives messages and progress.
        pool: computes limits in parallel; without it, this process computes them.
    """

    def __init__(
        self,
        folder: RunFolder,
        analysis: Analysis,
        source: Source,
        scoring: Scoring,
        listener: Listener,
        pool: Executor | None = None,
    ) -> None:
        self._folder, self._analysis, self._source, self._scoring = folder, analysis, source, scoring
        self._listener, self._pool = listener, pool
        parts = list(source.parts)
        self.judged_on = judged_part(parts)
        self.chosen_on = next((part for part in (OUT_OF_FOLD, "val") if part in parts), self.judged_on)
        self._choices: dict[str, Choice] = {}
        self._problems: dict[str, str] = {}
        self._sentences: list[str] = []

    def add(self, part: str, scores: Scores) -> Findings:
        """Metrics and curves of the judged part; nothing for other parts.

        Raises:
            AnalysisError: if a luminosity is given and the weights have no cross section.
        """
        settings = self._analysis.evaluate.search
        if settings is None or part not in (self.judged_on, self.chosen_on):
            return NOTHING
        scale = replace(self.scale(settings, part), sampled=self._sampled(part, scores))
        events = expected(scores, scale, sample=self._samples(part, len(scores)), group=self._groups(scores))
        if part == self.chosen_on:
            self._choose(events, settings)
        if part != self.judged_on:
            return NOTHING
        varied = self._varied(scores)
        of_shifts = {
            name: tuple(side and expected(side, scale, events, group=self._groups(side)) for side in sides)
            for name, sides in varied.items()
        }
        metrics: dict[str, Any] = {name: {"problem": problem} for name, problem in self._problems.items()}
        curves: dict[str, Any] = {}
        trees: dict[str, tuple[dict[str, Any], float]] = {}
        for name in self._choices:
            shifted = {key: tuple(side and side[name] for side in sides) for key, sides in of_shifts.items()}
            try:
                metrics[name], curves[name], nominal, tree = self._one(name, events[name], settings, shifted)
            except ValueError as error:
                metrics[name] = {"problem": str(error)}
                self._listener.say(f"warning: search, {name}: {error}")
                continue
            self._folder.write_json(f"search/workspace-{name}.json", as_json(tree))
            trees[name] = (tree, scale_of_limit(nominal))
        for name, found in self._solved(trees).items():
            metrics[name] |= self._limits(name, found, metrics[name])
        ordered = {name: metrics[name] for name in events}
        return Findings({"search": {**self._scale_in_words(settings), "at": ordered}}, {"search": curves})

    def sentences(self) -> list[str]:
        """Systematic uncertainties that the fit cannot have as they are."""
        return self._sentences

    def _groups(self, scores: Scores) -> NDArray[np.intp] | None:
        """Index of each event's group (fold or half) if cut and bins are chosen on the judged events, otherwise None."""
        if self.chosen_on != self.judged_on:
            return None
        if self.judged_on == OUT_OF_FOLD:
            return fold_of(scores.event_number, self._analysis.split) - 1
        return (uniform(scores.event_number, HALVES) < 0.5).astype(np.intp)

    def _samples(self, part: str, events: int) -> NDArray[np.intp] | None:
        """Index of the sample of each event, [event]; None if it is not known."""
        rows = self._source.rows.get(part)
        if rows is None or sum(map(len, rows)) != events:
            return None
        return np.repeat(np.arange(len(rows)), [len(own) for own in rows])

    def _sampled(self, part: str, scores: Scores) -> tuple[float, float]:
        """Sums of weights of background and signal in a prepared part, divided by those of its events that were scored."""
        if self._source.shards is None:
            return 1.0, 1.0
        found = []
        for target, total in enumerate(self._source.shards.totals(part)):
            own = float(scores.weight[scores.target == target].sum(dtype=np.float64))
            share = total / own if own else 1.0
            found.append(1.0 if abs(share - 1) < SAME else float(share))  # all events, whose sum was rounded
        return found[0], found[1]

    def scale(self, settings: Search, part: str) -> Scale:
        """Factors from the weights of a part to expected events."""
        if settings.lumi is not None and not self._source.per_fb:
            raise AnalysisError(
                "evaluate.search.lumi needs the cross section of every sample",
                hint="give samples.NAME.xsec before `fivesigma prepare`, or evaluate.search.yields",
            )
        share = share_of(part, set(self._source.uses), self._analysis.split)
        yields = tuple(settings.yields.get(name) for name in self._analysis.classes)
        return Scale((settings.lumi or 1.0) / share, (yields[0], yields[1]))

    def _scale_in_words(self, settings: Search) -> dict[str, Any]:
        """Origin of the expected events, for the metrics."""
        origin = {
            name: "yields" if name in settings.yields else "lumi" if settings.lumi else "weights"
            for name in self._analysis.classes
        }
        return {
            "chosen_on": self.chosen_on,
            "crossed": self.chosen_on == self.judged_on,
            "share": share_of(self.judged_on, set(self._source.uses), self._analysis.split),
            "lumi": settings.lumi,
            "systematic": settings.systematic,
            "origin": origin,
        }

    def _choose(self, events: Mapping[str, Expected], settings: Search) -> None:
        for name, own in events.items():
            try:
                self._choices[name] = choose(own, settings)
            except ValueError as error:
                self._problems[name] = str(error)
                self._listener.say(f"warning: search, {name}: {error} on {self.chosen_on} events")

    def _varied(self, scores: Scores) -> dict[str, Varied]:
        if not self._analysis.systematics:
            return {}
        variations = Variations(self._analysis, self._source, self.judged_on, self._scoring, self._listener)
        return variations.of(scores)

    def _one(
        self, name: str, own: Expected, settings: Search, shifted: Mapping[str, tuple[Any, ...]]
    ) -> tuple[dict[str, Any], dict[str, Any], Yields, dict[str, Any]]:
        """Metrics, curves, yields per bin and workspace of one hypothesis."""
        choice = self._choices[name]
        bins, nominal = in_bins(own, choice)
        binned = {key: Shift(*(side and bins.filled(side) for side in sides)) for key, sides in shifted.items()}
        metrics, curves = results(own, choice, settings, shapes(nominal, binned.values()))
        if binned:
            metrics["shifts"] = {key: changes(nominal, shift) for key, shift in binned.items()}
        for key, shift in binned.items():
            if number := raised(nominal, shift):
                self._sentences.append(
                    f"search, {name}: one standard deviation of systematics.{key} leaves less than {LEAST:.0%} of the "
                    f"events in {number_of(number, 'bin')}, where the fit keeps {LEAST:.0%}: the variation may be too "
                    "large, or its events too few"
                )
        tree = workspace(
            nominal,
            systematic=settings.systematic,
            shifts=binned,
            classes=(self._analysis.classes[0], self._analysis.classes[1]),
        )
        return metrics, curves, nominal, tree

    def _solved(self, trees: Mapping[str, tuple[dict[str, Any], float]]) -> dict[str, Limits | str]:
        """Hypothesis → its limits, or why there are none; empty if pyhf is not installed."""
        try:
            extras.pyhf()
        except MissingExtra as error:
            where = f"the workspaces are in {self._folder}/search/"
            self._listener.say(f"no expected limits: {error.what} ({error.hint}); {where}")
            return {}
        found: dict[str, Limits | str] = {}

        def on_message() -> None:
            self._listener.progress(len(found), len(trees), "expected limits")

        on_message()
        if self._pool is None:
            for name, (tree, start) in trees.items():
                found[name] = solved(tree, start)
                on_message()
            return found
        for name, (tree, start) in trees.items():
            self._pool.submit(name, solved, tree, start)
        for name, result in self._pool.results():
            found[name] = result
            on_message()
        return found

    def _limits(self, name: str, found: Limits | str, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """Entries of the metrics for limits.

        Their Monte Carlo errors are the relative errors of the fast limit and significance of the same bins.
        """
        if isinstance(found, str):
            self._listener.say(f"warning: search, {name}: {found}")
            return {"problem": found}
        relative = metrics["relative_error"]
        bands = dict(zip((str(band) for band in BANDS), found.expected, strict=True))
        errors = {band: value * relative for band, value in bands.items()}
        xsec = self.signal_xsec().get(name)
        in_pb = {} if xsec is None else {"limit_pb": {band: value * xsec for band, value in bands.items()}, "xsec": xsec}
        discovery = Metric(found.discovery, found.discovery * metrics["relative_error_discovery"])
        return {"limit": bands, "limit_error": errors, "discovery": discovery, **in_pb}

    def signal_xsec(self) -> dict[str, float]:
        """Hypothesis → cross section of its signal in pb, if it has samples of its own that give one."""
        if not hasattr(self, "_xsec"):
            self._xsec = signal_cross_sections(self._analysis, self._source, self.judged_on)
        return self._xsec


def solved(tree: Mapping[str, Any], start: float) -> Limits | str:
    """Limits of a workspace, or why there are none."""
    if not np.isfinite(start):
        return "no signal is left"
    try:
        return limits(tree, start)
    except ValueError as error:
        return str(error)


def signal_cross_sections(analysis: Analysis, source: Source, part: str) -> dict[str, float]:
    """Hypothesis (or `all`) → cross section in pb of the signal samples that have events in a part.

    A sample of several hypotheses gives none, as the division of its cross section is unknown; nor does any if the signal is
    scaled to a given yield.
    """
    if source.origin is None or len(analysis.classes) != 2:
        return {}
    search = analysis.evaluate.search
    if search is not None and analysis.classes[1] in search.yields:
        return {}
    names = [name for name, sample in source.origin.samples.items() if sample.files]
    rows = source.rows.get(part)
    if rows is None:
        return {}
    found: dict[str, float] = {}
    for name, own in zip(names, rows, strict=True):
        sample = analysis.samples.get(name)  # none of a simulation
        if sample is None or sample.xsec is None or sample.label != analysis.classes[1] or not len(own):
            continue
        where = _hypothesis_of(source.origin, name)
        if where is not None:
            found[where] = found.get(where, 0.0) + sample.xsec
    return found


def _hypothesis_of(analysis: Analysis, sample: str) -> str | None:
    """Name of the hypothesis of a sample's events; None if there are several."""
    if not analysis.parameters:
        return "all"
    texts = {name: parameter.variable or name for name, parameter in analysis.parameters.items()}
    columns = read_formulas(analysis, sample, list(dict.fromkeys(texts.values())))
    values = []
    for name, parameter in analysis.parameters.items():
        own = np.unique(columns[texts[name]].astype(np.float64))
        if parameter.values:
            allowed = np.asarray(parameter.values, np.float64)
            own = np.unique(allowed[np.abs(allowed[None, :] - own[:, None]).argmin(axis=1)])
        if len(own) != 1:
            return None
        values.append(float(np.float32(own[0])))
    return hypothesis_name(tuple(texts), tuple(values))
