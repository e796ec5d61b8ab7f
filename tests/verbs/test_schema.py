"""The verb `schema`: every key of an analysis file."""

import json


def test_schema_lists_every_section(command):
    code, out, _ = command("schema")
    assert code == 0
    assert {"features", "labels", "train", "split"} <= set(json.loads(out)["properties"])
