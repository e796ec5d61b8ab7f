"""A quantised network for firmware, which learns the bits of every weight and value beside the weights (HGQ2).

Source: Sun, Que, Loncar, Luk, Spiropulu, HGQ: High Granularity Quantization for Real-time Neural Networks on FPGAs,
arXiv:2405.00645.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from fivesigma import extras
from fivesigma.analysis.section import Section
from fivesigma.analysis.train import Train
from fivesigma.models.backend import keras
from fivesigma.models.base import Inputs, ModelKind
from fivesigma.models.ebops import RisingPenalty


class Budget(Section):
    """What the network may cost."""

    ebops: float = Field(gt=0, description="most effective bit operations (EBOPs): the sum of the products of the bits")


class Quantised(Section):
    """The network: dense layers whose weights and values have learnt numbers of bits."""

    kind: Literal["quantised"] = "quantised"
    layers: list[Annotated[int, Field(gt=0)]] = Field([64, 64, 32], description="units of each hidden layer")
    activation: Literal["relu", "linear"] = Field("relu", description="what logic computes at no cost to speak of")
    beta: list[Annotated[float, Field(gt=0)]] = Field(
        [1e-8, 5e-8, 2e-7, 1e-6],
        min_length=1,
        description="strength of the penalty on the cost (EBOPs), step by step of one training; with enough epochs each "
        "step gives a network that is cheaper than the one before",
    )
    budget: Budget | None = Field(
        None,
        description="the network that is kept is the best one within it, on validation events; without a budget it is "
        "that of the last step",
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(late <= early for early, late in zip(self.beta, self.beta[1:], strict=False)):
            raise ValueError("beta: the strengths must increase from step to step, as bits that are gone do not come back")
        return self


def quantised(settings: Quantised, inputs: Inputs) -> Any:
    """Build an untrained quantised network; parameters are inputs like any other.

    The layers are `hidden_1`, `hidden_2`, …, and `output`, all `hgq.layers.QDense` with the activation inside. A
    probability comes from a layer of its own after them, which is not quantised: firmware ends before it.

    Args:
        settings: layers, activation, first strength of the penalty.
        inputs: number of inputs, and what the network must fit.

    Returns:
        A `keras.Model`, [event, input] → [event, output].

    Raises:
        MissingExtra: if HGQ2 is not installed.
    """
    k = keras()
    hgq = extras.hgq()
    seed = inputs.seed
    k.utils.set_random_seed(seed)
    entry = x = k.Input((int(inputs),), name="inputs")
    names = [f"hidden_{i + 1}" for i in range(len(settings.layers))]
    for i, (name, units) in enumerate(zip([*names, "output"], [*settings.layers, inputs.outputs], strict=True)):
        last = name == "output"
        x = hgq.layers.QDense(
            units,
            activation=None if last or settings.activation == "linear" else settings.activation,
            kernel_initializer=k.initializers.GlorotUniform(seed=seed + (1000 if last else i)),
            name=name,
            beta0=settings.beta[0],
            **_quantisers(hgq.quantizer.QuantizerConfig),
        )(x)
    if inputs.link != "linear":
        x = k.layers.Activation(inputs.link, name=inputs.link)(x)
    return k.Model(entry, x, name="quantised")


def _quantisers(config: Any) -> dict[str, Any]:
    """One number of bits for each weight and each value, whatever the defaults of HGQ2 in this process.

    Weights saturate. Values wrap around, which is free; `models/ebops.py` measures the bits that they need for it. No
    scale: the one of the recipe is a power of two, and a second one would not reach the firmware.
    """
    return {
        "enable_ebops": True,
        "enable_iq": True,
        "enable_oq": False,
        "kq_conf": config("kbi", "weight"),
        "bq_conf": config("kbi", "bias"),
        "iq_conf": config("kif", "datalane"),
    }


def _label(settings: Quantised) -> str:
    return "quantised " + "-".join(map(str, settings.layers))


def _stages(settings: Quantised, model: Any) -> RisingPenalty:
    return RisingPenalty(model, settings.beta, None if settings.budget is None else settings.budget.ebops)


def _objection(settings: Quantised, train: Train) -> str:
    if train.epochs < len(settings.beta):
        return f"`train.epochs` is {train.epochs}, and each of the {len(settings.beta)} steps of `model.beta` needs one"
    if train.optimizer == "sgd":
        return "`train.optimizer: sgd` hardly moves the bits of a quantised network, whose gradients are small: use adam"
    if train.weight_decay:
        return "`train.weight_decay` would make the bits of a quantised network decay as well: leave it out"
    if train.average is not None:
        return "`train.average` would average numbers of bits of different networks: leave it out"
    if train.patience is not None:
        return "`train.patience` would stop before the last step of `model.beta`, whose networks are worse: leave it out"
    return ""


QUANTISED = ModelKind("quantised", Quantised, quantised, _label, stages=_stages, objection=_objection)
