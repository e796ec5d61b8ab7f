"""How a batch is shared between cores: measured once, remembered, kept by a resume; the same choice gives the same bits."""

import itertools
import json

import numpy as np
import pytest

from fivesigma.analysis.train import Train
from fivesigma.cache import cache_folder
from fivesigma.cluster.devices import Layout, Team, candidates
from fivesigma.errors import ClusterError
from fivesigma.models.backend import keras
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.training import layout as layouts
from fivesigma.training.fit import FitOptions, fit
from fivesigma.training.problem import Problem
from fivesigma.training.windows import Arrays

BATCH = 256


@pytest.fixture
def several():
    """Skip where there is one device: on one core, or where another test has started JAX with one."""
    keras()
    if len(candidates(BATCH)) < 2:
        pytest.skip("one device leaves nothing to choose")


@pytest.fixture(autouse=True)
def nothing_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("FIVESIGMA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FIVESIGMA_DEVICES", raising=False)


def network():
    return mlp(Mlp(layers=[8]), Inputs(3, outputs=1, link="sigmoid", seed=1))


def data(events=1500):
    x = np.random.default_rng(1).normal(0, 1, (events, 3)).astype(np.float32)
    return Arrays(x, (x[:, 0] > 0).astype(np.float32), np.ones(events), np.ones(events))


def trained(epochs=2, **options):
    model, heard = network(), []
    options = FitOptions(on_layout=lambda layout, rates: heard.append((str(layout), rates)), **options)
    fit(model, data(), None, Train(epochs=epochs, batch_size=BATCH), Problem("binary"), options)
    return model.get_weights(), heard[0]


@pytest.mark.usefixtures("several")
def test_the_fastest_is_measured_once_and_remembered(monkeypatch):
    rates = {"1x1": 3.0, "1xall": 9.0, "2x1": 1.0}
    turns = itertools.count()

    def timed(layout):
        # The first call compiles; a turn on a busy machine is slow.
        return lambda: rates.get(str(layout), 0.5) / (1 + 9 * (next(turns) % 2))

    found, told = layouts.measured(BATCH, network(), timed)
    assert str(found) == "1xall"
    assert set(told) == {str(each) for each in candidates(BATCH)}
    assert str(layouts.settled(BATCH, 10, network())) == "1xall"
    assert str(layouts.settled(BATCH, 10**9, network())) == "1xall"
    assert layouts.settled(2 * BATCH, 10**9, network()) is None  # another batch is another question
    assert layouts.settled(2 * BATCH, 10, network()) == Team(2 * BATCH).layout  # too short to pay
    (file,) = cache_folder().glob("layouts-*.json")
    (row,) = json.loads(file.read_text()).values()
    assert row["layout"] == "1xall"
    file.write_text("{")
    assert layouts.settled(BATCH, 10**9, network()) is None  # a damaged memory is none


@pytest.mark.usefixtures("several")
def test_a_trial_changes_nothing_but_the_choice(monkeypatch):
    monkeypatch.setattr(layouts, "WORTH_IT", 0)
    quiet = []
    first, (choice, rates) = trained(before_trial=lambda: quiet.append(layouts._all()))
    assert quiet == [{}]  # asked once, before anything was measured
    assert set(rates) == {str(each) for each in candidates(BATCH)}
    assert all(rate > 0 for rate in rates.values())
    again, (same, none) = trained(before_trial=lambda: quiet.append("no trial"))
    assert len(quiet) == 1
    assert (same, none) == (choice, {})
    monkeypatch.setenv("FIVESIGMA_DEVICES", choice)
    by_hand, _ = trained()
    for one, two, three in zip(first, again, by_hand, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


@pytest.mark.usefixtures("several")
def test_a_resumed_training_keeps_its_layout(tmp_path, monkeypatch):
    monkeypatch.setenv("FIVESIGMA_DEVICES", "2x1")
    path = tmp_path / "state.npz"
    trained(checkpoint_path=path, stop_after_epoch=1)
    monkeypatch.setenv("FIVESIGMA_DEVICES", "1x1")
    resumed, (kept, _) = trained(checkpoint_path=path, resume=True)
    assert kept == "2x1"
    monkeypatch.setenv("FIVESIGMA_DEVICES", "2x1")
    whole, _ = trained()
    for one, other in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("text", ["0x1", "two", "2x3", "x1", ""])
def test_what_is_no_layout_is_one_sentence(text):
    with pytest.raises(ClusterError, match="cannot read"):
        Layout.parse(text)


@pytest.mark.usefixtures("several")
def test_the_user_decides(monkeypatch):
    monkeypatch.setenv("FIVESIGMA_DEVICES", "1xall")
    team = Team(4096, layout=layouts.settled(4096, 10**9, network()))
    assert (team.size, team.compiler_options) == (1, {})
    assert str(team.layout) == "1xall"
    assert Team(4096, layout=Layout(1)).compiler_options == {"xla_cpu_multi_thread_eigen": False}
