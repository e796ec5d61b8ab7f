"""What every verb needs beside its own arguments: the folder of runs, the listener and the workers."""

from dataclasses import dataclass, field
from pathlib import Path

from fivesigma.cluster.executor import Workers
from fivesigma.progress import Listener

RUNS = Path("runs")


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
        """Make it from the arguments of a verb."""
        return cls(Path(output), listener or Listener(), Workers(workers, cluster))
