"""The section `samples`: files, and the class, weight and use of their events."""

from typing import Annotated, Literal

from pydantic import Field

from fivesigma.analysis.kinds import NameOf
from fivesigma.analysis.section import Files, Formula, Section
from fivesigma.plugins import readers


class Sample(Section):
    """Files whose events have the same class, weight and use."""

    files: Files = Field(default=[], description="paths, globs, or file.root:treename; relative to the analysis file")
    treename: str | None = Field(None, description="tree, table or group inside the file; overrides the general one")
    format: Annotated[str, NameOf(readers)] | None = Field(
        None, description="file format, if neither the ending nor the first bytes of the file show it"
    )
    label: str | None = Field(None, description="class name of all events of this sample")
    weight: Formula | None = Field(None, description="number or expression that multiplies `weights`")
    xsec: float | None = Field(
        None,
        gt=0,
        description="cross section, pb: weights become expected events per fb⁻¹, weight × 1000 × xsec / sum_weights",
    )
    sum_weights: float | None = Field(
        None,
        gt=0,
        description="sum of the weights of all generated events; by default of all events in the files, before selections, "
        "without a `weight` that is a constant, such as the efficiency of a filter",
    )
    selection: Formula | None = Field(None, description="further selection for this sample")
    use: Literal["split", "train", "val", "test"] | None = Field(
        None,
        description="split: divided by `split`; train: training and validation, no test; val, test: only that. By default "
        "samples named train, val or test are used accordingly and others are split",
    )
