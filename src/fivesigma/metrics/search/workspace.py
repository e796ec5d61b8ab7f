"""Turn yields in bins into a HistFactory workspace, which pyhf, cabinetry and Combine's converters read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.search import CHANNEL, POI, STATERROR, norm_name
from fivesigma.metrics.search.significance import Yields

LEAST = 0.01
"""Smallest content of a varied bin relative to the nominal one: a template must not be negative."""


@dataclass(frozen=True)
class Shift:
    """A systematic uncertainty: yields per bin at ± one standard deviation.

    Attributes:
        up: yields at plus one standard deviation.
        down: yields at minus one standard deviation; None to mirror `up`.
    """

    up: Yields
    down: Yields | None = None


def changes(nominal: Yields, shift: Shift) -> dict[str, list[dict[str, float] | None]]:
    """Relative change of all background and of all signal at plus and minus one standard deviation, as the fit has them.

    Returns:
        class → [plus, minus], each with the change of the `total` and the `least` and the `most` of a bin; None if it is
        mirrored, or nothing is expected.

    >>> yields = [Yields(*(np.array([x, y]) for x, y in ((1, 1), (10, b), (1, 1), (1, 1)))) for b in (30, 34)]
    >>> changes(yields[0], Shift(yields[1]))["background"]
    [{'total': 0.1, 'least': 0.0, 'most': 0.133333333}, None]
    """

    def relative(varied: NDArray[np.float64], known: NDArray[np.float64]) -> dict[str, float] | None:
        if known.sum() == 0:
            return None
        there = known != 0
        each = varied[there] / known[there] - 1
        found = {"total": varied.sum() / known.sum() - 1, "least": each.min(), "most": each.max()}
        return {key: round(float(value), 9) + 0.0 for key, value in found.items()}  # no −0

    return {
        name: [relative(hi, known), None if shift.down is None else relative(lo, known)]
        for name, known, (hi, lo), _ in _templates(nominal, shift)
    }


def shapes(nominal: Yields, shifts: Iterable[Shift]) -> NDArray[np.float64]:
    """Relative change of the background of each bin by one standard deviation, half of up minus down, [shift, bin].

    >>> yields = [Yields(*(np.array([x, y]) for x, y in ((1, 1), (10, b), (1, 1), (1, 1)))) for b in (30, 33)]
    >>> shapes(yields[0], [Shift(yields[1])]).round(9).tolist()
    [[0.0, 0.1]]
    """
    found = [(hi - lo) / 2 / known for shift in shifts for _, known, (hi, lo), _ in [next(_templates(nominal, shift))]]
    return np.reshape(found, (-1, len(nominal.background)))


def raised(nominal: Yields, shift: Shift) -> int:
    """Number of bins in which a variation would leave less than `LEAST` of background or signal, so that the fit has that.

    >>> yields = [Yields(*(np.array([x, y]) for x, y in ((1, 1), (10, b), (1, 1), (1, 1)))) for b in (30, 75)]
    >>> raised(yields[0], Shift(yields[1]))  # mirrored, −15 are left of 30
    1
    """
    found = np.zeros(len(nominal.signal), bool)
    for _, known, fitted, given in _templates(nominal, shift):
        found |= (np.array(fitted) > np.array(given)).any(axis=0) & (known > 0)
    return int(found.sum())


Sides = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Yields per bin of one class at plus and minus one standard deviation."""


def _templates(nominal: Yields, shift: Shift) -> Iterator[tuple[str, NDArray[np.float64], Sides, Sides]]:
    """Name, nominal yields, and varied yields as the fit has them and as they were given, of background and of signal."""
    down = shift.down if shift.down is not None else _mirrored(nominal, shift.up)
    for name in ("background", "signal"):
        known, hi, lo = (np.asarray(getattr(each, name), np.float64) for each in (nominal, shift.up, down))
        least = LEAST * np.maximum(known, 0)
        fitted = (hi, lo) if _factors(known, hi, lo) else (np.maximum(hi, least), np.maximum(lo, least))
        yield name, known, fitted, (hi, lo)


def _factors(nominal: NDArray[np.float64], up: NDArray[np.float64], down: NDArray[np.float64]) -> tuple[float, float] | None:
    """Factors of all bins at plus and minus one standard deviation, if they are the same for all and positive."""
    some = nominal > 0
    ratios = [side[some] / nominal[some] for side in (up, down)]
    if some.any() and all(np.allclose(ratio, ratio[0], rtol=1e-6) and ratio[0] > 0 for ratio in ratios):
        return float(ratios[0][0]), float(ratios[1][0])
    return None


def workspace(
    nominal: Yields,
    *,
    systematic: float = 0.0,
    shifts: Mapping[str, Shift] | None = None,
    classes: tuple[str, ...] = ("background", "signal"),
) -> dict[str, Any]:
    """The likelihood of a binned score, as HistFactory describes it (Cranmer et al., CERN-OPEN-2012-016).

    There is one channel with a sample for each class. The signal is multiplied by `mu`. The background has its Monte Carlo
    errors (`staterror`: one factor per bin) and a relative uncertainty on its total yield (`normsys`). Each shift is one
    nuisance parameter common to both classes: a `normsys` if it changes all bins by the same factor, otherwise a
    `histosys`. The observation is the expected background.

    Args:
        nominal: yields per bin; the background of every bin must be positive.
        systematic: relative uncertainty of the background; 0 for none.
        shifts: name of the uncertainty → its variations.
        classes: names of background and signal.

    Returns:
        A workspace of schema 1.0.0, ready for JSON.

    >>> one = Yields(np.array([5.0]), np.array([50.0]), np.array([0.1]), np.array([2.0]))
    >>> [s["name"] for s in workspace(one, systematic=0.1)["channels"][0]["samples"]]
    ['signal', 'background']
    """
    signal: list[dict[str, Any]] = [{"name": POI, "type": "normfactor", "data": None}]
    background: list[dict[str, Any]] = [{"name": STATERROR, "type": "staterror", "data": nominal.background_error.tolist()}]
    if systematic:
        factors = {"hi": 1 + systematic, "lo": 1 - systematic}
        name = norm_name(classes[0])
        while name in (shifts or {}):
            name += "_total"  # one of the shifts has the name: it is another uncertainty
        background.append({"name": name, "type": "normsys", "data": factors})
    for name, shift in (shifts or {}).items():
        for (_, known, (hi, lo), _), modifiers in zip(_templates(nominal, shift), (background, signal), strict=True):
            modifiers += _modifier(name, known, hi, lo)
    samples = [
        {"name": classes[1], "data": nominal.signal.tolist(), "modifiers": signal},
        {"name": classes[0], "data": nominal.background.tolist(), "modifiers": background},
    ]
    parameter = {"name": POI, "bounds": [[0.0, _most(nominal)]], "inits": [1.0]}
    return {
        "channels": [{"name": CHANNEL, "samples": samples}],
        "observations": [{"name": CHANNEL, "data": nominal.background.tolist()}],
        "measurements": [{"name": "search", "config": {"poi": POI, "parameters": [parameter]}}],
        "version": "1.0.0",
    }


def _mirrored(nominal: Yields, up: Yields) -> Yields:
    """The variation `up` mirrored at the nominal yields."""
    both = ((nominal.signal, up.signal), (nominal.background, up.background))
    signal, background = (2 * here - there for here, there in both)
    return Yields(signal, background, up.signal_error, up.background_error)


def _modifier(
    name: str, nominal: NDArray[np.float64], up: NDArray[np.float64], down: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """The modifier of a variation in a list; empty if it changes nothing."""
    if not (nominal > 0).any() or (np.allclose(up, nominal, 1e-9) and np.allclose(down, nominal, 1e-9)):
        return []
    if (factors := _factors(nominal, up, down)) is not None:
        return [{"name": name, "type": "normsys", "data": {"hi": factors[0], "lo": factors[1]}}]
    return [{"name": name, "type": "histosys", "data": {"hi_data": up.tolist(), "lo_data": down.tolist()}}]


def scale_of_limit(nominal: Yields) -> float:
    """Approximate excluded signal strength: two standard deviations of the counts in all bins.

    >>> one = Yields(np.array([5.0]), np.array([100.0]), np.array([0.0]), np.array([0.0]))
    >>> scale_of_limit(one)
    4.0
    """
    information = (nominal.signal**2 / (nominal.background + nominal.background_error**2)).sum()
    return float(2 / np.sqrt(information)) if information > 0 else np.inf


def _most(nominal: Yields) -> float:
    """Upper bound of the signal strength, far above the limit."""
    scale = scale_of_limit(nominal)
    return max(10.0, 50 * scale) if np.isfinite(scale) else 10.0
