"""Expected upper limit and discovery significance of a HistFactory workspace, through pyhf."""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma import extras
from fivesigma.analysis.search import POI
from fivesigma.metrics.search.significance import FARTHEST, fitted

BANDS = (-2, -1, 0, 1, 2)
"""Fluctuations of the background, in standard deviations, for which limits are given."""
PRECISION = 2e-3
"""Relative precision of a limit."""
NEAR = 1.5
"""Two known points around a level are near if they are above and below it by this factor at most."""
MOST_STEPS = 40
STEP = 1e-5
"""Step of the finite differences of a gradient; the parameters are factors near 1, and pulls of a few units at most."""
MOST_ITERATIONS = 200
CONVERGED = 1e-8
"""A step that would change −2 ln L by less than half of this is not made."""
LEAST_DAMPING, MOST_DAMPING = 1e-4, 1e10
ROUNDING = 1e-4
"""Where rounding hides what a step gains, the step may promise this much of −2 ln L: 1e-4 of a limit at most."""
LARGEST = 0.9
"""Relative systematic uncertainty with which fits begin at most: the closed form has none of 100 % downwards."""


Guess = Callable[[float, float], dict[str, list[float]]]


@dataclass(frozen=True)
class Limits:
    """Expected results of a search.

    Attributes:
        expected: upper limits on the signal strength if there is only background, one for each band.
        discovery: median discovery significance for a signal of strength one, in standard deviations.
    """

    expected: tuple[float, ...]
    discovery: float


def limits(workspace: Mapping[str, Any], start: float, level: float = 0.95, bands: Sequence[int] = BANDS) -> Limits:
    """Expected CLs limit and discovery significance, by asymptotic formulae.

    With √q̃(μ) from the Asimov data set of background alone, the limit for a fluctuation of the background by N standard
    deviations is where CLs = (1 − Φ(√q̃ − N)) / Φ(N) = 1 − level; the discovery significance is √q₀ of the Asimov data
    set with signal (Cowan, Cranmer, Gross, Vitells, Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727, sections 3.5, 3.8, 4).

    Args:
        workspace: a workspace as `workspace` returns it.
        start: first guess of the limit.
        level: confidence level.
        bands: fluctuations of the background in standard deviations, increasing.

    Raises:
        MissingExtra: if pyhf is not installed.
        ValueError: if a fit does not converge.
    """
    pyhf = extras.pyhf()
    with _numpy_backend(pyhf):
        # The workspace is ours: its schema is checked by a test, not for every hypothesis.
        parameters = workspace["measurements"][0]["config"]["parameters"]
        make = partial(
            pyhf.Model, {"channels": workspace["channels"], "parameters": parameters}, poi_name=POI, validate=False
        )
        model = make()
        counts = [each for channel in workspace["observations"] for each in channel["data"]]
        try:
            guess = partial(_guess, workspace["channels"][0]["samples"])
            fit = _Fit(pyhf, model, make(batch_size=2 * len(_free(model)) + 1))
            ratio = _Ratio(fit, counts + model.config.auxdata, strength=0.0, guess=guess)
            found = _crossings(ratio, [wanted(band, level) for band in bands], start)
            nominal = model.expected_data(fit.nominal(1.0))
            discovery = _Ratio(fit, nominal, strength=1.0, guess=guess)(0.0)
        except pyhf.exceptions.FailedMinimization as error:
            raise ValueError(f"the fit of the binned score does not converge ({error})") from None
    return Limits(tuple(found), discovery)


def wanted(band: int, level: float = 0.95) -> float:
    """√q̃ at the limit: N + Φ⁻¹(1 − (1 − level) Φ(N)).

    >>> round(wanted(0), 4)
    1.96
    """
    normal = NormalDist()
    return band + normal.inv_cdf(1 - (1 - level) * normal.cdf(band))


def _free(model: Any) -> NDArray[np.intp]:
    """Positions of the parameters that a fit at a fixed signal strength varies."""
    varied = ~np.asarray(model.config.suggested_fixed(), bool)
    varied[model.config.par_slice(POI)] = False
    return np.flatnonzero(varied)


@dataclass(frozen=True)
class _Fit:
    """Fits all other parameters at a fixed signal strength.

    Attributes:
        pyhf: the module.
        model: the likelihood.
        several: the same likelihood for 2n + 1 sets of its n free parameters at once: a point, and both sides of it in each.
    """

    pyhf: Any
    model: Any
    several: Any

    def likelihood(self, parameters: Any, data: Any) -> float:
        """−2 ln L."""
        return float(self.pyhf.infer.mle.twice_nll(parameters, data, self.model)[0])

    def __call__(self, strength: float, data: Any, start: Sequence[float]) -> Any:
        """Parameters with the largest likelihood.

        A failed fit is repeated by pyhf, from this start, from the nominal parameters, and by another method.
        """
        if not len(_free(self.model)):
            return self.nominal(strength)
        found = self._with_curvature(strength, data, start)
        if found is not None:
            return found
        ways: list[tuple[Sequence[float], dict[str, Any]]] = [
            (start, {}),
            (self.nominal(strength), {}),
            (self.nominal(strength), {"method": "L-BFGS-B"}),
        ]
        bounds = self.model.config.suggested_bounds()
        poi = self.model.config.par_slice(POI).start
        bounds[poi] = (bounds[poi][0], max(bounds[poi][1], strength))
        for first, more in ways:
            try:
                # The fixed strength is left out of the fit, not held by a constraint: that is faster and more stable.
                fit = self.pyhf.infer.mle.fixed_poi_fit
                return fit(strength, data, self.model, init_pars=first, par_bounds=bounds, do_stitch=True, **more)
            except self.pyhf.exceptions.FailedMinimization as error:
                failure = error
        raise failure

    def nominal(self, strength: float) -> list[float]:
        """Nominal parameters with the given signal strength."""
        values: list[float] = list(self.model.config.suggested_init())
        values[self.model.config.par_slice(POI).start] = strength
        return values

    def _with_curvature(self, strength: float, data: Any, start: Sequence[float]) -> Any:
        """Fit by the method of Levenberg and Marquardt; None if it does not converge.

        The curvature of the likelihood is that of the expected counts and of the constraints (Fisher's information). Where
        millions of events determine the sum of yields far better than each of them, the minimum lies in a narrow valley,
        in which methods that learn the curvature from their own steps stop too early. One call of the likelihood's counts
        gives the value, the gradient and the curvature.
        """
        if self._constraints is None:
            return None
        free, (centers, widths) = _free(self.model), self._constraints
        low, high = np.transpose(self.model.config.suggested_bounds())[:, free]
        values = np.asarray(start, np.float64).copy()
        values[self.model.config.par_slice(POI).start] = strength
        observed = np.asarray(data, np.float64)[: self.model.config.nmaindata]
        center, width = centers(data)[free], widths[free]
        rows = np.arange(len(free))

        def around(some: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
            """−2 ln L up to a constant, its gradient, and its curvature."""
            up, down = np.minimum(some + STEP, high), np.maximum(some - STEP, low)
            values[free] = some
            points = np.repeat(values[None], 2 * len(free) + 1, axis=0)
            points[rows, free], points[len(free) + rows, free] = up, down
            counts = np.asarray(self.several.expected_actualdata(points), np.float64)
            expected, pull = counts[-1], (some - center) / width
            slope = (counts[: len(free)] - counts[len(free) : -1]) / (up - down)[:, None]
            if not (np.isfinite(counts).all() and (expected > 0).all()):
                return math.inf, some, np.eye(len(some))
            ratio = observed / expected
            deviance = expected - observed + np.where(observed > 0, observed * np.log(np.maximum(ratio, 1e-300)), 0.0)
            gradient = 2 * slope @ (1 - ratio) + 2 * pull / width
            return (
                float(2 * deviance.sum() + (pull**2).sum()),
                gradient,
                2 * (slope / expected) @ slope.T + 2 * np.diag(width**-2),
            )

        with np.errstate(all="ignore"):
            some, damping, gain = np.clip(values[free], low, high), 0.0, math.inf
            value, gradient, curvature = around(some)
            for _ in range(MOST_ITERATIONS):
                # What lies at a bound and would go beyond it stays there.
                moves = ~((some <= low) & (gradient > 0) | (some >= high) & (gradient < 0))
                if not moves.any():
                    break
                scaled = curvature[np.ix_(moves, moves)] + damping * np.diag(np.diag(curvature)[moves])
                step = np.zeros(len(some))
                step[moves] = -np.linalg.lstsq(scaled, gradient[moves], rcond=None)[0]
                if damping == 0.0:
                    gain = float(-gradient @ step)
                    if gain < CONVERGED:
                        break
                there = np.clip(some + step, low, high)
                found = around(there)
                if found[0] < value:
                    some, (value, gradient, curvature) = there, found
                    damping = 0.0 if damping < LEAST_DAMPING else damping / 10
                elif damping > MOST_DAMPING:  # no shorter step is better: rounding ends the fit, or it has failed
                    if gain > ROUNDING:
                        return None
                    break
                else:
                    damping = max(10 * damping, LEAST_DAMPING)
            else:
                return None
        values[free] = some
        return values if math.isfinite(value) else None

    @cached_property
    def _constraints(self) -> tuple[Callable[[Any], NDArray[np.float64]], NDArray[np.float64]] | None:
        """Center of each parameter in a data set, and width of its Gaussian; None if there are other constraints."""
        config = self.model.config
        width = np.full(config.npars, np.inf)
        measured = np.full(config.npars, -1)
        place = config.nmaindata
        for name in config.auxdata_order:
            chosen = np.arange(config.npars)[config.par_slice(name)]
            found = config.param_set(name)
            if getattr(found, "pdf_type", "normal") != "normal":
                return None
            width[chosen] = found.width()
            measured[chosen] = place + np.arange(len(chosen))
            place += len(chosen)

        def center(data: Any) -> NDArray[np.float64]:
            return np.where(measured >= 0, np.asarray(data, np.float64)[measured], 0.0)

        return center, width


class _Ratio:
    """√(2 Δ ln L) of a signal strength relative to that of an Asimov data set, whose best fit is known.

    Args:
        fit: of the likelihood.
        data: an Asimov data set.
        strength: signal strength in the data set.
        guess: signal strengths, tested and in the data set → values of parameters by name, near the best fit.
    """

    def __init__(self, fit: _Fit, data: Any, strength: float, guess: Guess) -> None:
        self._fit, self._config, self._data = fit, fit.model.config, data
        self._guess, self._strength = guess, strength
        self._last = fit.nominal(strength)
        self._best = fit.likelihood(self._last, data)

    def _near(self, strength: float) -> list[float]:
        """The last fit's parameters, and where they are known in closed form, those."""
        values = np.array(self._last)
        for name, found in self._guess(strength, self._strength).items():
            values[self._config.par_slice(name)] = found
        # The closed form knows no bounds, and a start beyond them is refused.
        low, high = np.transpose(self._config.suggested_bounds())
        return [float(value) for value in np.where(np.isfinite(values), np.clip(values, low, high), self._last)]

    def __call__(self, strength: float) -> float:
        best = self._fit(strength, self._data, self._near(strength))
        self._last = [float(value) for value in best]  # the next fit is not far from this one
        return math.sqrt(max(self._fit.likelihood(best, self._data) - self._best, 0.0))


def _guess(samples: Sequence[Mapping[str, Any]], strength: float, observed: float) -> dict[str, list[float]]:
    """The factors of the background and its common pull that fit best if nothing else is varied.

    Args:
        samples: signal and background of the workspace.
        strength: of the signal in the fit.
        observed: of the signal in the data set.
    """
    signal, background = (np.asarray(sample["data"], np.float64) for sample in samples)
    modifiers = {modifier["type"]: modifier for modifier in reversed(samples[1]["modifiers"])}
    error = np.maximum(np.asarray(modifiers["staterror"]["data"]) / background, 1e-6)
    norm = modifiers.get("normsys")
    systematic = min(norm["data"]["hi"] - 1, LARGEST) if norm is not None else 0.0
    # More signal than there is in the data set needs less background, and the reverse: there may be a minimum on each side.
    pulls = (-FARTHEST, 0.0) if strength >= observed else (0.0, FARTHEST)
    found = fitted(strength * signal, background, error, systematic, background + observed * signal, pulls)
    guess = {modifiers["staterror"]["name"]: found.factor.tolist()}
    return guess if norm is None else {**guess, norm["name"]: [float(found.pull)]}


def _crossings(rising: Callable[[float], float], levels: list[float], start: float) -> list[float]:
    """Where a smooth function that rises from zero at zero reaches each of some increasing levels.

    For each level the function is known below and above it, and at a point where it agrees with the level, or near enough
    that another point would not matter. Between two known points x/y is interpolated as a polynomial in y; every third time
    the interval is divided in half, for functions that are not smooth.

    Raises:
        ValueError: if the function does not reach the largest level.
    """
    known = [(0.0, 0.0)]
    point = start
    for _ in range(MOST_STEPS):
        known.append((point, rising(point)))
        if known[-1][1] >= levels[-1]:
            break
        # Large uncertainties flatten the function: a little beyond the level at least, and at most four times as far.
        point *= min(max(1.1 * levels[-1] / max(known[-1][1], 1e-9), 1.1), 4.0)
    else:
        raise ValueError(f"no signal strength up to {point:.3g} is excluded")
    for level in (levels[-1], levels[0], *levels[1:-1]):
        for step in range(1, MOST_STEPS):
            (low, below), (high, above) = _around(known, level)
            if min(level - below, above - level) < PRECISION / 2 * level or high - low < PRECISION / 4 * high:
                break
            if below > level / NEAR and above < level * NEAR and _agree(known[1:], level, low, high):
                break
            guess = _inverse(known[1:], level)
            point = guess if low < guess < high and step % 3 else (low + high) / 2
            known.append((point, rising(point)))
    return [_between(known, level) for level in levels]


def _around(known: list[tuple[float, float]], level: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The first known point that reaches a level, and the one before it."""
    points = sorted(known)
    first = next(i for i, (_, y) in enumerate(points) if y >= level)
    return points[first - 1], points[first]


def _agree(known: list[tuple[float, float]], level: float, low: float, high: float) -> bool:
    """Whether three and four known points give the same x at y = level, between two bounds."""
    if len(known) < 4:
        return False
    three, four = _inverse(known, level, 3), _inverse(known, level)
    return low < four < high and abs(three / four - 1) < PRECISION / 4


def _between(known: list[tuple[float, float]], level: float) -> float:
    """x at y = level, by interpolation between the two known points around it."""
    (low, below), (high, above) = _around(known, level)
    guess = _inverse(known[1:], level)
    return guess if low <= guess <= high else low + (high - low) * (level - below) / (above - below)


def _inverse(known: list[tuple[float, float]], level: float, points: int = 4) -> float:
    """x at y = level, from the polynomial of x/y through the nearest points (Neville's algorithm)."""
    near = sorted((pair for pair in known if pair[1] > 0), key=lambda pair: abs(pair[1] - level))[:points]
    if not near:
        return math.nan
    y = [pair[1] for pair in near]
    table = [pair[0] / pair[1] for pair in near]
    for width in range(1, len(near)):
        for i in range(len(near) - width):
            if y[i + width] == y[i]:
                continue
            table[i] = ((level - y[i]) * table[i + 1] - (level - y[i + width]) * table[i]) / (y[i + width] - y[i])
    return table[0] * level


@contextmanager
def _numpy_backend(pyhf: Any) -> Iterator[None]:
    """Use NumPy in double precision and silence fits that are repeated; the user's settings are restored at the end."""
    backend, optimizer = pyhf.get_backend()
    log = logging.getLogger("pyhf")
    level = log.level
    pyhf.set_backend("numpy", precision="64b")
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        pyhf.set_backend(backend, optimizer)
        log.setLevel(level)
