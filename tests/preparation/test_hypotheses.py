"""Events of some hypotheses only: none of the others is trained on, and the background tells nothing."""

import numpy as np
import pytest

from fivesigma.analysis.file import load, validate
from fivesigma.errors import LeakageError
from fivesigma.preparation import hypotheses
from fivesigma.preparation.hypotheses import ComparisonNetwork, belongs, only, without_parameters

MASSES = (500.0, 1000.0, 1500.0)
KNOWN = [(mass,) for mass in MASSES]


def analysis(**settings):
    tree = {"features": ["x"], "labels": "y", "parameters": {"mass": {}}}
    return load(validate(tree, "test"), {key.replace("__", "."): value for key, value in settings.items()})


@pytest.fixture
def parts(make_events):
    generator = np.random.default_rng(1)
    made = {}
    for i, part in enumerate(("train", "val", "test")):
        target = generator.integers(0, 2, 600)
        mass = generator.choice(MASSES, (600, 1))
        made[part] = make_events(generator.normal(size=(600, 1)), target, parameters=mass, number=np.arange(600) + 1000 * i)
    return made


def masses(events, target):
    return set(events.parameters[events.target == target, 0].tolist())


LEFT_OUT = ComparisonNetwork("without-mass=1000", "left out", ((500.0,), (1500.0,)))
DEDICATED = ComparisonNetwork("dedicated-mass=1000", "dedicated", ((1000.0,),))
BLIND = ComparisonNetwork("no-parameter", "no parameter", tuple(KNOWN))


def test_a_hypothesis_that_is_left_out_leaves_neither_signal_nor_background_behind(parts):
    found = LEFT_OUT.parts(parts, KNOWN, analysis())
    assert set(found) == {"train", "val"}
    for part, events in found.items():
        assert masses(events, 0) == masses(events, 1) == {500.0, 1500.0}
        kept = ~belongs(parts[part], [(1000.0,)])
        np.testing.assert_array_equal(events.event_number, parts[part].event_number[kept])


@pytest.mark.parametrize("redraw", [False, True])
def test_background_that_draws_its_mass_draws_anew_from_what_is_left(parts, redraw):
    settings = analysis(parameters__mass={"background": "signal", "redraw": redraw})
    for part, events in LEFT_OUT.parts(parts, KNOWN, settings).items():
        assert masses(events, 0) == masses(events, 1) == {500.0, 1500.0}
        assert (events.target == 0).sum() == (parts[part].target == 0).sum()


def test_background_between_the_extremes_stays_there(parts):
    found = ComparisonNetwork("extremes", "extremes", ((500.0,), (1500.0,))).parts(
        parts, KNOWN, analysis(parameters__mass={"background": "uniform"})
    )
    drawn = found["train"].parameters[found["train"].target == 0, 0]
    assert 500 <= drawn.min() < 520
    assert 1480 < drawn.max() <= 1500
    assert masses(found["train"], 1) == {500.0, 1500.0}


def test_a_dedicated_network_sees_all_background_and_its_own_signal_and_no_mass(parts):
    events = DEDICATED.parts(parts, KNOWN, analysis())["train"]
    assert events.parameters.shape == (len(events), 0)
    assert events.parameter_names == ()
    assert (events.target == 0).sum() == (parts["train"].target == 0).sum()
    assert (events.target == 1).sum() == (belongs(parts["train"], [(1000.0,)]) & (parts["train"].target == 1)).sum()


def test_a_network_without_the_parameter_sees_every_event(parts):
    events = BLIND.parts(parts, KNOWN, analysis())["train"]
    np.testing.assert_array_equal(events.features, parts["train"].features)
    assert events.parameter_names == ()


def test_the_settings_are_those_of_the_run_without_what_needs_the_parameter():
    run = analysis(model__parameters="affine", train__balance=["class", "mass"])
    assert LEFT_OUT.analysis(run) == run
    own = BLIND.analysis(run)
    assert (own.parameters, own.train.balance) == ({}, ["class"])
    assert own.prepare.class_weights is None
    assert DEDICATED.analysis(run).prepare.class_weights is None
    assert DEDICATED.analysis(analysis()).prepare.class_weights == "balanced"
    given = analysis(prepare__class_weights={"signal": 2.0})
    assert DEDICATED.analysis(given).prepare.class_weights == {"signal": 2.0}


def test_an_event_of_a_hypothesis_that_is_left_out_is_refused(parts, monkeypatch):
    monkeypatch.setattr(hypotheses, "only", lambda events, *_: events)
    with pytest.raises(LeakageError, match="events of a hypothesis that is left out are among the training events"):
        LEFT_OUT.parts(parts, KNOWN, analysis())


def test_nothing_is_copied_where_nothing_goes(parts):
    assert only(parts["train"], KNOWN, KNOWN, {}, True) is parts["train"]
    assert without_parameters(parts["train"]).features is parts["train"].features


def test_hypotheses_of_several_parameters_are_told_apart(make_events):
    events = make_events(np.zeros((4, 1)), [1, 1, 1, 0], parameters=[[1, 1], [1, 2], [2, 1], [1, 2]])
    np.testing.assert_array_equal(belongs(events, [(1.0, 2.0)]), [False, True, False, True])


def test_background_that_draws_one_of_two_parameters_may_combine_them_as_it_likes(make_events):
    generator = np.random.default_rng(1)
    target = generator.integers(0, 2, 400)
    both = generator.choice([1.0, 2.0], (400, 2))
    known = [(1.0, 1.0), (1.0, 2.0), (2.0, 1.0), (2.0, 2.0)]
    tree = {"features": ["x"], "labels": "y", "parameters": {"mass": {"background": "signal"}, "width": {}}}
    study = ComparisonNetwork("without", "left out", tuple(known[:3]))
    events = study.parts({"train": make_events(np.zeros((400, 1)), target, parameters=both)}, known, validate(tree, "test"))
    assert not (belongs(events["train"], known[3:]) & (events["train"].target == 1)).any()
