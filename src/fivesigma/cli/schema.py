"""`fivesigma schema`."""

import json

from fivesigma.analysis.analysis import Analysis


def schema() -> None:
    """Print the JSON Schema of analysis files, for editors: every key, its type and what it does."""
    print(json.dumps(Analysis.model_json_schema(), indent=2, ensure_ascii=False))
