"""The section `firmware`: the bits that a detector delivers, and the clock of the hardware that reads them"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from fivesigma.analysis.section import Section
from fivesigma.errors import AnalysisError
from fivesigma.names import column_of, expand_braces, matches

MOST_BITS = 24
"""Bits of a port: the network computes in single precision, which holds whole numbers of so many bits."""


def _by_pattern(value: Any) -> Any:
    """A mapping with `{a,b}` and `{1..4}` expanded in its keys."""
    if not isinstance(value, dict):
        return value
    return {column_of(name): item for key, item in value.items() for name in expand_braces(str(key))}


def bits_of(text: int | str) -> tuple[bool, int, int]:
    """Whether a port is signed, its bits with the sign, and how many of them stand behind the binary point.

    >>> bits_of(13), bits_of("s8"), bits_of("u3"), bits_of("s12f4")
    ((False, 13, 0), (True, 8, 0), (False, 3, 0), (True, 12, 4))
    """
    found = re.fullmatch(r"([us]?)(\d+)(?:f(\d+))?", str(text))
    behind = int(found[3] or 0) if found else 0
    if found is None or isinstance(text, bool) or not 1 <= int(found[2]) <= MOST_BITS or behind > MOST_BITS:
        raise ValueError(
            f"{text!r} is no width of a port: give its bits, from 1 to {MOST_BITS}, with `s` before them if one is the "
            "sign, and `f` and the bits behind the binary point if there are any, as in s8 or s12f4"
        )
    return found[1] == "s", int(found[2]), behind


class Firmware(Section):
    """The firmware that `fivesigma export --format rtl` writes: its ports and its clock."""

    ports: Annotated[dict[str, int | str], BeforeValidator(_by_pattern)] = Field(
        default={},
        description="bits of each column (globs allowed) as the detector delivers it: 13 for whole numbers from 0, s8 for "
        "eight bits of which one is the sign, s12f4 for twelve of which four are behind the binary point",
    )
    missing: Annotated[dict[str, str], BeforeValidator(_by_pattern)] = Field(
        default={}, description="column (globs allowed) → the column whose 1 says that its value is missing"
    )
    clock_mhz: float = Field(200.0, gt=0, description="frequency of the clock, MHz")
    latency_cutoff: float = Field(
        5.0,
        gt=0,
        description="most delay between two registers, in the units of alkaid's estimate; more is fewer cycles of a slower "
        "clock",
    )

    @model_validator(mode="after")
    def _readable(self) -> Self:
        for name, bits in self.ports.items():
            try:
                bits_of(bits)
            except ValueError as error:
                raise ValueError(f"ports: {name!r}: {error}") from None
        return self

    def port_of(self, column: str) -> tuple[bool, int, int]:
        """Whether the port of a column is signed, its bits, and those behind the binary point.

        Raises:
            AnalysisError: if it has no port, or two different ones.
        """
        text = _chosen(column, self.ports, "ports")
        if text is None:
            raise AnalysisError(
                f"firmware.ports: the column {column!r}, from which a feature is computed, has no port",
                hint=f"give its bits: ports: {{{column}: 8}}, or s8 with a sign",
            )
        return bits_of(text)

    def mask_of(self, column: str) -> str | None:
        """The column whose 1 says that a value is missing, if one does.

        Raises:
            AnalysisError: if two different ones match.
        """
        found = _chosen(column, self.missing, "missing")
        return None if found is None or str(found) == column else str(found)

    def check_names(self, available: Iterable[str]) -> None:
        """Refuse names that no column of a file has.

        Raises:
            AnalysisError: naming the first.
        """
        names = list(available)
        for key, patterns in (("ports", self.ports), ("missing", self.missing)):
            for pattern in patterns:
                if not any(matches(name, pattern) for name in names):
                    raise AnalysisError(f"firmware.{key}: {pattern!r} matches no column of the file")
        for mask in self.missing.values():
            if mask not in names:
                raise AnalysisError(f"firmware.missing: {mask!r} is no column of the file")


def _chosen(column: str, given: Mapping[str, int | str], key: str) -> int | str | None:
    """What is given for a column by its name, or by the globs that match it."""
    if column in given:
        return given[column]
    found = {pattern: value for pattern, value in given.items() if matches(column, pattern)}
    if len(set(found.values())) > 1:
        raise AnalysisError(f"firmware.{key}: {column!r} matches {', '.join(map(repr, found))}, which say different things")
    return next(iter(found.values()), None)
