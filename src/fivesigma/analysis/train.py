"""The section `train`: the training loop."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from fivesigma.analysis.kinds import GOAL, OneOf
from fivesigma.analysis.section import Names, Section
from fivesigma.plugins import losses


class Train(Section):
    """The training loop."""

    model_config = ConfigDict(allow_inf_nan=False)

    renamed: ClassVar[Mapping[str, str]] = {"huber_delta": "loss: {kind: huber, delta: …}"}

    epochs: int = Field(10, gt=0, description="times that the network sees every training event, at most")
    batch_size: int = Field(1024, gt=0, description="events of one step")
    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        "adam", description="method that changes the weights; sgd has a Nesterov momentum of 0.9"
    )
    learning_rate: float = Field(1e-3, gt=0, description="size of a step; the largest one of a schedule")
    schedule: Literal["constant", "cosine", "one_cycle"] = Field("constant", description="how the learning rate changes")
    warmup_epochs: float = Field(0.0, ge=0, description="epochs over which the rate rises from zero (not for one_cycle)")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay")
    balance: Names = Field(
        default=[],
        description="every batch holds the same number of events of each group: `class`, a parameter's name, or both. "
        "Groups weigh the same in loss and validation loss; events of a small group are repeated, those of a large "
        "one take turns",
    )
    negative_weights: Literal["keep", "abs", "drop", "error"] = Field(
        "keep",
        description="training events with negative weights: keep them, which is right on average; take the weight's "
        "absolute value; leave them out; or refuse them. Evaluation always keeps them",
    )
    clip_norm: float | None = Field(None, gt=0, description="largest norm of a gradient")
    average: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="decay per step of a moving average of the weights, such as 0.999; less in the first steps: after n of "
        "them at most (1 + n)/(10 + n). The average is validated and kept",
    )
    loss: Annotated[Any, OneOf(losses, short=True)] = Field(
        "auto", description="the loss function: a name, or a mapping with `kind` and its own keys"
    )
    monitor: Annotated[str, GOAL] = Field(
        "loss",
        description="validation metric that chooses the best epoch and stops early; without validation events the training "
        "loss does",
    )
    patience: int | None = Field(None, gt=0, description="stop after so many epochs without improvement")
    keep: Literal["best", "last"] = Field("best", description="the epoch whose weights are kept")
    window: int = Field(
        1_000_000, gt=0, description="events in memory at a time when training from a prepared folder (`shards`)"
    )
    seed: int = Field(1, ge=0, description="of the first weights, of dropout and of the order of the events")

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """The section of an older version, in which the delta of the Huber loss was a key of `train`."""
        tree = {key: value for key, value in data.items() if key != "huber_delta"}
        if tree.get("loss") == "huber":
            tree["loss"] = {"kind": "huber", "delta": data.get("huber_delta", 1.0)}
        return tree
