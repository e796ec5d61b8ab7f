"""Expected significance of a counting experiment and of a binned score."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FARTHEST = 5.0
"""Bound of a pull, in standard deviations."""
DOUBLINGS = 12
ROOT_STEPS = 11


def asimov(signal: Any, background: Any, uncertainty: Any = 0.0) -> Any:
    """Median significance of a counting experiment, in standard deviations.

    Args:
        signal: expected signal events s.
        background: expected background events b > 0.
        uncertainty: standard deviation σ of b, in events.

    Returns:
        √(2[(s+b) ln(1+s/b) − s]) without uncertainty (Cowan, Cranmer, Gross, Vitells, Eur. Phys. J. C 71 (2011) 1554,
        arXiv:1007.1727, eq. 97); with it, the form for a background measured in a control region of that precision
        (Cowan, "Discovery sensitivity for a counting experiment with background uncertainty", 2012, eq. 20).
        Zero for s ≤ 0, NaN for b ≤ 0.

    >>> round(float(asimov(10.0, 100.0)), 4), round(float(asimov(10.0, 100.0, 10.0)), 4)
    (0.984, 0.6902)
    """
    s, b, sigma = (np.asarray(value, np.float64) for value in (signal, background, uncertainty))
    s, b, variance = np.broadcast_arrays(np.maximum(s, 0), np.where(b > 0, b, np.nan), sigma**2)
    n = s + b
    with np.errstate(divide="ignore", invalid="ignore"):
        known = n * np.log1p(s / b) - s
        first = n * np.log1p(s * b / (b**2 + n * variance))  # of n (b + σ²) / (b² + n σ²), without its cancellation
        second = b**2 / variance * np.log1p(variance * s / (b * (b + variance)))
        # A tiny uncertainty is a difference of two huge terms: then it does not matter.
        measured = np.where(variance > 1e-10 * b**2, first - second, known)
    return np.sqrt(np.maximum(2 * np.where(s > 0, measured, 0 * b), 0))


@dataclass(frozen=True)
class Yields:
    """Expected events above cuts, or in bins.

    Attributes:
        signal, background: Σw, [..., cut or bin].
        signal_error: Monte Carlo error √Σw².
        background_error: √Σw² as well, but for every process at least the mean weight of one of its events.
    """

    signal: NDArray[np.float64]
    background: NDArray[np.float64]
    signal_error: NDArray[np.float64]
    background_error: NDArray[np.float64]

    def significance(self, systematic: float | None = 0.0) -> NDArray[np.float64]:
        """Asimov significance with the Monte Carlo error and a relative systematic one on the background.

        With None, the background is taken as known exactly.
        """
        if systematic is None:
            return np.asarray(asimov(self.signal, self.background))
        uncertainty = np.hypot(self.background_error, systematic * self.background)
        return np.asarray(asimov(self.signal, self.background, uncertainty))


def binned(yields: Yields, systematic: float | None = 0.0) -> NDArray[np.float64]:
    """Significance of all bins together: √ΣZ², the bins' uncertainties taken as independent, [...]."""
    return np.asarray(np.sqrt((yields.significance(systematic) ** 2).sum(axis=-1)))


def excluded(yields: Yields, systematic: float = 0.0, level: float = 1.96) -> NDArray[np.float64]:
    """Signal strength that is excluded if there is no signal, [...]; infinite if none is.

    Where √q of an Asimov data set of background reaches `level` (Cowan et al., arXiv:1007.1727, sections 3 and 5), with
    the nuisance parameters of the workspace: a factor of each bin's background, constrained by its Monte Carlo error, and
    one that all bins share. It agrees with the fit of the workspace, to 0.2 % for a systematic uncertainty of 10 % and to
    2 % for one of 50 % (HistFactory's interpolation between 0 and 1 σ is another), if the Monte Carlo errors are below 50 %.

    Args:
        yields: [..., bin], every background positive.
        systematic: relative uncertainty of the whole background.
        level: in standard deviations.
    """
    s, b = np.maximum(yields.signal, 0), yields.background
    error = np.maximum(yields.background_error / b, 1e-6)

    def beyond(strength: NDArray[np.float64]) -> NDArray[np.float64]:
        # A pull farther than the level costs more by itself.
        best = fitted(strength[..., None] * s, b, error, systematic, b, (-level, 0.0))
        return np.sqrt(np.maximum(best.q, 0)) - level

    low = np.zeros(s.shape[:-1])
    with np.errstate(divide="ignore"):
        high = level / np.sqrt((s**2 / (b + ((error + systematic) * b) ** 2)).sum(axis=-1)) + 0.0
    solvable = np.isfinite(high)
    high = np.where(solvable, high, 1.0)
    above = beyond(high)
    for _ in range(DOUBLINGS):
        if not (short := (above < 0) & solvable).any():
            break
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
        above = beyond(high)
    return np.where(solvable, _root(beyond, low, high), np.inf)


def discovered(yields: Yields, systematic: float = 0.0) -> NDArray[np.float64]:
    """Median discovery significance for a signal of strength one, [...].

    √q₀ of an Asimov data set with signal (Cowan et al., arXiv:1007.1727, eqs. 12 and 52), with the nuisance parameters of
    `excluded`. Mostly it agrees with the fit of the workspace to 0.5 % for a systematic uncertainty of 10 %, and to 3 % for
    one of 30 %.

    Args:
        yields: [..., bin], every background positive.
        systematic: relative uncertainty of the whole background.
    """
    s, b = np.maximum(yields.signal, 0), yields.background
    error = np.maximum(yields.background_error / b, 1e-6)
    best = fitted(np.zeros_like(s), b, error, systematic, b + s, (0.0, FARTHEST))
    return np.sqrt(np.maximum(best.q, 0))


def weakened(yields: Yields, systematic: float, shapes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Limit with further uncertainties of the background relative to that without, [...]; at least one.

    With Gaussian errors the limit is proportional to 1/√(sᵀV⁻¹s), V being the covariance of the counts.

    Args:
        yields: [..., bin], every background positive.
        systematic: relative uncertainty of the whole background.
        shapes: relative change of each bin by one standard deviation of each uncertainty, [uncertainty, bin].
    """
    s, b = np.maximum(yields.signal, 0), yields.background
    own = np.zeros((*b.shape, b.shape[-1]))
    np.einsum("...ii->...i", own)[...] = b + yields.background_error**2
    first = own + systematic**2 * b[..., :, None] * b[..., None, :]
    second = first + (shapes.T @ shapes) * b[..., :, None] * b[..., None, :]
    known, more = ((s * np.linalg.solve(v, s[..., None])[..., 0]).sum(axis=-1) for v in (first, second))
    return np.asarray(np.sqrt(np.divide(known, more, out=np.ones_like(known), where=more > 0)))


def _root(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where rising functions are zero, each between two bounds, by the method of Anderson and Björck (BIT 13 (1973) 253).

    If a function has no zero there, the bound that is nearer to one.
    """
    below, above = function(low), function(high)
    inside = (below < 0) & (above > 0)
    outside = np.where(below >= 0, low, high)
    last, before, near = np.zeros(low.shape), outside, 1e-6 * np.abs(high - low)
    for _ in range(ROOT_STEPS):
        wide = inside & (above > below)
        step = above * (high - low) / np.where(wide, above - below, 1.0)
        middle = np.where(wide, high - step, np.where(inside, (low + high) / 2, outside))
        if (np.abs(middle - before) <= near).all():
            break
        before, value = middle, function(middle)
        up = value > 0
        # The side that stays twice counts less, so that it moves, too.
        replaced = np.where(up, above, below)
        left = 1 - value / np.where(replaced != 0, replaced, 1.0)
        less = np.where((left > 0) & (left < 1), left, 0.5)
        below, above = (
            np.where(up, np.where(last > 0, below * less, below), value),
            np.where(up, value, np.where(last < 0, above * less, above)),
        )
        low, high = np.where(up, low, middle), np.where(up, middle, high)
        last = np.where(up, 1.0, -1.0)
    return np.where(inside, middle, outside)


@dataclass(frozen=True)
class Fit:
    """The background that fits best beside a signal.

    Attributes:
        pull: of the shared uncertainty θ, [...].
        factor: of each bin's background, [..., bin].
        q: −2 ln L, without a constant that depends on the observed counts alone, [...].
        slope: its derivative with respect to the pull, [...].
    """

    pull: NDArray[np.float64]
    factor: NDArray[np.float64]
    q: NDArray[np.float64]
    slope: NDArray[np.float64]


def fitted(
    signal: NDArray[np.float64],
    background: NDArray[np.float64],
    error: NDArray[np.float64],
    systematic: float,
    observed: NDArray[np.float64],
    pulls: tuple[float, float] = (-FARTHEST, FARTHEST),
) -> Fit:
    """Maximise the likelihood of observed counts, with the nuisance parameters of the workspace.

    Args:
        signal, background: expected, [..., bin].
        error: relative Monte Carlo error of the background, [..., bin], positive.
        systematic: relative uncertainty of the whole background.
        observed: counts, [..., bin].
        pulls: θ lies between them.
    """
    where = signal.shape[:-1]
    if systematic == 0:
        return _at_pull(np.zeros(where), signal, background, error, systematic, observed)

    def slope(pull: NDArray[np.float64]) -> NDArray[np.float64]:
        return _at_pull(pull, signal, background, error, systematic, observed).slope

    best = _root(slope, np.full(where, pulls[0]), np.full(where, pulls[1]))
    return _at_pull(best, signal, background, error, systematic, observed)


def _at_pull(
    pull: NDArray[np.float64],
    signal: NDArray[np.float64],
    background: NDArray[np.float64],
    error: NDArray[np.float64],
    systematic: float,
    observed: NDArray[np.float64],
) -> Fit:
    """The factor of each bin that fits best at a pull."""
    # As HistFactory interpolates: to the power of the pull, up and down separately.
    side = np.where(pull <= 0, 1 - systematic, 1 + systematic)
    shared = background * (side ** np.abs(pull))[..., None]
    certain = 1 / error**2
    # d ln L / d factor = 0 is a quadratic equation.
    linear = (certain * signal + shared * (shared - certain)) / (certain * shared)
    constant = (signal * (shared - certain) - observed * shared) / (certain * shared)
    factor = (-linear + np.sqrt(np.maximum(linear**2 - 4 * constant, 0))) / 2
    expected = np.maximum(signal + shared * factor, 1e-300)
    q = expected - observed - observed * np.log(expected / observed)
    # At the best factors only the explicit dependence on the pull counts.
    change = (1 - observed / expected) * shared * factor
    slope = 2 * change.sum(axis=-1) * np.log(side) * np.where(pull <= 0, -1.0, 1.0) + 2 * pull
    return Fit(pull, factor, np.asarray((2 * q + (factor - 1) ** 2 * certain).sum(axis=-1) + pull**2), slope)
