"""Where simulated events and compiled programs are kept from one call to the next."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where simulated events and compiled programs are kept: FIVESIGMA_CACHE, else XDG_CACHE_HOME or ~/.cache."""
    given = os.environ.get("FIVESIGMA_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fivesigma"
