"""The sections `evaluate.search` and `systematics`: luminosity, yields, binning and uncertainties of a search."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Files, Formula, Fraction, Names, Section

Positive = Annotated[float, Field(gt=0)]

POI, CHANNEL = "mu", "score"
"""Names of the signal strength and of the only channel in the workspace of a search."""
STATERROR = f"staterror_{CHANNEL}"
"""Name of the Monte Carlo errors of the background there."""


def norm_name(background: str) -> str:
    """Name of the uncertainty `systematic` of the whole background in the workspace.

    >>> norm_name("ttbar")
    'ttbar_norm'
    """
    return f"{background}_norm"


class Search(Section):
    """Significance of a signal above its background, and the limit without one."""

    renamed: ClassVar[Mapping[str, str]] = {"floor": "min_background", "most_error": "max_mc_error"}

    lumi: float | None = Field(
        None, gt=0, description="integrated luminosity, fb⁻¹; with `xsec` of the samples, weights become yields"
    )
    yields: dict[str, Positive] = Field(
        default={},
        description="total expected events by class, instead of the sums of weights. With parameters, that of the signal "
        "is for each hypothesis",
    )
    systematic: Fraction = Field(0.1, description="relative uncertainty of the background")
    bins: int = Field(20, ge=1, description="largest number of bins of the score")
    min_background: float = Field(1.0, gt=0, description="smallest expected background of a bin, or above a cut, in events")
    max_mc_error: float = Field(
        0.3, gt=0, lt=1, description="largest relative Monte Carlo error of the background in a bin, or above a cut"
    )


class Variation(Section):
    """One side of a systematic uncertainty: other weights, or other samples."""

    weights: Formula | None = Field(None, description="used instead of `weights`, of every event")
    samples: dict[str, Files] = Field(
        default={}, description="files read instead of those of a sample, by its name; relative to the analysis file"
    )
    sum_weights: dict[str, Positive] = Field(
        default={},
        description="sum of weights of these files before any selection, by sample; needed where the sample gives its own",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.weights is None) == (not self.samples):
            raise ValueError("give either `weights` or `samples`")
        return self


class Systematic(Section):
    """An uncertainty of the expected events, besides that of the total background."""

    up: Variation | None = Field(None, description="one standard deviation up")
    down: Variation | None = Field(None, description="one standard deviation down; without it, `up` is mirrored")
    relative: float | None = Field(
        None, gt=0, lt=1, description="relative uncertainty of the yield, instead of `up` and `down`"
    )
    classes: Names = Field(default=[], description="classes that `relative` applies to; all by default")
    samples: Names = Field(default=[], description="samples that `relative` applies to, instead of `classes`")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.relative is None) == (self.up is None):
            raise ValueError("give either `relative` or `up`")
        if self.down is not None and self.up is None:
            raise ValueError("`down` needs `up`")
        if self.relative is None and (self.classes or self.samples):
            raise ValueError("`classes` and `samples` go with `relative`")
        if self.classes and self.samples:
            raise ValueError("give either `classes` or `samples`")
        return self
