"""A Keras network as a few plain operations on columns, the same for every format."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.deployment.quantised import SAME
from fivesigma.errors import RunError
from fivesigma.models.backend import keras
from fivesigma.models.fixed_point import quantiser

ACTIVATIONS = (
    *("relu", "tanh", "sigmoid", "softmax", "gelu", "selu", "elu", "silu", "leaky_relu"),
    *("softplus", "softsign", "exponential", "hard_sigmoid", "mish"),
)
"""Functions of one value that a step `activation` may apply; `softmax` is one of all values of an event."""

_MERGES = {
    "Add": "add",
    "Subtract": "subtract",
    "Multiply": "multiply",
    "Average": "average",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Concatenate": "concatenate",
}


@dataclass(frozen=True)
class Step:
    """An operation of a network on values [event, value].

    Attributes:
        operation: `dense` (kernel, bias), `affine` (scale, shift), `columns` (index), `norm` (scale, shift; `number` is
            what is added to the variance), `activation` (`name`; `number` is its slope), `quantise` (the arrays of
            `quantised.py`; `number` is what is added before the rest is cut off), or `add`, `subtract`, `multiply`,
            `average`, `maximum`, `minimum` or `concatenate` of two inputs or more.
        inputs: which values it takes: 0 is the network's input, i the result of step i.
        width: values per event of its result.
        arrays: weights by name, in single precision.
        name: of an activation.
        number: of an activation or norm.
    """

    operation: str
    inputs: tuple[int, ...]
    width: int
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    name: str = ""
    number: float = 0.0


def steps_of(model: Any) -> list[Step]:
    """Take a Keras model apart; the last step gives its outputs.

    Args:
        model: [event, input] → [event, output].

    Raises:
        RunError: naming the first layer that no format knows.
    """
    network = keras().Model(model.inputs, model.outputs)
    translation = _Translation([])
    last = translation.add_model(network, 0)
    if last != len(translation.steps) or not translation.steps:  # the output must come last
        translation.add("columns", (last,), int(network.output_shape[-1]), index=np.arange(network.output_shape[-1]))
    return translation.steps


@dataclass
class _Translation:
    """The steps so far."""

    steps: list[Step]

    def add(self, operation: str, inputs: tuple[int, ...], width: int, **arrays: NDArray[Any]) -> int:
        self.steps.append(Step(operation, inputs, width, arrays))
        return len(self.steps)

    def activate(self, value: int, width: int, name: str, number: float = 0.0) -> int:
        if name == "linear":
            return value
        self.steps.append(Step("activation", (value,), width, name=name, number=number))
        return len(self.steps)

    def add_model(self, model: Any, entry: int) -> int:
        """Add every layer of a model in the order in which values are ready; gives the number of its output."""
        found = {id(model.inputs[0]): entry}
        for node in _nodes(model):
            operation = node.operation
            if type(operation).__name__ != "InputLayer":
                found[id(node.output_tensors[0])] = self._add_node(operation, node, found)
        return found[id(model.outputs[0])]

    def _add_node(self, layer: Any, node: Any, found: dict[int, int]) -> int:
        kind = type(layer).__name__
        inputs = [found[id(tensor)] for tensor in node.input_tensors]
        width = int(node.output_tensors[0].shape[-1])
        if len(node.output_tensors[0].shape) != 2:
            raise _unknown(layer, "its result has more than one axis")
        if kind in _MERGES and (len(inputs) > 1 or not _constants(node)):
            return self.add(_MERGES[kind], tuple(inputs), width)
        if len(inputs) != 1:
            raise _unknown(layer)
        if kind in ("Functional", "Sequential", "Model"):
            return self.add_model(layer if kind != "Sequential" else keras().Model(layer.inputs, layer.outputs), inputs[0])
        if kind in SAME:
            return inputs[0]
        translate = _LAYERS.get(kind)
        if translate is None:
            raise _unknown(layer)
        return translate(self, layer, inputs[0], width, node)


def _nodes(model: Any) -> Iterator[Any]:
    """The calls of a model's layers, each after those whose results it takes."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


def _unknown(layer: Any, why: str = "") -> RunError:
    kind, name = type(layer).__name__, getattr(layer, "name", "")
    known = ", ".join(sorted({*_LAYERS, *_MERGES, *SAME} - {"GetItem", "Negative"}))
    return RunError(
        f"the layer {name!r} ({kind}) of the network cannot be exported{': ' + why if why else ''}",
        hint=f"layers that can be: {known}",
    )


def _array(value: Any) -> NDArray[np.float32]:
    return np.asarray(value, np.float32)


def _dense(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    bias = _array(layer.bias) if layer.use_bias else np.zeros(width, np.float32)
    value = to.add("dense", (value,), width, kernel=_array(layer.kernel), bias=bias)
    return _activation(to, layer, value, width, node)


def _quantised_dense(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    """Quantise the inputs, multiply by the quantised weights, activate, and quantise the result if the layer does."""
    if layer.enable_iq:
        value = _quantise(to, layer, layer.iq, value, int(node.input_tensors[0].shape[-1]))
    bias = np.zeros(width, np.float32) if layer.bias is None else _array(layer.qbias)
    value = to.add("dense", (value,), width, kernel=_array(layer.qkernel), bias=bias)
    value = _activation(to, layer, value, width, node)
    return _quantise(to, layer, layer.oq, value, width) if layer.enable_oq else value


def _quantise(to: _Translation, layer: Any, of: Any, value: int, width: int) -> int:
    try:
        arrays, half = quantiser(of, width)
    except ValueError as error:
        raise _unknown(layer, str(error)) from None
    to.steps.append(Step("quantise", (value,), width, dict(arrays), number=half))
    return len(to.steps)


def _batch_norm(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    """x·γ/√(σ² + ε) + (β − μ·γ/√(σ² + ε)), with means and variances of the training."""
    scale = 1 / np.sqrt(np.asarray(layer.moving_variance, np.float64) + layer.epsilon)
    if layer.gamma is not None:
        scale = scale * np.asarray(layer.gamma, np.float64)
    shift = -np.asarray(layer.moving_mean, np.float64) * scale
    if layer.beta is not None:
        shift = shift + np.asarray(layer.beta, np.float64)
    return to.add("affine", (value,), width, scale=_array(scale), shift=_array(shift))


def _layer_norm(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    if list(np.atleast_1d(layer.axis)) not in ([-1], [1]) or getattr(layer, "rms_scaling", False):
        raise _unknown(layer, "only the usual normalisation over all values of an event")
    scale = _array(layer.gamma) if layer.gamma is not None else np.ones(width, np.float32)
    shift = _array(layer.beta) if layer.beta is not None else np.zeros(width, np.float32)
    to.steps.append(Step("norm", (value,), width, {"scale": scale, "shift": shift}, number=float(layer.epsilon)))
    return len(to.steps)


def _activation(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    name = getattr(layer.activation, "__name__", str(layer.activation))
    if name == "softmax" and width == 1:
        raise _unknown(layer, "a softmax of one value is always one")
    number = {"leaky_relu": 0.2, "elu": 1.0}.get(name, 0.0)  # the defaults of Keras' functions
    if name != "linear" and name not in ACTIVATIONS:
        raise _unknown(layer, f"activation {name!r}")
    return to.activate(value, width, name, number)


def _relu(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    if layer.max_value is not None or layer.threshold:
        raise _unknown(layer, "with a largest value or a threshold")
    slope = float(layer.negative_slope or 0.0)
    return to.activate(value, width, "leaky_relu" if slope else "relu", slope)


def _prelu(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    """max(x, 0) + α·min(x, 0), as two steps of relu."""
    positive = to.activate(value, width, "relu")
    zero, one = np.zeros(width, np.float32), np.ones(width, np.float32)
    turned = to.activate(to.add("affine", (value,), width, scale=-one, shift=zero), width, "relu")
    negative = to.add("affine", (turned,), width, scale=-_array(layer.alpha), shift=zero)
    return to.add("add", (positive, negative), width)


def _rescaling(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    scale, shift = (np.broadcast_to(_array(number), (width,)).copy() for number in (layer.scale, layer.offset))
    return to.add("affine", (value,), width, scale=scale, shift=shift)


def _negative(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    one = np.ones(width, np.float32)
    return to.add("affine", (value,), width, scale=-one, shift=0 * one)


def _item(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
    """Some of the columns: `x[:, 2:5]`."""
    key = [*node.arguments.args[1:], *node.arguments.kwargs.values()][0]
    before = int(node.input_tensors[0].shape[-1])
    pair = list(key) if isinstance(key, list | tuple) else []
    if not (len(pair) == 2 and pair[0] == slice(None) and isinstance(pair[1], slice)):
        raise _unknown(layer, f"the index {key!r} is no range of columns")
    return to.add("columns", (value,), width, index=np.arange(before)[pair[1]])


def _with_constant(combine: Callable[[Any, bool], tuple[Any, Any]]) -> Callable[..., int]:
    """A sum, product, … of values and a constant; `combine` gives scale and shift, if the constant comes first or not."""

    def translate(to: _Translation, layer: Any, value: int, width: int, node: Any) -> int:
        constants = _constants(node)
        first = constants and constants[0] is node.arguments.args[0]
        try:
            rows = [
                np.broadcast_to(_array(number), (width,)).copy() for number in combine(_array(constants[0]), bool(first))
            ]
        except (ValueError, TypeError, IndexError):
            raise _unknown(layer) from None
        return to.add("affine", (value,), width, scale=rows[0], shift=rows[1])

    return translate


def _constants(node: Any) -> Sequence[Any]:
    """The arguments of a call that are numbers."""
    given = [*node.arguments.args, *node.arguments.kwargs.values()]
    return [value for value in given if isinstance(value, int | float | np.ndarray | np.generic)]


_LAYERS: dict[str, Callable[..., int]] = {
    "Dense": _dense,
    "QDense": _quantised_dense,
    "Quantizer": lambda to, layer, value, width, node: _quantise(to, layer, layer, value, width),
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": lambda to, layer, value, width, node: to.activate(value, width, "leaky_relu", float(layer.negative_slope)),
    "ELU": lambda to, layer, value, width, node: to.activate(value, width, "elu", float(layer.alpha)),
    "PReLU": _prelu,
    "Softmax": lambda to, layer, value, width, node: to.activate(value, width, "softmax"),
    "Rescaling": _rescaling,
    "GetItem": _item,
    "Add": _with_constant(lambda number, first: (1.0, number)),
    "Subtract": _with_constant(lambda number, first: (-1.0, number) if first else (1.0, -number)),
    "Multiply": _with_constant(lambda number, first: (number, 0.0)),
    "Negative": _negative,
}
