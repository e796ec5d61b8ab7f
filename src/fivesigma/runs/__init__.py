"""Runs on disk and in memory: the folder, the events behind it, and the session that works on it."""
