"""The analysis file: one module per section, composed in `analysis.py`, read and checked in `file.py`."""
