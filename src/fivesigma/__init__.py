"""fivesigma: explore, train, evaluate and deploy neural networks on collider data.

    import fivesigma as fs
    run = fs.run("hepmass")

Names are loaded when first used: `import fivesigma` alone loads neither JAX nor matplotlib.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from fivesigma.version import __version__

if TYPE_CHECKING:
    from fivesigma import metrics
    from fivesigma.analysis.analysis import Analysis
    from fivesigma.analysis.file import builtin_names, load
    from fivesigma.data.formats import open_table
    from fivesigma.errors import FivesigmaError
    from fivesigma.events import Events
    from fivesigma.exploration.description import describe
    from fivesigma.plugins import register
    from fivesigma.progress import Listener
    from fivesigma.runs.run import Run
    from fivesigma.runs.source import read
    from fivesigma.scores import Scores
    from fivesigma.verbs.check import check
    from fivesigma.verbs.compare import compare
    from fivesigma.verbs.evaluate import evaluate
    from fivesigma.verbs.explore import explore
    from fivesigma.verbs.export import export
    from fivesigma.verbs.package import package
    from fivesigma.verbs.predict import predict
    from fivesigma.verbs.prepare import prepare
    from fivesigma.verbs.report import report
    from fivesigma.verbs.run import run
    from fivesigma.verbs.scan import scan
    from fivesigma.verbs.simulate import simulate
    from fivesigma.verbs.train import train
    from fivesigma.verbs.tune import tune
    from fivesigma.verbs.validate import validate
    from fivesigma.verbs.verify import verify

# Keras reads its backend once, when it is first imported: `import fivesigma` before `import keras` is then enough.
os.environ.setdefault("KERAS_BACKEND", "jax")

_PLACES = {
    "Analysis": "fivesigma.analysis.analysis",
    "Events": "fivesigma.events",
    "FivesigmaError": "fivesigma.errors",
    "Listener": "fivesigma.progress",
    "Run": "fivesigma.runs.run",
    "Scores": "fivesigma.scores",
    "builtin_names": "fivesigma.analysis.file",
    "check": "fivesigma.verbs.check",
    "compare": "fivesigma.verbs.compare",
    "describe": "fivesigma.exploration.description",
    "evaluate": "fivesigma.verbs.evaluate",
    "explore": "fivesigma.verbs.explore",
    "export": "fivesigma.verbs.export",
    "load": "fivesigma.analysis.file",
    "open_table": "fivesigma.data.formats",
    "package": "fivesigma.verbs.package",
    "predict": "fivesigma.verbs.predict",
    "prepare": "fivesigma.verbs.prepare",
    "read": "fivesigma.runs.source",
    "register": "fivesigma.plugins",
    "report": "fivesigma.verbs.report",
    "run": "fivesigma.verbs.run",
    "scan": "fivesigma.verbs.scan",
    "simulate": "fivesigma.verbs.simulate",
    "train": "fivesigma.verbs.train",
    "tune": "fivesigma.verbs.tune",
    "validate": "fivesigma.verbs.validate",
    "verify": "fivesigma.verbs.verify",
}

__all__ = [
    "Analysis",
    "Events",
    "FivesigmaError",
    "Listener",
    "Run",
    "Scores",
    "__version__",
    "builtin_names",
    "check",
    "compare",
    "describe",
    "evaluate",
    "explore",
    "export",
    "load",
    "metrics",
    "open_table",
    "package",
    "predict",
    "prepare",
    "read",
    "register",
    "report",
    "run",
    "scan",
    "simulate",
    "train",
    "tune",
    "validate",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "metrics":
        return importlib.import_module("fivesigma.metrics")
    if name in _PLACES:
        value = getattr(importlib.import_module(_PLACES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'fivesigma' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
