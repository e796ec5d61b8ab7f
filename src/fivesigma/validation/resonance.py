"""Simulated collisions against the published HEPMASS sample: columns in, comparisons out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivesigma.validation import published
from fivesigma.validation.comparison import Comparison
from fivesigma.validation.statistics import (
    Values,
    correlation,
    deviation,
    effective,
    harmonic,
    mean,
    quantiles,
    uniformity,
)

MASSES = (500, 750, 1000, 1250, 1500)
ANGLES = ("lep_phi", "met_phi", "jet1_phi", "jet2_phi", "jet3_phi", "jet4_phi")
TAGS = tuple(f"jet{i}_btag" for i in range(1, 5))
SHARES = (0.25, 0.5, 0.75)

QUARTILE_TOLERANCE = 0.10  # relative
UNIFORM_LIMIT = 1.95  # Kolmogorov's distance times sqrt(n): once in a thousand uniform samples
HARMONICS = (1, 2, 3, 4)
HARMONIC_LIMIT = 0.05  # largest amplitude of a Fourier harmonic; Kolmogorov's distance hardly sees the higher ones
TAG_TOLERANCE = 0.03
CORRELATION_TOLERANCE = 0.10
# Mean and deviation of ln(jets_no), from the normalisation of the published column f5.
LOG_JETS = (1.61071, 0.212875)
LOG_JETS_TOLERANCE = 0.10  # relative to the deviation

TRAINING_EVENTS = 800_000
"""Networks trained on fewer events say nothing about the simulation."""

AREA_TOLERANCE = {0: 0.008, 500: 0.015, 750: 0.015, 1000: 0.015, 1250: 0.015, 1500: 0.015}
AREA_TOLERANCE_WITHOUT_MASS = 0.02


@dataclass(frozen=True)
class Sample:
    """Features in GeV by name [event], and each event's group: 0 for background, else the mass in GeV."""

    columns: Mapping[str, NDArray[np.generic]]
    group: NDArray[np.int64]

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[np.generic]]) -> "Sample":
        """A sample from the columns that `simulate` returns."""
        mass = np.rint(np.asarray(columns["mass"], np.float64)).astype(np.int64)
        return cls(columns, np.where(np.asarray(columns["label"]) == 1, mass, 0))

    def __getitem__(self, name: str) -> Values:
        return np.asarray(self.columns[name], np.float64)

    def weights(self, mixture: str) -> Values:
        """Weights that give background and masses their published shares.

        Args:
            mixture: "original" or "uci", see `published.shares`.
        """
        weight = np.zeros(len(self.group))
        for group, share in published.shares(mixture).items():
            events = self.group == group
            weight[events] = share / max(int(events.sum()), 1)
        return weight


def features(columns: Mapping[str, NDArray[np.generic]]) -> list[Comparison]:
    """All comparisons of the columns themselves."""
    sample = Sample.of(columns)
    weight = sample.weights("original")
    return [
        *quartile_rows(sample, weight),
        *angle_rows(sample),
        *jet_count_rows(sample),
        *tag_rows(sample, weight),
        *correlation_rows(sample, weight),
    ]


def quartile_rows(sample: Sample, weight: Values) -> list[Comparison]:
    """Quartiles on the published mixture; those of pseudorapidities relative to the distance of the quartiles."""
    rows = []
    for name, targets in published.quartiles().items():
        angle = name.endswith("eta")
        found = quantiles(sample[name], weight, SHARES)
        for share, target, (value, error) in zip(SHARES, targets, found, strict=True):
            size = (targets[2] - targets[0]) / 2 if angle else target
            rows.append(
                Comparison(
                    "quartiles",
                    f"{name} {100 * share:.0f} %",
                    target,
                    value,
                    error,
                    QUARTILE_TOLERANCE * size,
                    "" if angle else "GeV",
                )
            )
    return rows


def angle_rows(sample: Sample) -> list[Comparison]:
    """Uniformity of all azimuthal angles, by Kolmogorov's distance and by Fourier harmonics."""
    rows = [
        Comparison("angles", f"{name}: Kolmogorov distance × √n", UNIFORM_LIMIT, uniformity(sample[name]), rule="at most")
        for name in ANGLES
    ]
    for kind, events in (("background", sample.group == 0), ("signal", sample.group > 0)):
        found = {(name, k): harmonic(sample[name][events], k) for name in ANGLES for k in HARMONICS}
        (name, order), size = max(found.items(), key=lambda item: item[1])
        quantity = f"largest harmonic of the {kind} ({name}, order {order})"
        error = float(np.sqrt(2 / events.sum()))
        note = "too few events" if error > HARMONIC_LIMIT / 3 else ""
        rows.append(Comparison("angles", quantity, HARMONIC_LIMIT, size, error, rule="at most", note=note))
    return rows


def jet_count_rows(sample: Sample) -> list[Comparison]:
    """Mean and deviation of the logarithm of the number of jets, on the mixture of the published files."""
    logarithm, weight = np.log(sample["jets_no"]), sample.weights("uci")
    tolerance = LOG_JETS_TOLERANCE * LOG_JETS[1]
    return [
        Comparison("number of jets", "mean of ln n", LOG_JETS[0], *mean(logarithm, weight), tolerance),
        Comparison("number of jets", "deviation of ln n", LOG_JETS[1], *deviation(logarithm, weight), tolerance),
    ]


def tag_shares(sample: Sample, weight: Values) -> dict[tuple[int, int, int, int], float]:
    """Share of events for each pattern of b-tags of the four leading jets."""
    code = np.zeros(len(sample.group), np.int64)
    for name in TAGS:
        code = 2 * code + (sample[name] > 0.5)
    shares = np.bincount(code, weights=weight, minlength=16) / weight.sum()
    return {(i >> 3 & 1, i >> 2 & 1, i >> 1 & 1, i & 1): float(shares[i]) for i in range(16)}


def tag_rows(sample: Sample, weight: Values) -> list[Comparison]:
    """Number of b-tags among the four leading jets, tag rate of each, and the cell furthest from the published table."""
    target, found = published.tag_table(), tag_shares(sample, weight)
    n = effective(weight)

    def row(quantity: str, cells: list[tuple[int, int, int, int]]) -> Comparison:
        expected, value = (sum(table.get(cell, 0.0) for cell in cells) for table in (target, found))
        return Comparison("b-tags", quantity, expected, value, float(np.sqrt(value * (1 - value) / n)), TAG_TOLERANCE)

    rows = [row(f"{k} tags", [cell for cell in found if sum(cell) == k]) for k in range(3)]
    rows += [row(f"tag rate of jet {i + 1}", [cell for cell in found if cell[i]]) for i in range(4)]
    worst = max(found, key=lambda cell: abs(found[cell] - target.get(cell, 0.0)))
    pattern = " ".join(str(tag) for tag in worst)
    return [*rows, row(f"furthest of the 16 cells of the table ({pattern})", [worst])]


def correlation_rows(sample: Sample, weight: Values) -> list[Comparison]:
    """Correlations of all pairs of features in GeV."""
    rows = []
    for (one, other), target in published.correlations("hepmass_correlations.csv").items():
        value, error = correlation(sample[one], sample[other], weight)
        rows.append(Comparison("correlations", f"{one}, {other}", target, value, error, CORRELATION_TOLERANCE))
    return rows


def area_rows(network: str, found: Mapping[int, tuple[float, float]], training_events: int) -> list[Comparison]:
    """Areas below the ROC curve against the published ones.

    Args:
        network: "parameterised" or "without mass".
        found: area and its error by mass in GeV, 0 for the mixture.
        training_events: with fewer than `TRAINING_EVENTS` the rows are not judged.
    """
    few = training_events < TRAINING_EVENTS
    rows = []
    for mass, target in published.areas(network).items():
        value, error = found.get(mass, (float("nan"), float("nan")))
        note = f"too few: {training_events:,} of {TRAINING_EVENTS:,} training events" if few else ""
        if network == "parameterised":
            tolerance = AREA_TOLERANCE[mass]
        else:
            tolerance = AREA_TOLERANCE_WITHOUT_MASS
            note = note or ("for information" if mass else "")
        where = f"{mass} GeV" if mass else "mixture"
        rows.append(Comparison("AUC, " + network, where, target, value, error, tolerance, note=note))
    return rows
