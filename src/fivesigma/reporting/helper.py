"""A second process that draws while this one does other work."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from fivesigma.cluster.cores import cores
from fivesigma.cluster.local import LocalProcesses
from fivesigma.plugins import registered_here

MOST = 8
"""Groups that may wait at the other process while it draws one."""


class Helper:
    """A second process that draws while this one does other work; a context manager that leaves no process behind.

    It is started when it is first asked. If it dies, this process draws what it was asked for. Where there is one core
    alone, where the user wants one process, or where the calling script has registered kinds that another process does
    not know, there is no second process, and everything is drawn when it is needed.

    Args:
        workers: how many processes the user wants; None for the default.
    """

    def __init__(self, workers: int | None = None) -> None:
        alone = workers == 1 or cores() < 2 or bool(registered_here())
        self._pool = None if alone else LocalProcesses(1, ahead=MOST, threads=1)
        self._asked: set[tuple[Path, str]] = set()
        self._answers: dict[tuple[Path, str], Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._leave()

    def ask(self, draw: Callable[[Path, str], Any], path: Path, group: str) -> None:
        """Begin to draw a group of figures, if it has not begun yet.

        Args:
            draw: a function of a module, which writes files below the path and returns what can be pickled.
            path: folder of a run.
            group: of figures.
        """
        if self._pool is not None and (path, group) not in self._asked:
            self._asked.add((path, group))
            pool = self._pool

            def begun() -> Iterator[tuple[Any, Any]]:
                pool.submit((path, group), draw, path, group)
                return pool.finished()  # what is drawn already, so that it goes on with what waits

            self._take(begun)

    def wait(self) -> None:
        """Wait until everything that was asked for is drawn."""
        if self._pool is not None:
            self._take(self._pool.results)

    def _take(self, results: Callable[[], Iterator[tuple[Any, Any]]]) -> None:
        try:
            self._answers.update(results())
        except Exception:  # it died again and again, or could not draw: this process tries, and tells what is wrong
            self._leave()

    def answer(self, draw: Callable[[Path, str], Any], path: Path, group: str) -> Any:
        """What drawing a group gives; this process draws it if nobody has. The arguments are those of `ask`.

        Raises:
            Exception: what the function raises.
        """
        self.wait()
        found = self._answers.pop((path, group), None)
        return draw(path, group) if found is None else found

    def _leave(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None
