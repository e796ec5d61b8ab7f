"""A design: ports, recipe, new variables and a quantised network as logic, and the numbers that come out"""

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.deployment import alkaid
from fivesigma.deployment.base import Deliverable, Numbers, refuse_folds
from fivesigma.deployment.fixed import MOST_BITS, Fixed, choose, constant, is_power_of_two, is_short
from fivesigma.deployment.ports import Port, numbers_of, ports_of
from fivesigma.deployment.quantised import refuse_unquantised
from fivesigma.errors import ExpressionError, RunError
from fivesigma.preparation.recipe import Recipe
from fivesigma.training.apply import logits_of, probabilities
from fivesigma.version import __version__


@dataclass(frozen=True)
class Output:
    """A number that a design gives, in two's complement if it is signed.

    Attributes:
        name: what it is, such as a class.
        signal: its name in Verilog.
        signed: whether the highest bit is the sign.
        bits: with the sign.
        fractional: how many of them stand behind the binary point; the number is the bits times 2 to minus this.
    """

    name: str
    signal: str
    signed: bool
    bits: int
    fractional: int


@dataclass(frozen=True)
class Design:
    """A network as logic.

    Attributes:
        ports, outputs: in their order.
        logic: alkaid's.
        task: `binary`, `multiclass` or `regression`.
        link: the activation that turns the outputs into scores, `sigmoid` or `softmax`; it is not in the logic.
        target_scale, target_shift: a prediction is output / scale + shift.
        markers: numbers that mean missing in the files.
        clock_mhz, latency_cutoff: as in the analysis.
    """

    ports: tuple[Port, ...]
    outputs: tuple[Output, ...]
    logic: Any
    task: str
    link: str | None
    target_scale: float
    target_shift: float
    markers: tuple[float, ...]
    clock_mhz: float
    latency_cutoff: float

    def scores(self, outputs: NDArray[np.float64]) -> NDArray[np.float32]:
        """Turn outputs into scores, as the network does; [event, output] → [event] or [event, class]."""
        found = probabilities(outputs.astype(np.float32), self.link)
        return np.asarray(found / np.float32(self.target_scale) + np.float32(self.target_shift), np.float32)

    def score(self, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Score events by alkaid's emulator.

        Args:
            arrays: column → values as in the files, [event, 1].
        """
        columns = {name: np.asarray(values)[:, 0] for name, values in arrays.items()}
        return self.scores(alkaid.run(self.logic, numbers_of(self.ports, columns, self.markers)))

    def save(self, path: Path) -> None:
        """Write the design; the same one gives the same bytes."""
        tree = {name: value for name, value in vars(self).items() if name not in ("logic", "ports", "outputs")}
        tree |= {"ports": [asdict(port) for port in self.ports], "outputs": [asdict(each) for each in self.outputs]}
        text = json.dumps({"fivesigma": __version__, "alkaid": alkaid.VERSION, **tree, "logic": alkaid.to_tree(self.logic)})
        path.write_bytes(gzip.compress(text.encode(), mtime=0))

    @classmethod
    def load(cls, path: Path) -> "Design":
        """Read a design."""
        alkaid.needs()
        tree = json.loads(gzip.decompress(path.read_bytes()))
        given = {name: tree[name] for name in cls.__dataclass_fields__}
        given |= {"ports": tuple(Port(**each) for each in tree["ports"]), "markers": tuple(tree["markers"])}
        given |= {"outputs": tuple(Output(**each) for each in tree["outputs"]), "logic": alkaid.from_tree(tree["logic"])}
        return cls(**given)


def design_of(what: Deliverable) -> Design:
    """Turn recipe, new variables and network into logic.

    Args:
        what: takes columns, and has ports.

    Raises:
        RunError, ExpressionError: naming what hardware cannot do.
        AnalysisError: if a column has no port.
    """
    firmware = what.firmware
    assert firmware is not None
    refuse_folds(len(what.networks))
    free = [name for name in what.parameters if name not in what.fixed]
    if free:
        raise RunError(f"firmware has no port for the parameter {free[0]!r}", hint=f"fix it: --at {free[0]}=…")
    network = what.networks[0]
    model, link = logits_of(network.model)
    refuse_unquantised(model)
    ports = ports_of(firmware, [given.name for given in what.columns])
    with alkaid.mended():
        given = alkaid.inputs([(port.signed, port.bits) for port in ports])
        values = dict(zip((port.column for port in ports), np.asarray(given).ravel(), strict=True))
        columns = {port.column: Fixed(values[port.column] * port.step, _bit(values, port)) for port in ports}
        inputs = _inputs(network.recipe, _features(what, columns), what.fixed)
        logic = alkaid.logic_of(given, alkaid.network_of(model, inputs))
    return Design(
        ports=ports,
        outputs=_outputs(logic, what),
        logic=logic,
        task=what.task,
        link=link,
        target_scale=network.target_scale,
        target_shift=network.target_shift,
        markers=what.missing_values,
        clock_mhz=firmware.clock_mhz,
        latency_cutoff=firmware.latency_cutoff,
    )


def _bit(values: Mapping[str, Any], port: Port) -> Any:
    return None if port.missing is None else values[port.missing]


def _features(what: Deliverable, columns: Mapping[str, Fixed]) -> list[Fixed]:
    """The features; numbers among them become constants."""
    like = next(iter(columns.values())).value
    try:
        values = what.feature_values(columns)
    except ExpressionError as error:
        raise ExpressionError(f"a new variable of the analysis cannot be firmware: {error.what}", hint=error.hint) from None
    found = []
    for name, value in zip(what.features, values, strict=True):
        each = value if isinstance(value, Fixed) else Fixed(constant(float(value), like))
        if (bits := sum(each.value.kif[1:])) > MOST_BITS:
            raise RunError(
                f"the feature {name!r} has {bits} bits in firmware, and the network reads it in single precision, of "
                f"{MOST_BITS}",
                hint="make it from fewer products, or give the ports fewer bits",
            )
        found.append(each)
    return found


def _inputs(recipe: Recipe, features: Sequence[Fixed], fixed: Mapping[str, float]) -> list[Fixed]:
    """The network's inputs from the features: shift and scale, what a missing value becomes, and flags."""
    numbers = Numbers.of(recipe)
    like, found = features[0].value, []
    for i, position in enumerate(numbers.kept):
        name, each = recipe.features[position], features[position]
        if numbers.logged[i]:
            raise RunError(
                f"firmware cannot take the logarithm of {name!r}", hint="leave it out of prepare.log, and train again"
            )
        shift, scale = float(numbers.high[i]), float(numbers.scale[i])
        if not is_short(shift) or (numbers.low is not None and numbers.low[i] != 0):
            raise RunError(
                f"firmware cannot subtract {recipe.shift[i]:g} from {name!r}, as the recipe wants",
                hint="set prepare.scale to power_of_two, and train again",
            )
        if not is_power_of_two(scale):
            raise RunError(
                f"firmware cannot divide {name!r} by {scale:g}, as the recipe wants",
                hint="set prepare.scale to power_of_two, and train again",
            )
        scaled = (each.value - shift) * (1 / scale)
        if each.missing is not None:
            scaled = choose(each.missing, _filled(name, float(numbers.absent[i]), like), scaled)
        found.append(Fixed(scaled))
    for position in numbers.flagged:
        missing = features[position].missing
        found.append(Fixed(constant(0.0, like) if missing is None else missing))
    for i, name in enumerate(recipe.parameters):
        low = np.float32(0) if numbers.parameter_low is None else numbers.parameter_low[i]
        value = float(((np.float32(fixed[name]) - numbers.parameter_high[i]) - low) / numbers.parameter_scale[i])
        if not is_short(value):
            raise RunError(
                f"firmware cannot hold {name} = {fixed[name]:g}, which the recipe makes {value:g}",
                hint="set prepare.scale_parameters to power_of_two, and train again",
            )
        found.append(Fixed(constant(value, like)))
    return found


def _filled(name: str, value: float, like: Any) -> Any:
    """The input that stands for a missing value."""
    if not is_short(value):
        raise RunError(
            f"firmware cannot put {value:g} in the place of a missing {name!r}, as the recipe wants",
            hint="set prepare: {impute: constant, fill: 0, scale: power_of_two}, and train again",
        )
    return constant(value, like)


def _outputs(logic: Any, what: Deliverable) -> tuple[Output, ...]:
    names = list(what.classes) if len(what.classes) == what.outputs else [what.output]
    found: list[Output] = []
    for i, (name, interval) in enumerate(zip(names, logic.out_qint, strict=True)):
        signed, integers, fractional = interval.kif
        signal = "out" if len(names) == 1 else f"out_{i}_" + re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")
        found.append(Output(name, signal, bool(signed), int(signed + integers + fractional), int(fractional)))
    return tuple(found)
