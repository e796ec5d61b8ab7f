"""The section `evaluate`: results beyond the standard metrics."""

from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator

from fivesigma.analysis.search import Search
from fivesigma.analysis.section import Fraction, Names, Section
from fivesigma.analysis.trigger import Trigger


class Evaluate(Section):
    """Results beyond the standard metrics."""

    threshold: Fraction = Field(0.5, description="lowest score that counts as signal (two classes)")
    against: dict[str, list[float]] = Field(
        default={}, description="observer → bin edges: metrics are also given in these bins"
    )
    bootstrap: int = Field(200, ge=20, description="replicas for uncertainties without a closed form")
    importance: int = Field(20_000, ge=0, description="validation events for the permutation importance; 0 for none")
    sculpting: Names = Field(
        default=[], description="observers whose background a cut on the score must not shape (two classes)"
    )
    recalibrate: Literal["isotonic"] | None = Field(
        None,
        description="fit a monotonic map from score to probability on validation events; it gives the column `probability` "
        "beside the score (two classes)",
    )
    search: Search | None = Field(None, description="significance and limits: for two classes, signal and background")
    trigger: Trigger | None = Field(None, description="turn-on curves and rates: for a momentum, or classes of it")

    @field_validator("against")
    @classmethod
    def _rising(cls, against: dict[str, list[float]]) -> dict[str, list[float]]:
        for name, edges in against.items():
            if len(edges) < 2 or not all(a < b for a, b in pairwise(edges)):
                raise ValueError(f"the edges of {name!r} must be at least two and increase")
        return against
