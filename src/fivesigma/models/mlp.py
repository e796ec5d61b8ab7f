"""The multilayer perceptron of both reference analyses."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Fraction, Section
from fivesigma.models.backend import keras
from fivesigma.models.base import Inputs, ModelKind


class Mlp(Section):
    """The network: a multilayer perceptron."""

    kind: Literal["mlp"] = "mlp"
    layers: list[Annotated[int, Field(gt=0)]] = Field([112, 112, 112], description="units of each hidden layer")
    activation: Literal["relu", "tanh", "gelu", "selu", "elu", "silu", "leaky_relu", "sigmoid"] = Field(
        "relu", description="function after each hidden layer"
    )
    dropout: Fraction | list[Fraction] = Field(0.0, description="after every hidden layer, or one value per layer")
    batch_norm: bool = Field(False, description="normalise the outputs of each hidden layer over the batch")
    l2: float = Field(0.0, ge=0, description="penalty on the squares of the weights")
    parameters: Literal["input", "affine", "both"] = Field(
        "input",
        description="how the network gets the physics parameters: as inputs beside the features; by an affine "
        "transformation of every hidden layer's output, linear in them; or both",
    )

    @model_validator(mode="after")
    def _one_dropout_per_layer(self) -> Self:
        if isinstance(self.dropout, list) and len(self.dropout) != len(self.layers):
            raise ValueError(f"{len(self.dropout)} dropout values for {len(self.layers)} layers")
        return self

    @model_validator(mode="after")
    def _affine_needs_layers(self) -> Self:
        if self.parameters == "affine" and not self.layers:
            raise ValueError(
                "`parameters: affine` acts on hidden layers, and there are none: the network would not see the parameters"
            )
        return self


def mlp(settings: Mlp, inputs: Inputs) -> Any:
    """Build an untrained multilayer perceptron, parameterised if there are parameters.

    With `settings.parameters` `input` the parameters m are inputs like any other (Baldi et al., arXiv:1601.07913).
    With `affine` every hidden layer's output h becomes h·s(m) + b(m), s and b linear in m, and the first layer does
    not see m (Anzalone, Diotalevi, Bonacorsi, arXiv:2202.00424); `both` does both.

    Args:
        settings: layers, activation, dropout, normalisation.
        inputs: number of inputs, and what the network must fit. The output's activation is a layer of its
            own, so that training can work on the logits.

    Returns:
        A `keras.Model`, [event, input] → [event, output].

    >>> model = mlp(Mlp(layers=[8], parameters="affine"), Inputs(4, link="sigmoid", parameters=1))
    >>> model.input_shape, model.count_params() == (3 * 8 + 8) + 2 * (8 + 8) + (8 + 1)
    ((None, 4), True)
    """
    k = keras()
    parameters, seed = inputs.parameters, inputs.seed
    k.utils.set_random_seed(seed)
    dropout = settings.dropout if isinstance(settings.dropout, list) else [settings.dropout] * len(settings.layers)
    penalty = k.regularizers.L2(settings.l2) if settings.l2 else None
    x = entry = k.Input((int(inputs),), name="inputs")
    affine = parameters > 0 and settings.parameters != "input"
    if affine:
        values = entry[:, inputs - parameters :]
        x = entry[:, : inputs - parameters] if settings.parameters == "affine" else entry
    for i, (units, rate) in enumerate(zip(settings.layers, dropout, strict=True)):
        x = k.layers.Dense(
            units,
            kernel_initializer=_initializer(settings.activation, seed + i),
            kernel_regularizer=penalty,
            name=f"hidden_{i + 1}",
        )(x)
        if settings.batch_norm:
            x = k.layers.BatchNormalization(name=f"norm_{i + 1}")(x)
        x = k.layers.Activation(settings.activation, name=f"{settings.activation}_{i + 1}")(x)
        if affine:
            x = _affine(x, values, units, i + 1, seed + 2000 + i)
        if rate:
            x = k.layers.Dropout(rate, seed=seed + i, name=f"dropout_{i + 1}")(x)
    x = k.layers.Dense(inputs.outputs, kernel_initializer=k.initializers.GlorotUniform(seed=seed + 1000), name="output")(x)
    if inputs.link != "linear":
        x = k.layers.Activation(inputs.link, name=inputs.link)(x)
    return k.Model(entry, x, name="mlp")


def _affine(x: Any, values: Any, units: int, number: int, seed: int) -> Any:
    """x·s(m) + b(m), s and b linear in the parameters; initialised near one and zero."""
    k = keras()
    scale, shift = (
        k.layers.Dense(
            units,
            kernel_initializer=k.initializers.RandomNormal(stddev=0.05, seed=seed + offset),
            bias_initializer=start,
            name=f"{name}_{number}",
        )(values)
        for name, start, offset in (("scale", "ones", 0), ("shift", "zeros", 100))
    )
    return x * scale + shift


def _initializer(activation: str, seed: int) -> Any:
    """Glorot, the default of Keras; LeCun for SELU, which needs it (Klambauer et al., arXiv:1706.02515)."""
    initializers = keras().initializers
    return initializers.LecunNormal(seed=seed) if activation == "selu" else initializers.GlorotUniform(seed=seed)


def _label(settings: Mlp) -> str:
    return "mlp " + "-".join(map(str, settings.layers))


def _widest(settings: Mlp) -> int:
    return max(settings.layers, default=1)


MLP = ModelKind("mlp", Mlp, mlp, _label, _widest)
