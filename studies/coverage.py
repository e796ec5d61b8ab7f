"""Count how often the 68 % intervals of a search hold the truth, over simulated samples.

python -m studies.coverage                 # 1000 samples of every case; two minutes on two cores
python -m studies.coverage --toys 100
"""

import argparse
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fivesigma.analysis.search import Search
from fivesigma.metrics.search.counts import processes
from fivesigma.metrics.search.expected import Expected
from fivesigma.metrics.search.search import choose, in_bins, results
from fivesigma.metrics.search.significance import Yields, binned, excluded

Column = NDArray[np.float64]
NUMBERS = ("best_cut", "binned", "limit")


@dataclass(frozen=True)
class Process:
    """Simulated events of one process, whose score is Φ(x) with x normally distributed.

    Attributes:
        events: mean number of simulated events.
        weight: mean expected events that each stands for.
        mean: of x.
        spread: relative spread of the weights, which are uniform.
    """

    events: float
    weight: float
    mean: float
    spread: float = 0.3

    def drawn(self, generator: np.random.Generator) -> tuple[Column, Column]:
        """Scores and weights of one sample."""
        count = generator.poisson(self.events)
        score = stats.norm.cdf(generator.normal(self.mean, 1.0, count))
        return score, self.weight * generator.uniform(1 - self.spread, 1 + self.spread, count)

    def above(self, cut: Column) -> tuple[Column, Column]:
        """Σw and Σw² that are expected above each cut."""
        share = stats.norm.sf(stats.norm.ppf(np.clip(cut, 0, 1)) - self.mean)
        return self.events * self.weight * share, self.events * self.weight**2 * (1 + self.spread**2 / 3) * share


@dataclass(frozen=True)
class Case:
    """What is simulated.

    Attributes:
        signal: of one hypothesis.
        background: its processes.
    """

    signal: Process
    background: tuple[Process, ...]

    def sample(self, generator: np.random.Generator) -> Expected:
        """One sample, as a search looks at it."""
        drawn = [process.drawn(generator) for process in (self.signal, *self.background)]
        score, weight = (np.concatenate([each[k] for each in drawn]) for k in (0, 1))
        target = np.repeat(np.arange(len(drawn)) == 0, [len(each[0]) for each in drawn]).astype(int)
        process = np.zeros(len(score), np.intp)
        process[target == 0] = processes(weight[target == 0])
        return Expected(score, target, weight, np.ones(2), process, np.zeros(len(score), np.intp))

    def truth(self, edges: Column) -> Yields:
        """What is expected in bins, and how well a sample of this size knows it."""
        s, s2 = (-np.diff(each) for each in self.signal.above(edges))
        b, variance = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
        for process in self.background:
            more, squares = (-np.diff(each) for each in process.above(edges))
            b, variance = b + more, variance + np.maximum(squares, process.weight**2)
        return Yields(s, b, np.sqrt(s2), np.sqrt(variance))


def _heavy() -> dict[str, Case]:
    light, heavy = Process(2000, 2.3, -0.5), Process(150, 60.0, -1.0)
    return {"a light and a heavy process": Case(Process(5000, 0.02, 1.2), (light, heavy))}


def _scan() -> dict[str, Case]:
    """Five masses of X as the built-in hepmass has them with 100,000 events: the heavier, the better told."""
    means = {500: 1.0, 750: 2.0, 1000: 2.7, 1250: 3.2, 1500: 3.6}
    return {
        f"hepmass, {mass} GeV": Case(Process(2000, 100 / 2000, mean / 2), (Process(10_000, 1.0, -mean / 2, 0.0),))
        for mass, mean in means.items()
    }


CASES: Mapping[str, Case] = {**_heavy(), **_scan()}


def held(case: Case, toys: int, *, seed: int = 1) -> dict[str, list[float]]:
    """For each number of a search the pulls: how many of its errors it is away from the truth, [sample].

    Args:
        case: what is simulated.
        toys: samples.
        seed: of the random numbers.

    The truth is what the chosen cut and bins give with the expected yields, and with the Monte Carlo error that a
    sample of this size has.
    """
    settings = Search(systematic=0.1)
    generator = np.random.default_rng(seed)
    pulls: dict[str, list[float]] = {name: [] for name in NUMBERS}
    for _ in range(toys):
        deciding, judged = case.sample(generator), case.sample(generator)
        try:
            choice = choose(deciding, settings)
            metrics, _ = results(judged, choice, settings)
        except ValueError:
            continue  # a search that is not offered states no interval
        bins, nominal = in_bins(judged, choice)
        true_bins = case.truth(bins.edges[0])
        truth = {
            "best_cut": case.truth(np.array([metrics["cut"], 1.0])).significance(0.1)[0],
            "binned": float(binned(true_bins, 0.1)),
        }
        stated = {name: (metrics[name].value, metrics[name].error) for name in truth}
        median = [_median_limit(y) for y in (nominal, true_bins)]
        stated["limit"], truth["limit"] = (median[0], metrics["relative_error"] * median[0]), median[1]
        for name, (value, error) in stated.items():
            pulls[name].append((value - truth[name]) / error)
    return pulls


def _median_limit(yields: Yields) -> float:
    """The limit by the formula that agrees with the fit of the workspace to 0.2 %, as a test of it shows."""
    return float(excluded(yields, 0.1))


def coverage(pulls: list[float]) -> float:
    """Share of samples whose interval of one standard error holds the truth."""
    return float((np.abs(pulls) <= 1).mean())


def main(arguments: list[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m studies.coverage", description=__doc__.splitlines()[0])
    parser.add_argument("--toys", type=int, default=1000, help="samples of every case")
    parser.add_argument("--workers", type=int, default=2, help="cases that are computed at once (2)")
    options = parser.parse_args(arguments)
    print("| case | number | samples | interval holds the truth | mean pull | spread of the pulls |")
    print("|---|---|---|---|---|---|")
    of_case = partial(held, toys=options.toys)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for name, numbers in zip(CASES, pool.map(of_case, CASES.values()), strict=True):
            for number, pulls in numbers.items():
                print(
                    f"| {name} | {number} | {len(pulls)} | {100 * coverage(pulls):.0f} % | {np.mean(pulls):+.2f} "
                    f"| {np.std(pulls):.2f} |",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
