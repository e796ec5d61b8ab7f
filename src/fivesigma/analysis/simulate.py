"""The section `simulate`: events to simulate if there are no files."""

from typing import Annotated, Literal

from pydantic import Field

from fivesigma.analysis.section import Section


class ResonanceSimulation(Section):
    """pp → X → tt̄ and Standard Model tt̄ with Pythia 8, FastJet and a parametrised detector."""

    process: Literal["resonance"] = Field(description="a new particle X → tt̄ above Standard Model top pairs")
    events: int = Field(100_000, gt=0, description="selected events, signal and background together")
    masses: list[float] = Field(
        [500.0, 750.0, 1000.0, 1250.0, 1500.0],
        description="masses of X, GeV; none for background alone, without a column `mass`",
    )
    background: bool = Field(True, description="half of the events are Standard Model top pairs")
    width: float = Field(0.01, gt=0, lt=0.5, description="width of X relative to its mass")
    sqrt_s: float = Field(13_000.0, gt=0, description="collision energy, GeV")
    fidelity: Literal["parton", "hadron", "full"] = Field(
        "parton", description="partons after showers; with hadrons; with multiple interactions as well, the slowest"
    )
    layout: Literal["gev", "uci"] = Field("gev", description="physical units and names, or the UCI columns")
    seed: int = Field(1, ge=0, description="another one gives other events")


class MuonSimulation(Section):
    """Muons through a CMS-like endcap, as the 87 variables and 3 parameters of the trigger archive."""

    process: Literal["muons"] = Field(description="single muons in the endcap trigger")
    events: int = Field(300_000, gt=0, description="muons accepted by the track finder")
    spectrum: Literal["flat-inverse-pt", "flat-pt", "prompt"] = Field(
        "flat-inverse-pt", description="distribution of the true pT: flat in 1/pT, flat in pT, or as in collisions"
    )
    pt_min: float = Field(2.0, gt=0, description="smallest true pT, GeV")
    pt_max: float = Field(7000.0, gt=0, description="largest true pT, GeV")
    noise: float = Field(0.2, ge=0, description="mean number of hits per muon that are unrelated to it, in all planes")
    dead_chambers: float = Field(0.0, ge=0, lt=1, description="fraction of the chambers that never give a hit")
    seed: int = Field(1, ge=0, description="another one gives other events")


Simulation = Annotated[ResonanceSimulation | MuonSimulation, Field(discriminator="process")]
