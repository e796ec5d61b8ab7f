"""fivesigma beside its peers, measured on this machine: `python -m benchmarks`."""
