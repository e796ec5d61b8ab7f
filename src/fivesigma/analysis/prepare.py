"""The section `prepare`: preprocessing, fitted on training events."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Names, Section

ClassWeight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Prepare(Section):
    """Preprocessing, fitted on training events only, in this order: drop, log, flag, impute, scale."""

    drop_missing: float | None = Field(
        None,
        gt=0,
        le=1,
        description="drop features that are missing in more than this fraction of the training events, whose weights do not "
        "count here",
    )
    log: Names = Field(
        default=[],
        description="features replaced by their logarithm (globs allowed); zero and negative values are imputed",
    )
    missing_flags: bool = Field(False, description="add a 0/1 input for each feature that is sometimes missing in the files")
    impute: Literal["mean", "median", "constant"] = Field("mean", description="what replaces a missing entry")
    fill: float = Field(0.0, description="the constant of `impute: constant`")
    scale: Literal["standard", "minmax", "robust", "power_of_two", "none"] = Field(
        "standard",
        description="standard: mean 0 and width 1; minmax: from 0 to 1; robust: median 0 and interquartile range 1; "
        "power_of_two: as standard, with the mean rounded to a whole number and the width to a power of two, "
        "which firmware computes at no cost",
    )
    scale_parameters: Literal["standard", "minmax", "power_of_two", "none"] = Field(
        "standard", description="the same for physics parameters"
    )
    class_weights: Literal["balanced", "root"] | dict[str, ClassWeight] | None = Field(
        None,
        description="weight of each class in training: balanced, so that all classes count the same; root, the square "
        "root of that; or given by class name",
    )
    resample: Literal["up", "down"] | None = Field(
        None, description="repeat events of small classes, or drop events of large ones, in training only"
    )

    @model_validator(mode="after")
    def _one_balance(self) -> Self:
        if self.class_weights is not None and self.resample is not None:
            raise ValueError("`class_weights` and `resample` both balance the classes; choose one")
        return self
