"""The section `evaluate.trigger`: what judges a momentum by what it does to a trigger's rate."""

from pydantic import Field

from fivesigma.section import Section


class Trigger(Section):
    """Turn-on curves and rates of a momentum measurement."""

    pt: str = Field("gen_pt", description="observer: the true transverse momentum, GeV")
    eta: str | None = Field("gen_abs_eta", description="observer: the true pseudorapidity, for efficiency against it")
    efficiency: float = Field(0.9, gt=0, lt=1, description="share of muons at a threshold that pass it: sets the scale")
    thresholds: list[float] = Field([5.0, 10.0, 20.0, 22.0, 30.0], description="thresholds of the turn-on curves, GeV")
