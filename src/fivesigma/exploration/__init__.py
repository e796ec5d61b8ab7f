"""Events → summaries: what the data are, before anything is trained."""
