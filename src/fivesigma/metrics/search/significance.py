"""Expected significance of a counting experiment and of a binned score."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BISECTIONS = 25
"""Of a signal strength, from fifty times what is expected of it."""
GOLDEN = (5**0.5 - 1) / 2
GOLDEN_STEPS = 14


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
        first = n * np.log(n * (b + variance) / (b**2 + n * variance))
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
    one that all bins share. It agrees with the fit of the workspace, and is fast enough for many replicas.

    Args:
        yields: [..., bin], every background positive.
        systematic: relative uncertainty of the whole background.
        level: in standard deviations.
    """
    s, b = np.maximum(yields.signal, 0), yields.background
    error = np.maximum(yields.background_error / b, 1e-6)
    low = np.zeros(s.shape[:-1])
    with np.errstate(divide="ignore"):
        high = 50 * level / np.sqrt((s**2 / (b + ((error + systematic) * b) ** 2)).sum(axis=-1)) + 0.0
    solvable = np.isfinite(high)
    high = np.where(solvable, high, 1.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        # A pull farther than the level costs more by itself.
        beyond = fitted(middle[..., None] * s, b, error, systematic, b, (-level, 0.0)).q > level**2
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return np.where(solvable, (low + high) / 2, np.inf)


@dataclass(frozen=True)
class Fit:
    """The background that fits best beside a signal.

    Attributes:
        pull: of the shared uncertainty θ, [...].
        factor: of each bin's background, [..., bin].
        q: −2 ln L, without a constant that depends on the observed counts alone, [...].
    """

    pull: NDArray[np.float64]
    factor: NDArray[np.float64]
    q: NDArray[np.float64]


def fitted(
    signal: NDArray[np.float64],
    background: NDArray[np.float64],
    error: NDArray[np.float64],
    systematic: float,
    observed: NDArray[np.float64],
    pulls: tuple[float, float] = (-5.0, 5.0),
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
    low, high = np.full(where, pulls[0]), np.full(where, pulls[1])
    for _ in range(GOLDEN_STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        q = [_at_pull(pull, signal, background, error, systematic, observed).q for pull in (left, right)]
        smaller = q[0] < q[1]
        low, high = np.where(smaller, low, left), np.where(smaller, right, high)
    return _at_pull((low + high) / 2, signal, background, error, systematic, observed)


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
    side = np.where(pull < 0, 1 - systematic, 1 + systematic)
    shared = background * (side ** np.abs(pull))[..., None]
    certain = 1 / error**2
    # d ln L / d factor = 0 is a quadratic equation.
    linear = (certain * signal + shared * (shared - certain)) / (certain * shared)
    constant = (signal * (shared - certain) - observed * shared) / (certain * shared)
    factor = (-linear + np.sqrt(np.maximum(linear**2 - 4 * constant, 0))) / 2
    expected = np.maximum(signal + shared * factor, 1e-300)
    q = expected - observed - observed * np.log(expected / observed)
    return Fit(pull, factor, np.asarray((2 * q + (factor - 1) ** 2 * certain).sum(axis=-1) + pull**2))
