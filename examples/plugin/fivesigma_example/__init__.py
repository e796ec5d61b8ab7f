"""One kind of each group that fivesigma can be extended by; pyproject.toml declares them as entry points."""
