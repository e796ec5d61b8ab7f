"""Applying a trained network, as contenders: fivesigma from file to file, Keras and ONNX Runtime on ready arrays."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np


class Fivesigma:
    """`fivesigma predict`, which reads, prepares, scores and writes.

    Args:
        run: a run folder.
    """

    def __init__(self, run: str) -> None:
        self._run = run

    def run(self, source: str, ending: str) -> float:
        """Seconds from file to file, loading of the network included."""
        from fivesigma import predict

        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            predict(self._run, source, Path(folder) / f"scores.{ending}")
            return time.perf_counter() - started


class Keras:
    """`Model.predict` on inputs that are already prepared.

    Args:
        run: a run folder, for its network.
        inputs: `.npy` file of inputs, float32 [event, input].
    """

    def __init__(self, run: str, inputs: str) -> None:
        self._model = load_network(run)
        self._x = np.load(inputs)

    def run(self, batch: int | None = None) -> float:
        """Seconds; `batch` is Keras's own default if not given."""
        started = time.perf_counter()
        self._model.predict(self._x, batch_size=batch, verbose=0)
        return time.perf_counter() - started


class OnnxRuntime:
    """ONNX Runtime on inputs that are already prepared; the graph is the network with its sigmoid, without a recipe.

    Args:
        run: a run folder, for its network.
        inputs: `.npy` file of inputs, float32 [event, input].
    """

    def __init__(self, run: str, inputs: str) -> None:
        import onnxruntime

        model = load_network(run)
        self._x = np.load(inputs)
        self._session = onnxruntime.InferenceSession(graph_of(model), providers=["CPUExecutionProvider"])
        agreement = np.abs(self._scores(1000, self._x[:1000]) - model.predict(self._x[:1000], verbose=0)).max()
        if not agreement < 1e-5:
            raise AssertionError(f"the graph differs from the network by {agreement}")

    def run(self, batch: int) -> float:
        """Seconds, so many events at a time."""
        started = time.perf_counter()
        self._scores(batch, self._x)
        return time.perf_counter() - started

    def _scores(self, batch: int, x: Any) -> Any:
        parts = [self._session.run(None, {"x": x[i : i + batch]})[0] for i in range(0, len(x), batch)]
        return np.concatenate(parts)


def load_network(run: str) -> Any:
    """The Keras model of a run folder."""
    from fivesigma.models.backend import keras

    return keras().saving.load_model(Path(run) / "model.keras", compile=False)


def graph_of(model: Any) -> bytes:
    """A chain of dense and activation layers as an ONNX file: one Gemm per layer, as an exporter would write it."""
    from onnx import TensorProto, helper, numpy_helper

    names = {"relu": "Relu", "sigmoid": "Sigmoid"}
    nodes, weights, last = [], [], "x"
    for i, layer in enumerate(model.layers):
        if layer.weights:
            for kind, value in zip("wb", layer.get_weights(), strict=True):
                weights.append(numpy_helper.from_array(value, f"{kind}{i}"))
            nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"layer{i}"]))
        elif hasattr(layer, "activation"):
            nodes.append(helper.make_node(names[layer.activation.__name__], [last], [f"layer{i}"]))
        else:
            continue
        last = f"layer{i}"
    inputs, outputs = model.input_shape[-1], model.output_shape[-1]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["events", inputs])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["events", outputs])],
        weights,
    )
    return bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString())
