"""The folder of a run on disk: its files, and whether the run is finished."""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import dump, load
from fivesigma.atomic import named_errors, write_text
from fivesigma.errors import AnalysisError, RunError, UnknownKind, nearest
from fivesigma.extras import versions
from fivesigma.runs import manifest
from fivesigma.version import __version__

HISTORY = "history.jsonl"
MARKER = "UNFINISHED"
TRAINED = ("model.keras", "folds.json")
"""Written last by a training, of one network or of one for each fold: a run that has either is trained."""
SILENCE = 3600.0
"""Seconds after which an unfinished run of another machine counts as stopped."""
_RECORDED = ("numpy", "scipy", "jax", "jaxlib", "keras", "pyarrow", "uproot", "awkward", "pythia8mc", "fastjet", "lightgbm")


class RunFolder:
    """Paths and JSON files of a run; every file is written in one step or not at all.

    Args:
        path: the folder.

    Until every step has succeeded, the file `UNFINISHED` in it names the current step.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, output: Path, analysis: Analysis, command: str) -> "RunFolder":
        """Make `output/<name>/<time>/` with the resolved analysis and the run's metadata in it."""
        base = output / analysis.name
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        with named_errors(base):
            path, count = base / stamp, 1
            while True:
                try:
                    path.mkdir(parents=True)
                    break
                except FileExistsError:
                    if not base.is_dir():
                        raise
                    count += 1
                    path = base / f"{stamp}-{count}"
        folder = cls(path)
        try:
            folder.begin("created")
            manifest.start(path)
            folder.write_json("metadata.json", _metadata(analysis, command))
            folder.write_text("analysis.yaml", dump(analysis))  # last: with it the folder is a run
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)  # it has been made here, and nobody else knows it
            raise
        return folder

    @classmethod
    def open(cls, place: str | Path, output: Path = Path("runs"), needs: str | Sequence[str] = ()) -> "RunFolder":
        """Find a run by its folder, or the latest run of an analysis by its name.

        Args:
            place: the folder, or the analysis's name.
            output: folder of all runs.
            needs: a run chosen by name must have one of these files.

        Raises:
            RunError: if there is no such run, or the folder is not one.
        """
        if not isinstance(place, str | os.PathLike):
            raise RunError(f"{place!r} is no run", hint="give a run, its folder, or the name of an analysis")
        path = Path(place)
        if not path.is_dir():
            runs = all_runs(output, str(place))
            if not runs:
                known = [entry.name for entry in output.iterdir() if entry.is_dir()] if output.is_dir() else []
                near = nearest(str(place), known)
                hint = f"runs there are of: {', '.join(near or sorted(known)[:5])}" if known else None
                raise RunError(
                    f"no run {place}: it is neither a run folder nor an analysis with runs in {output}/", hint=hint
                )
            names = [needs] if isinstance(needs, str) else needs
            usable = [run for run in runs if not names or cls(run).has(*names)]
            path = (usable or runs)[-1]
        folder = cls(path)
        if not (path / "analysis.yaml").is_file() or not (path / "metadata.json").is_file():
            raise RunError(f"{path} is not a run folder: it has no analysis.yaml and metadata.json")
        return folder

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def __str__(self) -> str:
        return str(self.path)

    def has(self, *names: str) -> bool:
        """Whether the run has a file, or one of several files."""
        return any((self.path / name).is_file() for name in names)

    @property
    def checkpoint(self) -> Path:
        """Path of the checkpoint of a training."""
        return self.path / "checkpoints" / "last.npz"

    def fold(self, number: int) -> "RunFolder":
        """The folder of one fold's network, from 1: its recipe, model, history and checkpoints."""
        return RunFolder(self.path / "folds" / f"fold-{number}")

    def analysis(self) -> Analysis:
        """The resolved analysis the run was made with.

        Raises:
            RunError: if it cannot be read.
            UnknownKind: if it names a loss, metric or the like that nothing here has registered.
        """
        try:
            return load(self.path / "analysis.yaml", older=True)
        except UnknownKind as error:
            raise UnknownKind(f"the run {self.path} needs something that is not here: {error.what}", error.hint) from None
        except AnalysisError as error:
            raise RunError(f"the run {self.path} is damaged: {error.what}", hint="train again") from None

    def write_text(self, name: str, text: str) -> None:
        """Write a text file of the run."""
        write_text(self.path / name, text)

    def write_json(self, name: str, tree: Any) -> None:
        """Write a JSON file of the run."""
        self.write_text(name, json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def read_json(self, name: str) -> Any:
        """Read a JSON file of the run.

        Raises:
            RunError: if it is missing or damaged; says which step writes it.
        """
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"the run {self.path} has no {name}", hint=self._maker(name)) from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise RunError(f"{self.path / name} is damaged: {error}", hint=_MAKERS.get(name)) from None

    def hypotheses(self) -> list[tuple[float, ...]]:
        """Values of the parameters of the training's signal, if they were few enough to list.

        Raises:
            RunError: if `metadata.json` is missing or damaged.
        """
        tree = self.read_json("metadata.json")
        try:
            found = [tuple(float(value) for value in values) for values in tree.get("hypotheses", [])]
        except (AttributeError, TypeError, ValueError) as error:
            raise RunError(f"{self.path / 'metadata.json'} is damaged: {error}", hint="train again") from None
        if len({len(values) for values in found}) > 1:
            raise RunError(f"{self.path / 'metadata.json'} is damaged: hypotheses of different lengths", hint="train again")
        return found

    def _maker(self, name: str) -> str | None:
        """How a missing file is made, if it can be made."""
        if name in _EVALUATED and not self.has(*TRAINED):
            return "it failed or was stopped before it had a network: leave it out, or remove its folder"
        return _MAKERS.get(name)

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write the history, a row per epoch."""
        self.write_text(HISTORY, "".join(json.dumps(row) + "\n" for row in rows))

    def history(self) -> list[dict[str, float]]:
        """The history of the training, a row per epoch."""
        lines = (self.path / HISTORY).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def update_metadata(self, **changes: Any) -> None:
        """Add to the run's metadata."""
        self.write_json("metadata.json", {**self.read_json("metadata.json"), **changes})

    def begin(self, step: str) -> None:
        """Mark the run as unfinished, with the name of the current step."""
        self.write_json(MARKER, {"step": step, "pid": os.getpid(), "host": platform.node()})

    def alive(self) -> None:
        """Show that a process is still working on the run."""
        if (self.path / MARKER).is_file():
            os.utime(self.path / MARKER)

    def finish(self) -> None:
        """Mark the run as complete."""
        with named_errors(self.path / MARKER):
            (self.path / MARKER).unlink(missing_ok=True)

    @property
    def unfinished(self) -> str | None:
        """The step in which the run stopped, or None."""
        return self._marker().get("step")

    @property
    def busy(self) -> bool:
        """Whether another process may still be working on this run."""
        marker = self._marker()
        if not marker:
            return False
        if marker.get("host") != platform.node():
            # Nobody can be asked on another machine: silence for so long means that it stopped.
            return time.time() - (self.path / MARKER).stat().st_mtime < SILENCE
        pid = marker.get("pid")
        if pid == os.getpid() or not isinstance(pid, int) or pid <= 0:
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True

    def _marker(self) -> dict[str, Any]:
        try:
            marker = json.loads((self.path / MARKER).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            return {"step": "unknown", "pid": None, "host": platform.node()}
        return marker if isinstance(marker, dict) else {}


_MAKERS = {
    "recipe.json": "make it with `fivesigma train`",
    "folds.json": "make it with `fivesigma train`",
    "metrics.json": "make it with `fivesigma evaluate RUN`",
    "curves.json": "make it with `fivesigma evaluate RUN`",
    "explore.json": "make it with `fivesigma explore`",
    "scan/scan.json": "make it with `fivesigma scan RUN`",
}


_EVALUATED = ("metrics.json", "curves.json")


def all_runs(output: Path, name: str) -> list[Path]:
    """Folders of all runs of an analysis, oldest first."""
    base = output / name
    if not base.is_dir():
        return []
    return sorted(path for path in base.iterdir() if (path / "analysis.yaml").is_file())


def matching_runs(output: Path, analysis: Analysis) -> list[RunFolder]:
    """Runs made with exactly this analysis, oldest first."""
    text = dump(analysis)
    found = [RunFolder(path) for path in all_runs(output, analysis.name)]
    return [folder for folder in found if (folder / "analysis.yaml").read_text(encoding="utf-8") == text]


def _metadata(analysis: Analysis, command: str) -> dict[str, Any]:
    return {
        "fivesigma": __version__,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": command,
        "analysis": analysis.name,
        "seed": analysis.train.seed,
        "versions": {"python": platform.python_version(), **versions(_RECORDED)},
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "git": _git_hash(),
    }


def _git_hash() -> str | None:
    """Git commit of the current folder, with `+` if there are changes; None outside git."""
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() or None


def command_line() -> str:
    """The command as it was typed."""
    import shlex

    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
