"""Learning-rate schedules."""

import pytest

from fivesigma.analysis import Train
from fivesigma.train.schedule import learning_rate, optimizer_for


def test_constant_is_a_number():
    assert learning_rate(Train(learning_rate=0.02), 10) == 0.02


def test_cosine_rises_over_the_warm_up_and_falls_to_zero():
    rate = learning_rate(Train(learning_rate=0.1, schedule="cosine", warmup_epochs=1, epochs=5), 100)
    assert float(rate(0)) == 0
    assert float(rate(50)) == pytest.approx(0.05)
    assert float(rate(100)) == pytest.approx(0.1)
    assert float(rate(300)) == pytest.approx(0.05, rel=1e-3)
    assert float(rate(500)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_every_optimizer_clips_if_asked(name):
    assert optimizer_for(Train(optimizer=name, clip_norm=0.5), 10).global_clipnorm == 0.5
