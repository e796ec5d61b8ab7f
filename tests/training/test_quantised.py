"""A quantised network is trained in steps by the same compiled loop: ranges, cost, steps, choice, resumption."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from fivesigma.analysis.train import Train
from fivesigma.errors import OverBudget, RunError
from fivesigma.models.backend import keras
from fivesigma.models.base import Inputs
from fivesigma.models.ebops import weight_count
from fivesigma.models.quantised import QUANTISED, Quantised
from fivesigma.preparation.recipe import Recipe
from fivesigma.runs.folder import RunFolder
from fivesigma.training import program_cache
from fivesigma.training.checkpoint import load
from fivesigma.training.fit import FitOptions, fit
from fivesigma.training.front import Front, front_of
from fivesigma.training.member import Member
from fivesigma.training.network import Network
from fivesigma.training.problem import Problem
from fivesigma.training.ranges import ROWS, tracer

from .test_fit import INPUTS, sample

pytest.importorskip("hgq", reason="HGQ2 is not installed")

SETTINGS = Quantised(layers=[8], beta=[1e-8, 1e-4, 1e-2])
TRAIN = Train(epochs=5, batch_size=16, learning_rate=0.05, schedule="cosine")

NOTHING = ((0.0,) * INPUTS, (0.0,) * INPUTS, (1.0,) * INPUTS)
RECIPE = Recipe(tuple(f"x{i}" for i in range(INPUTS)), tuple(range(INPUTS)), (), (), *NOTHING, (), (), (), (0.0,) * INPUTS)
"""It changes nothing."""


def build(settings=SETTINGS, seed=1):
    return QUANTISED.build(settings, Inputs(INPUTS, link="sigmoid", seed=seed))


def trained(path=None, settings=SETTINGS, seed=1, **more):
    """A model, its history and its front."""
    model, fronts = build(settings, seed), []
    options = FitOptions(path, resume=True, stages=QUANTISED.stages(settings, model), on_front=fronts.append, **more)
    history = fit(model, sample("binary"), sample("binary", seed=4), TRAIN, Problem("binary"), options)
    return model, history, fronts[0] if fronts else None


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "last.npz"
    return (*trained(path), path)


def test_each_step_is_cheaper_and_the_first_has_half_of_the_epochs(whole):
    _, history, front, _ = whole
    assert [row["beta"] for row in history] == [1e-8, 1e-8, 1e-8, 1e-4, 1e-2]
    points = front.member.state.stages
    assert [point["row"]["epoch"] for point in points] == [3, 4, 5]
    costs = [point["row"]["ebops"] for point in points]
    assert costs[0] > costs[1] > costs[2] > 0
    assert all(0 < point["metrics"][name]["error"] < 0.2 for point in points for name in ("accuracy", "auc"))
    assert history[-1]["val_accuracy"] > 0.75


def test_the_schedule_begins_anew_with_each_step(whole):
    rates = [row["learning_rate"] for row in whole[1]]
    # As everywhere, a row has the rate with which the next epoch begins.
    np.testing.assert_allclose(rates, [0.0375, 0.0125, 0.05, 0.05, 0.0], atol=1e-9)


@pytest.mark.parametrize("events", [ROWS + 100])
def test_ranges_and_cost_are_those_of_hgq(events, whole):
    from hgq.utils import trace_minmax

    model, rows = build(), sample("binary", events)
    for variable, value in zip(model.trainable_variables, whole[2].member.state.of_stage(1)[0], strict=True):
        variable.assign(value)
    stages = QUANTISED.stages(SETTINGS, model)
    trainable, other = ([v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables))
    # Ranges of other events before, as training leaves them.
    other = tracer(model, stages)(trainable, other, [100 * rows.table()])
    ours = tracer(model, stages)(trainable, other, [rows.table()[:200], rows.table()[200:]])
    cost = trace_minmax(model, rows.x)
    for variable, value in zip(model.non_trainable_variables, ours, strict=True):
        np.testing.assert_array_equal(np.asarray(variable.value), value, err_msg=variable.path)
    assert stages.measure(0, ours) == {"beta": 1e-8, "ebops": cost}


def test_the_network_that_is_kept_has_traced_ranges(whole):
    from hgq.utils import trace_minmax

    model, history, front, _ = whole
    before = [np.asarray(v.value).copy() for v in model.non_trainable_variables]
    assert trace_minmax(model, sample("binary").x) == history[-1]["ebops"]
    for variable, value in zip(model.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable.value), value, err_msg=variable.path)
    assert front.chosen == 2


def test_events_that_wrap_around_are_those_that_hgq_changes(whole):
    model, rows = whole[0], sample("binary", 400)
    network = Network(model, RECIPE)
    seen = np.linspace(1, 4, len(rows.x), dtype=np.float32)[:, None] * rows.x
    layers = [layer for layer in model.layers if hasattr(layer, "iq")]
    expected = np.zeros(len(seen), bool)
    for layer, value in zip(layers, keras().Model(model.inputs, [each.input for each in layers])([seen]), strict=True):
        inner = layer.iq.quantizer
        fraction = inner.bw_mapper.bw_to_x(inner.f, value.shape)
        rounded = np.asarray(inner.stateless_quantizer.round(value, fraction, False, None))
        used = np.broadcast_to(np.asarray(inner.bw_mapper.bw_to_x(inner.bits, value.shape)) > 0, value.shape)
        expected |= ((rounded != np.asarray(layer.iq(value))) & used).any(axis=1)
    assert 0 < expected.mean() < 0.9
    np.testing.assert_array_equal(network.wraps_around(seen), expected)
    assert not network.wraps_around(sample("binary").x).any()  # of the training
    plain = keras().Sequential([keras().Input((INPUTS,)), keras().layers.Dense(1)])
    assert not Network(plain, network.recipe).can_wrap_around
    assert not Network(plain, network.recipe).wraps_around(1000 * seen).any()


def test_bits_are_no_weights(whole):
    assert weight_count(whole[0]) == INPUTS * 8 + 8 + 8 + 1
    plain = keras().Sequential([keras().Input((3,)), keras().layers.Dense(2), keras().layers.BatchNormalization()])
    assert weight_count(plain) == plain.count_params() == 3 * 2 + 2 + 4 * 2


def test_layers_of_hgq_without_weights_have_none():
    """As a user's own network may have them, beside results that are quantised."""
    import hgq

    k = keras()
    entry = k.Input((INPUTS,))
    sides = [hgq.layers.QDense(4, enable_oq=True)(entry), hgq.layers.QDense(4)(entry)]
    model = k.Model(entry, k.layers.Activation("sigmoid")(hgq.layers.QDense(1)(hgq.layers.QAdd()(sides))))
    assert weight_count(model) == 2 * (INPUTS * 4 + 4) + 4 + 1
    assert not Network(model, RECIPE).can_wrap_around  # it is not known
    assert not Network(model, RECIPE).wraps_around(sample("binary").x).any()


@pytest.mark.parametrize(
    ("costs", "chosen", "said"),
    [
        ((900, 400, 0), 2, ["costs 0 EBOPs and gives all events the same score"]),
        ((900, 400, 0), 1, []),
        ((900, 950, 20), 2, [r"step 2 is more expensive than step 1 \(950 EBOPs for 900\)"]),
        ((900, 400, 20), None, []),
    ],
)
def test_steps_that_are_not_what_was_wanted_are_said(costs, chosen, said):
    stages = [{"row": {"ebops": cost}} for cost in costs]
    front = Front(SimpleNamespace(state=SimpleNamespace(stages=stages)), chosen)
    doubts = front.doubts()
    assert len(doubts) == len(said)
    assert all(re.search(pattern, text) for pattern, text in zip(said, doubts, strict=True))


class Killed(Exception):
    pass


@pytest.mark.parametrize("epoch", [2, 3])
def test_a_resumed_training_is_the_same(whole, tmp_path, epoch):
    def kill(row, epochs):
        if row["epoch"] == epoch:
            raise Killed

    path = tmp_path / "last.npz"
    with pytest.raises(Killed):
        trained(path, on_epoch=kill)
    model, history, front = trained(path)
    for name in ("ebops", "beta", "loss", "val_loss"):
        assert [row[name] for row in history] == [row[name] for row in whole[1]]
    for one, other in zip(whole[0].get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(front.member.state.stages) == 3


def test_a_training_whose_steps_ended_after_other_epochs_is_not_resumed(tmp_path):
    """As a version of fivesigma had them that divided the epochs evenly: its steps would be counted twice."""

    def kill(row, epochs):
        if row["epoch"] == 3:
            raise Killed

    path = tmp_path / "last.npz"
    with pytest.raises(Killed):
        trained(path, on_epoch=kill)
    with np.load(path) as archive:
        arrays = dict(archive)
    scalars = json.loads(bytes(arrays["scalars"]))
    scalars["stages"][0]["row"]["epoch"] = 2
    np.savez(path, **arrays | {"scalars": np.frombuffer(json.dumps(scalars).encode(), np.uint8)})
    with pytest.raises(RunError, match=r"last.npz was written by a version of fivesigma .* differently"):
        trained(path)


def test_a_budget_chooses_the_best_within_it(whole, tmp_path):
    points = whole[2].member.state.stages
    costs = [point["row"]["ebops"] for point in points]
    losses = [point["row"]["val_loss"] for point in points]
    settings = Quantised(layers=[8], beta=SETTINGS.beta, budget={"ebops": costs[1]})
    path = tmp_path / "last.npz"
    path.write_bytes(whole[3].read_bytes())  # a finished training: only the choice is left
    model, history, front = trained(path, settings)
    assert front.chosen == min((1, 2), key=lambda i: losses[i])
    trainable, _ = front.member.state.of_stage(front.chosen)
    for variable, value in zip(model.trainable_variables, trainable, strict=True):
        np.testing.assert_array_equal(np.asarray(variable.value), value)
    assert history == whole[1]


def test_without_a_network_within_the_budget_the_steps_are_kept(whole, tmp_path):
    settings = Quantised(layers=[8], beta=SETTINGS.beta, budget={"ebops": 1})
    path = tmp_path / "last.npz"
    path.write_bytes(whole[3].read_bytes())
    fronts, model = [], build(settings)
    options = FitOptions(path, resume=True, stages=QUANTISED.stages(settings, model), on_front=fronts.append)
    with pytest.raises(OverBudget, match=r"no step of the training is within model.budget of 1 EBOPs.*beta 0.01") as caught:
        fit(model, sample("binary"), sample("binary", seed=4), TRAIN, Problem("binary"), options)
    assert "model.beta, such as" in caught.value.hint
    assert fronts[0].chosen is None
    assert len(fronts[0].member.state.stages) == 3


def test_every_step_is_saved_and_read_again(whole, tmp_path):
    model, history, front, _ = whole
    folder = RunFolder(tmp_path)
    front.save(folder)
    tree = json.loads((tmp_path / "front.json").read_text())
    assert tree["chosen"] == 3
    assert [point["ebops"] for point in tree["points"]] == [history[i]["ebops"] for i in (2, 3, 4)]
    assert all(set(point["validation"]["auc"]) == {"value", "error"} for point in tree["points"])
    networks = front_of(folder, Network(model, RECIPE))
    x = sample("binary", seed=8).x
    for number, network in networks.items():
        front.put(number - 1)
        np.testing.assert_array_equal(network.score(x), Network(model, RECIPE).score(x))
    assert not np.array_equal(networks[1].score(x), networks[3].score(x))
    (tmp_path / "front" / "step-2.keras").write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"step-2.keras is damaged"):
        front_of(folder, Network(model, RECIPE))


def test_networks_of_one_shape_share_their_programs():
    one, same, other = build(), build(seed=2), build(Quantised(layers=[9], beta=SETTINGS.beta))
    made = []

    def make():
        made.append(1)
        return len(made)

    assert [program_cache.cached_program(model, ("test of sharing",), make) for model in (one, same, other)] == [1, 1, 2]


def test_a_program_of_another_network_trains_as_its_own_would(whole, monkeypatch):
    """Seeds and strengths are no part of a program."""
    settings = Quantised(layers=[8], beta=[1e-8, 1e-3, 1e-2])
    shared = trained(settings=settings, seed=2)
    monkeypatch.setattr(program_cache, "_programs", type(program_cache._programs)())
    alone = trained(settings=settings, seed=2)
    for one, other in zip(shared[0].get_weights(), alone[0].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [row["ebops"] for row in shared[1]] == [row["ebops"] for row in alone[1]]
    assert [row["ebops"] for row in shared[1]] != [row["ebops"] for row in whole[1]]


def test_a_checkpoint_without_stages_can_be_read(tmp_path):
    """Those of older versions have none."""
    path = tmp_path / "last.npz"
    model = build()
    member = Member(model, TRAIN, path)
    member.begin()
    member.save()
    with np.load(path) as archive:
        arrays = dict(archive)
    scalars = json.loads(bytes(arrays["scalars"]).decode())
    del scalars["stages"]
    arrays["scalars"] = np.frombuffer(json.dumps(scalars).encode(), np.uint8)
    np.savez(path, **arrays)
    assert load(path, member.state).stages == []


@pytest.mark.filterwarnings("ignore")
def test_quantised_layers_are_trained_bit_widths_and_all():
    k = keras()
    layers = pytest.importorskip("hgq.layers", reason="HGQ2 is not installed")
    scope = pytest.importorskip("hgq.config").LayerConfigScope
    with scope(enable_ebops=True, beta0=1e-5):
        entry = k.Input((INPUTS,))
        hidden = layers.QDense(16, activation="relu")(entry)
        model = k.Model(entry, k.layers.Activation("sigmoid")(layers.QDense(1)(hidden)))
    widths = [np.asarray(v.value).copy() for v in model.trainable_variables if "quantizer" in v.path]
    history = fit(
        model,
        sample("binary"),
        sample("binary", seed=4),
        Train(epochs=12, batch_size=32, learning_rate=0.01),
        Problem("binary"),
    )
    assert history[-1]["val_accuracy"] > 0.8
    after = [np.asarray(v.value) for v in model.trainable_variables if "quantizer" in v.path]
    assert any(not np.array_equal(one, other) for one, other in zip(widths, after, strict=True))
    assert all("ebops" not in v.path or float(np.asarray(v.value).sum()) > 0 for v in model.non_trainable_variables)
