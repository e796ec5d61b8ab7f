"""What `evaluate` asks of the scores: trust, searches, triggers and the comparison with baselines."""
