"""The numbers of a figure as one flat table, which every spreadsheet reads."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def csv_of(numbers: Any) -> str:
    """The numbers of a figure as CSV: a header, then a row for each bin, point, cell or entry.

    Args:
        numbers: what the figure's JSON file holds.

    >>> csv_of({"signal": {"edges": [0, 1, 2], "counts": [5, 3], "errors": [2, 1]}}).splitlines()
    ['name,low,high,counts,errors', 'signal,0,1,5,2', 'signal,1,2,3,1']
    """
    found = list(rows_of(numbers))
    header = sorted({key: None for row in found for key in row}, key=lambda key: not key.startswith("name"))
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in found)
    return text.getvalue()


def rows_of(tree: Any, path: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of a tree of numbers; the keys on the way to a number become `name`, `name 2` and so on.

    Lists of one length are columns, edges are the ends of their bins, lists of lists have a row for each cell, and mappings
    of plain values are a row each.
    """
    place = {f"name {i}" if i > 1 else "name": key for i, key in enumerate(path, start=1)}
    if isinstance(tree, Mapping):
        yield from _of_mapping(tree, path, place)
    elif isinstance(tree, Sequence) and not isinstance(tree, str):
        yield from _of_list(tree, path, place)
    elif tree is not None:
        yield {**place, "value": tree}


def _of_list(tree: Sequence[Any], path: Sequence[str], place: Row) -> Iterator[Row]:
    for i, item in enumerate(tree):
        if isinstance(item, Mapping):
            flat, rest = _split(item)
            if flat:
                yield {**place, **flat}
            for key, value in rest.items():
                yield from rows_of(value, [*path, str(i + 1), key])
        elif isinstance(item, Sequence) and not isinstance(item, str):
            yield from ({**place, "row": i + 1, "column": j + 1, "value": cell} for j, cell in enumerate(item))
        else:
            yield {**place, "index": i + 1, "value": item}


def _of_mapping(tree: Mapping[str, Any], path: Sequence[str], place: Row) -> Iterator[Row]:
    lists = {key: value for key, value in tree.items() if _is_column(value)}
    tables = {key: value for key, value in tree.items() if _is_table(value)}
    others = {key: value for key, value in tree.items() if key not in lists and key not in tables}
    flat, rest = _split(others)
    if tables:
        yield from _cells(tables, lists, {**place, **flat})
    elif lists:
        yield from ({**place, **row, **flat} for row in _columns(lists))
    elif flat and any(not isinstance(value, Mapping) for value in others.values()):
        yield {**place, **flat}
    elif flat:
        rest = others
    for key, value in rest.items():
        yield from rows_of(value, [*path, str(key)])


def _split(tree: Mapping[str, Any]) -> tuple[Row, dict[str, Any]]:
    """What fits into one row, with dotted names; and everything else."""
    flat: Row = {}
    rest: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value and all(_is_plain(inner) for inner in value.values()):
            flat |= {f"{key}.{inner}": number for inner, number in value.items()}
        elif _is_plain(value):
            flat[str(key)] = value
        else:
            rest[str(key)] = value
    return flat, rest


def _columns(lists: Mapping[str, Sequence[Any]]) -> Iterator[Row]:
    """Lists beside each other; edges have one number more than their bins."""
    columns = {key: value for key, value in lists.items() if key != "edges"}
    edges = lists.get("edges")
    if edges is not None and columns and len(edges) == 1 + max(len(value) for value in columns.values()):
        columns = {"low": edges[:-1], "high": edges[1:], **columns}
    elif edges is not None:
        columns = {"edges": edges, **columns}
    for i in range(max(len(value) for value in columns.values())):
        yield {key: value[i] for key, value in columns.items() if i < len(value)}


def _cells(tables: Mapping[str, Any], lists: Mapping[str, Sequence[Any]], place: Row) -> Iterator[Row]:
    """Lists of lists, a row for each cell, named by what stands beside them: names of rows, or edges of bins."""
    first = next(iter(tables.values()))
    names = next((value for value in lists.values() if len(value) == len(first) and isinstance(value[0], str)), None)
    edges = lists.get("edges", ())
    for i in range(len(first)):
        for j in range(len(first[i])):
            row = {**place, "row": names[i] if names else i + 1, "column": names[j] if names else j + 1}
            if len(edges) == len(first) + 1 == len(first[i]) + 1:
                row |= {"row low": edges[i], "row high": edges[i + 1], "column low": edges[j], "column high": edges[j + 1]}
            yield row | {key: value[i][j] for key, value in tables.items() if i < len(value) and j < len(value[i])}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_column(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(_is_plain(item) for item in value)


def _is_table(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(_is_column(item) for item in value)


def _cell(value: Any) -> Any:
    return f"{value:.7g}" if isinstance(value, float) else value
