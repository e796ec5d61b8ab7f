"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

AnalysisName = Annotated[
    str, typer.Argument(metavar="ANALYSIS", help="Analysis file, or the name of a built-in one (`fivesigma analyses`).")
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Run folder, or an analysis's name for its latest run.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="Override a key: --set train.epochs=10.")
]
Data = Annotated[
    list[str] | None, typer.Option("--data", "-d", metavar="SAMPLE=FILE", help="Files of a sample: --data train=a.csv.gz.")
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where runs are kept.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result's path.")]
New = Annotated[bool, typer.Option("--new", help="Begin a new run even if one of this analysis is unfinished.")]

RUNS = Path("runs")
