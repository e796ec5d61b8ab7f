"""The verb `analyses`: which analyses come with fivesigma."""

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import builtin_names, load


def analyses() -> dict[str, Analysis]:
    """Name → every built-in analysis.

    >>> analyses()["muon-pt"].task
    'regression'
    """
    return {name: load(name) for name in builtin_names()}
