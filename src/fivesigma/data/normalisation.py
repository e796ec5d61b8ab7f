"""Cross sections → weights: expected events per fb⁻¹ for each event of a sample."""

from pathlib import Path

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.samples import Sample
from fivesigma.data.formats import expand, split_treename
from fivesigma.data.opening import plan_for, reader_for
from fivesigma.errors import EventsError
from fivesigma.names import quoted
from fivesigma.progress import Progress, silent

PB = 1000.0
"""Events of one picobarn in one inverse femtobarn."""


def normalised(analysis: Analysis, progress: Progress = silent) -> Analysis:
    """Replace the cross sections of all samples by weights.

    Every event of a sample with `xsec` gets its weight × 1000 × xsec / Σw, Σw being the sum of the weights of all
    generated events: `sum_weights`, or the sum over the files before any selection.

    Raises:
        EventsError: if the sum of the weights of a sample is not positive.
    """
    samples = {
        name: sample
        if sample.xsec is None or not sample.files
        else sample.model_copy(
            update={"weight": _times(analysis, sample, factor(analysis, name, sample, progress)), "xsec": None}
        )
        for name, sample in analysis.samples.items()
    }
    return analysis.model_copy(update={"samples": samples})


def is_normalised(analysis: Analysis) -> bool:
    """Whether weights are expected events per fb⁻¹, because the samples have cross sections."""
    return any(sample.xsec is not None and sample.files for sample in analysis.samples.values())


def factor(analysis: Analysis, name: str, sample: Sample, progress: Progress = silent) -> float:
    """Expected events per fb⁻¹ for an event of weight one."""
    assert sample.xsec is not None  # whoever asks has a cross section
    total = sample.sum_weights
    if total is None:
        total = sum_of_weights(analysis, name, sample, progress)
        if not total > 0:
            raise EventsError(f"the weights of sample {name!r} add up to {total:g}", hint="give its `sum_weights`")
    return PB * sample.xsec / total


def sum_of_weights(analysis: Analysis, name: str, sample: Sample, progress: Progress = silent) -> float:
    """Add up the weights of all events in a sample's files, before any selection; only the weights are read.

    A constant weight of the sample, such as the efficiency of a filter, is a factor and would cancel: it is left out.
    """
    total, files = 0.0, expand(sample.files)
    sizes = [Path(split_treename(file)[0]).stat().st_size for file in files]
    for i, file in enumerate(files):
        reader = reader_for(analysis, file, sample)
        plan = plan_for(analysis, reader)
        is_constant = sample.weight is None or not plan.columns([sample.weight])
        formulas = [text for text in (analysis.weights, None if is_constant else sample.weight) if text is not None]
        for chunk in reader.chunks(plan.columns(formulas) or list(plan.available[:1])):
            length = len(next(iter(chunk.values())))
            variables = plan.variables(chunk)
            weight = np.ones(length)
            for text in formulas:
                weight = weight * plan.evaluate(text, variables, length).astype(np.float64)
            total += float(np.nansum(weight))
        progress(sum(sizes[: i + 1]), sum(sizes), f"adding up the weights of {name}")
    return total


def _times(analysis: Analysis, sample: Sample, factor: float) -> str:
    """The weight of a sample times a factor."""
    if sample.weight is None:
        return repr(factor)
    columns = reader_for(analysis, expand(sample.files)[0], sample).types()
    return f"({quoted(sample.weight) if sample.weight in columns else sample.weight}) * {factor!r}"
