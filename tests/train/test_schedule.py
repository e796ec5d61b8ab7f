"""Learning-rate schedules."""

import numpy as np
import pytest

from fivesigma.analysis import Train
from fivesigma.models.backend import keras
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


def test_a_constant_rate_may_warm_up_too():
    rate = learning_rate(Train(learning_rate=0.1, warmup_epochs=1, epochs=5), 100)
    assert float(rate(50)) == pytest.approx(0.05)
    assert [float(rate(step)) for step in (100, 300, 500)] == pytest.approx([0.1, 0.1, 0.1])


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_every_optimizer_decays_the_weights_if_asked(name):
    norms = []
    for decay in (0.0, 0.5):
        optimizer = optimizer_for(Train(optimizer=name, learning_rate=0.1, weight_decay=decay), 10)
        weights = [np.ones(3, np.float32)]
        variables = [keras().Variable(weights[0])]
        optimizer.build(variables)
        state = [v.value for v in optimizer.variables]
        values, _ = optimizer.stateless_apply(state, [np.zeros(3, np.float32)], [v.value for v in variables])
        norms.append(float(np.asarray(values[0]).sum()))
    assert norms[0] == pytest.approx(3)
    assert norms[1] == pytest.approx(3 * (1 - 0.1 * 0.5), rel=1e-4)
