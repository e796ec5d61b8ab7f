"""Several models judged side by side: what each would be told alone."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fivesigma.analysis.trigger import Trigger
from fivesigma.errors import EventsError
from fivesigma.metrics.trigger.summary import calibration_of, judge, judged_side_by_side
from fivesigma.scores import Scores

SETTINGS = Trigger(threshold=20, thresholds=[5, 10], generated=2, spectrum=3.5)


def scores(muons):
    observers = {"gen_pt": muons.pt, "gen_abs_eta": muons.eta}
    return Scores(
        score=muons.curvature.astype(np.float32),
        target=muons.true_curvature,
        weight=muons.weight,
        classes=(),
        event_number=muons.number,
        observers=observers,
    )


@pytest.fixture
def models(make_muons):
    """Of falling quality, on the same muons."""
    return [{"val": scores(make_muons(6000, 1, w)), "test": scores(make_muons(4000, 2, w))} for w in (0.15, 0.2, 0.3, 0.4)]


@pytest.mark.parametrize("cores", [1, 3])
def test_models_are_judged_in_their_order_as_each_alone(models, cores, monkeypatch):
    monkeypatch.setattr("fivesigma.metrics.trigger.summary.cores", lambda: cores)
    found = list(judged_side_by_side(models, "test", SETTINGS, 5))
    for parts, one in zip(models, found, strict=True):
        alone = judge(calibration_of(parts, "test", SETTINGS), SETTINGS, 5)
        assert_array_equal(one.rates.replicas, alone.rates.replicas)
        assert_array_equal(one.measured.replicas, alone.measured.replicas)
        assert one.metrics["rate"] == alone.metrics["rate"]
    rates = [one.metrics["rate_measured"].value for one in found]
    assert rates == sorted(rates)


def test_a_model_that_cannot_be_judged_is_said_after_those_before_it(models, make_muons):
    few = {"val": scores(make_muons(50, 1)), "test": models[0]["test"]}
    judged = judged_side_by_side([models[0], few, models[1]], "test", SETTINGS, 2)
    next(judged)
    with pytest.raises(EventsError, match="validation muons are too few"):
        next(judged)


def test_no_models_are_no_judgements():
    assert list(judged_side_by_side([], "test", SETTINGS)) == []
