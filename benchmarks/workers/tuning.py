"""Hyperband over the article's space, as contenders: Keras Tuner, and the search of `fivesigma tune`."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.network import keras_model


class KerasTuner:
    """The article's search, as written or with full brackets.

    As written it ends early: Keras Tuner tries no setting twice, and stops for good when it draws no new one of the
    space's twelve, before its first bracket is full and anything was promoted. One more hyperparameter that changes
    nothing, a number for each trial, makes it do the Hyperband that was asked for.

    Args:
        path: arrays, as `benchmarks.collisions` writes them.
    """

    def __init__(self, path: str) -> None:
        self._data = dict(np.load(path))

    def run(self, seed: int, full: bool) -> dict[str, float]:
        """Search once; `seconds`, the best trial's validation `accuracy`, `trials` and `epochs` in all.

        Args:
            seed: of the settings that are drawn.
            full: whether every trial gets a number of its own, so that brackets are filled.
        """
        import keras_tuner

        data = self._data

        def build(hp: Any) -> Any:
            units = hp.Int("units", min_value=28, max_value=112, step=28)
            if full:
                hp.Int("number", min_value=0, max_value=1_000_000)
            return keras_model(units, hp.Choice("learning_rate", values=[1e-2, 1e-3, 1e-4]))

        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            tuner = keras_tuner.Hyperband(
                build,
                objective="val_accuracy",
                max_epochs=10,
                factor=3,
                seed=seed,
                directory=folder,
                project_name="hepmass_deep_learning",
            )
            tuner.search(data["x"], data["y"], epochs=4, validation_data=(data["x_val"], data["y_val"]), verbose=0)
            seconds = time.perf_counter() - started
            best = tuner.oracle.get_best_trials(1)[0]
            values = [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]
        # A trial that goes on into the next round is one more trial, but trains only the epochs in between.
        epochs = sum(one["tuner/epochs"] - one["tuner/initial_epoch"] for one in values)
        return {"seconds": seconds, "accuracy": float(best.score), "trials": len(values), "epochs": epochs}


class Fivesigma:
    """The search of `fivesigma tune` on the same events, with the article's space and batch size.

    Args:
        source: the file of the events.
        events: so many of them, as for the arrays of Keras Tuner.
    """

    def __init__(self, source: str, events: int) -> None:
        from benchmarks.collisions import parts_of

        self._analysis, self._parts = parts_of(source, events)

    def run(self, seed: int, workers: int | None = None) -> dict[str, float]:
        """Search once; `seconds`, the best trial's validation `accuracy`, `trials` and `epochs` in all.

        Args:
            seed: of the settings that are drawn.
            workers: processes; by default one per core, as for the command.
        """
        analysis = self._analysis.model_copy(
            update={"tune": self._analysis.tune.model_copy(update={"seed": seed, "method": "hyperband"})}
        )
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            trials = search(analysis, self._parts, Path(folder), workers)
            seconds = time.perf_counter() - started
        epochs = sum(trial.epochs for trial in trials)
        return {"seconds": seconds, "accuracy": float(trials[0].value), "trials": len(trials), "epochs": epochs}


def search(analysis: Any, parts: Any, folder: Path, workers: int | None) -> Any:
    """What `fivesigma tune` does before it trains the best settings: the trials, the best one first."""
    from fivesigma.cluster.executor import executor
    from fivesigma.data.mapped import handed_over
    from fivesigma.tuning.search import Search

    with (
        executor(workers, single_core=True) as pool,
        handed_over(parts, folder / "events", pool.shares_memory) as events,
    ):
        return Search(analysis, events, folder, pool, lambda news: None).run()
