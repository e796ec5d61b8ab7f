"""The ports of a design: which column comes in where, in how many bits, and what a missing value looks like"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.firmware import Firmware
from fivesigma.data.missing import marked
from fivesigma.errors import DataError

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Port:
    """A port of a design.

    Attributes:
        column: the column of the files whose whole numbers it takes.
        signal: its name in Verilog.
        signed: whether the highest bit is the sign.
        bits: with the sign.
        missing: the column whose 1 says that the value is missing and the port may carry anything; None if it never is.
        fractional: how many of the bits stand behind the binary point: the column is the whole number times `step`.
    """

    column: str
    signal: str
    signed: bool
    bits: int
    missing: str | None
    fractional: int = 0

    @property
    def step(self) -> float:
        """What one more at the port means in the column."""
        return float(2.0**-self.fractional)

    @property
    def low(self) -> int:
        """The smallest number it takes.

        >>> port = Port("bend", "in_bend", True, 8, None)
        >>> port.low, port.high
        (-128, 127)
        """
        return -(1 << self.bits - 1) if self.signed else 0

    @property
    def high(self) -> int:
        """The largest number it takes."""
        return (1 << self.bits - self.signed) - 1


def ports_of(firmware: Firmware, columns: Sequence[str]) -> tuple[Port, ...]:
    """The port of each column.

    Raises:
        AnalysisError: if a column has none.
    """
    found: list[Port] = []
    for column in columns:
        signed, bits, fractional = firmware.port_of(column)
        found.append(Port(column, _signal(column, found), signed, bits, firmware.mask_of(column), fractional))
    return tuple(found)


def masks_of(firmware: Firmware, columns: Sequence[str]) -> list[str]:
    """The columns that say whether one of some columns is missing."""
    return sorted({mask for column in columns if (mask := firmware.mask_of(column)) is not None})


def numbers_of(
    ports: Sequence[Port], columns: Columns, markers: Sequence[float] = (), seed: int | None = None
) -> NDArray[np.int64]:
    """What the ports carry, [event, port]; what stands between two numbers of a port is rounded to the nearest one.

    Args:
        ports: of the design.
        columns: name → values as in the files, [event].
        markers: numbers that mean missing.
        seed: of random numbers on the ports of missing values; zero without it.

    Raises:
        DataError: if a value does not fit, or is missing where its mask does not say so, or is there where it does.
    """
    length = len(next(iter(columns.values()))) if columns else 0
    found = np.zeros((length, len(ports)), np.int64)
    generator = None if seed is None else np.random.default_rng(seed)
    for i, port in enumerate(ports):
        absent = _absent(columns[port.column], markers)
        values = np.asarray(columns[port.column], np.float64)
        _check_mask(port, absent, columns)
        numbers = np.rint(np.where(absent, 0, values) / port.step)
        _check_range(port, numbers)
        found[:, i] = numbers
        if generator is not None and port.missing is not None:
            found[absent, i] = generator.integers(port.low, port.high + 1, int(absent.sum()))
    return found


def columns_of(ports: Sequence[Port], numbers: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """The inverse of `numbers_of`: columns with NaN where a mask says that the value is missing."""
    place = {port.column: i for i, port in enumerate(ports)}
    found: dict[str, NDArray[np.float64]] = {}
    for i, port in enumerate(ports):
        values = np.asarray(numbers[:, i] * port.step, np.float64)
        found[port.column] = (
            values if port.missing is None else np.where(numbers[:, place[port.missing]] == 1, np.nan, values)
        )
    return found


def rounded_share(ports: Sequence[Port], columns: Columns, markers: Sequence[float] = ()) -> dict[str, float]:
    """The columns that are rounded at their ports → the share of their values that change."""
    found = {}
    for port in ports:
        there = np.asarray(columns[port.column], np.float64)[~_absent(columns[port.column], markers)]
        if (share := float(np.mean(there / port.step != np.rint(there / port.step))) if len(there) else 0.0) > 0:
            found[port.column] = share
    return found


def _absent(values: NDArray[Any], markers: Sequence[float]) -> NDArray[np.bool_]:
    """Which values are missing; numbers that mean so are recognised as when files are read."""
    values = np.asarray(values)
    return np.asarray(~np.isfinite(values) | np.isin(values, marked(markers, values.dtype)), bool)


def _signal(column: str, before: Sequence[Port]) -> str:
    """A name in Verilog and C++: no keyword begins with `in_`, and no two underscores follow each other."""
    plain = name = re.sub(r"[^0-9A-Za-z]+", "_", f"in_{column}").rstrip("_")
    count = 1
    while name in {port.signal for port in before}:
        count += 1
        name = f"{plain}_{count}"
    return name


def _check_mask(port: Port, absent: NDArray[np.bool_], columns: Columns) -> None:
    if port.missing is None:
        if absent.any():
            raise DataError(
                f"the column {port.column!r} is missing in {int(absent.sum()):,} of {len(absent):,} events, and firmware "
                "has no missing values",
                hint=f"name the column that says so: firmware: {{missing: {{{port.column}: mask}}}}",
            )
        return
    mask = np.asarray(columns[port.missing], np.float64)
    if not np.isin(mask, (0, 1)).all():
        raise DataError(f"the column {port.missing!r}, which says whether {port.column!r} is missing, is not 0 or 1")
    wrong = absent != (mask == 1)
    if wrong.any():
        there = int((wrong & ~absent).sum())
        what = "has a value" if there else "is missing"
        raise DataError(
            f"the column {port.column!r} {what} in {there or int(wrong.sum()):,} events in which {port.missing} is "
            f"{1 if there else 0}",
            hint="firmware.missing needs the column that is 1 exactly where the value is missing",
        )


def _check_range(port: Port, numbers: NDArray[np.float64]) -> None:
    if not len(numbers):
        return
    low, high = float(numbers.min()), float(numbers.max())
    if low < port.low or high > port.high:
        worst = (low if low < port.low else high) * port.step
        width = f"{'s' if port.signed else ''}{port.bits}" + (f"f{port.fractional}" if port.fractional else "")
        raise DataError(
            f"the column {port.column!r} has the value {worst:g}, and its port {width} takes {port.low * port.step:g} to "
            f"{port.high * port.step:g}",
            hint="give it more bits in firmware.ports"
            + ("" if port.signed or low >= 0 else ", and a sign: s8 instead of 8"),
        )
