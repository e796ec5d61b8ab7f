"""ONNX: recipe, network, link and scale, and if wanted the new variables, as one graph."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fivesigma import extras
from fivesigma.analysis.section import Section
from fivesigma.deployment.base import FEATURES, PARAMETERS, Deliverable, Exporter, Numbers
from fivesigma.deployment.columns import SINGLE, Symbol, without_missing
from fivesigma.deployment.graph import FORMULAS, ROUNDING, SMALL, Graph
from fivesigma.deployment.layers import Step, steps_of


class Onnx(Section):
    """An ONNX file."""

    kind: Literal["onnx"] = "onnx"
    opset: int = Field(13, ge=13, le=23, description="version of the operators; the lowest runs in the oldest runtimes")
    licence: str = Field("", description="under which the model may be used, for the file's metadata")


def build(settings: Onnx, what: Deliverable) -> Any:
    """The ONNX model; the same networks give the same bytes."""
    steps = [steps_of(network.model) for network in what.networks]
    rounds = any(step.operation == "quantise" for each in steps for step in each)
    graph = Graph((SMALL if what.formulas is None else FORMULAS) | (ROUNDING if rounds else frozenset()))
    features = FEATURES if what.formulas is None else _features(graph, what)
    scores = [_score(graph, what, i, each, features) for i, each in enumerate(steps)]
    total = scores[0]
    for other in scores[1:]:
        total = graph.node("Add", total, other)
    if len(scores) > 1:
        total = graph.node("Div", total, graph.constant(float(len(scores)), SINGLE))
    graph.name_output(total, what.output)
    inputs = [(given.name, given.dtype, given.width) for given in what.inputs]
    model = graph.model(inputs, (what.output, what.outputs), settings.opset)
    model.producer_name, model.producer_version = "fivesigma", what.metadata.get("fivesigma", "")
    model.doc_string = what.metadata.get("description", "")
    metadata = {**what.metadata, "licence": settings.licence or "not stated"}
    extras.onnx().helper.set_model_props(model, dict(sorted(metadata.items())))
    extras.onnx().checker.check_model(model, full_check=True)
    return model


def write(settings: Onnx, what: Deliverable, path: Path) -> None:
    """Write the file."""
    path.write_bytes(build(settings, what).SerializeToString(deterministic=True))


def load(path: Path) -> Any:
    """A function that scores arrays by ONNX Runtime."""
    runtime = extras.onnxruntime()
    options = runtime.SessionOptions()
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    kinds = {"tensor(float)": np.float32, "tensor(double)": np.float64}
    wanted = {given.name: kinds[given.type] for given in session.get_inputs()}

    def score(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):  # beyond single precision: infinite
            given = {name: np.asarray(arrays[name], kind) for name, kind in wanted.items()}
        result = session.run(None, given)[0]
        return np.asarray(result[:, 0] if result.shape[1] == 1 else result, np.float32)

    return score


def notes(settings: Onnx, path: Path) -> list[str]:
    """Which operators a small runtime may lack."""
    model = extras.onnx().load(str(path))
    rare = sorted({node.op_type for node in model.graph.node} - SMALL)
    double = any(given.type.tensor_type.elem_type == extras.onnx().TensorProto.DOUBLE for given in model.graph.input)
    reasons = [f"the operators {', '.join(rare)}"] if rare else []
    reasons += ["double precision"] if double else []
    if not reasons:
        return []
    needs, quantised = " and ".join(reasons), set(rare) == ROUNDING and not double
    remedy = "the layers are quantised" if quantised else "with --inputs features it does not"
    return [f"the file needs {needs}, which SOFIE and small runtimes may not have; {remedy}"]


def _features(graph: Graph, what: Deliverable) -> str:
    """The features in single precision, from columns: [event, feature]."""
    columns = {}
    for given in what.columns:
        columns[given.name] = without_missing(Symbol(graph, given.name, given.dtype), what.markers_of(given))
    names = []
    for value in what.feature_values(columns):
        if isinstance(value, Symbol):
            names.append(value.to(SINGLE).value)
        else:  # a constant: as many of it as there are events
            first = graph.cast(what.columns[0].name, what.columns[0].dtype, SINGLE)
            there = graph.node("Equal", first, first)
            number = graph.constant(float(value), SINGLE)
            names.append(graph.node("Where", there, number, number))
    return graph.node("Concat", *names, axis=1) if len(names) > 1 else names[0]


def _score(graph: Graph, what: Deliverable, number: int, steps: Sequence[Step], features: str) -> str:
    """The score of one network."""
    network = what.networks[number]
    numbers = Numbers.of(network.recipe)
    divisors = np.concatenate([numbers.scale, np.ones(len(numbers.flagged)), numbers.parameter_scale])
    ordinary = divisors.min() > 1e-20 and divisors.max() < 1e20  # others would make weights that single precision lacks
    if ordinary and all(step.operation == "dense" for step in steps if 0 in step.inputs):
        # The first layers divide by the scale: if events come one by one, each node takes as long as a small layer.
        steps = [_divided(step, divisors) if 0 in step.inputs else step for step in steps]
        numbers = numbers.unscaled()
    result = _network(graph, steps, _inputs(graph, what, numbers, features))
    if network.target_scale != 1:
        result = graph.node("Div", result, graph.constant(network.target_scale, SINGLE))
    if network.target_shift != 0:
        result = graph.node("Add", result, graph.constant(network.target_shift, SINGLE))
    return result


def _divided(step: Step, divisors: NDArray[Any]) -> Step:
    """A dense layer of inputs that are not divided by the scale yet; its weights are rounded once."""
    kernel = np.asarray(step.arrays["kernel"], np.float64) / divisors[:, None]
    return replace(step, arrays={**step.arrays, "kernel": kernel.astype(np.float32)})


def _inputs(graph: Graph, what: Deliverable, numbers: Numbers, features: str) -> str:
    """The recipe: features and parameters → the network's inputs."""
    infinity = graph.constant(np.inf, SINGLE)
    kept = _take(graph, features, numbers.kept, len(what.features))
    if numbers.logged.all():
        kept = graph.node("Log", kept)
    elif numbers.logged.any():
        kept = graph.node("Where", graph.array(numbers.logged[None, :]), graph.node("Log", kept), kept)
    present = graph.node("Less", graph.node("Abs", kept), infinity)
    scaled = graph.node("Sub", kept, graph.array(numbers.high[None, :]))
    if numbers.low is not None:
        scaled = graph.node("Sub", scaled, graph.array(numbers.low[None, :]))
    if (numbers.scale != 1).any():
        scaled = graph.node("Div", scaled, graph.array(numbers.scale[None, :]))
    parts = [graph.node("Where", present, scaled, graph.array(numbers.absent[None, :]))]
    if len(numbers.flagged):
        flagged = _take(graph, features, numbers.flagged, len(what.features))
        there = graph.node("Less", graph.node("Abs", flagged), infinity)
        parts.append(graph.node("Where", there, graph.constant(0.0, SINGLE), graph.constant(1.0, SINGLE)))
    if what.parameters:
        parts.append(_parameters(graph, what, numbers, parts[0]))
    return graph.node("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def _parameters(graph: Graph, what: Deliverable, numbers: Numbers, inputs: str) -> str:
    """The standardised parameters, of which some may be fixed."""
    given = {each.name for each in what.inputs}
    columns = []
    for i, name in enumerate(what.parameters):
        if name in what.fixed:
            first = _take(graph, inputs, np.zeros(1, np.int64), len(numbers.kept))
            there, value = graph.node("Equal", first, first), graph.constant(what.fixed[name], SINGLE)
            columns.append(graph.node("Where", there, value, value))
        elif name in given:
            columns.append(name)
        else:
            free = [each for each in what.parameters if each not in what.fixed]
            columns.append(_take(graph, PARAMETERS, np.asarray([free.index(name)], np.int64), len(free)))
        value = graph.node("Sub", columns[-1], graph.array(numbers.parameter_high[None, i : i + 1]))
        if numbers.parameter_low is not None:
            value = graph.node("Sub", value, graph.array(numbers.parameter_low[None, i : i + 1]))
        if numbers.parameter_scale[i] != 1:
            value = graph.node("Div", value, graph.array(numbers.parameter_scale[None, i : i + 1]))
        columns[-1] = value
    return graph.node("Concat", *columns, axis=1) if len(columns) > 1 else columns[0]


def _take(graph: Graph, values: str, index: NDArray[np.int64], width: int) -> str:
    """Some of the columns."""
    if np.array_equal(index, np.arange(width)):
        return values
    return graph.node("Gather", values, graph.array(index.astype(np.int64)), axis=1)


_PAIRS = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "maximum": "Max", "minimum": "Min", "average": "Add"}


def _network(graph: Graph, steps: Sequence[Step], inputs: str) -> str:
    values, widths = [inputs], [0]
    for step in steps:
        given = [values[i] for i in step.inputs]
        values.append(_step(graph, step, given))
        widths.append(step.width)
    return values[-1]


def _step(graph: Graph, step: Step, given: Sequence[str]) -> str:
    arrays = {name: graph.array(values if values.ndim > 1 else values[None, :]) for name, values in step.arrays.items()}
    match step.operation:
        case "dense":
            return graph.node("Gemm", given[0], arrays["kernel"], arrays["bias"])
        case "affine":
            return graph.node("Add", graph.node("Mul", given[0], arrays["scale"]), arrays["shift"])
        case "quantise":
            return _quantise(graph, arrays, step.number, given[0])
        case "columns":
            return graph.node("Gather", given[0], graph.array(step.arrays["index"].astype(np.int64)), axis=1)
        case "concatenate":
            return graph.node("Concat", *given, axis=1)
        case "activation":
            return _activation(graph, step, given[0])
        case "norm":
            # A product with a matrix of 1/n is a mean in every opset.
            mean_of = graph.array(np.full((step.width, 1), 1 / step.width, np.float32))
            centred = graph.node("Sub", given[0], graph.node("MatMul", given[0], mean_of))
            variance = graph.node("MatMul", graph.node("Mul", centred, centred), mean_of)
            spread = graph.node("Sqrt", graph.node("Add", variance, graph.constant(step.number, SINGLE)))
            return graph.node("Add", graph.node("Mul", graph.node("Div", centred, spread), arrays["scale"]), arrays["shift"])
    result = given[0]
    for other in given[1:]:
        result = graph.node(_PAIRS[step.operation], result, other)
    if step.operation == "average":
        result = graph.node("Div", result, graph.constant(float(len(given)), SINGLE))
    return result


def _quantise(graph: Graph, arrays: Mapping[str, str], half: float, x: str) -> str:
    """Round to so many bits, as `quantised.py` says."""
    if "high" in arrays:
        x = graph.node("Max", graph.node("Min", x, arrays["high"]), arrays["low"])
    scaled = graph.node("Mul", x, arrays["scale"])
    scaled = graph.node("Add", scaled, graph.constant(half, SINGLE)) if half else scaled
    rounded = graph.node("Mul", graph.node("Floor", scaled), arrays["step"])
    if "span" not in arrays:
        return rounded
    turns = graph.node("Floor", graph.node("Div", graph.node("Sub", rounded, arrays["low"]), arrays["span"]))
    return graph.node("Sub", rounded, graph.node("Mul", turns, arrays["span"]))


def _activation(graph: Graph, step: Step, x: str) -> str:
    def number(value: float) -> str:
        return graph.constant(value, SINGLE)

    match step.name:
        case "relu" | "tanh" | "sigmoid" | "selu":
            return graph.node(step.name.capitalize(), x)
        case "softmax":
            return graph.node("Softmax", x, axis=1)
        case "elu":
            return graph.node("Elu", x, alpha=step.number)
        case "leaky_relu":
            return graph.node("LeakyRelu", x, alpha=step.number)
        case "exponential":
            return graph.node("Exp", x)
        case "silu":
            return graph.node("Mul", x, graph.node("Sigmoid", x))
        case "gelu":
            erf = graph.node("Erf", graph.node("Mul", x, number(0.5**0.5)))
            return graph.node("Mul", graph.node("Mul", x, number(0.5)), graph.node("Add", erf, number(1.0)))
        case "softplus":
            return _softplus(graph, x)
        case "mish":
            return graph.node("Mul", x, graph.node("Tanh", _softplus(graph, x)))
        case "softsign":
            return graph.node("Div", x, graph.node("Add", graph.node("Abs", x), number(1.0)))
    assert step.name == "hard_sigmoid", step.name
    inside = graph.node("Add", graph.node("Div", x, number(6.0)), number(0.5))
    return graph.node("Max", graph.node("Min", inside, number(1.0)), number(0.0))


def _softplus(graph: Graph, x: str) -> str:
    """log(1 + exp(−|x|)) + max(x, 0)."""
    small = graph.node("Exp", graph.node("Neg", graph.node("Abs", x)))
    return graph.node("Add", graph.node("Log", graph.node("Add", small, graph.constant(1.0, SINGLE))), graph.node("Relu", x))


def _needs() -> None:
    extras.onnx()
    extras.onnxruntime()


ONNX = Exporter("onnx", Onnx, ".onnx", write, load, _needs, notes)
