"""The exported model of a run, applied to new files in place of the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma import plugins
from fivesigma.atomic import sha256
from fivesigma.data.plan import as_column
from fivesigma.deployment.base import FEATURES, PARAMETERS, Exporter, Score
from fivesigma.deployment.events import refuse_rounded
from fivesigma.deployment.metadata import hashes
from fivesigma.errors import AnalysisError, RunError, did_you_mean
from fivesigma.names import quoted
from fivesigma.runs.folder import RunFolder

CHECKED = "export/check.json"
"""What a run has exported, by format, and how it compares with the network."""


@dataclass(frozen=True)
class ExportedModel:
    """A file that `fivesigma export` wrote.

    Attributes:
        score: scores arrays by the names of the inputs.
        inputs: their names.
        of_columns: whether it takes columns instead of the features.
        parameters: names of the network's parameters.
        fixed: those with one value for all events.
    """

    score: Score
    inputs: tuple[str, ...]
    of_columns: bool
    parameters: tuple[str, ...]
    fixed: Mapping[str, float]

    @property
    def columns(self) -> list[str]:
        """Columns that are read for it; masks of firmware are no part of any feature."""
        return [name for name in self.inputs if self.of_columns and name not in self.parameters]

    def on(self, chunk: Mapping[str, Any], where: str) -> "OnColumns":
        """A scorer of the events of one chunk.

        Args:
            chunk: columns as they are in the file.
            where: the file, for messages.
        """
        return OnColumns(self, chunk, where)


@dataclass(frozen=True)
class OnColumns:
    """An exported model and the columns of some events; it scores like a network.

    Attributes:
        model: the exported model.
        chunk, where: as for `ExportedModel.on`.
    """

    model: ExportedModel
    chunk: Mapping[str, Any]
    where: str

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score the events; as `Network.score`."""
        model, length = self.model, len(features)
        rows = np.zeros((length, 0), np.float32) if parameters is None else parameters
        given = {name: np.asarray(rows[:, [i]]) for i, name in enumerate(model.parameters)}
        for name, value in model.fixed.items():
            if (given[name] != np.float32(value)).any():
                raise RunError(
                    f"the exported model is fixed at {name}={value:g} and cannot score at another value",
                    hint=f"score with --at {name}={value:g}, or export without --at",
                )
        arrays: dict[str, NDArray[Any]] = {}
        columns = {name: self.chunk[name] for name in model.columns}
        refuse_rounded(columns, "score with the network: leave out --with", self.where)
        for name in model.inputs:
            if name in given:
                arrays[name] = given[name]
            elif model.of_columns:
                arrays[name] = as_column(self.chunk[name], quoted(name), self.where, length)[:, None]
            else:
                free = [i for i, parameter in enumerate(model.parameters) if parameter not in model.fixed]
                arrays[name] = {FEATURES: features, PARAMETERS: np.ascontiguousarray(rows[:, free])}[name]
        return model.score(arrays)


def known_exports(folder: RunFolder) -> dict[str, Any]:
    """What `export/check.json` says, by format; empty if nothing was exported."""
    return dict(folder.read_json(CHECKED)) if folder.has(CHECKED) else {}


def path_of(folder: RunFolder, format: str) -> Path:
    """The file that the run has exported in a format.

    Raises:
        RunError: if there is none, or it is not what was written, or the network was trained again since.
        AnalysisError: if there is no such format.
    """
    if format not in plugins.exporters:
        raise AnalysisError(f"no export format {format!r}; {did_you_mean(format, plugins.exporters.names())}")
    tree, again = known_exports(folder).get(format), f"fivesigma export {folder} --format {format}"
    if tree is None:
        raise RunError(f"the run {folder} has exported no model in the format {format!r}", hint=again)
    path = folder / "export" / str(tree["file"])
    if not path.is_file():
        raise RunError(f"{path}, the last export of this run in the format {format!r}, is not there any more", hint=again)
    if sha256(path) != tree["sha256"]:
        raise RunError(f"{path} is not the file that this run exported", hint=again)
    if tree["network"] != hashes(folder):
        raise RunError(f"{path} is not of the present network of the run {folder}", hint=again)
    return path


def load_exported(folder: RunFolder, format: str) -> ExportedModel:
    """Load what the run has exported in a format.

    Raises:
        RunError, AnalysisError: as for `path_of`.
    """
    path, tree = path_of(folder, format), known_exports(folder)[format]
    exporter: Exporter = plugins.exporters.get(format)
    exporter.needs()
    return ExportedModel(
        score=exporter.load(path),
        inputs=tuple(tree["inputs"]),
        of_columns=tree["takes"] == "columns",
        parameters=tuple(tree["parameters"]),
        fixed=tree["fixed"],
    )
