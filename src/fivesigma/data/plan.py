"""Which columns an analysis reads from a table, and how it computes the others."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.data.missing import without_missing
from fivesigma.data.readers.base import Columns
from fivesigma.errors import AnalysisError, ColumnNotFound, DataError, ExpressionError, LeakageError
from fivesigma.expressions import Expression
from fivesigma.names import column_of, is_plain, matches, quoted, wants_backticks

EVENT_NUMBER = "event_number"
"""The column with event numbers, if the analysis names none."""


class Variables(Mapping[str, Any]):
    """Columns of a chunk and new variables, which are computed at their first use.

    Attributes:
        formulas: the new variables.
    """

    def __init__(self, columns: Columns, formulas: Mapping[str, Expression]) -> None:
        self._columns = dict(columns)
        self.formulas = formulas

    def __getitem__(self, name: str) -> Any:
        if name not in self._columns:
            self._columns[name] = self.formulas[name](self)
        return self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns or name in self.formulas

    def __iter__(self) -> Iterator[str]:
        yield from self._columns
        yield from (name for name in self.formulas if name not in self._columns)

    def __len__(self) -> int:
        return len(set(self._columns) | set(self.formulas))


@dataclass(frozen=True)
class Plan:
    """An analysis, matched with the columns of a table.

    Attributes:
        analysis: the analysis.
        available: column names of the table.
        where: the table's name, for messages.
    """

    analysis: Analysis
    available: tuple[str, ...]
    where: str

    @cached_property
    def formulas(self) -> dict[str, Expression]:
        """Parse the new variables.

        Raises:
            AnalysisError: if one has the name of a column.
        """
        for name in self.analysis.new_variables:
            if name in self.available:
                raise AnalysisError(
                    f"new_variables: {name!r} is already a column of {self.where}", hint="give the new variable another name"
                )
        known = {*self.available, *self.analysis.new_variables}
        return {
            name: Expression(quoted(text) if text in known else text) for name, text in self.analysis.new_variables.items()
        }

    def variables(self, chunk: Columns) -> Variables:
        """Columns of a chunk, with NaN for missing values, and the new variables."""
        return Variables(without_missing(chunk, self.analysis.missing_values, self._own_markers), self.formulas)

    def markers_of(self, column: str) -> tuple[float, ...]:
        """Numbers that mean missing in a column."""
        return tuple(self._own_markers.get(column, self.analysis.missing_values))

    @cached_property
    def _own_markers(self) -> dict[str, list[float]]:
        """Column → its markers, if these are not those of the analysis.

        An event number may be any number, and so may the number of a class, whatever marks missing values elsewhere.
        """
        labels = self.analysis.labels
        found = {self._column_behind(self.analysis.event_number or EVENT_NUMBER): list[float]()}
        if labels is not None and labels.variable is not None and labels.edges is None:
            classes = range(len(labels.classes))
            label = self._column_behind(labels.variable)
            found[label] = [marker for marker in self.analysis.missing_values if marker not in classes]
        return found

    def _column_behind(self, text: str) -> str:
        """The column that a new variable only renames; any other text as it is."""
        name, seen = column_of(text), set[str]()
        while name not in self.available and name in self.analysis.new_variables and name not in seen:
            seen.add(name)
            name = column_of(self.analysis.new_variables[name])
        return name

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of the features: globs are replaced by the columns they match, excluded ones are removed."""
        known = [*self.available, *self.formulas]
        found = list(dict.fromkeys(name for item in self.analysis.features for name in self._matching(item, known)))
        for pattern in self.analysis.exclude:
            kept = [name for name in found if not matches(name, pattern)]
            if len(kept) == len(found):
                raise AnalysisError(f"exclude: {pattern!r} matches none of the features")
            found = kept
        return tuple(found)

    def _matching(self, item: str, known: list[str]) -> list[str]:
        if item in known:
            return [item]
        if "*" in item or "?" in item:
            found = [name for name in known if matches(name, item)]
            factors = item.split("*")
            if found and len(factors) > 1 and all(factor in known for factor in factors):
                raise AnalysisError(
                    f"features: {item!r} is a product of columns, and a pattern that {found[0]!r} matches",
                    hint=f"write {' * '.join(factors)} for the product, or name the columns",
                )
            if found:
                return found
            if _is_glob(item):
                raise AnalysisError(
                    f"no column in {self.where} matches {item!r}", hint=f"`fivesigma columns {self.where}` lists them"
                )
        self.needs(item)
        return [item]

    def formula(self, text: str) -> Expression | str:
        """The name if the text is a column, otherwise the parsed expression."""
        return text if text in self.available or text in self.formulas else self._parsed(text)

    def _parsed(self, text: str) -> Expression:
        try:
            return Expression(text)
        except ExpressionError as error:
            raise ExpressionError(error.what, wants_backticks(text, self.available) or error.hint) from None

    def needs(self, text: str, seen: tuple[str, ...] = ()) -> frozenset[str]:
        """Columns of the table that a formula depends on, directly or through new variables.

        Raises:
            ColumnNotFound: if a name in it is neither a column nor a new variable.
            AnalysisError: if new variables depend on each other in a circle.
        """
        if text in self.available:
            return frozenset((text,))
        if text in seen:
            raise AnalysisError(f"new_variables: {' → '.join((*seen, text))} is a circle")
        expression = self.formulas.get(text) or self._parsed(text)
        for name in sorted(expression.names):
            if name not in self.available and name not in self.formulas:
                hint = wants_backticks(expression.text, [*self.available, *self.formulas])
                raise ColumnNotFound(name, self.where, self.available, hint, computed=self.formulas)
        return frozenset(column for name in expression.names for column in self.needs(name, (*seen, text)))

    def passes(self, text: str) -> frozenset[str]:
        """All names that a formula depends on: itself, new variables and columns."""
        expression = self.formulas.get(text) or (None if text in self.available else self._parsed(text))
        below = (self.passes(name) for name in expression.names) if expression is not None else ()
        return frozenset((text,)).union(*below)

    def _answers(self, variable: str) -> set[str]:
        """Names that give the answer away: the variable and, if it depends on a single column, that column.

        If it is computed from several columns, as an invariant mass is, each of them alone is allowed as an input.
        """
        columns = self.needs(variable)
        return {column_of(variable)} | (set(columns) if len(columns) == 1 else set())

    def columns(self, formulas: list[str]) -> list[str]:
        """Columns that some formulas need, in the order of the table."""
        wanted = {column for text in formulas for column in self.needs(text)}
        return [name for name in self.available if name in wanted]

    def evaluate(self, text: str, variables: Variables, length: int) -> np.ndarray[Any, Any]:
        """Evaluate a column or an expression: one value per event, as a NumPy array [event].

        Raises:
            DataError: if it is text, or a list per event.
        """
        found = self.formula(text)
        values = variables[found] if isinstance(found, str) else found(variables)
        return as_column(values, quoted(found) if isinstance(found, str) else text, self.where, length)

    def check_no_truth(self) -> list[str]:
        """Refuse features that depend on columns which give the answer away.

        Returns:
            Truth columns that are inputs because `allow_truth` names them.

        Raises:
            LeakageError: naming the feature and the column.
        """
        answer = self.analysis.labels or self.analysis.target
        answers = self._answers(answer.variable) if answer is not None and answer.variable is not None else set()
        number = column_of(self.analysis.event_number or EVENT_NUMBER)
        why = {number: f"{_ANSWER}: it is the event number, and each sample has its own"}
        if self.analysis.weights is not None:
            # Simulated samples differ in their weights: a network would learn the sample from them.
            why[column_of(self.analysis.weights)] = f"{_ANSWER}: it is the event weight, which differs between samples"
        why |= dict.fromkeys(answers, _ANSWER)
        allowed: list[str] = []
        for feature in self.features:
            self.needs(feature)  # refuses circles and unknown names, on which `passes` would not end
            for column in sorted(self.passes(feature)):
                if column in why or any(matches(column, pattern) for pattern in self.analysis.truth):
                    if not any(matches(column, pattern) for pattern in self.analysis.allow_truth):
                        raise LeakageError(
                            f"feature {feature!r} depends on {column!r}, which {why.get(column, _ANSWER)}",
                            hint="leave it out; to use it all the same, name it in `allow_truth` (the report will say so)",
                        )
                    allowed.append(column)
        return sorted(set(allowed))


_ANSWER = "knows the answer"


def _is_glob(text: str) -> bool:
    """Whether a text with `*` or `?` can only be a pattern of names, not an expression."""
    try:
        Expression(text)
    except ExpressionError:
        return re.fullmatch(r"[\w.:/*?\[\]!-]+", text) is not None
    return False


def as_column(values: Any, text: str, where: str, length: int) -> np.ndarray[Any, Any]:
    """Convert values to one number per event, as a NumPy array.

    Args:
        values: what was read or computed.
        text: the column, between backticks if it needs them, or the expression.
        where: the table.
        length: number of events.

    Raises:
        DataError: if that is impossible, with the remedy.
    """
    if isinstance(values, np.ndarray) and values.ndim > 2:
        raise _not_one_value(values, text, where)
    if type(values).__module__.startswith("awkward"):
        if "string" in str(values.type):
            raise DataError(f"column {column_of(text)!r} in {where} is text; only numbers can be used")
        if values.ndim > 1:
            raise _not_one_value(values, text, where)
        import awkward as ak

        values = ak.to_numpy(ak.fill_none(values, np.nan))
    array = np.asarray(values)
    if array.ndim == 0:
        array = np.broadcast_to(array, length)
    if array.ndim > 1:
        raise DataError(
            f"{column_of(text)!r} in {where} has {array.shape[1]} values per event, not one", hint=f"take one: {text}[0]"
        )
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"column {column_of(text)!r} in {where} is not numeric ({'text' if array.dtype.kind in 'SUO' else array.dtype})"
        )
    return array


_FLATTEN = "flatten it when the file is written, or use another column"


def _not_one_value(values: Any, text: str, where: str) -> DataError:
    name = column_of(text)
    if values.ndim > 2:
        return DataError(f"{name!r} in {where} holds lists in lists, which cannot be used", hint=_FLATTEN)
    if values.fields:
        listed = ", ".join(map(repr, values.fields[:5]))
        return DataError(f"{name!r} in {where} holds objects with several values each: {listed}", hint="use its columns")
    remedies = (
        f"take one element, {text}[0], or reduce it: count({text}), sum({text}), max({text})"
        if is_plain(text) or name != text
        else f"reduce it: any({text}), sum({text}), …; or take one element of a column in it, such as [0]"
    )
    return DataError(f"{name!r} in {where} has a list per event, not one value", hint=remedies)
