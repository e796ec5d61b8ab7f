"""A small quantised network that was never trained, with a recipe as firmware wants it, and events for its ports."""

import numpy as np
import pytest

from fivesigma.analysis.firmware import Firmware
from fivesigma.deployment.base import Deliverable, Input
from fivesigma.deployment.columns import DOUBLE
from fivesigma.expressions import Expression
from fivesigma.models.backend import keras
from fivesigma.preparation.recipe import Recipe
from fivesigma.training.network import Network

FIRMWARE = Firmware(
    ports={"phi_*": 6, "bend_*": "s5", "mask_*": 1, "zone": 2},
    missing={"*_a": "mask_a", "phi_b": "mask_b"},
    clock_mhz=200,
    latency_cutoff=4,
)
FORMULAS = {
    "dphi": "phi_a - phi_b",
    "bend": "where(ismissing(bend_a), zone - 1, bend_a)",
    "hits": "2 - mask_a - mask_b",
}


def recipe_of(parameters=0):
    """Powers of two, a feature that is not used, and a flag."""
    return Recipe(
        features=("dphi", "bend", "zone", "hits"),
        kept=(0, 1, 3),
        logarithm=(),
        flagged=(0,),
        fill=(0.0, 1.0, 0.0),
        shift=(2.0, -1.0, 1.0),
        scale=(16.0, 4.0, 0.5),
        parameters=("mass",)[:parameters],
        parameter_shift=(750.0,)[:parameters],
        parameter_scale=(250.0,)[:parameters],
        missing=(0.2, 0.0, 0.0, 0.0),
    )


def quantised(inputs, outputs=1, link="linear", bits=4, seed=1):
    """A network with quantised layers, whose ranges saturate, so that no data need be traced."""
    pytest.importorskip("hgq")
    from hgq.config import QuantizerConfig
    from hgq.layers import QDense

    def layer(units, name, signed, activation=None):
        return QDense(
            units,
            activation=activation,
            name=name,
            kernel_initializer=keras().initializers.GlorotUniform(seed=seed),
            bias_initializer=keras().initializers.RandomNormal(stddev=0.3, seed=seed),
            iq_conf=QuantizerConfig("kif", "datalane", k0=signed, i0=2, f0=bits, overflow_mode="SAT", heterogeneous_axis=()),
        )

    entry = keras().Input((inputs,))
    x = layer(5, "hidden_1", True, "relu")(entry)
    x = layer(4, "hidden_2", False, "relu")(x)
    x = layer(outputs, "output", False)(x)
    if link != "linear":
        x = keras().layers.Activation(link, name=link)(x)
    return keras().Model(entry, x)


def firmware_of(network, task="regression", fixed=None, **changes):
    """What is exported of such a network."""
    names = ["phi_a", "phi_b", "bend_a", "mask_a", "mask_b", "zone"]
    given = {
        "task": task,
        "networks": (network,),
        "inputs": tuple(Input(name, DOUBLE) for name in names),
        "formulas": {name: Expression(text) for name, text in FORMULAS.items()},
        "features": network.recipe.features,
        "missing_values": (-99.0,),
        "fixed": fixed or {},
        "metadata": {"analysis": "small", "description": "A small one.", "fivesigma": "1"},
        "firmware": FIRMWARE,
        "classes": ("low", "middle", "high") if task == "multiclass" else (),
    }
    return Deliverable(**{**given, **changes})


def columns_at_ports(count=500, seed=1):
    """Columns as in a file: NaN or −99 exactly where the mask is 1."""
    generator = np.random.default_rng(seed)
    columns = {f"mask_{name}": (generator.random(count) < 0.25).astype(float) for name in "ab"}
    for name in "ab":
        columns[f"phi_{name}"] = generator.integers(0, 64, count).astype(float)
        columns[f"phi_{name}"][columns[f"mask_{name}"] == 1] = np.nan
    columns["bend_a"] = generator.integers(-16, 16, count).astype(float)
    columns["bend_a"][columns["mask_a"] == 1] = -99
    columns["zone"] = generator.integers(0, 4, count).astype(float)
    return columns


@pytest.fixture(scope="session")
def small():
    """A quantised regression with the scale of a target."""
    return Network(quantised(4), recipe_of(), 10.0, -0.5)
