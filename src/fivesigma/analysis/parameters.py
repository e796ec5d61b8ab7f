"""The section `parameters`: physics parameters that the network is given, such as the mass of X."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Formula, Section


class Parameter(Section):
    """A physics parameter the network is given beside the features, such as the mass of X."""

    variable: Formula | None = Field(None, description="column or expression; the parameter's own name by default")
    values: list[float] | None = Field(None, description="allowed values; each event gets the nearest")
    background: Literal["given", "signal", "uniform"] = Field(
        "given",
        description="what background events (the first class) carry: their own value as `variable` gives it, one "
        "drawn from the signal's, or one drawn evenly from the signal's range",
    )
    background_variable: Formula | None = Field(
        None,
        description="column or expression that background carries instead of `variable`, such as a reconstructed mass; as "
        "it is, not rounded to `values`. With `background: given`",
    )
    redraw: bool = Field(False, description="draw the background's value anew every epoch; frozen in validation and test")
    unit: str = ""

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        if self.redraw and self.background == "given":
            raise ValueError("`redraw` needs `background: signal` or `background: uniform`")
        if self.background_variable is not None and self.background != "given":
            raise ValueError("`background_variable` needs `background: given`: otherwise the background's value is drawn")
        return self
