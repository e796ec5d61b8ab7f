"""Prediction from file to file, against a script by hand, and against Keras and ONNX Runtime on ready arrays."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import collisions
from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.timing import alternate
from benchmarks.worker import Worker

NEEDS = ("onnx", "onnxruntime", *collisions.NEEDS)
ABOUT = (
    "Events per second of the network 28-112-112-112-1. fivesigma reads a file with the columns of UCI, applies the recipe "
    "and the network, and writes mass, score and whether the event was trained on to a file; loading the network counts. "
    "The network was trained on one half of the collisions, and the file holds the others, over and over. "
    "The script reads with pyarrow or uproot, applies the recipe with NumPy and the network with ONNX Runtime, and writes "
    "mass and score. The other peers have float32 inputs in memory that are prepared already, and only apply the network."
)
SCRIPT, KERAS = 1.2, 2.0
BATCHES = (4096, 16384, 65536)
CHUNK = 200_000
"""Rows of a row group or basket of the files to score."""

ENDINGS = ("parquet", "root")


def measure(options: Options) -> list[Row]:
    """Rows for ROOT and for Parquet, each against every peer."""
    events = options.size(2_000_000, 200_000)
    run, files, inputs = _prepared(events, options)
    with ExitStack() as stack:
        module = "benchmarks.workers.prediction"
        ours = stack.enter_context(Worker(f"{module}:Fivesigma", run=str(run)))
        keras = stack.enter_context(Worker(f"{module}:Keras", run=str(run), inputs=str(inputs)))
        onnx = stack.enter_context(Worker(f"{module}:OnnxRuntime", run=str(run), inputs=str(inputs)))
        written = "Keras predict as written (batches of 32)"
        best_keras, best_onnx = (_best_batch(name, worker, options) for name, worker in (("Keras", keras), ("ONNX", onnx)))
        script = stack.enter_context(Worker(f"{module}:Script", run=str(run), batch=best_onnx))
        runs = {
            **{ending: partial(ours.call, "run", source=str(files[ending]), ending=ending) for ending in ENDINGS},
            **{_by_hand(e): partial(script.call, "run", source=str(files[e]), ending=e) for e in ENDINGS},
            written: partial(keras.call, "run"),
            f"Keras predict, batches of {best_keras}": partial(keras.call, "run", batch=best_keras),
            f"ONNX Runtime, batches of {best_onnx}": partial(onnx.call, "run", batch=best_onnx),
        }
        for run_once in runs.values():
            run_once()  # compiles
        seconds = alternate(runs, options.turns())
    figures = {name: Figure(name, tuple(events / value for value in values), "events/s") for name, values in seconds.items()}
    targets = {written: KERAS, **{_by_hand(ending): SCRIPT for ending in ENDINGS}}
    return [
        Row(
            f"{short(events)} events, {ending} in and out",
            Figure("fivesigma", figures[ending].values, "events/s"),
            figures[peer],
            "more",
            targets.get(peer),
        )
        for ending in ENDINGS
        for peer in runs
        if peer not in ENDINGS and peer not in {_by_hand(other) for other in ENDINGS if other != ending}
    ]


def _by_hand(ending: str) -> str:
    return f"a script with ONNX Runtime, {ending}"


def _best_batch(name: str, worker: Worker, options: Options) -> int:
    """The batch size at which a peer is fastest."""
    for batch in BATCHES:
        worker.call("run", batch=batch)  # compiles
    seconds = {batch: min(worker.call("run", batch=batch) for _ in range(2)) for batch in BATCHES}
    options.say(f"{name} by batch size: {', '.join(f'{b}: {s:.3f} s' for b, s in seconds.items())}")
    return min(seconds, key=seconds.__getitem__)


def _prepared(events: int, options: Options) -> tuple[Path, dict[str, Path], Path]:
    """A trained run, the file to score in each format, and its inputs as the network takes them."""
    from fivesigma.data.formats import open_table
    from fivesigma.data.write import write_columns
    from fivesigma.training.network import Network
    from fivesigma.verbs.train import train

    columns = open_table(str(collisions.collisions(options))).read()
    columns = {name: values for name, values in columns.items() if name not in ("event_number", "weight")}
    half = len(columns["label"]) // 2
    learnt = options.folder / "to-learn.parquet"
    write_columns(learnt, [{name: values[:half] for name, values in columns.items()}], replace=True)
    settings = {"train.epochs": 1, "train.batch_size": 1024, "split.val": 0.1}
    run = train("hepmass-article", settings, {"train": str(learnt)}, output=options.folder / "runs", new=True)
    index = half + np.arange(events) % (len(columns["label"]) - half)
    columns = {name: values[index] for name, values in columns.items()}
    files = {ending: options.folder / f"to-score-{events}.{ending}" for ending in ENDINGS}
    for path in files.values():
        chunks = ({name: c[i : i + CHUNK] for name, c in columns.items()} for i in range(0, events, CHUNK))
        write_columns(path, chunks, replace=True)
    features = np.stack([columns[f"f{i}"] for i in range(27)], axis=1)
    inputs = options.folder / f"to-score-{events}.npy"
    np.save(inputs, Network.load(run.folder).recipe.apply(features, columns["mass"][:, None].astype(np.float32)))
    return run.path, files, inputs
