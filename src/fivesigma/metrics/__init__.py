"""Scores → numbers with uncertainties, in pure NumPy; nothing here reads files or draws."""
