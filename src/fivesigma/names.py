"""Names of columns: quoted, matched with patterns, and written out from braces."""

import keyword
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import pairwise

from fivesigma.errors import ExpressionError


def is_plain(name: str) -> bool:
    """Whether a column's name can stand in an expression without backticks.

    >>> [is_plain(name) for name in ("jets.pt", "Jets/Jets.pt", "1st")]
    [True, False, False]
    """
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split("."))


def quoted(name: str) -> str:
    """Put a column's name between backticks, if it needs them in an expression.

    >>> quoted("Jets/Jets.pt")
    '`Jets/Jets.pt`'
    """
    return name if is_plain(name) else f"`{name}`"


def column_of(text: str) -> str:
    """Remove the backticks from a text that is one quoted name; return any other text unchanged.

    >>> column_of("`Jets/Jets.pt`"), column_of("`Jets/Jets.pt`[0]")
    ('Jets/Jets.pt', '`Jets/Jets.pt`[0]')
    """
    found = re.fullmatch(r"\s*`([^`]+)`\s*", text)
    return found[1] if found else text


def matches(name: str, pattern: str) -> bool:
    """Whether a column or an expression equals a name or matches a glob; the pattern may be quoted."""
    return name == pattern or fnmatchcase(name, column_of(pattern))


def wants_backticks(text: str, columns: Iterable[str]) -> str | None:
    """A hint, if an expression contains the name of a column that needs backticks, without them."""
    bare = "".join(text.split("`")[::2])
    found = max((name for name in columns if not is_plain(name) and name in bare), key=len, default=None)
    return None if found is None else f"{found!r} is a column: write `{found}`, between backticks"


def expand_braces(text: str) -> list[str]:
    """Write out `{a,b}` lists and `{1..4}` ranges, also within one another; the leftmost varies slowest.

    >>> expand_braces("{phi,theta}_ME{1..2}")
    ['phi_ME1', 'phi_ME2', 'theta_ME1', 'theta_ME2']
    >>> expand_braces("{a,b{1..2}}")
    ['a', 'b1', 'b2']

    Raises:
        ExpressionError: if these are too many, or too deep.
    """
    if text.count("{") > _MOST_NAMES or _stands_for(text) > _MOST_NAMES:
        raise ExpressionError(f"{text[:80]!r} stands for more than {_MOST_NAMES:,} names", hint="use a glob, such as f*")
    return _expanded(text)


_MOST_NAMES = 100_000
_DEEPEST = 20


def _stands_for(text: str) -> int:
    """For how many names a text stands; counting ends where they are too many."""
    count = 1
    for choices in _pieces(text):
        if isinstance(choices, range):
            count *= len(choices)
        elif isinstance(choices, list):
            count *= sum(_stands_for(choice) for choice in choices)
        if count > _MOST_NAMES:
            break
    return count


def _expanded(text: str) -> list[str]:
    found = [""]
    for choices in _pieces(text):
        if isinstance(choices, str):
            endings = [choices]
        elif isinstance(choices, range):
            endings = [str(i) for i in choices]
        else:
            endings = [ending for choice in choices for ending in _expanded(choice.strip())]
        found = [start + ending for start in found for ending in endings]
    return found


def _pieces(text: str) -> Iterator[str | list[str] | range]:
    """The parts of a text: as they are, the choices of a list in braces, or a range; a brace alone is a letter.

    Raises:
        ExpressionError: before the first part, if braces are nested too deeply: each level is gone through again.
    """
    pairs, commas, open_braces = dict[int, int](), dict[int, list[int]](), list[int]()
    inside = [0]  # how many pairs are within one another since each brace that is open; the first: outside of all
    for i, letter in enumerate(text):
        if letter == "{":
            open_braces.append(i)
            commas[i] = []
            inside.append(0)
        elif letter == "}" and open_braces:
            pairs[open_braces.pop()] = i
            levels = inside.pop() + 1
            if levels > _DEEPEST:
                raise ExpressionError(f"{text[:80]!r} has braces within braces, more than {_DEEPEST} deep")
            inside[-1] = max(inside[-1], levels)
        elif letter == "," and open_braces:
            commas[open_braces[-1]].append(i)
    done = 0
    for start in sorted(pairs):
        if start < done:  # within a pair that was seen
            continue
        if start > done:
            yield text[done:start]
        end = pairs[start]
        span = re.fullmatch(r"(\d{1,9})\.\.(\d{1,9})", text[start + 1 : end])
        if span:
            numbers = range(int(span[1]), int(span[2]) + 1)
            padded = span[1].startswith("0") and len(span[1]) > 1 and len(numbers) <= _MOST_NAMES
            yield [f"{i:0{len(span[1])}d}" for i in numbers] if padded else numbers
        elif re.fullmatch(r"\d+\.\.\d+", text[start + 1 : end]):
            yield range(_MOST_NAMES + 1)
        else:
            places = [start, *commas[start], end]
            yield [text[a + 1 : b] for a, b in pairwise(places)]
        done = end + 1
    if done < len(text) or not text:
        yield text[done:]


def is_number(text: str) -> bool:
    """Whether a text is a number, and not the name of a column.

    >>> is_number("-1e-3"), is_number("pt"), is_number("")
    (True, False, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def number_of(count: int, noun: str) -> str:
    """A count with its noun.

    >>> number_of(1, "column"), number_of(1200, "column")
    ('1 column', '1,200 columns')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
