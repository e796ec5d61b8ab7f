"""The article's Hyperband search, against Keras Tuner."""

from contextlib import ExitStack
from functools import partial

from benchmarks import collisions
from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.timing import alternate
from benchmarks.worker import Worker

NEEDS = ("keras_tuner", *collisions.NEEDS)
ABOUT = (
    "Hyperband (max_epochs 10, factor 3, objective validation accuracy) over the article's space: three equal layers of 28, "
    "56, 84 or 112 × learning rates 1e-2, 1e-3, 1e-4; batches of 32 for both, as the article leaves Keras's default. Wall "
    "time of the whole search, compilations included; every repetition has another seed. As written, Keras Tuner ends "
    "before any trial is promoted, because it runs out of new settings; with full brackets it does the Hyperband asked for."
)
EVENTS = 100_000
FASTER, AS_GOOD = 10.0, 0.999
AS_GOOD_NOTE = "as good within a thousandth: seeds differ by as much"
WRITTEN, FULL = "Keras Tuner as written", "Keras Tuner with full brackets"


def measure(options: Options) -> list[Row]:
    """Rows for the time, in all and per epoch, and for the best trial's validation accuracy."""
    events = options.size(EVENTS, 10_000)
    path, source = str(collisions.arrays(options, events)), str(collisions.collisions(options))
    found: dict[str, list[dict[str, float]]] = {"fivesigma": [], FULL: [], WRITTEN: []}
    with ExitStack() as stack:
        ours = stack.enter_context(Worker("benchmarks.workers.tuning:Fivesigma", source=source, events=events))
        keras = stack.enter_context(Worker("benchmarks.workers.tuning:KerasTuner", path=path))
        searches = {
            "fivesigma": ours.call,
            FULL: partial(keras.call, full=True),
            WRITTEN: partial(keras.call, full=False),
        }

        def search(name: str) -> float:
            found[name].append(searches[name]("run", seed=1 + len(found[name])))
            options.say(f"{name}: {found[name][-1]}")
            return found[name][-1]["seconds"]

        alternate({name: partial(search, name) for name in searches}, options.turns(5, 1))
    what = f"{short(events)} events"
    time, each, accuracy = (_figures(found, quantity) for quantity in ("seconds", "seconds per epoch", "accuracy"))
    budgets = {
        name: f"{values[0]['epochs']:.0f} epochs in {values[0]['trials']:.0f} trials" for name, values in found.items()
    }
    note = f"fivesigma {budgets['fivesigma']}, Keras Tuner {{}}"
    return [
        Row(f"{what}: time of the search", time["fivesigma"], time[FULL], "less", FASTER, note.format(budgets[FULL])),
        Row(f"{what}: best validation accuracy", accuracy["fivesigma"], accuracy[FULL], "more", AS_GOOD, AS_GOOD_NOTE),
        Row(f"{what}: time per trained epoch", each["fivesigma"], each[FULL], "less"),
        Row(f"{what}: time of the search", time["fivesigma"], time[WRITTEN], "less", None, note.format(budgets[WRITTEN])),
        Row(f"{what}: best validation accuracy", accuracy["fivesigma"], accuracy[WRITTEN], "more"),
    ]


def _figures(found: dict[str, list[dict[str, float]]], quantity: str) -> dict[str, Figure]:
    """One quantity of all searches, by contender."""
    if quantity == "accuracy":
        return {name: Figure(name, tuple(one["accuracy"] for one in values), "") for name, values in found.items()}
    return {
        name: Figure(name, tuple(one["seconds"] / (one["epochs"] if "per" in quantity else 1) for one in values), "s")
        for name, values in found.items()
    }
