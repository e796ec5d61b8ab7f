"""Split events → a trained network."""

from dataclasses import replace

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.analysis.prepare import Prepare
from fivesigma.errors import AnalysisError, EventsError
from fivesigma.events import Events
from fivesigma.metrics.regression import rmse
from fivesigma.models.mlp import Mlp as Model
from fivesigma.runs.folder import RunFolder
from fivesigma.training import apply, training
from fivesigma.training.network import Network
from fivesigma.training.training import target_standard, train


def events(seed, offset, events=1500):
    generator = np.random.default_rng(seed)
    x = generator.normal(0, 1, (events, 2)).astype(np.float32)
    target = (offset + 5 * x[:, 0]).astype(np.float32)
    return Events(x, ("a", "b"), target, np.ones(events), np.zeros((events, 0), np.float32))


def analysis(**target):
    tree = {"features": ["a", "b"], "target": {"variable": "t", **target}, "train": {"epochs": 15, "batch_size": 64}}
    return validate({**tree, "model": {"layers": [16]}}, "test")


def test_a_target_far_from_zero_is_learnt_as_well_as_one_around_it():
    found = []
    for offset in (0.0, 91.0):
        network, _ = train(analysis(), {"train": events(1, offset), "val": events(2, offset)})
        test = events(3, offset)
        found.append(rmse(network.score(test.features), test.target, test.weight).value)
    assert found[1] == pytest.approx(found[0], rel=0.05)
    assert found[1] < 1.0


def test_an_explicit_scale_only_multiplies():
    assert target_standard(analysis(scale=10), events(1, 91)) == (0.0, 10)
    shift, scale = target_standard(analysis(), events(1, 91))
    assert shift == pytest.approx(91, abs=0.5)
    assert scale == pytest.approx(1 / 5, rel=0.1)


def test_a_target_that_never_changes_is_refused():
    always = replace(events(1, 91), target=np.full(len(events(1, 91)), 3.5, np.float32))
    with pytest.raises(EventsError, match=r"the target 't' is 3\.5 in all [\d,]+ training events"):
        train(analysis(), {"train": always, "val": events(2, 91)})
    few = always.take(np.arange(5))
    assert target_standard(analysis(), few) == (3.5, 1)


def test_the_history_is_in_the_targets_unit():
    _, history = train(analysis(), {"train": events(1, 91), "val": events(2, 91)})
    network, _ = train(analysis(), {"train": events(1, 91), "val": events(2, 91)})
    val = events(2, 91)
    best = min(row["val_rmse"] for row in history)
    assert rmse(network.score(val.features), val.target, val.weight).value == pytest.approx(best, rel=1e-3)


def two_masses(seed, counts=((40, 400), (400, 40))):
    """Signal and background around ± mass, with very unequal numbers of (class, mass)."""
    generator = np.random.default_rng(seed)
    target, mass = (
        np.concatenate([np.full(counts[c][m], v) for c in (0, 1) for m in (0, 1) for v in [(c, m)[k]]]) for k in (0, 1)
    )
    x = generator.normal(0, 1, len(target)) + target * (0.5 + mass)
    features = np.column_stack([x, generator.normal(0, 1, len(target))]).astype(np.float32)
    return Events(
        features,
        ("a", "b"),
        target,
        np.ones(len(target)),
        mass[:, None].astype(np.float32),
        ("mass",),
        ("bkg", "sig"),
        event_number=np.arange(len(target), dtype=np.uint64),
    )


def searched(**train_section):
    return validate(
        {
            "features": ["a", "b"],
            "labels": "t",
            "parameters": {"mass": {}},
            "model": {"layers": [8]},
            "train": {"epochs": 8, "batch_size": 32, "learning_rate": 0.01, **train_section},
        },
        "test",
    )


def test_in_balanced_batches_the_mass_says_nothing_about_the_class():
    parts = {"train": two_masses(1), "val": two_masses(2)}
    grid = np.zeros((2, 2), np.float32)
    masses = np.array([[0.0], [1.0]], np.float32)
    naive, _ = train(searched(), parts)
    balanced, history = train(searched(balance=["class", "mass"]), parts)
    # At one point in the features, the naive network follows the mass: there is ten times as much signal at 0.
    assert np.ptp(naive.score(grid, masses)) > 0.4
    assert np.ptp(balanced.score(grid, masses)) < 0.35
    assert history[-1]["val_loss"] == pytest.approx(history[-1]["loss"], abs=0.15)


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ({"train": {"balance": "mas"}}, "no 'mas'"),
        ({"train": {"balance": "class"}, "prepare": {"resample": "up"}}, "choose one"),
        ({"train": {"balance": "class"}, "shards": "folder"}, "in memory"),
        ({"train": {"balance": "mass"}, "parameters": {"mass": {"background": "uniform"}}}, "another value for each"),
        (
            {"parameters": {"mass": {"background": "signal", "redraw": True}, "width": {"background": "signal"}}},
            "'mass' and 'width' are drawn from the signal together",
        ),
    ],
)
def test_what_cannot_be_balanced_is_said(section, text):
    with pytest.raises(AnalysisError, match=text):
        validate({"features": ["a"], "labels": "t", "parameters": {"mass": {}}, **section}, "test")


def test_more_groups_than_a_batch_has_events_are_refused():
    parts = {"train": two_masses(1), "val": two_masses(2)}
    many = replace(parts["train"], parameters=np.arange(len(parts["train"]), dtype=np.float32)[:, None])
    with pytest.raises(EventsError, match=r"class, mass make \d+ groups, more than a batch has events \(32\)"):
        train(searched(balance=["class", "mass"]), parts | {"train": many})


@pytest.mark.parametrize("kind", ["affine", "both"])
def test_an_affine_network_trains_and_is_the_same_after_a_save(tmp_path, kind):
    tree = searched().model_copy(update={"model": Model(layers=[8, 8], parameters=kind)})
    network, history = train(tree, {"train": two_masses(1), "val": two_masses(2)})
    assert history[-1]["loss"] < history[0]["loss"]
    test = two_masses(3)
    score = network.score(test.features, test.parameters)
    assert not np.allclose(score, network.score(test.features, 1 - test.parameters))
    folder = RunFolder(tmp_path)
    network.save(folder)
    np.testing.assert_array_equal(Network.load(folder).score(test.features, test.parameters), score)


def test_validation_events_whose_inputs_are_made_in_pieces_give_the_same_training(make_events, monkeypatch):
    generator = np.random.default_rng(3)
    x = generator.normal(size=(2000, 4)) + np.arange(2000)[:, None] % 2
    x[generator.random(x.shape) < 0.1] = np.nan
    weight = generator.uniform(0.5, 1.5, 2000)
    events = make_events(x, weight=weight)
    parts = {"train": events.take(slice(0, 500)), "val": events.take(slice(500, 2000))}
    settings = {"train": {"epochs": 2, "batch_size": 50, "monitor": "auc"}, "prepare": {"class_weights": "balanced"}}
    tree = {"features": ["x0", "x1", "x2", "x3"], "labels": {"names": ["background", "signal"]}, "model": {"layers": [8]}}
    whole = validate({**tree, **settings}, "test")
    found = []
    for held in (10_000, 100):
        monkeypatch.setattr(training, "HELD", held)
        # A network is applied to as many events at a time as before, whatever the length of a piece.
        for module, name, value in ((training, "PIECE", 256), (apply, "CHUNK", 128), (apply, "SMALLEST", 64)):
            monkeypatch.setattr(module, name, value)
        network, history = train(whole, parts)
        found.append(([{k: v for k, v in row.items() if k != "seconds"} for row in history], network.model.get_weights()))
    assert found[0][0] == found[1][0]
    assert all((a == b).all() for a, b in zip(found[0][1], found[1][1], strict=True))


def test_pieces_hold_every_event_once_and_processes_share_them(make_events, monkeypatch):
    monkeypatch.setattr(training, "PIECE", 64)
    events = make_events(np.arange(400.0)[:, None])
    recipe = training.fit_recipe(events, Prepare())
    pieces = training.InPieces(training.ToInputs(recipe, 0.0, 1.0, np.zeros(0), 1.0), events)
    whole = training.ToInputs(recipe, 0.0, 1.0, np.zeros(0), 1.0)(events).x
    assert [len(piece) for piece in pieces.pieces(0, 1)] == [64] * 5 + [80]
    for processes in (1, 3, 500):
        shares = [piece.x for rank in range(processes) for piece in pieces.pieces(rank, processes)]
        np.testing.assert_array_equal(np.concatenate(shares), whole)


def test_a_table_that_has_room_is_not_copied(make_events):
    events = make_events(np.random.default_rng(1).normal(size=(50, 3)))
    recipe = training.fit_recipe(events, Prepare())
    given = (recipe, 0.0, 1.0, np.zeros(0), 1.0)
    plain, roomy = training.ToInputs(*given)(events), training.ToInputs(*given, for_table=True)(events)
    np.testing.assert_array_equal(plain.table(), roomy.table())
    assert np.shares_memory(roomy.x, roomy.table())
