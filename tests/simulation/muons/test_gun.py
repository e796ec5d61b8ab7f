import numpy as np
import pytest

from fivesigma.errors import SimulationError
from fivesigma.simulation.muons.gun import SPECTRA, shoot, transverse_momentum


def generator() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_momenta_fill_the_range_and_nothing_else(spectrum):
    momentum = transverse_momentum(np.linspace(0, 1, 1001), spectrum, (2.0, 7000.0))
    assert momentum[0] == pytest.approx(2.0)
    assert momentum[-1] == pytest.approx(7000.0)
    assert np.all(np.diff(momentum) > 0)


def test_flat_in_inverse_momentum_gives_the_published_class_shares():
    muons = shoot(400_000, "flat-inverse-pt", (2.0, 7000.0), (1.2, 2.5), generator())
    momentum = 1 / np.abs(muons.charge_over_pt)
    shares = np.histogram(momentum, [0, 10, 30, 100, np.inf])[0] / len(muons)
    assert shares == pytest.approx([0.800, 0.133, 0.047, 0.020], abs=0.003)


def test_prompt_muons_fall_with_the_power_three_and_a_half():
    momentum = transverse_momentum(np.random.default_rng(1).random(400_000), "prompt", (2.0, 7000.0))
    # The fraction above x falls as x^-2.5.
    assert np.mean(momentum > 4.0) == pytest.approx(2**-2.5, rel=0.02)


def test_charges_endcaps_and_directions_are_balanced():
    muons = shoot(200_000, "flat-pt", (2.0, 100.0), (1.2, 2.5), generator())
    assert abs(np.mean(np.sign(muons.charge_over_pt))) < 0.01
    assert abs(np.mean(np.sign(muons.eta))) < 0.01
    assert np.histogram(muons.phi, 6, (-np.pi, np.pi))[0] / len(muons) == pytest.approx([1 / 6] * 6, abs=0.005)
    assert np.abs(muons.eta).min() >= 1.2
    assert np.abs(muons.eta).max() <= 2.5


def test_unknown_spectrum_is_refused_with_the_nearest_name():
    with pytest.raises(SimulationError, match="flat-pt"):
        transverse_momentum(np.array([0.5]), "flat_pt", (2.0, 10.0))
