import numpy as np
import pytest

from fivesigma.simulation.muons import material


def test_sixty_centimetres_of_iron_cost_about_the_textbook_loss():
    typical = material.energy_loss(np.array([0.36]), 0.6, np.array([material.MOYAL_MEAN]))
    # 1.45 MeV cm^2/g at the minimum: 0.69 GeV per 60 cm.
    assert typical[0] == pytest.approx(0.685, rel=0.01)


def test_the_loss_rises_with_momentum_and_is_never_a_gain():
    straggling = material.moyal(100_000, np.random.default_rng(1))
    loss = material.energy_loss(np.full(100_000, 5.0), 0.6, straggling)
    assert loss.min() > 0
    harder = material.energy_loss(np.full(100_000, 50.0), 0.6, straggling)
    assert np.all(harder > loss)


def test_straggling_has_its_mean_and_a_right_tail():
    sample = material.moyal(1_000_000, np.random.default_rng(2))
    assert sample.mean() == pytest.approx(material.MOYAL_MEAN, abs=0.01)
    assert np.median(sample) < sample.mean()


def test_scattering_in_iron_is_highlands():
    thickness = 0.60 / material.IRON_RADIATION_LENGTH
    angle = material.scattering_angle(np.array([10.0]), thickness, thickness)[0]
    assert angle == pytest.approx(13.6e-3 / 10 * np.sqrt(34.15) * (1 + 0.038 * np.log(34.15)), rel=1e-3)


def test_cutting_a_slab_into_steps_changes_no_scattering():
    whole = material.scattering_angle(np.array([5.0]), 30.0, 30.0)
    pieces = material.scattering_angle(np.array([5.0]), 6.0, 30.0)
    assert np.sqrt(5) * pieces == pytest.approx(whole)


def test_every_slab_is_material_everywhere():
    for slab in material.SLABS:
        radius = slab.start * np.linspace(0.15, 0.7, 50)
        iron = slab.iron_at(radius, slab.start) * np.ones(50)
        assert iron.min() > 0.05
        assert iron.max() < 2.6


def test_slabs_do_not_overlap():
    for before, after in zip(material.SLABS[:-1], material.SLABS[1:], strict=True):
        assert before.start < before.end <= after.start


def test_partial_slabs_are_only_where_they_should_be():
    nose = next(slab for slab in material.SLABS if "nose" in slab.name)
    assert nose.presence(np.array([1.0, 3.0]), 7.0).tolist() == [1.0, 0.0]
