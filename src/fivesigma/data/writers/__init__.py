"""One file for each file format that can be written."""
