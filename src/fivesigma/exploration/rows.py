"""A description as rows of text, for terminals of any width."""

import re
from collections.abc import Iterator, Sequence

from fivesigma.exploration.column import Column
from fivesigma.exploration.description import Description
from fivesigma.names import number_of

WIDE, MIDDLE = 132, 100
"""Letters of a line from which quartiles and mean, or only the mean, have room beside the rest."""
_BARS = 12
_LONGEST_TYPE = 18
_LONGEST_NAME = 28
_NAMED = 8
"""Columns that a sentence names."""


def header(width: int) -> list[str]:
    """Names of the columns of the table that fit into lines of so many letters."""
    return ["column", "type", "missing", "unique", *(label for label, _ in _numbers(width)), "distribution"]


def rows(description: Description, width: int) -> list[list[str]]:
    """A row for each column of the files; a `!` after its name says that something looks wrong."""
    return [_row(column, width) for column in description.columns]


def sentences(description: Description) -> Iterator[str]:
    """What is said below the table: what looks wrong, and what is worth knowing."""
    yield from (f"! {names}: {remark}" for remark, names in _grouped(description, "remarks"))
    yield from (f"{names}: {note}" for note, names in _grouped(description, "notes"))
    yield from description.notes


def _grouped(description: Description, what: str) -> Iterator[tuple[str, str]]:
    """What is said of columns, and of which ones."""
    said: dict[str, list[str]] = {}
    for column in description.columns:
        for sentence in getattr(column, what):
            said.setdefault(sentence, []).append(column.name)
    for sentence, names in said.items():
        yield sentence, ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def as_text(description: Description, width: int = 120) -> str:
    """The whole description as aligned text."""
    table = [header(width), *rows(description, width)]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    last = len(widths) - 1
    lines = [
        "  ".join(
            cell.ljust(w) if i in (0, 1, last) else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join(
        [
            f"{description.title}: {number_of(len(description.columns), 'column')}, {description.how}",
            *lines,
            *sentences(description),
        ]
    )


def _numbers(width: int) -> list[tuple[str, str]]:
    if width >= WIDE:
        return [("min", "min"), ("25 %", "q25"), ("median", "median"), ("75 %", "q75"), ("max", "max"), ("mean", "mean")]
    if width >= MIDDLE:
        return [("min", "min"), ("median", "median"), ("max", "max"), ("mean", "mean")]
    return [("min", "min"), ("median", "median"), ("max", "max")]


def _row(column: Column, width: int) -> list[str]:
    name = shortened(column.name, _LONGEST_NAME if width < WIDE else 2 * _LONGEST_NAME)
    return [
        name + (" !" if column.remarks else ""),
        kind(column),
        percent(column.missing) if column.looked_at else "–",
        unique(column),
        *(number(column.numbers.get(key)) for _, key in _numbers(width)),
        distribution(column),
    ]


def kind(column: Column) -> str:
    """The type, with the range of the lengths of lists.

    >>> kind(Column("jets", "std::vector<float>", lengths={"min": 0, "mean": 2.5, "max": 7}))
    'float[0–7]'
    """
    text = re.sub(r"std::|ROOT::(VecOps::|Experimental::)?", "", column.type)
    text = re.sub(r"^RNTupleCardinality<(.*)>$", r"\1", text)
    if not column.lengths:
        return shortened(text, _LONGEST_TYPE)
    low, high = (f"{column.lengths[key]:.0f}" for key in ("min", "max"))
    text = re.sub(r"^(?:vector<|RVec<|(?:large_|fixed_size_)?list<\w+: )(.*)>(\[\d+\])?$", r"\1", text)
    text = text.split("[")[0].removesuffix(" not null")
    return f"{shortened(text, _LONGEST_TYPE - 6)}[{low if low == high else f'{low}–{high}'}]"


def percent(share: float) -> str:
    """A share; small ones do not become zero.

    >>> percent(0.0), percent(0.00001), percent(0.1234), percent(1.0)
    ('0', '<0.01 %', '12.3 %', '100 %')
    """
    if share == 0:
        return "0"
    return "<0.01 %" if share < 1e-4 else f"{100 * share:.3g} %"


def unique(column: Column) -> str:
    """The number of different values; an estimate begins with `~`."""
    if column.unique is None:
        return "–"
    return ("~" if column.unique_is_estimate else "") + number(column.unique)


def number(value: float | None) -> str:
    """A number with four significant digits, and a whole one with all of them.

    >>> number(None), number(3.0), number(1234567), number(0.000123456), number(1234.56), number(4.2e12)
    ('–', '3', '1,234,567', '0.0001235', '1,235', '4.2e+12')
    """
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1e10:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.4g}"


def distribution(column: Column) -> str:
    """Bars of the distribution, or the most common values of text."""
    if column.shape is not None:
        return column.shape.bars(_BARS) + (" log" if column.shape.log else "")
    texts: Sequence[str] = [f"{shortened(value, 12)} {percent(share)}" for value, share in column.common[:2]]
    return ", ".join(texts)


def shortened(text: str, most: int) -> str:
    """Text of at most so many letters.

    >>> shortened("Muon_pt", 20), shortened("HLT_Mu17_Mu8_DZ", 9)
    ('Muon_pt', 'HLT_Mu17…')
    """
    return text if len(text) <= most else text[: most - 1] + "…"
