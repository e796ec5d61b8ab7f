"""What the command line decides for every group of rows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How much to measure, and where files go.

    Attributes:
        quick: a trial that shows that everything works; its numbers mean little.
        repetitions: turns of each contender; None for each group's own default.
        data: the simulated collisions in UCI layout; made when it is not there.
        folder: for files that the benchmarks make and keep, such as large tables.
        output: for the table and the figures.
        say: takes one line of progress.
        batches: of the groups `training` and `training_busy`; None for all.
    """

    quick: bool
    repetitions: int | None
    data: Path | None
    folder: Path
    output: Path
    say: Callable[[str], None]
    batches: tuple[int, ...] | None = None

    def turns(self, usual: int = 5, quick: int = 2) -> int:
        """Repetitions of one group."""
        return self.repetitions or (quick if self.quick else usual)

    def size(self, full: int, quick: int) -> int:
        """A number of events, or of anything else that makes a measurement long."""
        return quick if self.quick else full
