"""Muons made up: a momentum measured with a known resolution."""

import numpy as np
import pytest

from fivesigma.metrics.trigger.muons import Muons


def made(n=20_000, seed=1, width=0.2, scale=1.0, weights=False, pt_min=2.0):
    """Muons flat in 1/pT, whose curvature is measured with a relative width and a constant one of 0.002/GeV."""
    generator = np.random.default_rng(seed)
    true = generator.uniform(1 / 7000, 1 / pt_min, n) * generator.choice([-1, 1], n)
    curvature = true * (1 + width * generator.normal(size=n)) + 0.002 * generator.normal(size=n)
    return Muons(
        estimate=scale / np.maximum(np.abs(curvature), 1e-6),
        pt=1 / np.abs(true),
        weight=generator.exponential(1, n) if weights else np.ones(n),
        number=np.arange(n, dtype=np.uint64) + np.uint64(seed * 10_000_000),
        eta=generator.uniform(1.2, 2.4, n),
        curvature=curvature,
        true_curvature=true,
    )


@pytest.fixture
def make_muons():
    return made
