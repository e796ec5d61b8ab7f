"""Histograms and profiles for the figures of a validation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.simulation.muons import field, material
from fivesigma.validation import published
from fivesigma.validation.muons import WindowResult, four_hits
from fivesigma.validation.resonance import ANGLES, Sample
from fivesigma.validation.statistics import Values

BINS = 60
RANGE = (0.002, 0.985)
"""Quantiles between which a distribution is drawn."""


def histogram(values: Values, weight: Values, edges: NDArray[np.float64]) -> dict[str, Any]:
    """Weighted counts and errors in bins, for JSON."""
    counts, _ = np.histogram(values, edges, weights=weight)
    squares, _ = np.histogram(values, edges, weights=weight**2)
    return {"edges": edges.tolist(), "counts": counts.tolist(), "errors": np.sqrt(squares).tolist()}


def features(sample: Sample) -> dict[str, Any]:
    """Distribution on the published mixture, and the published quartiles, of each tabulated feature."""
    weight = sample.weights("original")
    shapes = {}
    for name, quartiles in published.quartiles().items():
        low, high = np.quantile(sample[name], RANGE)
        edges = np.linspace(low, high, BINS + 1)
        shapes[name] = {**histogram(sample[name], weight, edges), "published_quartiles": list(quartiles)}
    return shapes


def angles(sample: Sample) -> dict[str, Any]:
    """Distributions of the angles around the beam, every event alike."""
    edges = np.linspace(-np.pi, np.pi, 41)
    return {name: histogram(sample[name], np.ones(len(sample.group)), edges) for name in ANGLES}


def jet_counts(sample: Sample) -> dict[str, Any]:
    """Distribution of the number of jets for background and each mass."""
    edges = np.arange(3.5, 13.5)
    return {
        ("background" if group == 0 else f"{group} GeV"): histogram(
            sample["jets_no"][sample.group == group], np.ones(int((sample.group == group).sum())), edges
        )
        for group in np.unique(sample.group).tolist()
    }


def windows(results: list[WindowResult]) -> list[dict[str, Any]]:
    """Every published window beside the simulated one."""
    rows = []
    for result in results:
        window = result.window
        rows.append(
            {
                "plane": window.plane,
                "reference": window.reference,
                "zone": window.zone,
                "q_over_pt": [window.low, window.high],
                "published": [window.p05, window.median, window.p95],
                "found": [float(value) if np.isfinite(value) else None for value in result.found],
                "median_inside": result.median_inside,
                "width_inside": result.width_inside,
                "strips": window.strips,
            }
        )
    return rows


def momentum(variables: np.ndarray, parameters: np.ndarray) -> dict[str, Any]:
    """Distribution of q/pT (1/GeV) of all accepted muons and of those with four hits."""
    edges = np.linspace(-0.5, 0.5, BINS + 1)
    four = four_hits(variables)
    return {
        name: histogram(values.astype(np.float64), np.ones(len(values)), edges)
        for name, values in (("accepted", parameters[:, 0]), ("four hits", parameters[four, 0]))
    }


def field_profile() -> dict[str, Any]:
    """|B| in tesla along z (metres) at three pseudorapidities, and where the iron disks are."""
    z = np.arange(0.025, float(field.KNOTS_Z[-1]), 0.025)
    profile = {}
    for eta in (1.3, 1.7, 2.3):
        radius = z / np.sinh(eta)
        pairs = [field.field(np.array([r]), field.slice_at(float(at))) for r, at in zip(radius, z, strict=True)]
        size = [float(np.hypot(b_z[0], b_r[0] * r)) for (b_z, b_r), r in zip(pairs, radius, strict=True)]
        profile[f"|η| = {eta:g}"] = size
    disks = [[slab.start, slab.end] for slab in material.SLABS if "disk" in slab.name]
    return {"z": z.tolist(), "field": profile, "disks": disks}
