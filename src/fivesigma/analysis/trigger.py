"""The section `evaluate.trigger`: thresholds, spectra and bins for the trigger performance of a momentum."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Section
from fivesigma.errors import did_you_mean

PT_EDGES = [
    0,
    0.5,
    1,
    1.5,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    10,
    12,
    14,
    16,
    18,
    20,
    22,
    24,
    27,
    30,
    34,
    40,
    48,
    60,
    80,
    120,
]
"""Bins of true momentum in which the CMS muon trigger shows its turn-on curves, GeV."""


class Trigger(Section):
    """Turn-on curves and rates of a momentum measurement, or of a classifier into classes of momentum."""

    pt: str = Field("gen_pt", description="observer: the true transverse momentum, GeV")
    eta: str | None = Field("gen_abs_eta", description="observer: the true pseudorapidity, for efficiency against it")
    predicts: Literal["q_over_pt", "pt"] = Field(
        "q_over_pt", description="target of a regression: q/pT in 1/GeV, with the charge, or pT in GeV"
    )
    efficiency: float = Field(
        0.9, gt=0, lt=1, description="fraction of the muons at a threshold that pass it; it sets the scale"
    )
    thresholds: list[Annotated[float, Field(gt=0)]] = Field(
        [5.0, 10.0, 20.0, 22.0, 30.0], min_length=1, description="thresholds of the turn-on curves, GeV"
    )
    threshold: float = Field(20.0, gt=0, description="the threshold at which rates are compared in one number, GeV")
    generated: float = Field(2.0, description="the spectrum of the sample is pT to minus this power; 2 is flat in 1/pT")
    spectrum: float = Field(
        3.5, description="the spectrum of muons in collisions is pT to minus this power; rates are for them"
    )
    total_rate: float | None = Field(
        None, gt=0, description="rate of muons in collisions before any threshold, kHz; without it rates are fractions of it"
    )
    plateau: float = Field(2.0, ge=1, description="the plateau begins at so many times the threshold")
    pt_bins: list[float] = Field(PT_EDGES, min_length=2, description="bin edges of the true pT, GeV")
    eta_bins: list[float] = Field(
        [0.0, 0.4, 0.8, 1.2, 1.4, 1.55, 1.7, 1.8, 1.98, 2.15, 2.4], min_length=2, description="bin edges of `eta`"
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for name in ("thresholds", "pt_bins", "eta_bins"):
            values = getattr(self, name)
            if any(b <= a for a, b in pairwise(values)):
                raise ValueError(f"`{name}` must increase")
        return self

    @property
    def all_thresholds(self) -> list[float]:
        """Thresholds of the turn-on curves and of the comparison, increasing."""
        return sorted({*self.thresholds, self.threshold})

    def check_observers(self, observers: Sequence[str]) -> None:
        """Refuse observers that do not exist.

        Raises:
            ValueError: naming the setting, and the nearest observer.
        """
        for key, name in (("pt", self.pt), ("eta", self.eta)):
            if name is not None and name not in observers:
                known = f"; {did_you_mean(name, observers)}" if observers else ""
                raise ValueError(f"evaluate.trigger.{key}: {name!r} is not among the `observers`{known}")
