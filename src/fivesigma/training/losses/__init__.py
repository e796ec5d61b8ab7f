"""One file for each loss, with its settings."""
