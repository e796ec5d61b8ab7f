"""The multilayer perceptron of both reference analyses."""

from typing import Any

from fivesigma.analysis import Model
from fivesigma.models.backend import keras


def mlp(settings: Model, inputs: int, outputs: int, link: str, seed: int = 0) -> Any:
    """An unfitted multilayer perceptron.

    Args:
        settings: the `model` section: layers, activation, dropout, normalisation.
        inputs: number of network inputs.
        outputs: 1 for two classes or a regression, else the number of classes.
        link: activation of the output: `sigmoid`, `softmax` or `linear`. It is a layer of its
            own, so that training can work on the logits.
        seed: of the initial weights and of dropout.

    Returns:
        A `keras.Model`, [event, input] → [event, output].
    """
    k = keras()
    k.utils.set_random_seed(seed)
    dropout = settings.dropout if isinstance(settings.dropout, list) else [settings.dropout] * len(settings.layers)
    penalty = k.regularizers.L2(settings.l2) if settings.l2 else None
    x = entry = k.Input((inputs,), name="inputs")
    for i, (units, rate) in enumerate(zip(settings.layers, dropout, strict=True)):
        x = k.layers.Dense(
            units, kernel_initializer=_initializer(settings.activation, seed + i), kernel_regularizer=penalty,
            name=f"hidden_{i + 1}",
        )(x)  # fmt: skip
        if settings.batch_norm:
            x = k.layers.BatchNormalization(name=f"norm_{i + 1}")(x)
        x = k.layers.Activation(settings.activation, name=f"{settings.activation}_{i + 1}")(x)
        if rate:
            x = k.layers.Dropout(rate, seed=seed + i, name=f"dropout_{i + 1}")(x)
    x = k.layers.Dense(outputs, kernel_initializer=k.initializers.GlorotUniform(seed=seed + 1000), name="output")(x)
    if link != "linear":
        x = k.layers.Activation(link, name=link)(x)
    return k.Model(entry, x, name="mlp")


def _initializer(activation: str, seed: int) -> Any:
    """Glorot as Keras does by default; LeCun for SELU, which needs it (Klambauer et al., arXiv:1706.02515)."""
    initializers = keras().initializers
    return initializers.LecunNormal(seed=seed) if activation == "selu" else initializers.GlorotUniform(seed=seed)
