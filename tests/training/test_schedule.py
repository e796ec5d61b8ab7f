"""Learning-rate schedules."""

import numpy as np
import pytest

from fivesigma.analysis.train import Train
from fivesigma.models.backend import keras
from fivesigma.training.schedule import doubts, optimizer_for, relative_rate


@pytest.mark.parametrize("step", [0, 7, 100])
def test_constant_is_constant(step):
    assert float(relative_rate(Train(learning_rate=0.02), 10)(step)) == 1


def test_cosine_rises_over_the_warm_up_and_falls_to_zero():
    rate = relative_rate(Train(schedule="cosine", warmup_epochs=1, epochs=5), 100)
    assert [float(rate(step)) for step in (0, 50, 100, 300, 500)] == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-6)


def test_cosine_is_that_of_keras():
    theirs = keras().optimizers.schedules.CosineDecay(0.0, 400, warmup_target=0.1, warmup_steps=100)
    ours = relative_rate(Train(schedule="cosine", warmup_epochs=1, epochs=5), 100)
    for step in range(0, 501, 23):
        assert 0.1 * float(ours(step)) == pytest.approx(float(theirs(step)), abs=1e-7)


def test_one_cycle_rises_for_three_tenths_and_falls_to_almost_nothing():
    rate = relative_rate(Train(schedule="one_cycle", epochs=10), 100)
    values = [float(rate(step)) for step in range(1001)]
    assert values[0] == pytest.approx(1 / 25)
    assert int(np.argmax(values)) == 300
    assert max(values) == pytest.approx(1)
    assert values[150] == pytest.approx((1 + 1 / 25) / 2)
    assert values[-1] == pytest.approx(1e-6, abs=1e-7)
    assert np.all(np.diff(values[:300]) > 0)
    assert np.all(np.diff(values[301:]) < 0)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_every_optimizer_clips_if_asked(name):
    assert optimizer_for(Train(optimizer=name, clip_norm=0.5)).global_clipnorm == 0.5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"schedule": "one_cycle", "warmup_epochs": 1}, "changes nothing"),
        ({"schedule": "cosine", "warmup_epochs": 4, "epochs": 4}, "not below train.epochs (4)"),
        ({"schedule": "cosine", "warmup_epochs": 3.5, "epochs": 4}, None),
        ({"schedule": "one_cycle"}, None),
    ],
)
def test_a_warm_up_that_is_not_what_it_says_is_doubted(settings, said):
    found = doubts(Train(**settings))
    assert (len(found) == 1 and said in found[0]) if said else not found


def test_a_constant_rate_may_warm_up_too():
    rate = relative_rate(Train(warmup_epochs=1, epochs=5), 100)
    assert [float(rate(step)) for step in (50, 100, 300, 500)] == pytest.approx([0.5, 1, 1, 1])


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_every_optimizer_decays_the_weights_if_asked(name):
    norms = []
    for decay in (0.0, 0.5):
        optimizer = optimizer_for(Train(optimizer=name, learning_rate=0.1, weight_decay=decay))
        weights = [np.ones(3, np.float32)]
        variables = [keras().Variable(weights[0])]
        optimizer.build(variables)
        state = [v.value for v in optimizer.variables]
        values, _ = optimizer.stateless_apply(state, [np.zeros(3, np.float32)], [v.value for v in variables])
        norms.append(float(np.asarray(values[0]).sum()))
    assert norms[0] == pytest.approx(3)
    assert norms[1] == pytest.approx(3 * (1 - 0.1 * 0.5), rel=1e-4)


def test_the_schedule_begins_anew_with_each_stage_and_warms_up_once():
    settings = Train(schedule="cosine", warmup_epochs=1, epochs=8)
    both = relative_rate(settings, 100, ends=(5, 8))
    first = relative_rate(settings.model_copy(update={"epochs": 5}), 100)
    second = relative_rate(settings.model_copy(update={"epochs": 3, "warmup_epochs": 0.0}), 100)
    for step in (0, 50, 100, 499):
        assert float(both(step)) == pytest.approx(float(first(step)), abs=1e-7)
    for step in (500, 650, 799):
        assert float(both(step)) == pytest.approx(float(second(step - 500)), abs=1e-7)
    assert float(both(500)) == 1
    assert float(relative_rate(settings, 100, ends=(8,))(300)) == float(relative_rate(settings, 100)(300))
