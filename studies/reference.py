"""Write docs/keys.md, every key of the analysis file, from its schema: `python -m studies.reference`."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "keys.md"
Tree = Mapping[str, Any]

HEAD = """# All keys of the analysis file

Written by `python -m studies.reference` from the schema, which [`fivesigma schema`](schema.md) prints. What keys are for,
with examples: [the analysis file](analysis-file.md).

Editors that know YAML complete and check these keys if the file begins with
`# yaml-language-server: $schema=PATH`, where PATH is the file that `fivesigma schema > schema.json` wrote.
"""

ORDER = (
    ("samples", "Sample"),
    ("simulate", "ResonanceSimulation"),
    ("simulate", "MuonSimulation"),
    ("labels", "Labels"),
    ("target", "Target"),
    ("parameters", "Parameter"),
    ("systematics", "Systematic"),
    ("systematics: up, down", "Variation"),
    ("split", "Split"),
    ("prepare", "Prepare"),
    ("train", "Train"),
    ("evaluate", "Evaluate"),
    ("evaluate.search", "Search"),
    ("evaluate.trigger", "Trigger"),
    ("tune", "Tune"),
    ("tune.space", "Choice"),
    ("tune.space", "IntRange"),
    ("tune.space", "FloatRange"),
    ("firmware", "Firmware"),
)
"""Key of the analysis file → the section that describes it; sections not named here follow at the end."""


def page() -> str:
    """The whole page."""
    from fivesigma.verbs.schema import schema

    tree = schema()
    sections = tree["$defs"]
    parts = [HEAD, _table("The top level", tree, "")]
    named = [*ORDER, *((name, name) for name in sections if name not in {each for _, each in ORDER})]
    for key, name in named:
        parts.append(_section(key, name, sections[name]))
    for key, node in (
        ("model", tree["properties"]["model"]),
        ("train.loss", sections["Train"]["properties"]["loss"]),
        ("baselines", tree["properties"]["baselines"]["additionalProperties"]),
    ):
        for kind in node["anyOf"]:
            if "properties" in kind:
                name = kind["properties"]["kind"].get("const") or kind["properties"]["kind"]["default"]
                parts.append(_table(f"`{key}: {{kind: {name}}}`", kind, str(kind.get("description", ""))))
    return "\n".join(parts)


def _section(key: str, name: str, tree: Tree) -> str:
    process = tree["properties"].get("process", {}).get("const")
    variants = {"Choice": "choice", "IntRange": "int", "FloatRange": "float"}
    given = f": {{process: {process}}}" if process else f": {{KEY: {{{variants[name]}: …}}}}" if name in variants else ""
    return _table(f"`{key}{given}`", tree, str(tree.get("description", "")))


def _table(title: str, tree: Tree, about: str) -> str:
    rows = [f"| `{key}` | {_type(each)} | {_default(key, each, tree)} | {_meaning(each)} |" for key, each in _keys(tree)]
    head = ["| key | value | default | meaning |", "|---|---|---|---|"]
    return "\n".join([f"## {title}", "", *([about, ""] if about else []), *head, *rows, ""])


def _keys(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """Keys of a section, without those that only tell which section it is."""
    for key, each in tree["properties"].items():
        if key not in ("kind", "process"):
            yield key, each


def _meaning(tree: Tree) -> str:
    return str(tree.get("description", "")).replace("|", "\\|")


def _default(key: str, tree: Tree, section: Tree) -> str:
    if key in section.get("required", []):
        return "**needed**"
    value = tree.get("default")
    if value in (None, [], {}, "") or isinstance(value, dict) or (isinstance(value, list) and len(value) > 8):
        return "" if not isinstance(value, list) or not value else "see `fivesigma schema`"
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace("|", "\\|")


def _type(tree: Tree) -> str:
    """What a value is, in words."""
    if "$ref" in tree:
        return "mapping"
    if "const" in tree:
        return f"`{tree['const']}`"
    if "enum" in tree:
        return ", ".join(f"`{value}`" for value in tree["enum"])
    for several in ("anyOf", "oneOf"):
        if several in tree:
            found = [_type(each) for each in tree[several] if each.get("type") != "null"]
            return " or ".join(dict.fromkeys(found))
    match tree.get("type"):
        case "array":
            inner = _type(tree["items"]) if "items" in tree else "value"
            return f"list of {inner}" if "prefixItems" not in tree else f"list of {len(tree['prefixItems'])} numbers"
        case "object":
            inner = tree.get("additionalProperties")
            return f"name → {_type(inner)}" if isinstance(inner, Mapping) else "mapping"
        case "boolean":
            return "true, false"
        case "string":
            return "text"
        case "integer" | "number" as name:
            return _range(name, tree)
    return "value"


def _range(name: str, tree: Tree) -> str:
    """A number with its limits."""
    bounds = (("exclusiveMinimum", ">"), ("minimum", "≥"), ("exclusiveMaximum", "<"), ("maximum", "≤"))
    limits = [f"{mark} {tree[key]:g}" for key, mark in bounds if key in tree]
    return " ".join([name, ", ".join(limits)]).strip()


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
