"""The order of events in an epoch: complete, seeded, the same for any number of processes, continued after a kill."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivesigma.training import windows
from fivesigma.training.windows import Arrays, InMemory, Redraw, in_turns


def arrays(events, *redraws):
    x = np.arange(3 * events, dtype=np.float32).reshape(events, 3)
    y = np.arange(events) % 2
    return Arrays(x, y, np.full(events, 2.0), np.ones(events), redraws)


def batches(source, epoch=0, first=0):
    """Real rows of every batch, as lists of event positions."""
    return [
        (window.block[step][window.block[step][:, -1] > 0][:, 0] / 3).astype(int).tolist()
        for window in source.windows(epoch, first)
        for step in range(window.steps)
    ]


@settings(max_examples=40, deadline=None)
@given(events=st.integers(1, 200), batch=st.integers(1, 64), devices=st.integers(1, 4), budget=st.integers(1, 5000))
def test_every_event_comes_once_and_only_the_last_batch_is_smaller(events, batch, devices, budget):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "WINDOW_BYTES", budget)
        source = InMemory(arrays(events), batch, devices=devices, seed=5)
        found = batches(source)
        assert sorted(event for rows in found for event in rows) == list(range(events))
        assert [len(rows) for rows in found[:-1]] == [batch] * (source.steps - 1)
        shapes = {window.block.shape for window in source.windows(0)}
        assert len(shapes) == 1  # one program for all of them
        counts = np.concatenate([window.counts[: window.steps] for window in source.windows(0)])
        assert counts.tolist() == [len(rows) for rows in found]


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_share_every_batch(processes):
    whole = batches(InMemory(arrays(100), 12, devices=4, seed=3))
    shares = [
        batches(InMemory(arrays(100), 12, devices=4, rank=rank, processes=processes, seed=3)) for rank in range(processes)
    ]
    assert [list(chain(*rows)) for rows in zip(*shares, strict=True)] == whole


def test_another_epoch_is_another_order_and_the_same_epoch_is_the_same(monkeypatch):
    monkeypatch.setattr(windows, "WINDOW_BYTES", 1000)
    source = InMemory(arrays(100), 8, seed=3)
    assert batches(source, 0) != batches(source, 1)
    assert batches(source, 1) == batches(InMemory(arrays(100), 8, seed=3), 1)
    assert batches(source, 0) != batches(InMemory(arrays(100), 8, seed=4), 0)
    numbers = [window.number for window in source.windows(0)]
    assert len(numbers) > 2
    assert batches(source, 1, first=2) == batches(source, 1)[-sum(w.steps for w in source.windows(1, 2)) :]


def test_unshuffled_events_come_in_their_order():
    assert list(chain(*batches(InMemory(arrays(30), 7, shuffle=False)))) == list(range(30))


@pytest.mark.parametrize("continuous", [False, True])
def test_parameters_are_redrawn_every_epoch_and_only_where_asked(continuous):
    values = np.array([[-1.0], [0.5], [2.0]], np.float32)
    data = arrays(600, Redraw(np.array([1]), values, continuous))
    rows = data.y == 0
    source = InMemory(data, 50)
    drawn = []
    for epoch in (0, 1):
        table = np.concatenate([window.block[: window.steps].reshape(-1, 6) for window in source.windows(epoch)])
        table = table[np.argsort(table[:, 0])]
        np.testing.assert_array_equal(table[~rows, :3], data.x[~rows])
        np.testing.assert_array_equal(table[rows][:, [0, 2]], data.x[rows][:, [0, 2]])
        drawn.append(table[rows, 1])
    assert not np.array_equal(*drawn)
    if continuous:
        assert len(np.unique(drawn[0])) > 250
        assert np.mean(drawn[0]) == pytest.approx(0.5, abs=0.2)
    else:
        assert set(np.unique(drawn[0])) == {-1.0, 0.5, 2.0}
        assert np.bincount((drawn[0] > 0).astype(int) + (drawn[0] > 1)).min() > 70


def test_balanced_groups_stay_as_large_where_background_draws_its_parameters_again():
    """Otherwise a network learns the share of the signal at each mass from the masses that the signal has more often."""
    generator = np.random.default_rng(1)
    masses, shares = np.array([500, 750, 1000], np.float32), [0.6, 0.3, 0.1]
    y, mass = np.arange(900) % 2, generator.choice(masses, 900, p=shares)
    x = np.column_stack([np.arange(900), mass]).astype(np.float32)
    groups = np.unique(np.column_stack([y, mass]), axis=0, return_inverse=True)[1].ravel()
    redraw = Redraw(np.array([1]), generator.choice(masses, (300, 1), p=shares))
    source = InMemory(Arrays(x, y, np.ones(900), np.ones(900), (redraw,), groups), 60)
    epochs = []
    for epoch in (0, 1):
        table = np.concatenate([window.block[: window.steps].reshape(-1, 5) for window in source.windows(epoch)])
        for label in (0, 1):
            counts = [np.sum((table[:, 2] == label) & (table[:, 1] == value)) for value in masses]
            assert counts == [150, 150, 150]
        epochs.append(table[np.argsort(table[:, 0], kind="stable")])
    background = epochs[0][epochs[0][:, 2] == 0]
    assert (background[:, 1] != mass[background[:, 0].astype(int)]).mean() > 0.4
    signal = epochs[0][epochs[0][:, 2] == 1]
    assert (signal[:, 1] == mass[signal[:, 0].astype(int)]).all()
    assert batches(source, 1, first=0) != batches(source, 0, first=0)


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any), seed=st.integers(0, 10))
def test_groups_take_turns_and_every_event_of_a_group_comes_equally_often(sizes, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    order = in_turns(groups, np.random.default_rng(seed))
    assert len(order) == len(groups)
    there = sum(size > 0 for size in sizes)
    for start in range(len(order) - there + 1):
        assert len(set(groups[order[start : start + there]])) == there
    for number in np.unique(groups):
        times = np.bincount(order[groups[order] == number], minlength=len(groups))[groups == number]
        assert times.max() - times.min() <= 1


def test_every_batch_holds_as_many_of_each_group_and_each_epoch_is_another_order():
    y = (np.arange(300) < 30).astype(float)
    x = np.arange(900, dtype=np.float32).reshape(300, 3)
    source = InMemory(Arrays(x, y, np.ones(300), np.ones(300), groups=y.astype(np.intp)), 10, seed=3)
    first, second = (batches(source, epoch) for epoch in (0, 1))
    assert all(sum(event < 30 for event in batch) == 5 for batch in [*first, *second])
    assert first != second
    assert batches(source, 0) == first
