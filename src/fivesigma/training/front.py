"""The networks at the end of each stage of a training, and which of them is kept."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from fivesigma.atomic import writing
from fivesigma.errors import OverBudget
from fivesigma.metrics.spec import monitored
from fivesigma.runs import manifest
from fivesigma.runs.folder import RunFolder
from fivesigma.training.member import Member
from fivesigma.training.network import Network, read_model

FRONT = "front.json"


@dataclass(frozen=True)
class Front:
    """The networks at the end of the stages of a training.

    Attributes:
        member: the finished training.
        chosen: the stage whose network is kept, from 0; None if none will do.
        problem: why none will do.
    """

    member: Member
    chosen: int | None
    problem: OverBudget | None = None

    @classmethod
    def of(cls, member: Member) -> "Front":
        """Choose on validation events among the stages of a finished training."""
        assert member.stages is not None
        rows = [stage["row"] for stage in member.state.stages]
        try:
            return cls(member, member.stages.choose(rows, [monitored(row, member.settings.monitor) for row in rows]))
        except OverBudget as error:
            return cls(member, None, error)

    def __str__(self) -> str:
        stages = self.member.state.stages
        each = ", ".join(f"{stage['row']['ebops']:,.0f} EBOPs at beta {stage['row']['beta']:g}" for stage in stages)
        return each if self.chosen is None else f"{each}; step {self.chosen + 1} is kept"

    def doubts(self) -> list[str]:
        """Warnings: a network without any bits is kept, or a stronger penalty has given a more expensive network."""
        costs = [stage["row"]["ebops"] for stage in self.member.state.stages]
        found = []
        if self.chosen is not None and not costs[self.chosen]:
            found.append(
                "the penalty has removed all bits of the network that is kept, which costs 0 EBOPs and gives all events the "
                "same score: leave out the last values of model.beta, or set model.budget"
            )
        for i, (before, after) in enumerate(itertools.pairwise(costs)):
            if after > before:
                found.append(
                    f"step {i + 2} is more expensive than step {i + 1} ({after:,.0f} EBOPs for {before:,.0f}) though its "
                    "penalty is stronger: it had too few epochs to remove bits; train longer, or with larger model.beta"
                )
        return found

    def put(self, number: int) -> None:
        """Load the weights of a stage, from 0, into the model."""
        self.member.put(*self.member.state.of_stage(number))

    def save(self, folder: RunFolder) -> None:
        """Write `front/step-1.keras`, …, and `front.json`; the model then has the weights of the last stage."""
        points = []
        for number, stage in enumerate(self.member.state.stages):
            self.put(number)
            name = f"front/step-{number + 1}.keras"
            (folder / name).parent.mkdir(exist_ok=True)
            with writing(folder / name) as part:
                self.member.model.save(part)
            row = stage["row"]
            points.append(
                {
                    "step": number + 1,
                    "file": name,
                    **{key: _finite(row[key]) for key in ("beta", "ebops", "loss", "val_loss") if key in row},
                    "last_epoch": int(row["epoch"]),
                    "validation": stage["metrics"],
                }
            )
        chosen = None if self.chosen is None else self.chosen + 1
        folder.write_json(FRONT, {"chosen": chosen, "monitor": self.member.settings.monitor, "points": points})


def _finite(value: float) -> float | None:
    """A number for JSON, which has no infinity: the loss of validation events may overflow."""
    return value if math.isfinite(value) else None


OnFront = Callable[[Front], None]


def front_of(folder: RunFolder, network: Network) -> dict[int, Network]:
    """Read the networks of all steps of a run.

    Args:
        folder: of a run that has `front.json`.
        network: the one that is kept, whose recipe they share.

    Returns:
        Number of the step, from 1, to its network.

    Raises:
        RunError: if one of them is missing or damaged.
    """
    manifest.require(folder.path, (FRONT, "front/*"))
    found: dict[int, Network] = {}
    for point in folder.read_json(FRONT)["points"]:
        model = read_model(folder / point["file"])
        found[int(point["step"])] = Network(model, network.recipe, network.target_scale, network.target_shift)
    return found
