"""Markdown tables of numbers from runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from fivesigma.metrics.intervals import text_of
from fivesigma.metrics.metric import is_metric, shown


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others numbers.

    >>> print(table(["a", "b"], [["x", "1"]]))
    | a | b |
    |---|--:|
    | x | 1 |
    """
    rule = ["---", *(["--:"] * (len(header) - 1))]
    lines = [header, *rows]
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([text[0], f"|{'|'.join(rule)}|", *text[1:]])


def at(tree: Any, *keys: str) -> Any:
    """An entry of nested mappings, or None if it is not there.

    >>> at({"a": {"b": 1}}, "a", "b"), at({"a": {}}, "a", "b")
    (1, None)
    """
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def cell(tree: Any, scale: float = 1.0) -> str:
    """A metric with its error, a share, or a plain number; a dash for what is not there."""
    if is_metric(tree) and None not in tree.values():
        return shown({key: value * scale for key, value in tree.items()})
    if isinstance(tree, int | float):
        return f"{tree * scale:.4g}"
    return text_of(tree)


def bin_with(rows: Sequence[Mapping[str, Any]] | None, value: float) -> Mapping[str, Any]:
    """The row of a binned quantity that holds a value, or nothing."""
    return next((row for row in rows or () if row["low"] <= value < row["high"]), {})
