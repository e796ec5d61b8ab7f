"""Which columns an analysis reads from a table, and how it computes the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis, is_name
from fivesigma.data.readers.base import Columns
from fivesigma.errors import AnalysisError, ColumnNotFound, DataError, LeakageError
from fivesigma.expressions import Expression

EVENT_NUMBER = "event_number"
"""The column that numbers events where the analysis names none."""


class Variables(Mapping[str, Any]):
    """The columns of a chunk together with the new variables, computed when first asked for."""

    def __init__(self, columns: Columns, formulas: Mapping[str, Expression]) -> None:
        self._columns = dict(columns)
        self._formulas = formulas

    def __getitem__(self, name: str) -> Any:
        if name not in self._columns:
            self._columns[name] = self._formulas[name](self)
        return self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns or name in self._formulas

    def __iter__(self) -> Iterator[str]:
        yield from self._columns
        yield from (name for name in self._formulas if name not in self._columns)

    def __len__(self) -> int:
        return len(set(self._columns) | set(self._formulas))


@dataclass(frozen=True)
class Plan:
    """An analysis, resolved against the columns that a table has.

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
        """New variables, parsed.

        Raises:
            AnalysisError: if one has the name of a column, as it would be unclear which is meant.
        """
        for name in self.analysis.new_variables:
            if name in self.available:
                raise AnalysisError(
                    f"new_variables: {name!r} is already a column of {self.where}", hint="give the new variable another name"
                )
        return {name: Expression(text) for name, text in self.analysis.new_variables.items()}

    def variables(self, chunk: Columns) -> Variables:
        """Columns of a chunk, with what means missing as NaN, and the new variables."""
        return Variables(without_missing(chunk, self.analysis.missing_values), self.formulas)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Feature names with globs resolved, without the excluded ones."""
        known = [*self.available, *self.formulas]
        found = list(dict.fromkeys(name for item in self.analysis.features for name in self._matching(item, known)))
        for pattern in self.analysis.exclude:
            kept = [name for name in found if not _matches(name, pattern)]
            if len(kept) == len(found):
                raise AnalysisError(f"exclude: {pattern!r} matches none of the features")
            found = kept
        return tuple(found)

    def _matching(self, item: str, known: list[str]) -> list[str]:
        if item in known:
            return [item]
        if any(mark in item for mark in "*?") and not any(mark in item for mark in "()/+ "):
            matches = [name for name in known if _matches(name, item)]
            if matches:
                return matches
        self.needs(item)
        return [item]

    def formula(self, text: str) -> Expression | str:
        """A column's name as it is, anything else parsed."""
        return text if text in self.available or text in self.formulas else Expression(text)

    def needs(self, text: str, seen: tuple[str, ...] = ()) -> frozenset[str]:
        """The columns of the table that a formula depends on, through new variables.

        Raises:
            ColumnNotFound: if it depends on something that is neither a column nor a new variable.
            AnalysisError: if new variables depend on each other in a circle.
        """
        if text in self.available:
            return frozenset((text,))
        if text in seen:
            raise AnalysisError(f"new_variables: {' → '.join((*seen, text))} is a circle")
        expression = self.formulas.get(text) or Expression(text)
        if text not in self.formulas and expression.names == {text}:
            raise ColumnNotFound(text, self.where, [*self.available, *self.formulas])
        return frozenset(column for name in expression.names for column in self.needs(name, (*seen, text)))

    def passes(self, text: str) -> frozenset[str]:
        """Every name a formula goes through: itself, new variables on the way, and columns."""
        expression = self.formulas.get(text) or (None if text in self.available else Expression(text))
        below = (self.passes(name) for name in expression.names) if expression is not None else ()
        return frozenset((text,)).union(*below)

    def _answers(self, variable: str) -> set[str]:
        """Names that give the answer away: the variable and, if it follows from one column, that column.

        Of an answer made from several columns, such as an invariant mass, each alone is a fair input.
        """
        columns = self.needs(variable)
        return {variable} | (set(columns) if len(columns) == 1 else set())

    def columns(self, formulas: list[str]) -> list[str]:
        """The table's columns that a set of formulas needs, in the table's order."""
        wanted = {column for text in formulas for column in self.needs(text)}
        return [name for name in self.available if name in wanted]

    def evaluate(self, text: str, variables: Variables, length: int) -> np.ndarray[Any, Any]:
        """One value per event of a column or expression, as a NumPy array [event].

        Raises:
            DataError: if it is text, or a list per event.
        """
        found = self.formula(text)
        values = variables[found] if isinstance(found, str) else found(variables)
        return as_column(values, text, self.where, length)

    def check_no_truth(self) -> list[str]:
        """Refuse features that depend on columns which know the answer.

        Returns:
            The truth columns that are inputs because `allow_truth` names them.

        Raises:
            LeakageError: naming the feature and the column.
        """
        answer = self.analysis.labels or self.analysis.target
        hidden = self._answers(answer.variable) if answer is not None and answer.variable is not None else set()
        hidden.add(self.analysis.event_number or EVENT_NUMBER)
        if self.analysis.weights is not None:
            # Simulated samples differ in their weights: a network would learn the sample from them.
            hidden.add(self.analysis.weights)
        allowed: list[str] = []
        for feature in self.features:
            self.needs(feature)  # refuses circles and unknown names, on which `passes` would not end
            for column in sorted(self.passes(feature)):
                if column in hidden or any(_matches(column, pattern) for pattern in self.analysis.truth):
                    if not any(_matches(column, pattern) for pattern in self.analysis.allow_truth):
                        raise LeakageError(
                            f"feature {feature!r} depends on {column!r}, which knows the answer",
                            hint="leave it out; to use it all the same, name it in `allow_truth` (the report will say so)",
                        )
                    allowed.append(column)
        return sorted(set(allowed))


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern)


def as_column(values: Any, name: str, where: str, length: int) -> np.ndarray[Any, Any]:
    """One number per event as a NumPy array; anything else is refused with the remedy."""
    if type(values).__module__.startswith("awkward"):
        if values.ndim > 1:
            if "string" in str(values.type):
                raise DataError(f"column {name!r} in {where} is text; only numbers can be used")
            remedies = (
                f"take one element, {name}[0], or reduce it: count({name}), sum({name}), max({name})"
                if is_name(name)
                else f"reduce it: any({name}), sum({name}), …; or take one element of a column in it, such as [0]"
            )
            raise DataError(f"{name!r} in {where} has a list per event, not one value", hint=remedies)
        import awkward as ak

        values = ak.to_numpy(ak.fill_none(values, np.nan))
    array = np.asarray(values)
    if array.ndim == 0:
        array = np.broadcast_to(array, length)
    if array.ndim > 1:
        raise DataError(f"{name!r} in {where} has {array.shape[1]} values per event, not one", hint=f"take one: {name}[0]")
    if array.dtype.kind not in "biuf":
        raise DataError(f"column {name!r} in {where} is not numeric ({array.dtype})")
    return array


def without_missing(chunk: Columns, markers: Sequence[float]) -> Columns:
    """Replace agreed values such as −999 by NaN in plain columns."""
    if not markers:
        return chunk
    cleaned: dict[str, Any] = {}
    for name, values in chunk.items():
        if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
            # In the column's own precision: a float32 file holds −99.9 as −99.90000153.
            absent = np.isin(values, np.asarray(markers, values.dtype if values.dtype.kind == "f" else np.float64))
            values = np.where(absent, np.nan, values) if absent.any() else values
        cleaned[name] = values
    return cleaned
