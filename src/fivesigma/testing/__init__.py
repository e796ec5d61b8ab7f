"""Rules for kinds of models, losses, metrics and others: a function for each, for the tests of packages that add one.

    from fivesigma.testing import check_metric

    def test_my_metric():
        check_metric(MY_METRIC)

A broken rule raises AssertionError with a sentence that names it. Nothing here needs pytest, and modules are imported
when they are used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fivesigma.testing.baselines import check_baseline
    from fivesigma.testing.exporters import check_exporter
    from fivesigma.testing.losses import check_loss
    from fivesigma.testing.metrics import check_metric
    from fivesigma.testing.models import check_model
    from fivesigma.testing.readers import check_reader

_PLACES = {
    "check_baseline": "baselines",
    "check_exporter": "exporters",
    "check_loss": "losses",
    "check_metric": "metrics",
    "check_model": "models",
    "check_reader": "readers",
}

__all__ = ["check_baseline", "check_exporter", "check_loss", "check_metric", "check_model", "check_reader"]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"fivesigma.testing.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'fivesigma.testing' has no attribute {name!r}")
