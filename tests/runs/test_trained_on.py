"""What a run remembers of its training events."""

from dataclasses import replace

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.analysis.split import Split
from fivesigma.errors import RunError
from fivesigma.preparation.folds import fold_of
from fivesigma.runs import trained_on
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.trained_on import SAME_EVENT, SAME_INPUTS, TrainedOn


@pytest.mark.parametrize("distinct", [3, 100_000])
def test_inputs_decide_the_fold_only_where_they_belong_to_one(tmp_path, make_events, distinct):
    """Events with few possible inputs share them: then the number says which network has not seen an event."""
    split = Split(folds=3)
    events = make_events(np.random.default_rng(1).permutation(100_000)[:400, None] % distinct)
    fold = fold_of(events.event_number, split)
    folder = RunFolder.create(tmp_path, validate({"features": ["x0"], "target": {"variable": "t"}}, "test"), "test")
    trained_on.write(folder, [events], 400, fold)
    known, found = TrainedOn.load(folder).of(events.features, events.event_number, 400, split)
    np.testing.assert_array_equal(found, fold)
    assert (known == SAME_EVENT).all()
    beyond = events.event_number + np.uint64(10_000_000)
    known, found = TrainedOn.load(folder).of(events.features, beyond, 400, split)
    assert (known == SAME_INPUTS).all()
    np.testing.assert_array_equal(found, 0 if distinct == 3 else fold)


def test_events_that_come_in_pieces_are_all_remembered(tmp_path, make_events, monkeypatch):
    monkeypatch.setattr(trained_on, "BLOCK", 64)
    x = np.random.default_rng(1).normal(size=(1000, 2))
    pieces = [make_events(part, number=100 * i + np.arange(len(part))) for i, part in enumerate(np.array_split(x[:800], 9))]
    folder = RunFolder.create(tmp_path, validate({"features": ["x0", "x1"], "target": {"variable": "t"}}, "test"), "test")
    trained_on.write(folder, pieces, 800)
    found = TrainedOn.load(folder)
    assert len(found.inputs) == len(found.numbers) == 800
    numbers = np.concatenate([each.event_number for each in pieces])
    known, _ = found.of(x.astype(np.float32), np.append(numbers, np.arange(90_000, 90_200)).astype(np.uint64), 1000, Split())
    assert (known[:800] == SAME_EVENT).all()
    assert (known[800:] == trained_on.NEW).all()


@pytest.mark.parametrize("whole", [False, True])
def test_a_run_without_a_sieve_knows_the_same(tmp_path, make_events, whole):
    """Runs of older versions have none; with whole numbers as features, most events pass it."""
    generator = np.random.default_rng(1)
    x = generator.integers(0, 9, (3000, 6)) if whole else generator.normal(size=(3000, 6))
    events = make_events(x[:2000])
    folder = RunFolder.create(tmp_path, validate({"features": ["x*"], "target": {"variable": "t"}}, "test"), "test")
    trained_on.write(folder, [events], 2000)
    found = TrainedOn.load(folder)
    assert found.sieve is not None
    assert list(found.leading) == [2, 3, 4, 5] if not whole else len(found.leading) == 4
    older = replace(found, sieve=None, leading=None)
    numbers = np.arange(1500, 4500, dtype=np.uint64)
    answers = [each.of(x.astype(np.float32), numbers, 3000, Split()) for each in (found, older)]
    for mine, theirs in zip(*answers, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert (answers[0][0] == SAME_INPUTS).any()
    assert len(found._candidates(x.astype(np.float32)[2000:])) < (800 if not whole else 1001)


@pytest.mark.parametrize(("key", "value"), [("leading", np.array([7])), ("sieve", np.zeros(3, np.uint8))])
def test_a_damaged_sieve_is_one_sentence(tmp_path, make_events, key, value):
    folder = RunFolder.create(tmp_path, validate({"features": ["x0"], "target": {"variable": "t"}}, "test"), "test")
    trained_on.write(folder, [make_events(np.ones((9, 2)))], 9)
    with np.load(folder / trained_on.NAME) as file:
        arrays = dict(file)
    np.savez(folder / trained_on.NAME, **{**arrays, key: value})
    with pytest.raises(RunError, match="is damaged"):
        TrainedOn.load(folder)
