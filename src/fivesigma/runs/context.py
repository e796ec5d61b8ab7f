"""What every verb needs beside its own arguments: the folder of runs, the listener and the workers."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from fivesigma.cluster.executor import Workers
from fivesigma.errors import AnalysisError
from fivesigma.progress import Listener

RUNS = Path("runs")


def _check(output: Any, listener: Any, workers: Any) -> None:
    if not isinstance(output, str | os.PathLike):
        raise AnalysisError(f"output is {output!r}, which is no folder", hint='give its name, such as output="runs"')
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, Integral) or workers < 1):
        raise AnalysisError(f"workers is {workers!r}; a number of processes is needed, at least 1")
    wanted = [name for name in vars(Listener) if not name.startswith("_")]
    if listener is not None and (missing := [name for name in wanted if not hasattr(listener, name)]):
        raise AnalysisError(
            f"listener is {listener!r}, which is no fivesigma.Listener: it has no method {missing[0]!r}",
            hint="make a class of your own from fivesigma.Listener",
        )


def parameter_values(at: Any) -> dict[str, float]:
    """The values of parameters that a verb was given: name → value.

    Raises:
        AnalysisError: if they are no mapping of names to numbers.

    >>> parameter_values({"mass": 1000})
    {'mass': 1000.0}
    """
    if at is None:
        return {}
    if not isinstance(at, Mapping):
        raise AnalysisError(f"at is {at!r}, which is no mapping", hint='give names and values, such as at={"mass": 1000}')
    for name, value in at.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            raise AnalysisError(f"at[{name!r}] is {value!r}, which is no finite number")
    return {str(name): float(value) for name, value in at.items()}


@dataclass(frozen=True)
class RunContext:
    """What every step of a verb needs: output folder, listener and workers.

    Attributes:
        output: folder of all runs.
        listener: receives messages and progress.
        workers: processes that train, score and simulate.
    """

    output: Path = RUNS
    listener: Listener = field(default_factory=Listener)
    workers: Workers = field(default_factory=Workers)

    @classmethod
    def of(
        cls,
        output: str | Path = RUNS,
        listener: Listener | None = None,
        workers: int | None = None,
        cluster: str | None = None,
    ) -> "RunContext":
        """Make it from the arguments of a verb.

        Raises:
            AnalysisError: if one of them is not what it should be.
        """
        _check(output, listener, workers)
        return cls(Path(output), listener or Listener(), Workers(workers, cluster))
