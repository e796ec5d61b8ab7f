"""The section `parameters`: physics parameters that the network is given, such as the mass of X."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Formula, Section


class Parameter(Section):
    """A physics parameter that is an input beside the features, such as the mass of X."""

    variable: Formula | None = Field(None, description="column or expression; the parameter's own name by default")
    values: list[float] | None = Field(None, description="allowed values; each event gets the nearest")
    background: Literal["given", "signal", "uniform"] = Field(
        "given",
        description="value of background events (the first class): their own from `variable`, one drawn from the values of "
        "the signal, or one drawn uniformly from the range of the signal",
    )
    background_variable: Formula | None = Field(
        None,
        description="column or expression for background instead of `variable`, such as a reconstructed mass; not rounded "
        "to `values`. With `background: given`",
    )
    redraw: bool = Field(False, description="draw the value of background anew in every epoch; fixed in validation and test")
    unit: str = Field("", description="unit of the parameter, for tables and figures")

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        if self.redraw and self.background == "given":
            raise ValueError("`redraw` needs `background: signal` or `background: uniform`")
        if self.background_variable is not None and self.background != "given":
            raise ValueError("`background_variable` needs `background: given`: otherwise the background's value is drawn")
        return self
