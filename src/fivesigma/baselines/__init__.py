"""Models that the network has to beat: each trained on the same events and scored by the same code."""
