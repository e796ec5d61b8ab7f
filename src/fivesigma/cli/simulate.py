"""`fivesigma simulate resonance` and `fivesigma simulate muons`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import Cluster, Json, Quiet, Workers

app = typer.Typer(help="Simulate events into a file.", no_args_is_help=True)

Destination = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE", help="File to write: .parquet, .root, .csv, .npz or .h5.")
]
Events = Annotated[int, typer.Option("--events", "-n", help="Number of events that pass the selection.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the random numbers: the same seed gives the same events.")]


@app.command()
def resonance(
    destination: Destination,
    events: Events = 100_000,
    mass: Annotated[
        list[float] | None,
        typer.Option("--mass", help="Mass of X in GeV; repeat the option for several masses. 500 to 1500 by default."),
    ] = None,
    background: Annotated[bool, typer.Option(help="Make half of the events Standard Model top pairs.")] = True,
    width: Annotated[float, typer.Option(help="Width of X relative to its mass.")] = 0.01,
    sqrt_s: Annotated[float, typer.Option("--sqrt-s", help="Collision energy in GeV.")] = 13_000.0,
    fidelity: Annotated[
        str, typer.Option(help="parton, hadron (adds hadronisation) or full (adds the underlying event).")
    ] = "parton",
    layout: Annotated[
        str, typer.Option(help="gev: physical units and names; uci: the published columns, normalised.")
    ] = "gev",
    seed: Seed = 1,
    workers: Workers = None,
    cluster: Cluster = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Simulate pp → X → tt̄ and Standard Model tt̄ with Pythia 8, FastJet and a parametrised detector."""
    settings: dict[str, Any] = {
        "process": "resonance",
        "events": events,
        "background": background,
        "width": width,
        "sqrt_s": sqrt_s,
        "fidelity": fidelity,
        "layout": layout,
        "seed": seed,
    }
    if mass:
        settings["masses"] = mass
    _simulate(settings, destination, workers, cluster, Terminal(quiet, as_json))


@app.command()
def muons(
    destination: Destination,
    events: Events = 300_000,
    spectrum: Annotated[str, typer.Option(help="Spectrum of pT: flat-inverse-pt, flat-pt or prompt.")] = "flat-inverse-pt",
    pt_min: Annotated[float, typer.Option("--pt-min", help="Smallest pT in GeV.")] = 2.0,
    pt_max: Annotated[float, typer.Option("--pt-max", help="Largest pT in GeV.")] = 7000.0,
    noise: Annotated[float, typer.Option(help="Mean number of noise hits per muon, in all planes together.")] = 0.2,
    dead_chambers: Annotated[float, typer.Option(help="Fraction of dead chambers, which never give a hit.")] = 0.0,
    seed: Seed = 1,
    workers: Workers = None,
    cluster: Cluster = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Simulate muons in a CMS-like endcap: 87 variables and 3 parameters of the trigger archive (.npz), or named columns."""
    settings = {
        "process": "muons",
        "events": events,
        "spectrum": spectrum,
        "pt_min": pt_min,
        "pt_max": pt_max,
        "noise": noise,
        "dead_chambers": dead_chambers,
        "seed": seed,
    }
    _simulate(settings, destination, workers, cluster, Terminal(quiet, as_json))


def _simulate(
    settings: Mapping[str, Any], destination: Path, workers: int | None, cluster: str | None, terminal: Terminal
) -> None:
    from fivesigma.verbs import simulate

    simulate.simulate(destination=destination, workers=workers, cluster=cluster, listener=terminal, **settings)
    terminal.result(destination, {"file": destination, "settings": settings})
