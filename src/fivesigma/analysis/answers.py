"""The sections `labels` and `target`: what the network learns, a class or a number per event."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Formula, Section

SHORT = ("labels", "target")
"""Sections that may be written as their variable alone."""


class Labels(Section):
    """What a classifier learns: a class per event."""

    variable: Formula | None = Field(
        None, description="class index 0, 1, … as a column or expression; or with `edges`, the quantity that is binned"
    )
    names: list[str] = Field(default=[], description="class names in the order of their index")
    edges: list[float] | None = Field(None, description="bin edges of `variable`, one more than classes")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.edges is not None:
            if self.variable is None:
                raise ValueError("`edges` needs a `variable` to bin")
            if len(self.edges) < 3 or not all(a < b for a, b in pairwise(self.edges)):
                raise ValueError("`edges` must increase and define at least two classes")
            if self.names and len(self.names) != len(self.edges) - 1:
                raise ValueError(f"{len(self.names)} names for {len(self.edges) - 1} bins")
        if len(set(self.names)) != len(self.names):
            raise ValueError("class names must differ")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; if none are given, made from the edges, or `background` and `signal`."""
        if self.names:
            return tuple(self.names)
        if self.edges is not None:
            return tuple(f"{a:g}–{b:g}" for a, b in zip(self.edges, self.edges[1:], strict=False))
        return ("background", "signal")


class Target(Section):
    """What a regression learns: a number per event."""

    variable: Formula = Field(description="column or expression that the network learns")
    scale: float | None = Field(
        None,
        gt=0,
        description="the network learns variable × scale; by default the target is standardised with the mean and "
        "width of the training events. Results are always given in the target's own unit",
    )
    unit: str = Field("", description="unit of the target, for tables and figures")


_SIGNALS, _BACKGROUNDS = {"signal", "sig"}, {"background", "bkg", "bkgd", "bg"}


def swapped(classes: Sequence[str]) -> str:
    """A sentence if two classes seem to stand in the wrong order; empty otherwise.

    >>> swapped(["background", "signal"])
    ''
    >>> swapped(["signal", "background"])
    "of two classes the second is the signal, and here it is 'background': write the background first"
    """
    names = [name.casefold() for name in classes]
    if len(names) != 2 or not (names[0] in _SIGNALS or names[1] in _BACKGROUNDS):
        return ""
    return f"of two classes the second is the signal, and here it is {classes[1]!r}: write the background first"
