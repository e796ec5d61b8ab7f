"""The format hls: a project of hls4ml whose compiled emulation gives every bit of the network."""

import json
import shutil

import numpy as np
import pytest

from fivesigma.deployment.base import FEATURES, PARAMETERS, Deliverable, Input
from fivesigma.deployment.check import Disagreement
from fivesigma.deployment.columns import SINGLE
from fivesigma.deployment.events import CheckEvents
from fivesigma.deployment.hls import HLS, Hls, _Emulation, _without_chance
from fivesigma.deployment.hls_readme import readme
from fivesigma.errors import RunError
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.progress import Listener
from fivesigma.training.network import Network

from .conftest import quantised, recipe_of

pytest.importorskip("hls4ml")
pytest.importorskip("hgq")
pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="no C++ compiler: the project cannot be compiled"
)
SETTINGS = Hls(module="muons", licence="CC0")


@pytest.fixture(scope="module")
def what():
    """Three classes, with a parameter and a flag."""
    network = Network(quantised(5, 3, "softmax", bits=3), recipe_of(1))
    inputs = (Input(FEATURES, SINGLE, 4), Input(PARAMETERS, SINGLE, 1))
    metadata = {"analysis": "small", "fivesigma": "1"}
    return Deliverable(
        "multiclass", (network,), inputs, None, network.recipe.features, (), {}, metadata, None, ("a", "b", "c")
    )


@pytest.fixture(scope="module")
def arrays():
    generator = np.random.default_rng(1)
    features = generator.normal(0, 20, (2000, 4)).astype(np.float32)
    features[::7, 0] = features[::5, 3] = np.nan
    return {FEATURES: features, PARAMETERS: generator.choice([500, 1000], (2000, 1)).astype(np.float32)}


@pytest.fixture(scope="module")
def path(what, tmp_path_factory):
    path = tmp_path_factory.mktemp("hls") / "emulator.json.gz"
    HLS.write(SETTINGS, what, path)
    return path


def test_the_readme_has_the_type_of_the_input_also_if_another_value_has_the_same(what):
    defines = "typedef ap_fixed<11,5> inputs_t;\ntypedef ap_fixed<11,5> hidden_t;\ntypedef ap_fixed<9,4> result_t;"
    files = {"firmware/defines.h": defines, "firmware/muons.cpp": "void muons(\n    inputs_t inputs[8],\n"}
    text = readme(SETTINGS, what, {"files": files, "hls4ml": "1", "link": None}, {})
    assert "as `ap_fixed<11,5>`" in text


def given_of(arrays, make_events):
    events = make_events(arrays[FEATURES], np.zeros(2000), parameters=arrays[PARAMETERS], classes=("a", "b", "c"))
    return CheckEvents("test", events, {})


def test_the_emulation_gives_every_bit_and_the_readme_says_what_goes_in(what, arrays, path, make_events):
    found = HLS.load(path)(arrays)
    wanted = what.networks[0].score(arrays[FEATURES], arrays[PARAMETERS])
    np.testing.assert_array_equal(found, wanted)
    assert np.ptp(wanted, axis=0).min() > 0.1
    check = HLS.prove(SETTINGS, what, path, given_of(arrays, make_events), Listener())
    assert check["proof"]["hls"]["mismatches"] == 0
    json.dumps(check)
    texts = HLS.companions(SETTINGS, what, path, path, check)
    text = texts[path.parent / "README.md"]
    assert "differs from the quantised network in 0 of 2,000 events; every bit counts." in text
    assert "| 1 | `bend` | (bend − -1) / 4 | 0.5 |" in text
    assert "one for each class (a, b, c)" in text
    assert "@" not in text
    assert {"build_prj.tcl", "firmware/muons.cpp", "firmware/defines.h"} <= {
        name.relative_to(path.parent).as_posix() for name in texts
    }


def test_an_emulation_that_differs_is_refused(what, arrays, path, make_events, monkeypatch):
    real = _Emulation.run
    monkeypatch.setattr(_Emulation, "run", lambda self, x: real(self, x) + (np.arange(len(x)) == 5)[:, None] * 2**-10)
    with pytest.raises(Disagreement, match=r"in 1 of 2,000 events; nothing was written"):
        HLS.prove(SETTINGS, what, path, given_of(arrays, make_events), Listener())


def test_the_same_network_gives_the_same_bytes(what, path, tmp_path):
    HLS.write(SETTINGS, what, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_stamp_that_looks_like_a_number_is_no_difference():
    texts = ["LIB_STAMP=12345678\nStamp: '12345678'\n", "LIB_STAMP=6abcdef0\nStamp: 6abcdef0\n"]
    assert len({_without_chance(text, text[10:18]) for text in texts}) == 1


def test_a_network_that_is_not_quantised_is_refused_by_its_layer(what, tmp_path):
    network = Network(mlp(Mlp(layers=[3]), Inputs(5, outputs=3, link="softmax", seed=1)), recipe_of(1))
    other = Deliverable("multiclass", (network,), what.inputs, None, what.features, (), {}, {})
    with pytest.raises(RunError, match=r"the layer 'hidden_1' \(Dense\) of the network is not quantised") as caught:
        HLS.write(SETTINGS, other, tmp_path / "x")
    assert "kind: quantised" in caught.value.hint
