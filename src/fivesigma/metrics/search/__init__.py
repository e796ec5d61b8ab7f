"""Searches for a signal: significance, limits and workspaces, from scores and weights."""
