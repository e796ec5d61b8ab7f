"""Events + Recipe → a trained network in a run folder, and its scores."""
