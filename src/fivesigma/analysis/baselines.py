"""The section `baselines`: other models, trained on the same events, that the network has to beat."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Names, Section


class BoostedTrees(Section):
    """Gradient-boosted trees (LightGBM, extra `trees`), stopped early on the validation events."""

    kind: Literal["boosted_trees"]
    features: Names = Field(
        default=[], description="other inputs than the network's (globs allowed); parameters are given, too"
    )
    rounds: int = Field(1000, gt=0, description="most boosting rounds")
    leaves: int = Field(63, gt=1, description="most leaves of a tree")
    learning_rate: float = Field(0.1, gt=0, le=1, description="share of each tree's answer that is taken")
    min_events: int = Field(20, gt=0, description="least training events in a leaf")
    share: float = Field(1.0, gt=0, le=1, description="share of the features that each tree may use")
    l2: float = Field(0.0, ge=0, description="penalty on the squares of the leaves' values")
    loss: Literal["squared_error", "absolute_error", "huber"] = Field(
        "squared_error", description="of a regression; classes have cross-entropy"
    )
    huber_delta: float = Field(1.0, gt=0, description="where the Huber loss turns linear, in units of the scaled target")
    patience: int = Field(30, gt=0, description="stop after so many rounds without a lower validation loss")
    seed: int = Field(1, ge=0, description="of the draw of features, if `share` is below one")


class AddressField(Section):
    """One quantity of a table's address."""

    bits: int = Field(gt=0, le=16, description="codes are 2^bits; one of them means missing, if it can be missing")
    low: float | None = Field(
        None, description="with `high`: steps of equal width between them, instead of equal population"
    )
    high: float | None = Field(None, description="upper end of the range of `low`")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("give both `low` and `high`, or neither")
        if self.low is not None and self.high is not None and self.high <= self.low:
            raise ValueError(f"the range [{self.low:g}, {self.high:g}] must rise")
        return self


class LookupTable(Section):
    """A table that a detector holds in memory: coarse quantities make an address, which holds the answer."""

    kind: Literal["lookup_table"]
    address: dict[str, AddressField] = Field(
        min_length=1, description="column, new variable or parameter → bits of the address that it gets"
    )
    fill: Literal["mean", "quantile"] = Field(
        "mean",
        description="what an address answers: the mean target of its training events (shares for classes), or a quantile",
    )
    quantile: float = Field(0.5, gt=0, lt=1, description="which one `fill: quantile` takes; 0.5 is the median")
    least: int = Field(
        5, gt=0, description="an address with fewer training events answers with the next coarser one, a bit less of each"
    )

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        """`zone: 3` is short for `zone: {bits: 3}`."""
        if isinstance(data, dict) and isinstance(data.get("address"), dict):
            fields = {name: {"bits": field} if isinstance(field, int) else field for name, field in data["address"].items()}
            return {**data, "address": fields}
        return data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.bits > 60:
            raise ValueError(f"the address has {self.bits} bits, more than 60")
        return self

    @property
    def bits(self) -> int:
        """Bits of the whole address."""
        return sum(field.bits for field in self.address.values())


class OtherNetwork(Section):
    """The network of another analysis: its features, recipe, model and training on this analysis's events."""

    kind: Literal["network"]
    analysis: str = Field(description="name of a built-in analysis, or an analysis file")
    settings: dict[str, Any] = Field(default={}, description="overrides by dotted key, such as train.epochs")


Baseline = Annotated[BoostedTrees | LookupTable | OtherNetwork, Field(discriminator="kind")]
"""A model beside the network."""
