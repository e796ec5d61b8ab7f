"""The verb `check`: check every key and every column name of an analysis."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.answers import swapped
from fivesigma.analysis.file import load
from fivesigma.baselines.of_run import analysis_of, named_errors
from fivesigma.baselines.of_run import check as check_baselines
from fivesigma.data.formats import expand
from fivesigma.data.load import read_events
from fivesigma.data.opening import plan_for, read_twice, reader_for
from fivesigma.data.plan import Plan
from fivesigma.errors import nearest
from fivesigma.events import Events, concatenate
from fivesigma.exploration.summary import doubts
from fivesigma.metrics.leakage import strong_features, suspicions
from fivesigma.names import matches
from fivesigma.preparation.recipe import matching
from fivesigma.progress import Listener
from fivesigma.reporting.style import is_drawable
from fivesigma.tuning.space import check_values
from fivesigma.verbs.base import AnalysisLike

FIRST_EVENTS = 20_000
"""`check` looks at so many events of every file: for lists and text where numbers are meant, and for leakage."""


def check(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    listener: Listener | None = None,
) -> list[Plan]:
    """Check an analysis and, if its files are there, every name in it and the first events.

    Raises:
        FivesigmaError: for the first fault.
    """
    resolved = load(analysis, settings, data)
    check_baselines(resolved)
    check_values(resolved)
    resolved.check_observers()
    if listener:
        for text in _not_drawable(resolved):
            listener.say(f"warning: {text!r} is no formula that can be drawn, so figures show it as it is written")
    plans = []
    seen: dict[str, list[Events]] = {}
    for name, sample in resolved.samples.items():
        files = expand(sample.files)
        for file in files:
            reader = reader_for(resolved, file, sample)
            plan = plan_for(resolved, reader)
            allowed = plan.check_no_truth()
            check_names(plan)
            _check_baselines(resolved, reader)
            first, read = next(read_events(resolved, plan, reader, sample, size=FIRST_EVENTS), (None, 0))
            if first is not None and len(first):
                seen.setdefault("test" if resolved.use_of(name) == "test" else "train", []).append(first)
            elif listener:
                few = f"none of the first {read:,} events of {file} passes the selection"
                listener.say(f"warning: {few if read else f'{file} has no events'}")
            plans.append(plan)
            if listener and allowed:
                listener.say(f"warning: truth columns among the inputs, allowed by `allow_truth`: {', '.join(allowed)}")
        if listener and files:
            listener.say(f"sample {name}: {len(plans[-1].features)} features, all columns found in {', '.join(files)}")
    if listener and plans:
        for sentence in filter(None, (*_without_effect(plans), swapped(resolved.classes), *read_twice(resolved))):
            listener.say(f"warning: {sentence}")
        listener.say(f"features: {', '.join(plans[0].features)}")
    if listener and "train" in seen:
        parts = {part: concatenate(found) for part, found in seen.items()}
        for sentence in doubts(parts, resolved.missing_values, resolved.prepare.log):
            listener.say(f"warning: {sentence}")
        there = set(np.unique(parts["train"].target).tolist()) if resolved.classes else set()
        absent = [name for i, name in enumerate(resolved.classes) if i not in there]
        if absent:
            listener.say(f"warning: the first {len(parts['train']):,} events have none of class {', '.join(absent)}")
        for sentence in suspicions(parts, resolved.event_number is not None, resolved.expected):
            listener.say(f"warning: {sentence}")
        for sentence in strong_features(parts, resolved.expected):
            listener.say(f"strong, expected: {sentence}")
    return plans


def _not_drawable(analysis: Analysis) -> list[str]:
    """Titles, units and names with dollar signs that are no formulas."""
    units = [*analysis.units.values(), *(parameter.unit for parameter in analysis.parameters.values())]
    units += [analysis.target.unit] if analysis.target else []
    texts = dict.fromkeys([*analysis.titles.values(), *units, *analysis.classes, *analysis.features, *analysis.observers])
    # Most analyses have none, and need not wait for the figures' library.
    return [text for text in texts if "$" in text and not is_drawable(text)]


def _check_baselines(analysis: Analysis, reader: Any) -> None:
    """Refuse columns of baselines that a file does not have, or that give the answer away."""
    for name, settings in analysis.baselines.items():
        with named_errors(name):
            plan_for(analysis_of(settings, analysis), reader).check_no_truth()


def _without_effect(plans: Sequence[Plan]) -> list[str]:
    """Sentences on names in `allow_truth`, `units` and `titles` that belong to no column and no variable."""
    analysis = plans[0].analysis
    answer = analysis.target or analysis.labels
    known = {name for plan in plans for name in (*plan.available, *plan.features)}
    known |= {
        *analysis.new_variables,
        *analysis.observers,
        *analysis.parameters,
        *([answer.variable] if answer and answer.variable else []),
    }
    found = []
    for key, names in (("allow_truth", analysis.allow_truth), ("units", analysis.units), ("titles", analysis.titles)):
        for name in names:
            if any(matches(each, name) for each in known):
                continue
            near = nearest(name, known, count=1)
            # Units and titles may be inherited for columns that this analysis does not have: only slips are said, and of
            # numbered columns one is as near as the other.
            slip = near and re.sub(r"\d", "", near[0]) != re.sub(r"\d", "", name)
            if slip or key == "allow_truth":
                found.append(
                    f"{key}: no column and no variable is named {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
                )
    return found


def check_names(plan: Plan) -> None:
    """Resolve every formula of the analysis against the columns of one table."""
    analysis = plan.analysis
    answer = analysis.labels or analysis.target
    texts = [*plan.features, *analysis.observers, *(p.variable or n for n, p in analysis.parameters.items())]
    texts += [p.background_variable for p in analysis.parameters.values() if p.background_variable]
    sides = [side for systematic in analysis.systematics.values() for side in (systematic.up, systematic.down) if side]
    texts += [side.weights for side in sides if side.weights]
    optional = [analysis.selection, analysis.weights, answer.variable if answer else None, analysis.event_number]
    for text in [*texts, *(text for text in optional if text)]:
        plan.needs(text)
    matching(plan.features, analysis.prepare.log)
