"""One comparison of a simulated number with a published one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Rule = Literal["within", "at least", "at most"]
Verdict = Literal["pass", "fail", "not judged"]


@dataclass(frozen=True)
class Comparison:
    """A simulated number beside the published or required one.

    Attributes:
        group: its subject; rows of a group stand together.
        quantity: what is compared.
        target: the published value, or the required limit.
        found: the simulated value; NaN where it could not be measured.
        error: its statistical error, one standard deviation; NaN if there is none.
        tolerance: largest allowed |found - target| for the rule "within"; otherwise 0.
        unit: unit of all four; "" for a pure number.
        rule: "within" the tolerance, "at least" or "at most" the target.
        note: why the row is not judged; "" otherwise, unless its error is too large.

    >>> Comparison("b-tags", "two tags", 0.861, 0.874, 0.001, 0.03).verdict
    'pass'
    """

    group: str
    quantity: str
    target: float
    found: float
    error: float = float("nan")
    tolerance: float = 0.0
    unit: str = ""
    rule: Rule = "within"
    note: str = ""

    @property
    def inside(self) -> bool:
        """Whether the number is within its limit; False for a number that could not be measured."""
        if self.rule == "at least":
            return bool(self.found >= self.target)
        if self.rule == "at most":
            return bool(self.found <= self.target)
        return bool(abs(self.found - self.target) <= self.tolerance)

    @property
    def verdict(self) -> Verdict:
        """ "pass", "fail", or "not judged" if there is a note that says why."""
        if self.reason:
            return "not judged"
        return "pass" if self.inside else "fail"

    @property
    def reason(self) -> str:
        """Why the row is not judged: its note, or too large an error; "" if it is judged."""
        blurred = self.rule == "within" and self.error > self.tolerance / 2
        return self.note or ("too few events: the error is more than half the tolerance" if blurred else "")

    @property
    def pull(self) -> float:
        """Distance from the target in units of the tolerance: 1 is the limit; NaN for the other rules."""
        return abs(self.found - self.target) / self.tolerance if self.tolerance > 0 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """For JSON: NaN becomes null."""
        numbers = {name: getattr(self, name) for name in ("target", "found", "error", "tolerance")}
        finite = {name: float(value) if np.isfinite(value) else None for name, value in numbers.items()}
        return {
            "group": self.group,
            "quantity": self.quantity,
            **finite,
            "unit": self.unit,
            "rule": self.rule,
            "verdict": self.verdict,
            "note": self.reason,
        }


def count_passes(rows: Sequence[Comparison]) -> tuple[int, int, int]:
    """(passed, failed, not judged)."""
    verdicts = [row.verdict for row in rows]
    return verdicts.count("pass"), verdicts.count("fail"), verdicts.count("not judged")
