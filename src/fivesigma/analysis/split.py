"""The section `split`: which events train, validate and test."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Fraction, Section


class Split(Section):
    """The division of events, by a hash of the event number and never by row order."""

    test: Fraction = Field(0.2, description="fraction of the events used for the test, unless a sample is for testing")
    val: Fraction = Field(0.3, description="fraction of the other events used for validation")
    train: float | None = Field(
        None, gt=0, le=1, description="share of the other events used for training; by default all that validation leaves"
    )
    folds: int | None = Field(
        None,
        ge=2,
        description="train so many networks, each on the events of the other folds, and score every event with the network "
        "that has not seen its fold; `test` is then ignored, and only samples for testing are tested on",
    )
    stratify: bool = Field(False, description="exact fractions within each class, instead of on average")
    seed: int = Field(0, ge=0, description="another one gives another division")
    overlap: Literal["error", "drop", "keep"] = Field(
        "error", description="test events that are also in the training files: refuse, drop from training, or keep"
    )

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Self:
        if self.train is not None and self.train + self.val > 1 + 1e-9:
            raise ValueError(f"train + val = {self.train + self.val:g} is more than 1")
        return self
