"""`fivesigma schema`."""

import json


def schema() -> None:
    """Print the JSON Schema of analysis files, for editors: every key, its type and what it does."""
    from fivesigma.verbs import schema

    print(json.dumps(schema.schema(), indent=2, ensure_ascii=False))
