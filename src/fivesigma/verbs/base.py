"""What several verbs share: an analysis in any form, a function that builds a network, and whether a cluster is of use."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.errors import ClusterError
from fivesigma.models.base import Inputs
from fivesigma.runs.context import RunContext

AnalysisLike = str | Path | Analysis | Mapping[str, Any]
"""A path, the name of a built-in analysis, a mapping, or an analysis that is loaded already."""

Build = Callable[[Inputs], Any]
"""(number of inputs) → an unfitted `keras.Model`; the number also knows `outputs`, `link`, `parameters`, `names`, `seed`."""


def check_cluster(context: RunContext, shares: bool = True) -> None:
    """Refuse a cluster that would have nothing to do, or does not answer, before any event is read.

    Args:
        context: with the workers that were asked for.
        shares: whether the verb has tasks that workers can share.

    Raises:
        ClusterError: then.
        MissingExtra: if `distributed` is not installed.
    """
    cluster = context.workers.cluster
    if cluster is None:
        return
    if not shares:
        raise ClusterError(
            f"there is nothing here that the workers of {cluster} could share",
            hint="leave the cluster out; shared are simulated events, folds (split.folds), trials, networks for comparison, "
            "and several files to predict",
        )
    with context.workers.executor() as pool:
        if not pool.is_ready:
            context.listener.say(f"the scheduler {cluster} has no workers yet; tasks will wait until some have joined")
