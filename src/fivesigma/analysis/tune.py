"""The section `tune`: the search space and the search method."""

import builtins
import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from fivesigma.analysis.kinds import GOAL
from fivesigma.analysis.section import Section


class Choice(Section):
    """One of these values."""

    choice: list[Any] = Field(min_length=1, description="values to choose from")

    @model_validator(mode="before")
    @classmethod
    def _mapping(cls, value: Any) -> Any:
        if not isinstance(value, Mapping | Section):
            raise ValueError(f"write {{choice: [a, b, …]}}, {{int: [low, high]}} or {{float: [low, high]}}, not {value!r}")
        return value

    @field_validator("choice")
    @classmethod
    def _each_once(cls, values: list[Any]) -> list[Any]:
        # Repeated values would have a search wait for more different settings than there are.
        return list({repr(value): value for value in values}.values())


class IntRange(Section):
    """An integer from a range, both ends included."""

    int: tuple[builtins.int, builtins.int] = Field(description="smallest and largest value")
    step: builtins.int = Field(1, gt=0, description="distance between two values")
    log: bool = Field(False, description="uniform in the logarithm")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_range(self.int[0], self.int[1], self.log)
        if self.log and self.step > 1:
            raise ValueError("`log` and `step` exclude each other")
        return self


class FloatRange(Section):
    """A number from a range."""

    float: tuple[builtins.float, builtins.float] = Field(description="smallest and largest value")
    step: builtins.float | None = Field(None, gt=0, description="distance between two values; by default any number")
    log: bool = Field(False, description="uniform in the logarithm")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_range(self.float[0], self.float[1], self.log)
        if self.log and self.step is not None:
            raise ValueError("`log` and `step` exclude each other")
        if self.step is not None and self.step < math.ulp(max(map(abs, self.float))):
            raise ValueError(f"the step {self.step:g} is too small: no number lies between two of its values")
        return self


def _check_range(low: float, high: float, log: bool) -> None:
    if high <= low:
        raise ValueError(f"the range [{low:g}, {high:g}] must increase")
    if log and low <= 0:
        raise ValueError("a logarithmic range must be positive")


def _which(value: Any) -> str:
    """Tag of the range that a mapping gives, from the key that only this range has."""
    keys = value if isinstance(value, Mapping) else type(value).model_fields if isinstance(value, Section) else ()
    return next((key for key in ("int", "float") if key in keys), "choice")


Range = Annotated[
    Annotated[Choice, Tag("choice")] | Annotated[IntRange, Tag("int")] | Annotated[FloatRange, Tag("float")],
    Discriminator(_which),
]


_OF_THE_SEARCH = {
    "train.monitor": "`tune.objective` compares the trials",
    "train.epochs": "`tune.max_epochs` is the number of epochs of every trial",
}
"""Keys that a search sets itself → the reason, in words."""
_MEANING_OF_LOSS = ("train.loss", "train.balance", "prepare.class_weights")
"""Keys that define the validation loss; losses of trials that differ in them cannot be compared."""


_EXAMPLES = {"train": "learning_rate", "prepare": "scale"}


class Tune(Section):
    """The search for better settings; every trial is evaluated on the validation events."""

    renamed: ClassVar[Mapping[str, str]] = {"together": "trials_at_once"}

    method: Literal["hyperband", "tpe", "random", "grid"] = Field("hyperband", description="how settings are proposed")
    space: dict[str, Range] = Field(default={}, description="dotted key of `model`, `train` or `prepare` → values to try")
    objective: Annotated[str, GOAL] = Field("loss", description="validation metric that trials compete for")
    max_epochs: int = Field(10, gt=0, description="number of epochs of a trial that is trained to the end")
    factor: int = Field(3, gt=1, description="each round keeps one trial in this many (hyperband)")
    trials: int = Field(20, gt=0, description="number of trials (random, tpe)")
    trials_at_once: int = Field(
        4,
        gt=0,
        description="number of trials proposed at a time (tpe): each batch learns from all earlier ones, "
        "and trains side by side",
    )
    seed: int = Field(1, ge=0, description="of the proposed settings")

    @model_validator(mode="after")
    def _known_sections(self) -> Self:
        for key in self.space:
            if key.split(".")[0] not in ("model", "train", "prepare"):
                raise ValueError(f"space: {key!r} is not a key of `model`, `train` or `prepare`")
            if key in ("train", "prepare"):
                raise ValueError(f"space: {key!r} is a whole section; name its keys, such as '{key}.{_EXAMPLES[key]}'")
            if key in _OF_THE_SEARCH:
                raise ValueError(f"space: {key!r} cannot be searched: {_OF_THE_SEARCH[key]}")
            if self.objective == "loss" and any(f"{key}.".startswith(f"{other}.") for other in _MEANING_OF_LOSS):
                raise ValueError(
                    f"space: {key!r} changes what the loss is, so trials cannot be compared by it: "
                    "set `tune.objective` to a metric, such as auc, accuracy or rmse"
                )
        return self
