"""Networks of one shape trained at once: each as if it were alone."""

import numpy as np
import pytest

from fivesigma.analysis.train import Train
from fivesigma.training.fit import fit, fit_many, gains_together
from fivesigma.training.member import Member
from fivesigma.training.problem import Problem

from .test_fit import network, sample

RATES = (0.02, 0.003, 0.0005)
SETTINGS = Train(epochs=4, batch_size=32, schedule="cosine", average=0.9, monitor="auc")


def twins(folder, rates=RATES, settings=SETTINGS):
    return [
        Member(network("binary", dropout=0.2), settings.model_copy(update={"learning_rate": rate}), folder / f"{i}.npz")
        for i, rate in enumerate(rates)
    ]


def alone(rate, settings=SETTINGS):
    model = network("binary", dropout=0.2)
    single = settings.model_copy(update={"learning_rate": rate})
    return model, fit(model, sample("binary"), sample("binary", seed=4), single, Problem("binary"))


def check(twin, rate, settings=SETTINGS):
    model, history = alone(rate, settings)
    assert len(twin.state.history) == len(history)
    for row, other in zip(twin.state.history, history, strict=True):
        assert {**row, "seconds": 0} == pytest.approx({**other, "seconds": 0}, rel=1e-3, abs=1e-6)
    for one, other in zip(twin.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_each_is_trained_as_if_it_were_alone(tmp_path):
    group, heard = twins(tmp_path), []
    fit_many(
        group,
        sample("binary"),
        sample("binary", seed=4),
        Problem("binary"),
        stop_after_epoch=4,
        on_epoch=lambda number, row: heard.append((number, row["epoch"])),
    )
    for twin, rate in zip(group, RATES, strict=True):
        check(twin, rate)
    assert sorted(heard) == [(number, epoch) for number in range(3) for epoch in range(1, 5)]


def test_survivors_go_on_from_their_checkpoints(tmp_path):
    data = sample("binary"), sample("binary", seed=4), Problem("binary")
    fit_many(twins(tmp_path), *data, stop_after_epoch=2)
    group = [twin for i, twin in enumerate(twins(tmp_path)) if i != 1]
    fit_many(group, *data, stop_after_epoch=4)
    for twin, rate in zip(group, (RATES[0], RATES[2]), strict=True):
        check(twin, rate)


def test_twins_that_a_kill_left_at_different_epochs_catch_up(tmp_path):
    data = sample("binary"), sample("binary", seed=4), Problem("binary")
    fit_many(twins(tmp_path)[:1], *data, stop_after_epoch=2)
    group = twins(tmp_path)
    fit_many(group, *data, stop_after_epoch=4)
    for twin, rate in zip(group, RATES, strict=True):
        check(twin, rate)


def test_one_that_diverges_takes_no_other_with_it(tmp_path):
    settings = SETTINGS.model_copy(update={"optimizer": "sgd"})
    group = twins(tmp_path, (0.02, 1e30), settings)
    fit_many(group, sample("binary"), sample("binary", seed=4), Problem("binary"), stop_after_epoch=4)
    assert "training loss" in str(group[1].failure)
    assert group[0].failure is None
    check(group[0], 0.02, settings)


def test_patience_stops_each_by_itself(tmp_path):
    settings = Train(epochs=30, batch_size=16, patience=2, monitor="loss")
    group = twins(tmp_path, (0.1, 0.0002), settings)
    fit_many(group, sample("binary", 60), sample("binary", 200, seed=5), Problem("binary"), stop_after_epoch=30)
    assert len(group[0].state.history) < len(group[1].state.history)


def test_only_the_learning_rate_may_differ(tmp_path):
    group = twins(tmp_path)
    group[1].settings = group[1].settings.model_copy(update={"weight_decay": 0.1})
    with pytest.raises(ValueError, match="learning rate alone"):
        fit_many(group, sample("binary"), None, Problem("binary"), stop_after_epoch=1)


def test_small_steps_gain_and_large_ones_do_not():
    assert gains_together(Train(batch_size=32), 28)
    assert not gains_together(Train(batch_size=256), 112)
