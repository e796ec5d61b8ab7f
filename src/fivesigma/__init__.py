"""fivesigma: explore, train, evaluate and deploy neural networks on collider data.

    import fivesigma as fs
    run = fs.run("hepmass")

Names are loaded when first used: `import fivesigma` alone loads neither JAX nor matplotlib.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fivesigma.version import __version__

if TYPE_CHECKING:
    from fivesigma.analysis import Analysis
    from fivesigma.analysis_file import builtin_names, load
    from fivesigma.data.formats import open_table
    from fivesigma.errors import FivesigmaError
    from fivesigma.events import Events
    from fivesigma.journey.prediction import predict
    from fivesigma.journey.preparation import prepare
    from fivesigma.journey.scanning import scan
    from fivesigma.journey.tuning import tune
    from fivesigma.journey.verbs import Run, check, compare, evaluate, explore, report, run, train
    from fivesigma.progress import Listener
    from fivesigma.scores import Scores

_PLACES = {
    "Analysis": "fivesigma.analysis",
    "Events": "fivesigma.events",
    "FivesigmaError": "fivesigma.errors",
    "Listener": "fivesigma.progress",
    "Run": "fivesigma.journey.verbs",
    "Scores": "fivesigma.scores",
    "builtin_names": "fivesigma.analysis_file",
    "check": "fivesigma.journey.verbs",
    "compare": "fivesigma.journey.verbs",
    "evaluate": "fivesigma.journey.verbs",
    "explore": "fivesigma.journey.verbs",
    "load": "fivesigma.analysis_file",
    "open_table": "fivesigma.data.formats",
    "predict": "fivesigma.journey.prediction",
    "prepare": "fivesigma.journey.preparation",
    "report": "fivesigma.journey.verbs",
    "run": "fivesigma.journey.verbs",
    "scan": "fivesigma.journey.scanning",
    "train": "fivesigma.journey.verbs",
    "tune": "fivesigma.journey.tuning",
}

__all__ = [
    "Analysis", "Events", "FivesigmaError", "Listener", "Run", "Scores", "__version__", "builtin_names", "check",
    "compare", "evaluate", "explore", "load", "open_table", "predict", "prepare", "report", "run", "scan", "train", "tune",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        value = getattr(importlib.import_module(_PLACES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'fivesigma' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `fs.train` the verb: Python would set it to the folder of that name when it is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
