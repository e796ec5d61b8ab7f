"""Tables of text for the page and the terminal, and the format of their numbers."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: what it shows.
        header: of the columns; the first one names rows.
        rows: of cells.
        note: a sentence below it.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""


def number(value: Any) -> str:
    """A number for a table: four significant digits, thousands separated; a dash for None.

    >>> number(None), number(12345), number(1234.56), number(0.000123456), number(1.0)
    ('–', '12,345', '1,235', '0.0001235', '1')
    """
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if abs(value) < 999.95 else f"{value:,.0f}"
