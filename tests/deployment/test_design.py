"""A design against its network: every task, flags and parameters, by alkaid's emulator, with anything on idle ports."""

from dataclasses import replace

import numpy as np
import pytest

from fivesigma.analysis.firmware import Firmware
from fivesigma.deployment import alkaid
from fivesigma.deployment.base import Input
from fivesigma.deployment.columns import DOUBLE
from fivesigma.deployment.design import Design, design_of
from fivesigma.deployment.ports import columns_of, numbers_of
from fivesigma.deployment.proof import features_of, fixed_parameters, outputs_of
from fivesigma.errors import AnalysisError, ExpressionError, RunError
from fivesigma.expressions import Expression
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.training.network import Network

from .conftest import FIRMWARE, FORMULAS, columns_at_ports, firmware_of, quantised, recipe_of

pytest.importorskip("alkaid")
pytest.importorskip("hgq")


def compared(what, design, count=1000):
    """The outputs of the design and of the network, from the same ports with random numbers where hits are missing."""
    numbers = numbers_of(design.ports, columns_at_ports(count), design.markers, seed=3)
    features = features_of(what, columns_of(design.ports, numbers))
    network = what.networks[0]
    return alkaid.run(design.logic, numbers), outputs_of(network, features, fixed_parameters(what, count)), features


@pytest.mark.parametrize(("task", "link", "outputs"), [("binary", "sigmoid", 1), ("multiclass", "softmax", 3)])
def test_classifiers_give_what_the_network_gives_before_its_link(task, link, outputs, tmp_path):
    network = Network(quantised(5, outputs, link), recipe_of(1))
    what = firmware_of(network, task, fixed={"mass": 1000.0})
    design = design_of(what)
    found, wanted, features = compared(what, design)
    np.testing.assert_array_equal(found, wanted)
    assert np.ptp(wanted) > 0.5
    scores = network.score(features, fixed_parameters(what, len(features)))
    np.testing.assert_array_equal(design.scores(found), scores)
    assert design.link == link
    names = ["score"] if outputs == 1 else ["low", "middle", "high"]
    assert [output.name for output in design.outputs] == names
    assert design.outputs[-1].signal == ("out" if outputs == 1 else "out_2_high")
    for i, output in enumerate(design.outputs):  # every number fits the bits that are announced
        raw = found[:, i] * 2.0**output.fractional
        assert (raw == np.rint(raw)).all()
        assert -(2 ** (output.bits - 1)) <= raw.min() <= raw.max() < 2 ** (output.bits - output.signed)
    design.save(tmp_path / "design")
    again = Design.load(tmp_path / "design")
    assert replace(again, logic=None) == replace(design, logic=None)
    numbers = numbers_of(again.ports, columns_at_ports(9), again.markers)
    np.testing.assert_array_equal(alkaid.run(again.logic, numbers), alkaid.run(design.logic, numbers))


def test_what_is_on_the_port_of_a_missing_hit_does_not_matter(small):
    what = firmware_of(small)
    design = design_of(what)
    results = [
        alkaid.run(design.logic, numbers_of(design.ports, columns_at_ports(400), design.markers, seed=seed))
        for seed in (None, 1, 2)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
    found, wanted, _ = compared(what, design)
    np.testing.assert_array_equal(found, wanted)


def test_bits_behind_the_point_of_a_port(small):
    ports = {**FIRMWARE.ports, "phi_a": "8f2", "bend_a": "s7f2"}
    what = firmware_of(small, firmware=FIRMWARE.model_copy(update={"ports": ports}))
    design = design_of(what)
    columns = columns_at_ports(1000)
    columns["phi_a"] += 0.25
    numbers = numbers_of(design.ports, columns, design.markers, seed=3)
    wanted = outputs_of(small, features_of(what, columns_of(design.ports, numbers)), np.zeros((1000, 0), np.float32))
    np.testing.assert_array_equal(alkaid.run(design.logic, numbers), wanted)


def test_the_same_network_gives_the_same_bytes(small, tmp_path):
    for name in ("one", "two"):
        design_of(firmware_of(small)).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def recipe(**changes):
    return replace(recipe_of(), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": (16.0, 4.0, 0.3)}, "cannot divide 'hits' by 0.3"),
        ({"shift": (2.0, -1.0, 0.1)}, "cannot subtract 0.1 from 'hits'"),
        ({"shift": (1000.1, -1.0, 0.0)}, "cannot subtract 1000.1 from 'dphi'"),
        ({"fill": (0.1, 0.0, 0.0)}, "cannot put -0.11.* in the place of a missing 'dphi'"),
        ({"logarithm": (1,)}, "cannot take the logarithm of 'bend'"),
    ],
)
def test_a_recipe_that_hardware_cannot_do_is_refused_by_feature(small, changes, message):
    network = Network(small.model, recipe(**changes))
    with pytest.raises(RunError, match=message) as caught:
        design_of(firmware_of(network))
    assert "train again" in caught.value.hint


def test_what_firmware_cannot_hold_is_refused(small):
    plain = Network(mlp(Mlp(layers=[3]), Inputs(4, seed=1)), recipe_of())
    with pytest.raises(RunError, match=r"'hidden_1' \(Dense\) of the network is not quantised"):
        design_of(firmware_of(plain))
    with pytest.raises(RunError, match="holds one network, and this run has 2, one for each fold"):
        design_of(firmware_of(small, networks=(small, small)))
    with pytest.raises(RunError, match="no port for the parameter 'mass'") as caught:
        design_of(firmware_of(Network(quantised(5), recipe_of(1))))
    assert caught.value.hint == "fix it: --at mass=…"
    with pytest.raises(RunError, match=r"cannot hold mass = 750\.1"):
        design_of(firmware_of(Network(quantised(5), recipe_of(1)), fixed={"mass": 750.1}))
    with pytest.raises(AnalysisError, match="the column 'zone', from which a feature is computed, has no port"):
        design_of(firmware_of(small, firmware=Firmware(ports={"phi_*": 6, "bend_*": "s5", "mask_*": 1})))
    formulas = {**{k: Expression(v) for k, v in FORMULAS.items()}, "dphi": Expression("sqrt(phi_a)")}
    with pytest.raises(ExpressionError, match=r"a new variable .* cannot be firmware: firmware cannot compute sqrt\(\)"):
        design_of(firmware_of(small, formulas=formulas))
    wide = FIRMWARE.model_copy(update={"ports": {**FIRMWARE.ports, "phi_*": 20}})
    formulas["dphi"] = Expression("phi_a * phi_b")
    with pytest.raises(RunError, match="the feature 'dphi' has 40 bits"):
        design_of(firmware_of(small, formulas=formulas, firmware=wide))


def test_a_column_that_nothing_needs_has_a_port_that_is_not_used(small):
    inputs = (*firmware_of(small).inputs, Input("bend_b", DOUBLE))
    design = design_of(firmware_of(small, inputs=inputs))
    assert sum(design.logic.inp_qint[-1].kif) == 0
