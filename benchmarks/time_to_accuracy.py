"""Time until the accuracy that the article's recipe ends with."""

from contextlib import ExitStack

from benchmarks import collisions
from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.worker import Worker

NEEDS = collisions.NEEDS
ABOUT = (
    "Simulated collisions. In each repetition Keras trains the article's recipe as written (ReLU, Adam 1e-3, batches of 32, "
    "four epochs), and fivesigma trains with settings of its own until its validation accuracy is what Keras ended with: "
    "features that do not change when a collision is turned about the beam or mirrored, as in the built-in analysis, a "
    "smaller network and a one-cycle schedule. Every repetition has another seed. Compilation and the features count, in "
    "processes that have compiled before."
)
TARGET = 20.0
MODEL = {"layers": [96, 64], "activation": "gelu"}
TRAIN = {"epochs": 2, "batch_size": 512, "learning_rate": 2e-2, "schedule": "one_cycle", "keep": "last"}
"""fivesigma's own settings, fixed before the comparison."""


def measure(options: Options) -> list[Row]:
    """One row; a repetition in which the accuracy was never reached counts as none."""
    events = options.size(collisions.EVENTS, collisions.QUICK)
    path = str(collisions.arrays(options, events))
    keras_seconds, own_seconds, accuracies, epochs = [], [], [], []
    with ExitStack() as stack:
        name = "benchmarks.workers.time_to_accuracy"
        keras = stack.enter_context(Worker(f"{name}:Keras", path=path))
        ours = stack.enter_context(Worker(f"{name}:Fivesigma", path=path, model=MODEL, train=TRAIN))
        for seed in range(options.turns() + 1):
            written = keras.call("run", seed=seed)
            found = ours.call("run", seed=seed, wanted=written["accuracy"])
            if seed == 0:
                continue  # warms up: the first call of a process also imports
            options.say(f"seed {seed}: Keras {written}, fivesigma {found}")
            keras_seconds.append(written["seconds"])
            own_seconds.append(found["seconds"])
            accuracies.append((written["accuracy"], found["best"]))
            epochs.append(found["epochs"])
    means = [sum(pair[i] for pair in accuracies) / len(accuracies) for i in (0, 1)]
    note = f"Keras ends at {means[0]:.2%} on average; fivesigma's best epoch has {means[1]:.2%}; epochs needed: {epochs}"
    what = f"{short(events)} events, until the accuracy of the article's recipe"
    ours_figure = Figure("fivesigma", tuple(own_seconds), "s")
    return [Row(what, ours_figure, Figure("Keras, the article's recipe", tuple(keras_seconds), "s"), "less", TARGET, note)]
