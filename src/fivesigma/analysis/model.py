"""The section `model`: the network."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fivesigma.analysis.section import Fraction, Section


class Model(Section):
    """The network: a multilayer perceptron."""

    kind: Literal["mlp"] = "mlp"
    layers: list[Annotated[int, Field(gt=0)]] = Field([112, 112, 112], description="units of each hidden layer")
    activation: Literal["relu", "tanh", "gelu", "selu", "elu", "silu", "leaky_relu", "sigmoid"] = "relu"
    dropout: Fraction | list[Fraction] = Field(0.0, description="after every hidden layer, or one value per layer")
    batch_norm: bool = False
    l2: float = Field(0.0, ge=0, description="penalty on the squares of the weights")
    parameters: Literal["input", "affine", "both"] = Field(
        "input",
        description="how the network gets the physics parameters: as inputs beside the features; by an affine "
        "transformation of every hidden layer's output, linear in them; or both",
    )

    @model_validator(mode="after")
    def _one_dropout_per_layer(self) -> Self:
        if isinstance(self.dropout, list) and len(self.dropout) != len(self.layers):
            raise ValueError(f"{len(self.dropout)} dropout values for {len(self.layers)} layers")
        return self
