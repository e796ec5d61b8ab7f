"""fivesigma: explore, train, evaluate and deploy neural networks on collider data.

    import fivesigma as fs
    run = fs.run("hepmass")

Names are loaded when first used: `import fivesigma` alone loads neither JAX nor matplotlib.
"""

import importlib
from typing import TYPE_CHECKING, Any

from fivesigma.version import __version__

if TYPE_CHECKING:
    from fivesigma.analysis.analysis import Analysis
    from fivesigma.analysis.file import builtin_names, load
    from fivesigma.data.formats import open_table
    from fivesigma.errors import FivesigmaError
    from fivesigma.events import Events
    from fivesigma.progress import Listener
    from fivesigma.runs.run import Run
    from fivesigma.scores import Scores
    from fivesigma.verbs.check import check
    from fivesigma.verbs.compare import compare
    from fivesigma.verbs.evaluate import evaluate
    from fivesigma.verbs.explore import explore
    from fivesigma.verbs.predict import predict
    from fivesigma.verbs.prepare import prepare
    from fivesigma.verbs.report import report
    from fivesigma.verbs.run import run
    from fivesigma.verbs.scan import scan
    from fivesigma.verbs.train import train
    from fivesigma.verbs.tune import tune

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
    "evaluate": "fivesigma.verbs.evaluate",
    "explore": "fivesigma.verbs.explore",
    "load": "fivesigma.analysis.file",
    "open_table": "fivesigma.data.formats",
    "predict": "fivesigma.verbs.predict",
    "prepare": "fivesigma.verbs.prepare",
    "report": "fivesigma.verbs.report",
    "run": "fivesigma.verbs.run",
    "scan": "fivesigma.verbs.scan",
    "train": "fivesigma.verbs.train",
    "tune": "fivesigma.verbs.tune",
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
    "evaluate",
    "explore",
    "load",
    "open_table",
    "predict",
    "prepare",
    "report",
    "run",
    "scan",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        value = getattr(importlib.import_module(_PLACES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'fivesigma' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
