"""The section `evaluate.search`: what a search for a signal needs to know beyond the scores."""

from typing import Annotated

from pydantic import Field

from fivesigma.section import Fraction, Section


class Search(Section):
    """Significance of a signal above its background."""

    lumi: float | None = Field(None, gt=0, description="integrated luminosity, fb⁻¹; samples with `xsec` get their yields")
    yields: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default={}, description="expected events by class, in all; replaces what the weights add up to"
    )
    systematic: Fraction = Field(0.1, description="relative uncertainty of the background")
    bins: int = Field(20, ge=1, description="most bins of the score")
