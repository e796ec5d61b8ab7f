"""The background's parameters: drawn from the signal, the same for the same event."""

from dataclasses import replace

import numpy as np
import pytest

from fivesigma.analysis.parameters import Parameter
from fivesigma.errors import EventsError
from fivesigma.preparation.parameters import assign, signal_rows, values_without_events

VALUES = np.array([[500, 5], [1000, 10], [1000, 10], [1500, 15]], np.float32)


@pytest.fixture
def events(make_events):
    target = np.arange(4000) % 2
    parameters = np.where(target[:, None] == 1, VALUES[np.arange(4000) // 2 % 4], -1)
    return make_events(np.zeros((4000, 1)), target=target, parameters=parameters)


def settings(*ways):
    return {f"p{i}": Parameter(background=way) for i, way in enumerate(ways)}


def test_given_values_stay(events):
    found = assign(events, settings("given", "given"), signal_rows(events))
    np.testing.assert_array_equal(found.parameters, events.parameters)


def test_values_drawn_from_the_signal_occur_there_together_and_as_often(events):
    found = assign(events, settings("signal", "signal"), signal_rows(events)).parameters
    background = found[events.target == 0]
    np.testing.assert_array_equal(found[events.target == 1], events.parameters[events.target == 1])
    np.testing.assert_array_equal(background[:, 0], 100 * background[:, 1])
    share = np.array([(background[:, 0] == mass).mean() for mass in (500, 1000, 1500)])
    np.testing.assert_allclose(share, [0.25, 0.5, 0.25], atol=5 * np.sqrt(0.25 / 2000))


def test_even_values_fill_the_signals_range(events):
    background = assign(events, settings("uniform", "given"), signal_rows(events)).parameters[events.target == 0]
    assert 500 <= background[:, 0].min() < 510
    assert 1490 < background[:, 0].max() <= 1500
    np.testing.assert_allclose(np.histogram(background[:, 0], 4, (500, 1500))[0], 500, atol=100)
    assert (background[:, 1] == -1).all()


def test_an_event_has_the_same_value_wherever_it_stands(events):
    ways, signal = settings("signal", "uniform"), signal_rows(events)
    order = np.random.default_rng(1).permutation(len(events))[:100]
    whole = assign(events, ways, signal).parameters[order]
    np.testing.assert_array_equal(assign(events.take(order), ways, signal).parameters, whole)


def test_without_signal_there_is_nothing_to_draw_from(events):
    with pytest.raises(EventsError, match="no signal event"):
        signal_rows(events.take(events.target == 0))


def test_allowed_values_of_which_no_event_is_are_said(events):
    allowed = {"p0": [500, 1000, 1250, 1500], "p1": [5, 10, 15, -1]}
    ways = {"p0": "signal", "p1": "given"}
    parameters = {name: Parameter(values=allowed[name], background=ways[name]) for name in allowed}
    (found,) = values_without_events(events, parameters)
    assert found.startswith(
        "no event of the signal among all training events has p0 = 1250, which `parameters.p0.values` lists"
    )
    parameters["p1"] = Parameter(values=[5, -1, 7.5, 8], background="given")
    assert values_without_events(events, parameters)[1].startswith(
        "no event among all training events has p1 = 7.5, 8, which"
    )


def test_redraw_needs_something_to_draw():
    with pytest.raises(ValueError, match="redraw"):
        Parameter(redraw=True)


@pytest.mark.parametrize("parameters", [1, 2])
def test_the_order_of_the_signal_changes_nothing(events, parameters):
    events = replace(events, parameters=events.parameters[:, :parameters], parameter_names=("p0", "p1")[:parameters])
    ways, order = settings(*["signal"] * parameters), np.random.default_rng(1).permutation(len(events))
    whole = assign(events, ways, signal_rows(events)).parameters
    np.testing.assert_array_equal(assign(events, ways, signal_rows(events.take(order))).parameters, whole)
    assert {tuple(row) for row in signal_rows(events)} == {tuple(row) for row in VALUES[:, :parameters].tolist()}
