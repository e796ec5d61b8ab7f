"""From measured objects to the 27 features of pp -> X -> t tbar -> l nu b  j j b events.

The choices (which jets make which mass) are those that reproduce the published HEPMASS columns:
exactly two b-tags; the hadronic top is the tagged jet with the untagged pair nearest the top mass; the
other tagged jet goes with the lepton; the mass of the whole event uses the four leading jets.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fivesigma.kinematics import (
    azimuth,
    delta_phi,
    four_vector,
    invariant_mass,
    pseudorapidity,
    transverse_momentum,
)
from fivesigma.simulation.detector import Measured

W_MASS = 80.4  # GeV; Particle Data Group
TOP_MASS = 175.0  # GeV; where the published hadronic top mass peaks
NEUTRINO_ETA_MAX = 3.0  # range and step of the neutrino's scan: they give the published m_lv its width
NEUTRINO_ETA_STEP = 0.05
LEADING_JETS = 4

_OBJECTS: tuple[tuple[str, str], ...] = (
    ("lep_pt", "GeV"),
    ("lep_eta", ""),
    ("lep_phi", "rad"),
    ("met", "GeV"),
    ("met_phi", "rad"),
    ("jets_no", ""),
)
_JET: tuple[tuple[str, str], ...] = (("pt", "GeV"), ("eta", ""), ("phi", "rad"), ("btag", ""))
_MASSES = ("m_jj", "m_jjj", "m_lv", "m_jlv", "m_wwbb")

FEATURE_UNITS: dict[str, str] = {
    **dict(_OBJECTS),
    **{f"jet{n}_{name}": unit for n in range(1, LEADING_JETS + 1) for name, unit in _JET},
    **dict.fromkeys(_MASSES, "GeV"),
}
"""Unit of each feature ("" for a pure number), in the order of the UCI columns f0 to f26."""


def select(measured: Measured) -> Measured:
    """The events with at least four jets of which exactly two, among all of them, are b-tagged."""
    enough = np.sum(_present(measured.jets), axis=1) >= LEADING_JETS
    return take(measured, enough & (np.sum(measured.tagged, axis=1) == 2))


def take(measured: Measured, index: NDArray[np.generic]) -> Measured:
    """The measured events at `index` (positions or a boolean mask)."""
    return replace(measured, **{name: column[index] for name, column in vars(measured).items()})


def features(measured: Measured) -> dict[str, NDArray[np.float32]]:
    """The 27 features of selected events, by name, each float32 [event]."""
    columns = _measured_columns(measured)
    pair, triplet, other_b = hadronic_top(measured.jets, measured.tagged)
    neutrino = neutrino_momentum(measured.lepton, measured.missing)
    leptonic_w = measured.lepton + neutrino
    leading = np.sum(measured.jets[:, :LEADING_JETS], axis=1)
    sums = (pair, triplet, leptonic_w, other_b + leptonic_w, leading + leptonic_w)
    columns |= {name: invariant_mass(momentum) for name, momentum in zip(_MASSES, sums, strict=True)}
    return {name: columns[name].astype(np.float32) for name in FEATURE_UNITS}


def _measured_columns(measured: Measured) -> dict[str, NDArray[np.float64]]:
    """The features that need no hypothesis: lepton, missing momentum, jet count and the four leading jets."""
    columns = {
        "lep_pt": transverse_momentum(measured.lepton),
        "lep_eta": pseudorapidity(measured.lepton),
        "lep_phi": azimuth(measured.lepton),
        "met": np.hypot(measured.missing[:, 0], measured.missing[:, 1]),
        "met_phi": azimuth(measured.missing),
        "jets_no": jet_count(measured.jets, measured.tagged).astype(np.float64),
    }
    for i in range(LEADING_JETS):
        jet = measured.jets[:, i]
        columns |= {
            f"jet{i + 1}_pt": transverse_momentum(jet),
            f"jet{i + 1}_eta": pseudorapidity(jet),
            f"jet{i + 1}_phi": azimuth(jet),
            f"jet{i + 1}_btag": measured.tagged[:, i].astype(np.float64),
        }
    return columns


def _present(jets: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each entry of the padded jets is a jet, [event, jet]."""
    return jets[..., 3] > 0


def jet_count(jets: NDArray[np.float64], tagged: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of jets without the tagged ones beyond the four leading, [event].

    The published count behaves like this: events without a tag among the leading four most often have four jets,
    although they must have at least six in all.
    """
    lower_tags = np.sum(tagged[:, LEADING_JETS:], axis=1)
    count: NDArray[np.int64] = np.sum(_present(jets), axis=1) - lower_tags
    return count


def hadronic_top(
    jets: NDArray[np.float64], tagged: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The untagged pair and tagged jet whose mass is nearest the top quark's, over all combinations.

    Args:
        jets: four-vectors, padded with zeros, [event, jet, component]; at least four jets each.
        tagged: b-tags, exactly two per event, [event, jet].

    Returns:
        four-vectors [event, component] of the pair, of pair and tagged jet, and of the other tagged jet.
    """
    # A stable sort puts the two tagged jets first, then the untagged, then the empty places, in falling pT.
    order = np.argsort(~tagged, axis=1, kind="stable")
    ordered = np.take_along_axis(jets, order[..., None], axis=1)
    tags, untagged = ordered[:, :2], ordered[:, 2:]
    places = np.array(list(combinations(range(untagged.shape[1]), 2)), np.int64).reshape(-1, 2)
    pairs = untagged[:, places[:, 0]] + untagged[:, places[:, 1]]
    complete = np.all(_present(untagged)[:, places], axis=2)
    triplets = tags[:, :, None] + pairs[:, None]
    distance = np.where(complete[:, None], np.abs(invariant_mass(triplets) - TOP_MASS), np.inf)
    best = np.argmin(distance.reshape(len(jets), 2 * len(places)), axis=1)
    which_tag, which_pair = np.divmod(best, len(places))
    event = np.arange(len(jets))
    pair, tag = pairs[event, which_pair], tags[event, which_tag]
    return pair, pair + tag, tags[event, 1 - which_tag]


def neutrino_momentum(lepton: NDArray[np.float64], missing: NDArray[np.float64]) -> NDArray[np.float64]:
    """The neutrino's four-vector [event, component]: missing momentum, and the scanned pseudorapidity.

    A scan in fixed steps, not the closed quadratic solution, is what gives the published mass of lepton and
    neutrino its spike of finite width and its tails on both sides.
    """
    pt = np.hypot(missing[:, 0], missing[:, 1])
    phi = np.arctan2(missing[:, 1], missing[:, 0])
    return four_vector(pt, neutrino_pseudorapidity(lepton, pt, phi), phi)


def neutrino_pseudorapidity(
    lepton: NDArray[np.float64], pt: NDArray[np.float64], phi: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The pseudorapidity on a grid for which lepton and neutrino come nearest the W mass, [event].

    With both massless, m^2 = 2 pT(l) pT(nu) (cosh(delta eta) - cos(delta phi)); where even the smallest or
    largest value on the grid misses the W mass, that one is taken.
    """
    steps = round(NEUTRINO_ETA_MAX / NEUTRINO_ETA_STEP)
    grid = np.arange(-steps, steps + 1) * NEUTRINO_ETA_STEP
    separation = pseudorapidity(lepton)[:, None] - grid
    cosine = np.cos(delta_phi(azimuth(lepton), phi))
    squared = 2.0 * (transverse_momentum(lepton) * pt)[:, None] * (np.cosh(separation) - cosine[:, None])
    mass = np.sqrt(np.maximum(squared, 0.0))
    nearest: NDArray[np.float64] = grid[np.argmin(np.abs(mass - W_MASS), axis=1)]
    return nearest
