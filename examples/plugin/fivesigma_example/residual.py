"""A network of dense layers with skip connections."""

from typing import Any, Literal

from pydantic import Field

from fivesigma.analysis.section import Section
from fivesigma.models.backend import keras
from fivesigma.models.base import Inputs, ModelKind


class Residual(Section):
    """Dense layers in pairs; what goes into a pair is added to what comes out (He et al., arXiv:1512.03385)."""

    kind: Literal["residual"] = "residual"
    units: int = Field(64, gt=0, description="of every hidden layer")
    blocks: int = Field(2, ge=0, description="pairs of layers")
    activation: Literal["relu", "gelu", "silu", "tanh"] = "relu"


def residual(settings: Residual, inputs: Inputs) -> Any:
    """An unfitted network; physics parameters are inputs like any other."""
    k = keras()
    k.utils.set_random_seed(inputs.seed)
    entry = k.Input((int(inputs),))
    x = k.layers.Dense(settings.units)(entry)
    for _ in range(settings.blocks):
        change = k.layers.Dense(settings.units, activation=settings.activation)(x)
        x = k.layers.Add()([x, k.layers.Dense(settings.units)(change)])
    x = k.layers.Dense(inputs.outputs)(k.layers.Activation(settings.activation)(x))
    return k.Model(entry, x if inputs.link == "linear" else k.layers.Activation(inputs.link)(x))


def label(settings: Residual) -> str:
    """The network in a few words."""
    return f"residual {settings.blocks} × {settings.units}"


RESIDUAL = ModelKind("residual", Residual, residual, label, widest=lambda settings: settings.units)
