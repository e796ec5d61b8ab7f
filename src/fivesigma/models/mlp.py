"""The multilayer perceptron of both reference analyses."""

from typing import Any

from fivesigma.analysis.model import Model
from fivesigma.models.backend import keras


def mlp(settings: Model, inputs: int, outputs: int, link: str, seed: int = 0, parameters: int = 0) -> Any:
    """An unfitted multilayer perceptron, parameterised where there are parameters.

    With `settings.parameters` `input` the parameters m are inputs like any other (Baldi et al., arXiv:1601.07913).
    With `affine` every hidden layer's output h becomes h·s(m) + b(m), s and b linear in m, and the first layer does
    not see m (Anzalone, Diotalevi, Bonacorsi, arXiv:2202.00424); `both` does both.

    Args:
        settings: the `model` section: layers, activation, dropout, normalisation.
        inputs: number of network inputs, parameters included.
        outputs: 1 for two classes or a regression, else the number of classes.
        link: activation of the output: `sigmoid`, `softmax` or `linear`. It is a layer of its
            own, so that training can work on the logits.
        seed: of the initial weights and of dropout.
        parameters: how many of the inputs, the last ones, are physics parameters.

    Returns:
        A `keras.Model`, [event, input] → [event, output].

    >>> model = mlp(Model(layers=[8], parameters="affine"), inputs=4, outputs=1, link="sigmoid", parameters=1)
    >>> model.input_shape, model.count_params() == (3 * 8 + 8) + 2 * (8 + 8) + (8 + 1)
    ((None, 4), True)
    """
    k = keras()
    k.utils.set_random_seed(seed)
    dropout = settings.dropout if isinstance(settings.dropout, list) else [settings.dropout] * len(settings.layers)
    penalty = k.regularizers.L2(settings.l2) if settings.l2 else None
    x = entry = k.Input((inputs,), name="inputs")
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
    x = k.layers.Dense(outputs, kernel_initializer=k.initializers.GlorotUniform(seed=seed + 1000), name="output")(x)
    if link != "linear":
        x = k.layers.Activation(link, name=link)(x)
    return k.Model(entry, x, name="mlp")


def _affine(x: Any, values: Any, units: int, number: int, seed: int) -> Any:
    """x·s(m) + b(m), s and b linear in the parameters; both begin as small changes of one and zero."""
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
    """Glorot as Keras does by default; LeCun for SELU, which needs it (Klambauer et al., arXiv:1706.02515)."""
    initializers = keras().initializers
    return initializers.LecunNormal(seed=seed) if activation == "selu" else initializers.GlorotUniform(seed=seed)
