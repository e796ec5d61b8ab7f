"""A finished or unfinished run as a Python object: metrics, history, network and predictions."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.errors import RunError, did_you_mean
from fivesigma.metrics.result import Results, parts_of
from fivesigma.reporting.terminal import key_numbers
from fivesigma.runs.folder import RunFolder
from fivesigma.training.folds import Folds, load_trained
from fivesigma.training.network import Network


@dataclass(frozen=True)
class Figure:
    """A figure of a run: displayed in a notebook, and a file elsewhere."""

    path: Path
    """Of the PNG; PDF and numbers (JSON) stand beside it."""

    @property
    def numbers(self) -> Any:
        """The numbers that are drawn."""
        return json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True)
class Run:
    """A run: its folder and results. In a notebook it is displayed as a table of its metrics."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", RunFolder.open(self.path).path)

    @property
    def folder(self) -> RunFolder:
        """The run folder, with methods that read its files."""
        return RunFolder(self.path)

    @property
    def analysis(self) -> Analysis:
        """The resolved analysis."""
        return self.folder.analysis()

    @property
    def metrics(self) -> dict[str, Any]:
        """`metrics.json`: part → metric → `value` and `error`."""
        return parts_of(self.folder.read_json("metrics.json"))

    @property
    def results(self) -> Results:
        """`metrics.json` as a typed object."""
        return Results.from_json(self.folder.read_json("metrics.json"))

    @property
    def scan(self) -> dict[str, Any]:
        """`scan/scan.json`, what `fivesigma scan` found: network → hypothesis → AUC, significance and limit."""
        return dict(self.folder.read_json("scan/scan.json"))

    @property
    def history(self) -> list[dict[str, float]]:
        """One row per epoch; with folds, the rows of all folds, each with its `fold`."""
        if not self.folder.has("folds.json"):
            return self.folder.history()
        numbers = [row["fold"] for row in self.folder.read_json("folds.json")["folds"]]
        return [{"fold": number, **row} for number in numbers for row in self.folder.fold(number).history()]

    @property
    def report(self) -> Path:
        """The report's path."""
        return self.path / "report.html"

    @property
    def figures(self) -> list[str]:
        """Names of the figures that the report has drawn."""
        return sorted(path.stem for path in (self.path / "plots").glob("*.png"))

    def figure(self, name: str) -> Figure:
        """A figure of the report.

        Raises:
            RunError: if the run has none of that name, with the nearest one that it has.
        """
        if not self.figures:
            raise RunError(f"the run {self.path} has no figures", hint="make its report first: fivesigma report RUN")
        if name not in self.figures:
            raise RunError(f"the run {self.path} has no figure {name!r}; {did_you_mean(name, self.figures)}")
        return Figure(self.path / "plots" / f"{name}.png")

    def network(self) -> Network | Folds:
        """The trained network with its recipe, or those of all folds."""
        return load_trained(self.folder)

    def predictions(self, part: str = "test") -> dict[str, Any]:
        """Scores of the `val` or `test` events, or of all events out of `folds`, column by column.

        Raises:
            RunError: if the run has none of this part.
        """
        from fivesigma.data.readers.parquet import ParquetReader

        known = sorted(path.stem for path in (self.path / "predictions").glob("*.parquet"))
        if not known:
            raise RunError(
                f"the run {self.path} has no predictions yet", hint=f"evaluate it: fivesigma evaluate {self.path}"
            )
        if part not in known:
            raise RunError(f"the run {self.path} has no predictions of {part!r}; {did_you_mean(part, known)}")
        return ParquetReader(str(self.path / "predictions" / f"{part}.parquet")).read()

    def __str__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        from html import escape

        if not self.folder.has("metrics.json"):
            return f"<p>run <code>{escape(str(self.path))}</code>, not evaluated yet</p>"
        head = "".join(f"<th>{escape(part)}</th>" for part in ("metric", *self.metrics))
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in key_numbers(self.results)
        )
        return f"<p>run <code>{escape(str(self.path))}</code></p><table><tr>{head}</tr>{body}</table>"
