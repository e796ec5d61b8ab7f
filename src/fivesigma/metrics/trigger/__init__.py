"""Performance of a muon trigger: momentum scale, turn-on curves, rates, resolution, charge."""
