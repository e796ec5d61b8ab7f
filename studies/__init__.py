"""The runs behind docs/physics-results.md, and the page itself: `python -m studies`."""
