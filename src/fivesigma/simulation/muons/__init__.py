"""Muons in the CMS endcap spectrometer: the 87 trigger variables and 3 parameters of each track."""

from fivesigma.simulation.muons.archive import PARAMETERS, UNITS, VARIABLES
from fivesigma.simulation.muons.simulation import MuonSettings, Statistics, simulate, simulate_chunks

__all__ = ["PARAMETERS", "UNITS", "VARIABLES", "MuonSettings", "Statistics", "simulate", "simulate_chunks"]
