"""The section `published`: values of others, to be shown beside those of the run."""

from typing import Any

from pydantic import Field

from fivesigma.analysis.section import Section


class Published(Section):
    """A published value of a metric; it is of other events, so no error is claimed for the difference."""

    value: float = Field(description="the number, in the unit of the metric")
    error: float | None = Field(None, gt=0, description="its standard error, if it was published")
    source: str = Field("", description="where it was published, and on which events, in a few words")


def as_published(given: Any) -> Any:
    """`metric: 0.85` is short for `metric: {value: 0.85}`."""
    return {"value": given} if isinstance(given, int | float) and not isinstance(given, bool) else given
