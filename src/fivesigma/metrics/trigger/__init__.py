"""Muons as a trigger sees them: the scale of a momentum, turn-on curves, rates, resolution, charge."""
