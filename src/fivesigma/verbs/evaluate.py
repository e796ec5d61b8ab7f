"""The verb `evaluate`: metrics of a trained run."""

from pathlib import Path

from fivesigma.progress import Listener
from fivesigma.runs.folder import TRAINED
from fivesigma.runs.run import Run
from fivesigma.training.folds import load_trained
from fivesigma.verbs.base import RUNS, session_of


def evaluate(run: str | Path | Run, output: str | Path = RUNS, listener: Listener | None = None) -> Run:
    """Score the run's events with its network and write metrics with uncertainties; baselines that lack are trained."""
    journey = session_of(run, output, listener, TRAINED)
    network = load_trained(journey.folder)
    journey.train_baselines()
    journey.evaluate(network)
    journey.folder.finish()
    journey.say_key_numbers()
    return Run(journey.folder.path)
