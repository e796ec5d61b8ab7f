"""Between columns in GeV and the layout of the UCI HEPMASS files: label, f0 to f26, mass.

Published features are standardised, those that are positive after taking their logarithm. Only two of the
published constants are known well (the jet count's and m_WWbb's, from fits to the published values); the
others are those of a simulated sample, so a simulated event and a published one mean the same only as far
as the simulation is right.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import ColumnNotFound, SimulationError


@dataclass(frozen=True)
class Scale:
    """How one feature is standardised: (x - mean)/deviation, of ln x where `logarithm` is set."""

    mean: float
    deviation: float
    logarithm: bool = False

    def forward(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """GeV, radians or a pure number to the UCI value."""
        return ((np.log(value) if self.logarithm else value) - self.mean) / self.deviation

    def backward(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """The UCI value to GeV, radians or a pure number."""
        linear = value * self.deviation + self.mean
        return np.exp(linear) if self.logarithm else linear


def _tag(rate: float) -> Scale:
    """The scale of a b-tag that is set for this fraction of the events."""
    return Scale(rate, float(np.sqrt(rate * (1.0 - rate))))


# An angle around the beam is uniform in -pi to pi: mean 0, deviation pi/sqrt(3). Pseudorapidities have mean 0
# by symmetry. jets_no and m_wwbb: fits to published values; jet4_btag: the rate that gives the two published
# values -0.573682 and 1.743123. All others: measured on 240,000 simulated events, half background and
# half the five masses in equal shares, of ResonanceSettings(events=240000, seed=11).
_PHI = Scale(0.0, float(np.pi / np.sqrt(3.0)))
SCALES: dict[str, Scale] = {
    "lep_pt": Scale(4.1142, 0.7331, logarithm=True),
    "lep_eta": Scale(0.0, 1.1067),
    "lep_phi": _PHI,
    "met": Scale(4.2008, 0.8515, logarithm=True),
    "met_phi": _PHI,
    "jets_no": Scale(1.61071, 0.212875, logarithm=True),
    "jet1_pt": Scale(5.1026, 0.6650, logarithm=True),
    "jet1_eta": Scale(0.0, 1.1077),
    "jet1_phi": _PHI,
    "jet1_btag": _tag(0.6483),
    "jet2_pt": Scale(4.6618, 0.5725, logarithm=True),
    "jet2_eta": Scale(0.0, 1.1854),
    "jet2_phi": _PHI,
    "jet2_btag": _tag(0.5846),
    "jet3_pt": Scale(4.2246, 0.4986, logarithm=True),
    "jet3_eta": Scale(0.0, 1.2776),
    "jet3_phi": _PHI,
    "jet3_btag": _tag(0.4004),
    "jet4_pt": Scale(3.8044, 0.4732, logarithm=True),
    "jet4_eta": Scale(0.0, 1.3712),
    "jet4_phi": _PHI,
    "jet4_btag": _tag(0.247617),
    "m_jj": Scale(4.5130, 0.5863, logarithm=True),
    "m_jjj": Scale(5.3099, 0.3672, logarithm=True),
    "m_lv": Scale(4.4456, 0.1556, logarithm=True),
    "m_jlv": Scale(5.5243, 0.6088, logarithm=True),
    "m_wwbb": Scale(6.704, 0.5265, logarithm=True),
}
"""How each feature is standardised, in the order f0 to f26."""

_WHOLE = ("jets_no", "jet1_btag", "jet2_btag", "jet3_btag", "jet4_btag")


def to_uci(columns: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """The sample in the UCI layout: `label`, `f0` to `f26` and `mass`, all float32, if present.

    Args:
        columns: what `simulate` returns: all 27 features, and `label` and `mass` if known.
    """
    layout: dict[str, NDArray[np.generic]] = {}
    if "label" in columns:
        layout["label"] = np.asarray(columns["label"], np.float32)
    for i, (name, scale) in enumerate(SCALES.items()):
        value = _column(columns, name)
        if scale.logarithm and not np.all(value > 0):
            raise SimulationError(
                f"column {name!r} has values that are not above 0, and the UCI layout stores its logarithm"
            )
        layout[f"f{i}"] = scale.forward(value).astype(np.float32)
    if "mass" in columns:
        layout["mass"] = np.asarray(columns["mass"], np.float32)
    return layout


def from_uci(columns: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """The inverse of `to_uci`: `label` (int8), the 27 features in GeV and `mass`, as float32.

    Published files name their first column "# label"; both names are understood. Masses, which they store as
    499.99997 for 500, are rounded to 0.01 GeV.
    """
    named: dict[str, NDArray[np.generic]] = {}
    for label in ("label", "# label"):
        if label in columns:
            named["label"] = np.asarray(columns[label]).astype(np.int8)
    for i, (name, scale) in enumerate(SCALES.items()):
        value = scale.backward(_column(columns, f"f{i}"))
        named[name] = (np.round(value) if name in _WHOLE else value).astype(np.float32)
    if "mass" in columns:
        named["mass"] = np.round(np.asarray(columns["mass"], np.float64), 2).astype(np.float32)
    return named


def _column(columns: Mapping[str, NDArray[np.generic]], name: str) -> NDArray[np.float64]:
    if name not in columns:
        raise ColumnNotFound(name, "the sample to convert", columns)
    return np.asarray(columns[name], np.float64)
