"""Units of columns, as the analysis gives them by name or glob."""

from collections.abc import Mapping, Sequence

from fivesigma.analysis.analysis import Analysis
from fivesigma.names import matches


def units_of(analysis: Analysis, names: Sequence[str]) -> Mapping[str, str]:
    """Units of columns, by the names or globs in the analysis."""
    return {name: unit for name in names for pattern, unit in analysis.units.items() if matches(name, pattern)}
