"""The answer at the top of a report: the question, the key numbers next to published values and baselines, a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fivesigma import plugins
from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.published import Published
from fivesigma.metrics.metric import Metric, is_metric, shown
from fivesigma.metrics.result import judged_part
from fivesigma.metrics.spec import spec_of
from fivesigma.metrics.verdicts import advantages
from fivesigma.reporting.results import heading, headline_names
from fivesigma.reporting.style import in_words

Tree = Mapping[str, Any]
MOST_KEYS = 4
COMPATIBLE = 2.0
"""Standard deviations within which a value is compatible with a published one."""


@dataclass(frozen=True)
class Key:
    """A key number.

    Attributes:
        name: of the metric, with its unit.
        value: of the network, with its error.
        others: published value and baselines, each as name, number and source.
    """

    name: str
    value: str
    others: list[tuple[str, str, str]] = field(default_factory=list)


def question(analysis: Analysis) -> str:
    """The question that the analysis asks, in one sentence."""
    if analysis.target is not None:
        unit = f" [{analysis.target.unit}]" if analysis.target.unit else ""
        what = analysis.titles.get(analysis.target.variable, analysis.target.variable)
        return f"Regression: what is the value of {what}{unit} in each event?"
    if analysis.task == "binary":
        text = f"Two classes: is an event {analysis.classes[1]} or {analysis.classes[0]}?"
    else:
        text = f"{len(analysis.classes)} classes: is an event {', '.join(analysis.classes[:-1])} or {analysis.classes[-1]}?"
    if analysis.parameters:
        text += f" The network is parameterised in {', '.join(analysis.titles.get(n, n) for n in analysis.parameters)}."
    return text


def keys(metrics: Tree, analysis: Analysis) -> list[Key]:
    """The key numbers: metrics with a published value first, then those that suit the task.

    Args:
        metrics: part → its numbers, from `metrics.json`.
        analysis: of the run.

    Returns:
        An empty list if the network was trained on all events on which it was evaluated.
    """
    part = judged_part(metrics)
    if part == "train":
        return []
    own = metrics[part]
    names = [name for name in analysis.published if is_metric(own.get(name))]
    more = [name for name in headline_names(metrics, analysis) if not name.endswith("_of_constant")]
    names += [name for name in more if name not in names and is_metric(own.get(name))]
    found = []
    for name in names[:MOST_KEYS]:
        theirs = analysis.published.get(name)
        others = [] if theirs is None else [("published", _published(theirs), theirs.source)]
        others += [
            (baseline, shown(numbers[name]), "baseline, on the same events")
            for baseline, numbers in own.get("baselines", {}).items()
            if is_metric(numbers.get(name))
        ]
        found.append(Key(_name(name, part, analysis), shown(own[name]), others))
    return found


def _name(name: str, part: str, analysis: Analysis) -> str:
    """The name of a metric with its unit, and the events on which it was computed."""
    words = (spec_of(name).label if name in plugins.metrics else "") or name.replace("_", " ")
    return f"{heading(name, analysis).replace(name, words, 1)}, {in_words(part)} events"


def _published(value: Published) -> str:
    return f"{value.value:g}" if value.error is None else str(Metric(value.value, value.error))


def sentences(metrics: Tree, analysis: Analysis, events: Mapping[str, int], warnings: Sequence[str]) -> list[str]:
    """The verdict: the main metric, the number of events, and the comparison with the published value and the baselines.

    Args:
        metrics: part → its numbers, from `metrics.json`.
        analysis: of the run.
        events: part → number of evaluated events, for `train` of all events of the training, where it is known.
        warnings: of the evaluation.
    """
    part = judged_part(metrics)
    found = keys(metrics, analysis)
    if not found:
        return ["There is no unbiased result: the network was evaluated only on its training events."]
    name = next(
        (n for n in (*analysis.published, *headline_names(metrics, analysis)) if is_metric(metrics[part].get(n))), ""
    )
    spec = spec_of(name) if name in plugins.metrics else None
    words = (spec.label if spec else "") or name
    unit = f" {spec.unit_for(analysis.target.unit if analysis.target else '')}".rstrip() if spec else ""
    count = f"{events[part]:,} " if part in events else ""
    lines = [f"On {count}{in_words(part)} events the network reaches {words} {shown(metrics[part][name])}{unit}."]
    if name in analysis.published:
        lines.append(_beside(metrics[part][name], analysis.published[name], spec.larger_is_better if spec else None))
        if "train" in events:
            lines[-1] = f"{lines[-1].removesuffix('.')}; this network was trained on {events['train']:,} events."
    lines += [f"{line[0].upper()}{line[1:]}." for line in advantages({part: _with_metrics(metrics[part])}, unit.strip())]
    raised = {0: "no warning.", 1: "a warning, which you should read."}
    lines.append(f"The evaluation raised {raised.get(len(warnings), f'{len(warnings)} warnings, which you should read.')}")
    return lines


def _beside(ours: Tree, theirs: Published, larger_is_better: bool | None) -> str:
    """A sentence that compares with a published value, which was obtained on other events."""
    error = float(np.hypot(ours["error"] or 0.0, theirs.error or 0.0))
    gap = (ours["value"] or np.nan) - theirs.value
    where = f"The published value, obtained on other events, is {_published(theirs)}"
    if not np.isfinite(gap) or error == 0:
        return f"{where}."
    if abs(gap) < COMPATIBLE * error:
        return f"{where}: the two are compatible ({abs(gap) / error:.1f} standard deviations)."
    better = larger_is_better is not None and (gap > 0) == larger_is_better
    word = "better" if better else "worse" if larger_is_better is not None else "different"
    return f"{where}: the network's value is {word} by {abs(gap):.3g} ({abs(gap) / error:.1f} standard deviations)."


def _with_metrics(tree: Tree) -> dict[str, Any]:
    """The differences between network and baselines as metrics, for the sentences of the verdict."""
    return {
        "baselines": {
            name: {"difference": {key: _metric(value) for key, value in one["difference"].items()}}
            for name, one in tree.get("baselines", {}).items()
            if one.get("difference")
        },
        "front": tree.get("front", {}),
    }


def _metric(tree: Tree) -> Metric:
    return Metric(*(np.nan if tree[key] is None else tree[key] for key in ("value", "error")))
