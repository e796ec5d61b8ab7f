"""What the first lines of a CSV file say: its delimiter, the names of its columns, and whether there is a header."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fivesigma.data.readers.base import reading
from fivesigma.data.readers.csv_lines import LONGEST_LINE, decompressed, first_lines
from fivesigma.errors import DataError
from fivesigma.names import is_number

MISSING = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None"]

_DELIMITERS = (",", ";", "\t", " ")

SURPLUS = "\0"
"""Stands for the name of a field that is left out; no header can hold it."""

_SURELY_COUNTED = 4
"""From this many columns on, a first line 0, 1, 2, … is a header: as an event it would be too much of a coincidence."""

_ROW_NAME = re.compile(r"event|evt|number|index|entry|row|run|\bid\b", re.IGNORECASE)
"""Names of columns that count rows: if the header begins with one, rising numbers belong to it."""


@dataclass(frozen=True)
class Head:
    """What the first lines of a file say.

    Attributes:
        names: of all fields, in order.
        has_header: whether the first line is no row.
        delimiter: between fields.
        rows: the fields of the first rows.
        note: what is worth saying about the file.
        comments: lines before the header, or before the first row if there is none.
        unused: a sentence if given names are not used; the same for all files with these columns.
    """

    names: tuple[str, ...]
    has_header: bool
    delimiter: str
    rows: tuple[list[str], ...]
    note: str = ""
    comments: int = 0
    unused: str = ""

    def long_kind(self, position: int) -> str | None:
        """Type of a column in which the first rows have whole numbers that double precision would round, else None."""
        fields = [row[position] for row in self.rows if row[position] not in MISSING]
        if not all(re.fullmatch(r"[+-]?\d{1,20}", field) for field in fields):
            return None
        numbers = [int(field) for field in fields]
        if all(int(float(number)) == number for number in numbers):
            return None
        return "int64" if max(numbers) < 2**63 else "uint64"


def head_of(path: str, given: Sequence[str]) -> Head:
    """Find out how a file is laid out.

    Args:
        path: of the file.
        given: names of its columns if it has no header.

    Raises:
        DataError: if nobody can tell which name belongs to which field.
    """
    with reading(path), open(path, "rb") as file:
        stream = decompressed(path, file)
        every = first_lines(stream)
    comments = _comments(every)
    lines = [line for line in every[comments:] if line.strip()]
    if not lines:
        raise DataError(f"{path} is empty")
    head = _head_of(path, lines, given)
    return replace(head, comments=comments, unused=_unused(head, given))


def _unused(head: Head, given: Sequence[str]) -> str:
    """Say that given names are not used, as the file has names of its own; nothing if they are the same."""
    own = [name for name in head.names if name != SURPLUS]
    if not given or not head.has_header or set(given) == set(own):
        return ""
    more = f", … ({len(own)} in all)" if len(own) > 3 else ""
    return f"`columns` is not used where a CSV file has a header; its columns are {', '.join(own[:3])}{more}"


def _comments(lines: Sequence[str]) -> int:
    """How many lines come before the header, or before the first row: comments, which start with `#`, and empty lines.

    The last comment is the header if its names fit the rows, and the next line is none.

    >>> _comments(["# made by me", "# second", "", "a,b", "0.5,0"]), _comments(["# made by me", "# a,b", "0.5,0"])
    (3, 1)
    >>> _comments(["# a,b", "0.5,0"]), _comments(["# made by me", "1,2"]), _comments(["# made by me", "label,a", "sig,1"])
    (0, 1, 1)
    """
    count = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    marked = [i for i in range(count) if lines[i].startswith("#")]
    if not marked or count == len(lines):
        return marked[0] if marked else count
    below = [line for line in lines[count:] if line.strip()]
    mark = next((mark for mark in _DELIMITERS if mark in below[0]), ",")
    names, *rows = (_fields(line.removeprefix("#"), mark) for line in (lines[marked[-1]], *below[:2]))
    named = len(rows) == 2 and not all(map(is_field, rows[0])) and all(map(is_field, rows[1]))
    if len(marked) > 1:
        return count if named or len(names) != len(rows[0]) else marked[-1]
    # A field more than there are names may number the rows; `_head_of` looks at it.
    surplus = 1 < len(names) == len(rows[0]) - 1 and not named
    return marked[0] if surplus or len(names) == len(rows[0]) else count


def _head_of(path: str, lines: Sequence[str], given: Sequence[str]) -> Head:
    if len(lines) == 1 and len(lines[0]) >= LONGEST_LINE:
        raise DataError(
            f"the first line of {path} has more than {LONGEST_LINE:,} characters",
            hint="is it a table, with one event in each line?",
        )
    top = lines[0].removeprefix("#").lstrip(" ")
    delimiter = next((mark for mark in _DELIMITERS if mark in top), ",")
    first, rows = _fields(top, delimiter), [_fields(line, delimiter) for line in lines[1:]]
    quoted = _all_quoted(top, delimiter)
    if all(is_field(field) for field in first) and not quoted:
        return _without_names(path, first, rows, delimiter, given)
    # What stands between quotation marks is the name as it is; our writer quotes every name.
    plain = first if quoted else [name.removeprefix("#").strip() for name in first]
    names = [name or f"c{i}" for i, name in enumerate(plain)]
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise DataError(f"{path}: the header names {repeated[0]!r} more than once")
    width = len(rows[0]) if rows else len(names)
    alike = [row for row in rows if len(row) == width]
    if width <= len(names):
        return Head(tuple(names), True, delimiter, tuple(row for row in alike if len(row) == len(names)))
    if width == len(names) + 1 and not any(row[-1] for row in alike):
        note = f"{path}: every row ends in an empty field, which is left out"
        return Head((*names, SURPLUS), True, delimiter, tuple(alike), note)
    if width == len(names) + 1 and _numbers_rows(alike) and not _ROW_NAME.search(names[0]):
        note = f"{path}: the first field of every row has no name and numbers the rows; it is left out"
        return Head((SURPLUS, *names), True, delimiter, tuple(alike), note)
    if width == len(names) + 1 and len(alike) > 1 and len({row[-1] for row in alike}) == 1:
        # The published file 1000_test.csv is such a one: its last field is the mass, 1000 in every row.
        note = f"{path}: the last field of every row has no name and is {alike[0][-1]}; it is read as `extra_1`"
        return Head((*names, "extra_1"), True, delimiter, tuple(alike), note)
    raise DataError(
        f"{path}: the header has {len(names)} names, and the rows have {width} fields",
        hint="correct the header, one name for each field; or remove it and name the fields with `columns`",
    )


def _without_names(path: str, first: list[str], rows: list[list[str]], delimiter: str, given: Sequence[str]) -> Head:
    """The head of a file whose first line has only numbers: they are values, or pandas counted the columns."""
    width = len(rows[0]) if rows else len(first)
    counted = first[1:] if first[0] == "" else first
    indexed = len(counted) < len(first)
    is_count = len(counted) > 1 and counted == [str(i) for i in range(len(counted))]
    if is_count and len(first) < _SURELY_COUNTED and not indexed:
        raise DataError(
            f"{path}: the first line, {delimiter.join(first)}, may be a header or the first event",
            hint="give the file a first line with the names of its columns",
        )
    names = list(given) or [f"c{i}" for i in range(len(counted if is_count else first))]
    if len(names) != (width - indexed if is_count else width):
        raise DataError(f"{path} has {width} columns and no header; `columns` names {len(names)}")
    note = f"{path}: the first line counts the columns and is no event" if is_count else ""
    if is_count and indexed:
        names.insert(0, SURPLUS)
    every = rows if is_count else [first, *rows]
    return Head(tuple(names), is_count, delimiter, tuple(row for row in every if len(row) == len(names)), note)


def is_field(text: str) -> bool:
    """Whether a field is a number, or a word for a missing one."""
    return is_number(text) or text in MISSING


def _fields(line: str, delimiter: str) -> list[str]:
    """The fields of a line, without quotation marks and the blanks around them.

    >>> _fields(' 1.00   "p t" ', " "), _fields('"d,e", f', ",")
    (['1.00', 'p t'], ['d,e', 'f'])
    """
    if delimiter == " ":
        line = line.replace("\t", " ").strip(" ")
    found = next(iter(csv.reader([line], delimiter=delimiter, skipinitialspace=True)), [])
    return [field if field.strip(" ") != field and f'"{field}"' in line else field.strip() for field in found]


def _all_quoted(line: str, delimiter: str) -> bool:
    """Whether every field stands between quotation marks, as our writer and R write names.

    >>> _all_quoted('"0","1"', ","), _all_quoted('"0",1', ",")
    (True, False)
    """
    mark = re.escape(delimiter)
    return re.fullmatch(rf'\s*"(?:[^"]|"")*"\s*(?:{mark}\s*"(?:[^"]|"")*"\s*)*', line) is not None


def _numbers_rows(rows: Sequence[list[str]]) -> bool:
    """Whether the first fields of rows count them, from 0 or 1 on."""
    first = [row[0] for row in rows]
    return len(first) > 1 and any(first == [str(i + start) for i in range(len(first))] for start in (0, 1))
