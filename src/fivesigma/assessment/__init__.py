"""Assessments of scores, which `evaluate` runs: trust, searches, triggers and the comparison with baselines."""
