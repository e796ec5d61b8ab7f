"""Analysis + search space → the best settings: which to try, for how long, and what to keep."""
