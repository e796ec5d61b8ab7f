"""Numbers of a run → figures and one HTML page; nothing here computes physics."""
