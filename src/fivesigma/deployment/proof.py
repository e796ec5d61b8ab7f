"""Prove a design: every bit of the quantised network on events of the run, with anything on the ports of missing hits"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.deployment import alkaid
from fivesigma.deployment.base import Deliverable
from fivesigma.deployment.check import Disagreement
from fivesigma.deployment.design import Design
from fivesigma.deployment.events import CheckEvents
from fivesigma.deployment.ports import Port, columns_of, numbers_of, rounded_share
from fivesigma.deployment.verilator import Simulator, simulated
from fivesigma.deployment.verilog import Project
from fivesigma.training.apply import Apply, logits_of
from fivesigma.training.network import Network

SEED = 20_000
"""Of the random numbers on the ports of missing values."""


def received(what: Deliverable, ports: tuple[Port, ...], given: CheckEvents) -> CheckEvents:
    """Events as the ports receive them: columns as whole numbers, and the features computed from these."""
    columns = columns_of(ports, numbers_of(ports, given.columns, what.missing_values))
    features = features_of(what, columns)
    return CheckEvents(given.part, replace(given.events, features=features), columns)


def features_of(what: Deliverable, columns: dict[str, NDArray[np.float64]]) -> NDArray[np.float32]:
    """The features from columns, [event, feature]."""
    length = len(next(iter(columns.values())))
    values = [np.broadcast_to(np.asarray(value), (length,)) for value in what.feature_values(columns)]
    found = np.stack(values, axis=1).astype(np.float32)
    return np.where(np.isfinite(found), found, np.float32(np.nan))


def outputs_of(network: Network, features: NDArray[np.float32], parameters: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a network gives before the activation of its output, [event, output]."""
    model, _ = logits_of(network.model)
    trainable = [variable.value for variable in model.trainable_variables]
    other = [variable.value for variable in model.non_trainable_variables]
    return Apply(model)(trainable, other, network.recipe.apply(features, parameters))


def proof_of(
    what: Deliverable, design: Design, given: CheckEvents, project: Project, simulator: Simulator | str
) -> dict[str, Any]:
    """Run a design by alkaid's emulator and in Verilator, and compare every bit with the quantised network.

    Args:
        what: was turned into the design.
        design, project: the design, and its source text.
        given: the events, with columns as in the files.
        simulator: Verilator, or why there is none.

    Returns:
        What was compared, for `check.json`.

    Raises:
        Disagreement: if one number differs.
    """
    numbers = numbers_of(design.ports, given.columns, design.markers, SEED)
    columns = columns_of(design.ports, numbers)
    parameters = fixed_parameters(what, len(numbers))
    features = features_of(what, columns)
    wanted = outputs_of(what.networks[0], features, parameters)
    hidden = sum(int(np.isnan(values).sum()) for values in columns.values())
    found: dict[str, Any] = {"events": len(numbers), "numbers": int(wanted.size), "garbage": hidden}
    emulator = f"alkaid {alkaid.VERSION}"
    found["emulator"] = {"name": emulator, **compared(lambda: alkaid.run(design.logic, numbers), wanted, emulator)}
    if isinstance(simulator, str):
        found["verilog"] = {"not_run": simulator}
    else:
        name = f"Verilator {simulator.version}"
        found["verilog"] = {
            "name": name,
            **compared(lambda: simulated(design, project, numbers, simulator), wanted, f"the Verilog in {name}"),
        }
    found["wrapped"] = int(what.networks[0].wraps_around(features, parameters).sum())
    found["rounded"] = _rounded(what, design.ports, given, parameters, features)
    return found


def fixed_parameters(what: Deliverable, length: int) -> NDArray[np.float32]:
    """The values of the parameters, which are all fixed, [event, parameter]."""
    row = np.asarray([what.fixed[name] for name in what.parameters], np.float32)
    return np.ascontiguousarray(np.broadcast_to(row, (length, len(row))))


def compared(run: Callable[[], NDArray[Any]], wanted: NDArray[Any], who: str) -> dict[str, Any]:
    """Run something and compare every number; gives the count of differing events, which is zero, and the seconds.

    Raises:
        Disagreement: if one differs.
    """
    start = time.perf_counter()
    found = run()
    seconds = time.perf_counter() - start
    wrong = int((found != wanted).any(axis=1).sum()) if found.shape == wanted.shape else len(wanted)
    if wrong:
        raise Disagreement(
            f"{who} differs from the quantised network in {wrong:,} of {len(wanted):,} events; nothing was written"
        )
    return {"mismatches": wrong, "seconds": round(seconds, 2)}


def _rounded(
    what: Deliverable,
    ports: tuple[Port, ...],
    given: CheckEvents,
    parameters: NDArray[np.float32],
    features: NDArray[np.float32],
) -> dict[str, Any]:
    """Which columns are no whole numbers, and how much rounding them at the ports changes the scores."""
    columns = rounded_share(ports, given.columns, what.missing_values)
    if not columns:
        return {}
    network = what.networks[0]
    before, after = (network.score(each, parameters).astype(np.float64) for each in (given.events.features, features))
    change = np.abs(after - before)
    by_rounding = network.wraps_around(features, parameters) & ~network.wraps_around(given.events.features, parameters)
    return {
        "columns": columns,
        "largest": float(change.max()),
        "mean": float(change.mean()),
        "wrapped": int(by_rounding.sum()),
    }
