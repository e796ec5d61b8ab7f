"""The section `train`: the training loop."""

from typing import Literal

from pydantic import Field

from fivesigma.analysis.section import Names, Section

CLASS_METRICS = ("accuracy", "auc", "log_loss", "balanced_accuracy", "f1_macro", "f1_weighted")

REGRESSION_METRICS = ("rmse", "mae", "width_68", "r_squared")

MetricName = Literal[
    "loss",
    "accuracy",
    "auc",
    "log_loss",
    "balanced_accuracy",
    "f1_macro",
    "f1_weighted",
    "rmse",
    "mae",
    "width_68",
    "r_squared",
]

SMALLER_IS_BETTER = ("loss", "log_loss", "rmse", "mae", "width_68")
"""Of what a training or a search can be judged by; of everything else more is better."""

LossName = Literal["auto", "cross_entropy", "squared_error", "huber", "log_cosh", "absolute_error"]


class Train(Section):
    """The training loop."""

    epochs: int = Field(10, gt=0)
    batch_size: int = Field(1024, gt=0)
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(1e-3, gt=0)
    schedule: Literal["constant", "cosine", "one_cycle"] = Field("constant", description="how the learning rate changes")
    warmup_epochs: float = Field(0.0, ge=0, description="epochs over which the rate rises from zero (not for one_cycle)")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay")
    balance: Names = Field(
        default=[],
        description="every batch holds as many events of each group: `class`, a parameter's name, or both. Groups weigh "
        "the same in loss and validation loss; events of a small group are repeated, those of a large one take turns",
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
        description="decay per step of a moving average of the weights, such as 0.999; the average is "
        "what is validated and kept",
    )
    loss: LossName = "auto"
    huber_delta: float = Field(1.0, gt=0, description="where the Huber loss turns linear, in units of the scaled target")
    monitor: MetricName = Field("loss", description="validation metric that chooses the best epoch and stops early")
    patience: int | None = Field(None, gt=0, description="stop after so many epochs without improvement")
    keep: Literal["best", "last"] = Field("best", description="which epoch's weights are kept")
    window: int = Field(
        1_000_000, gt=0, description="events in memory at a time when training from a prepared folder (`shards`)"
    )
    seed: int = Field(1, ge=0)
