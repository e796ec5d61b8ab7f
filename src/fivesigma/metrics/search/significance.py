"""Expected significance of a counting experiment and of a binned score."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BISECTIONS = 40


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
    """Events expected above cuts, or in bins.

    Attributes:
        signal, background: Σw, [..., cut or bin].
        signal_error: √Σw², from the number of simulated events.
        background_error: √Σw² as well, but of every process at least what one event more of it would add.
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
    """About the signal strength that can be excluded if there is no signal, [...]; infinite if none can.

    Where √q of an Asimov data set of background reaches `level`; the background of each bin is measured in a control
    region of the precision that its errors say, as in `asimov` (Cowan et al., arXiv:1007.1727, sections 3 and 5). The fit
    of the workspace, whose systematic uncertainty all bins share, gives the limit itself; this one is fast enough for
    many replicas.

    Args:
        yields: [..., bin], every background positive.
        systematic: relative uncertainty of the background.
        level: in standard deviations.
    """
    s, b = np.maximum(yields.signal, 0), yields.background
    variance = np.maximum(yields.background_error**2 + (systematic * b) ** 2, 1e-9 * b**2)
    tau = b / variance
    low = np.zeros(s.shape[:-1])
    with np.errstate(divide="ignore"):
        high = 50 * level / np.sqrt((s**2 / (b + variance)).sum(axis=-1)) + 0.0
    solvable = np.isfinite(high)
    high = np.where(solvable, high, 1.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        beyond = _exclusion(middle[..., None] * s, b, tau).sum(axis=-1) > level**2
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return np.where(solvable, (low + high) / 2, np.inf)


def _exclusion(signal: NDArray[np.float64], b: NDArray[np.float64], tau: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 Δ ln L of signal and background against b events and τb in the control region, for the best background."""
    rest = (1 + tau) * (b - signal)
    best = (rest + np.sqrt(rest**2 + 4 * (1 + tau) * tau * b * signal)) / (2 * (1 + tau))
    # Written with log1p of small changes, so that the difference of large terms is exact.
    counted = signal + best - b
    measured = tau * (best - b)
    q = counted - b * np.log1p(counted / b) + measured - tau * b * np.log1p((best - b) / b)
    return np.asarray(np.maximum(2 * q, 0))
