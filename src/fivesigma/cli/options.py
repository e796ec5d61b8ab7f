"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

AnalysisName = Annotated[
    str, typer.Argument(metavar="ANALYSIS", help="Analysis file, or the name of a built-in one (`fivesigma analyses`).")
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Run folder, or an analysis's name for its latest run.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Override a key: --set train.epochs=10. May be repeated."),
]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", "-d", metavar="SAMPLE=FILE", help="Files of a sample: --data train=a.csv.gz. May be repeated."),
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where runs are kept.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result's path.")]
New = Annotated[bool, typer.Option("--new", help="Begin a new run even if one of this analysis is unfinished.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Only go on with an unfinished run of this analysis; never begin one.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", "-j", min=1, metavar="N", help="Processes of this machine; one per core by default. Changes no result."
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help="Workers of a Dask scheduler instead: --cluster tcp://host:8786."),
]

Coordinator = Annotated[
    str | None,
    typer.Option(
        "--coordinator", metavar="HOST:PORT", help="Train in several processes that meet here; Slurm and Open MPI are found."
    ),
]
Processes = Annotated[int | None, typer.Option("--processes", min=1, metavar="N", help="How many processes there are.")]
ProcessId = Annotated[int | None, typer.Option("--process-id", min=0, metavar="I", help="Which one this is, from 0.")]

RUNS = Path("runs")
