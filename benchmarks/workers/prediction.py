"""Applying a trained network, as contenders: fivesigma and a script from file to file, Keras and ONNX Runtime on arrays."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

CHUNK = 200_000
"""Events that the script reads at a time."""


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


class Script:
    """What a user would write by hand: pyarrow or uproot, NumPy for the recipe, ONNX Runtime for the network.

    Args:
        run: a run folder, for its network and recipe.
        batch: events that ONNX Runtime gets at a time; a chunk of the file at most.
    """

    def __init__(self, run: str, batch: int) -> None:
        import json

        import onnxruntime

        recipe = json.loads((Path(run) / "recipe.json").read_text())
        self._names = list(recipe["features"])
        shift, scale, fill = (np.array(recipe[name], np.float32) for name in ("shift", "scale", "fill"))
        assert len(recipe["kept"]) == len(self._names)
        assert not recipe["logarithm"]
        assert not recipe["flagged"]
        self._shift, self._scale, self._fill = shift, scale, fill
        self._mass = (np.float32(recipe["parameter_shift"][0]), np.float32(recipe["parameter_scale"][0]))
        self._session = onnxruntime.InferenceSession(graph_of(load_network(run)), providers=["CPUExecutionProvider"])
        self._batch = batch

    def run(self, source: str, ending: str) -> float:
        """Seconds from file to file."""
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            getattr(self, f"_{ending}")(source, str(Path(folder) / f"scores.{ending}"))
            return time.perf_counter() - started

    def scores(self, columns: Any) -> Any:
        """Scores of a chunk of columns, float32 [event]."""
        x = np.empty((len(columns["mass"]), len(self._names) + 1), np.float32)
        for i, name in enumerate(self._names):
            x[:, i] = columns[name]
        features = x[:, :-1]
        np.copyto(features, self._fill, where=np.isnan(features))
        features -= self._shift
        features /= self._scale
        x[:, -1] = (columns["mass"] - self._mass[0]) / self._mass[1]
        parts = [self._session.run(None, {"x": x[i : i + self._batch]})[0] for i in range(0, len(x), self._batch)]
        return np.concatenate(parts)[:, 0]

    def _parquet(self, source: str, destination: str) -> None:
        import pyarrow
        from pyarrow import parquet

        file = parquet.ParquetFile(source)
        schema = pyarrow.schema([("mass", pyarrow.float32()), ("score", pyarrow.float32())])
        with parquet.ParquetWriter(destination, schema) as writer:
            for batch in file.iter_batches(batch_size=CHUNK, columns=[*self._names, "mass"]):
                columns = {name: batch.column(name).to_numpy() for name in batch.schema.names}
                written = {"mass": columns["mass"].astype(np.float32), "score": self.scores(columns)}
                writer.write_table(pyarrow.table(written, schema=schema))

    def _root(self, source: str, destination: str) -> None:
        import uproot

        with uproot.recreate(destination) as file:
            tree = file.mktree("Events", {"mass": np.float32, "score": np.float32})
            for columns in uproot.iterate(f"{source}:Events", [*self._names, "mass"], step_size=CHUNK, library="np"):
                tree.extend({"mass": columns["mass"].astype(np.float32), "score": self.scores(columns)})


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
