"""The section `tune`: which settings a search may try, and how it goes about it."""

import builtins
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Section
from fivesigma.analysis.train import MetricName


class Choice(Section):
    """One of these values."""

    choice: list[Any] = Field(min_length=1)


class IntRange(Section):
    """A whole number from a range, both ends included."""

    int: tuple[builtins.int, builtins.int]
    step: builtins.int = Field(1, gt=0)
    log: bool = Field(False, description="uniform in the logarithm")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_range(self.int[0], self.int[1], self.log)
        return self


class FloatRange(Section):
    """A number from a range."""

    float: tuple[builtins.float, builtins.float]
    step: builtins.float | None = Field(None, gt=0)
    log: bool = Field(False, description="uniform in the logarithm")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_range(self.float[0], self.float[1], self.log)
        if self.log and self.step is not None:
            raise ValueError("`log` and `step` exclude each other")
        return self


def _check_range(low: float, high: float, log: bool) -> None:
    if high <= low:
        raise ValueError(f"the range [{low:g}, {high:g}] must rise")
    if log and low <= 0:
        raise ValueError("a logarithmic range must be positive")


class Tune(Section):
    """The search for better settings; every trial is judged on the validation events."""

    method: Literal["hyperband", "tpe", "random", "grid"] = "hyperband"
    space: dict[str, Choice | IntRange | FloatRange] = Field(
        default={}, description="dotted key of `model`, `train` or `prepare` → values to try"
    )
    objective: MetricName = "loss"
    max_epochs: int = Field(10, gt=0, description="epochs of a trial that survives to the end")
    factor: int = Field(3, gt=1, description="one in so many trials survives each round (hyperband)")
    trials: int = Field(20, gt=0, description="number of trials (random, tpe)")
    together: int = Field(
        4,
        gt=0,
        description="trials proposed at a time, from the results of all before (tpe); so many can train side by side",
    )
    seed: int = Field(1, ge=0)

    @model_validator(mode="after")
    def _known_sections(self) -> Self:
        for key in self.space:
            if key.split(".")[0] not in ("model", "train", "prepare"):
                raise ValueError(f"space: {key!r} is not a key of `model`, `train` or `prepare`")
        return self
