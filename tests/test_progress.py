"""How fast a long step is, and how long it will take."""

import pytest

from fivesigma.progress import Pace, format_epoch


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_rate_and_time_left_follow_from_what_was_done_since_the_step_began(clock):
    pace = Pace(clock)
    assert pace.update(0, 1000, "reading train: 0 events")
    assert str(pace) == ""
    clock.now += 10
    assert not pace.update(250, 1000, "reading train: 5,000 events")
    assert (pace.rate, pace.unit, pace.left) == (500, "events", 30)
    assert str(pace) == "500 events/s, 30 s left"


def test_what_was_done_before_does_not_count(clock):
    """A simulation that goes on where a killed one stopped."""
    pace = Pace(clock)
    pace.update(5000, 10_000, "simulating collisions")
    clock.now += 10
    pace.update(5100, 10_000, "simulating collisions")
    assert (pace.rate, pace.left) == (10, 490)
    assert str(pace) == "10 events/s, 8 min left"


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [(20, 100, "reading test: 10 events"), (10, 200, "reading train: 1 events"), (5, 100, "reading train: 5 events")],
)
def test_another_text_another_total_or_less_than_before_is_a_new_step(clock, done, total, text):
    pace = Pace(clock)
    pace.update(10, 100, "reading train: 1 events")
    clock.now += 10
    assert pace.update(done, total, text)
    assert (pace.rate, pace.left) == (0, None)


def test_steps_that_count_nothing_have_a_time_only(clock):
    pace = Pace(clock)
    pace.update(0, 4, "drawing")
    clock.now += 120
    pace.update(1, 4, "drawing")
    assert str(pace) == "6 min left"


def test_an_epoch_has_its_rate_if_the_events_are_known():
    row = {"epoch": 1, "loss": 0.5, "learning_rate": 0.001, "seconds": 2.0}
    assert "events" not in format_epoch(row, 4)
    assert format_epoch({**row, "events": 5000}, 4).endswith("2.0 s  2,500 events/s")
