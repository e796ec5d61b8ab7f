"""The verb `schema`: every key of an analysis file."""

from typing import Any

from fivesigma.analysis.analysis import Analysis


def schema() -> dict[str, Any]:
    """The JSON Schema of analysis files, with the kinds that installed packages add.

    >>> "features" in schema()["properties"]
    True
    """
    return Analysis.model_json_schema()
