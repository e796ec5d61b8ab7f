"""Cross sections → weights: what each event of a sample stands for, in expected events per fb⁻¹."""

from pathlib import Path

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.samples import Sample
from fivesigma.data.formats import expand, split_treename
from fivesigma.data.load import plan_for, reader_for
from fivesigma.errors import EventsError
from fivesigma.progress import Progress, silent

PB = 1000.0
"""Events of one picobarn in one inverse femtobarn."""


def normalised(analysis: Analysis, progress: Progress = silent) -> Analysis:
    """The analysis with the cross sections of its samples turned into their weights.

    Every event of a sample with `xsec` gets its weight × 1000 × xsec / Σw, Σw being the sum of the weights of all
    generated events: `sum_weights`, or what the files add up to before any selection.

    Raises:
        EventsError: if the weights of a sample add up to nothing.
    """
    samples = {
        name: sample
        if sample.xsec is None or not sample.files
        else sample.model_copy(
            update={"weight": _times(sample.weight, factor(analysis, name, sample, progress)), "xsec": None}
        )
        for name, sample in analysis.samples.items()
    }
    return analysis.model_copy(update={"samples": samples})


def is_normalised(analysis: Analysis) -> bool:
    """Whether weights are expected events per fb⁻¹, as all samples with files have a cross section."""
    return any(sample.xsec is not None and sample.files for sample in analysis.samples.values())


def factor(analysis: Analysis, name: str, sample: Sample, progress: Progress = silent) -> float:
    """Expected events per fb⁻¹ and unit of weight."""
    assert sample.xsec is not None  # whoever asks has a cross section
    total = sample.sum_weights
    if total is None:
        total = sum_of_weights(analysis, name, sample, progress)
        if not total > 0:
            raise EventsError(f"the weights of sample {name!r} add up to {total:g}", hint="give its `sum_weights`")
    return PB * sample.xsec / total


def sum_of_weights(analysis: Analysis, name: str, sample: Sample, progress: Progress = silent) -> float:
    """Sum of the weights of all events in a sample's files, before any selection; only their columns are read."""
    total, files = 0.0, expand(sample.files)
    formulas = [text for text in (analysis.weights, sample.weight) if text is not None]
    sizes = [Path(split_treename(file)[0]).stat().st_size for file in files]
    for i, file in enumerate(files):
        reader = reader_for(analysis, file, sample)
        plan = plan_for(analysis, reader)
        for chunk in reader.chunks(plan.columns(formulas) or list(plan.available[:1])):
            length = len(next(iter(chunk.values())))
            variables = plan.variables(chunk)
            weight = np.ones(length)
            for text in formulas:
                weight = weight * plan.evaluate(text, variables, length).astype(np.float64)
            total += float(np.nansum(weight))
        progress(sum(sizes[: i + 1]), sum(sizes), f"adding up the weights of {name}")
    return total


def _times(weight: str | None, factor: float) -> str:
    return repr(factor) if weight is None else f"({weight}) * {factor!r}"
