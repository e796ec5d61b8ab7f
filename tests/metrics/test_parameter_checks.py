"""What the background carries, in every part alike and telling nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fivesigma.metrics.parameter_checks import Carried, distance, parameter_sentences
from fivesigma.scores import Scores

MASSES = np.array([500.0, 750.0, 1000.0, 1250.0, 1500.0])


def carried(seed, events=4000, background=MASSES, signal=MASSES):
    generator = np.random.default_rng(seed)
    target = np.arange(events) % 2
    mass = np.where(target == 1, generator.choice(signal, events), generator.choice(background, events))
    score, parameters = np.zeros(events, np.float32), mass[:, None].astype(np.float32)
    return Carried(Scores(score, target, np.ones(events), ("b", "s"), parameters, ("mass",)))


def test_masses_drawn_alike_need_no_comment():
    assert parameter_sentences({part: carried(i) for i, part in enumerate(("train", "val", "test"))}) == []
    assert parameter_sentences({}) == []


def test_background_of_another_mass_in_evaluation_is_said():
    parts = {"train": carried(1), "val": carried(2, background=np.array([1500.0]))}
    first, second = parameter_sentences(parts)
    assert "the background has another distribution of mass in val than in train events" in first
    assert "mass alone separates signal from background in val events" in second


@pytest.mark.parametrize("background", [[0.0], [500.0], [1000.0]])
def test_a_mass_that_tells_the_classes_apart_is_said_also_where_its_area_is_one_half(background):
    parts = {part: carried(i, background=np.array(background)) for i, part in enumerate(("train", "test"))}
    (sentence,) = parameter_sentences(parts)
    assert "parameters.mass.background: signal" in sentence
    (other,) = parameter_sentences(parts, drawn=["mass"])  # which is what the analysis says already
    assert "parameters.mass.background: signal" not in other
    assert "train.balance: [class, mass]" in other


def test_of_very_many_events_a_random_choice_is_compared(monkeypatch):
    monkeypatch.setattr("fivesigma.metrics.parameter_checks.MOST", 800)
    target = np.arange(8000) % 2  # classes in turn: every tenth event would be of one class
    mass = np.where(target == 1, 750.0, 500.0).astype(np.float32)[:, None]
    many = Carried(Scores(np.zeros(8000, np.float32), target, np.ones(8000), ("b", "s"), mass, ("mass",)))
    assert len(many.values) == len(many.target) == len(many.weight) == 800
    assert "mass alone separates" in parameter_sentences({"test": many})[0]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_the_distance_is_that_of_scipy(first, second):
    one, other = np.array(first, float), np.array(second, float)
    grid = np.arange(7.0)
    found, scaled = distance(one, np.ones(len(one)), other, np.ones(len(other)))
    assert found == pytest.approx(np.abs(stats.ecdf(one).cdf.evaluate(grid) - stats.ecdf(other).cdf.evaluate(grid)).max())
    assert scaled == pytest.approx(found * (len(one) * len(other) / (len(one) + len(other))) ** 0.5)


def test_chance_rarely_says_so():
    generator, ones = np.random.default_rng(1), np.ones(300)
    beyond = [distance(generator.random(300), ones, generator.random(300), ones)[1] > 2.2 for _ in range(400)]
    assert np.mean(beyond) < 0.01


def test_weights_that_cancel_say_nothing():
    assert distance(np.ones(2), np.array([1.0, -1.0]), np.ones(1), np.ones(1)) == (0.0, 0.0)
