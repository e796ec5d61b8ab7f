"""Types that several verbs share: an analysis in any form, and a function that builds a network."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.models.base import Inputs

AnalysisLike = str | Path | Analysis | Mapping[str, Any]
"""A path, the name of a built-in analysis, a mapping, or an analysis that is loaded already."""

Build = Callable[[Inputs], Any]
"""(number of inputs) → an unfitted `keras.Model`; the number also knows `outputs`, `link`, `parameters`, `names`, `seed`."""
