"""Training from shards: proportional batches, every event once, any number of processes, any point of return."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivesigma.analysis.train import Train
from fivesigma.cluster.devices import candidates
from fivesigma.data.shards import Shards, ShardWriter
from fivesigma.errors import RunError
from fivesigma.models.backend import keras
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.training.fit import FitOptions, fit
from fivesigma.training.problem import Problem
from fivesigma.training.shards import FromShards, ShardPieces, seats
from fivesigma.training.windows import Arrays


@given(st.lists(st.integers(0, 40), min_size=1, max_size=7).filter(sum))
def test_seats_are_those_of_the_events_in_order_of_their_place(lengths):
    places = sorted(((2 * i + 1) / (2 * n), lane) for lane, n in enumerate(lengths) for i in range(n))
    expected = np.zeros((len(places) + 1, len(lengths)), int)
    for i, (_, lane) in enumerate(places):
        expected[i + 1] = expected[i]
        expected[i + 1, lane] += 1
    np.testing.assert_array_equal(seats(np.array(lengths), np.arange(len(places) + 1)), expected)


UNEVEN = (700, 40, 320, 0, 513)


def as_arrays(events):
    return Arrays(events.features, events.target, events.weight, events.weight)


@pytest.fixture
def folder(tmp_path, make_events, monkeypatch):
    """Five shards of very different length, in groups of 64 events."""
    monkeypatch.setattr("fivesigma.data.shards.LEAST_GROUP", 64)
    bounds = np.cumsum((0, *UNEVEN))
    n = bounds[-1]
    events = make_events(np.column_stack([np.arange(n), np.ones(n)]), weight=np.ones(n))
    writer = ShardWriter(tmp_path, len(UNEVEN), "abc", {})
    lane = np.repeat(np.arange(len(UNEVEN)), UNEVEN)
    monkeypatch.setattr("fivesigma.data.shards.uniform", lambda numbers, seed: (lane_of(numbers, lane) + 0.5) / len(UNEVEN))
    order = np.random.default_rng(1).permutation(n)
    events = events.take(order)
    object.__setattr__(events, "fingerprint", events.features[:, 0].astype(np.uint64))
    writer.scatter(0, {"train": events, "val": events.take(np.arange(100))})
    writer.gather(events.take(np.zeros(0, int)), lambda parts: parts, seed=1)
    return Shards(tmp_path)


def lane_of(numbers, lane):
    return lane[numbers.astype(int)]


def batches(source, epoch=0, first=0):
    """Events of every batch."""
    return [
        sorted(window.block[step][window.block[step][:, -1] > 0][:, 0].astype(int).tolist())
        for window in source.windows(epoch, first)
        for step in range(window.steps)
    ]


@pytest.mark.parametrize("window", [50, 400, 10**6])
def test_every_event_comes_once_in_full_batches(folder, window):
    source = FromShards(folder, as_arrays, 50, window, seed=3)
    found = batches(source)
    assert sorted(event for batch in found for event in batch) == list(range(sum(UNEVEN)))
    assert {len(batch) for batch in found[:-1]} == {50}
    assert len({w.block.shape for w in source.windows(0)}) == 1
    lane = np.repeat(np.arange(len(UNEVEN)), UNEVEN)
    for batch in found[:-1]:
        share = np.bincount(lane[batch], minlength=len(UNEVEN)) / 50
        np.testing.assert_allclose(share, np.array(UNEVEN) / sum(UNEVEN), atol=0.05)


def test_another_epoch_is_another_order_and_the_same_epoch_is_the_same(folder):
    make = lambda: FromShards(folder, as_arrays, 64, 300, seed=3)  # noqa: E731
    assert batches(make(), 1) == batches(make(), 1)
    assert batches(make(), 1) != batches(make(), 2)


@pytest.mark.parametrize("processes", [2, 3, 4])
def test_the_batches_do_not_depend_on_the_number_of_processes(folder, processes):
    whole = FromShards(folder, as_arrays, 64, 300, seed=3)
    ranks = [FromShards(folder, as_arrays, 64, 300, rank=r, processes=processes, seed=3) for r in range(processes)]
    shares = [batches(source) for source in ranks]
    together = [sorted(event for part in parts for event in part) for parts in zip(*shares, strict=True)]
    assert together == batches(whole)
    assert len({window.block.shape for source in ranks for window in source.windows(0)}) == 1
    for windows in zip(whole.windows(0), *(source.windows(0) for source in ranks), strict=True):
        for window in windows:
            np.testing.assert_array_equal(window.counts, windows[0].counts)


@pytest.mark.parametrize("first", [1, 3])
def test_an_epoch_is_gone_on_with_at_any_window(folder, first):
    source = FromShards(folder, as_arrays, 64, 300, seed=3)
    rest = sum(window.steps for window in source.windows(0) if window.number >= first)
    assert batches(source, 0, first) == batches(source, 0)[-rest:]


def test_an_epoch_is_gone_on_with_where_all_events_of_a_small_shard_were_taken(folder):
    source = FromShards(folder, as_arrays, 16, 32, seed=3)
    numbers = [window.number for window in source.windows(0)]
    assert len(numbers) > min(UNEVEN)
    for first in numbers:
        rest = sum(window.steps for window in source.windows(0) if window.number >= first)
        assert batches(source, 0, first) == batches(source, 0)[-rest:]


def test_rows_that_fill_up_a_batch_have_no_weight(folder):
    source = FromShards(folder, as_arrays, 64, 300, per_process=3, rank=1, processes=2, seed=3)
    for window in source.windows(0):
        assert window.block.shape[1] % 3 == 0
        for step in range(window.steps):
            rows = window.block[step]
            assert (rows[:, 1] == 1).all()  # real events, every one of them
            assert ((rows[:, -1] == 0) == (rows[:, -2] == 0)).all()


def test_more_processes_than_shards_are_refused(folder):
    with pytest.raises(RunError, match="5 processes cannot share the 4 shards"):
        FromShards(folder, as_arrays, 64, 300, processes=5)


def test_validation_events_are_divided_by_shard(folder):
    pieces = ShardPieces(folder, "val", as_arrays)
    whole = np.concatenate([piece.x[:, 0] for piece in pieces.pieces(0, 1)])
    parts = [np.concatenate([piece.x[:, 0] for piece in pieces.pieces(rank, 2)]) for rank in range(2)]
    assert len(whole) == 100
    assert sorted(np.concatenate(parts)) == sorted(whole)


@pytest.mark.parametrize("layout", ["1x1", "2x1"])
def test_batches_are_shared_as_the_user_asks(folder, monkeypatch, layout):
    keras()
    if len(candidates(256)) < 2:
        pytest.skip("one device leaves nothing to choose")
    monkeypatch.setenv("FIVESIGMA_DEVICES", layout)
    heard = []
    model = mlp(Mlp(layers=[8]), Inputs(2, outputs=1, link="sigmoid", seed=1))
    source = FromShards(folder, lambda events: as_arrays(replace(events, features=events.features / 1000)), 257, 1000)
    options = FitOptions(on_layout=lambda layout, rates: heard.append(str(layout)))
    (row,) = fit(model, source, None, Train(epochs=1, batch_size=257), Problem("binary"), options)
    assert heard == [layout]
    assert np.isfinite(row["loss"])
