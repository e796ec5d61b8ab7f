"""What fivesigma answers to degenerate data, into docs/robustness.md: `python -m studies.degenerate`."""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import fivesigma as fs
from fivesigma.data.write import write_columns
from studies.marks import renew

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "robustness.md"

Columns = dict[str, np.ndarray[Any, Any]]
Case = Callable[[Columns], Mapping[str, Any] | None]


def events(count: int = 3000) -> Columns:
    """Ordinary events: two features that separate two classes a little, weights, event numbers."""
    chance = np.random.default_rng(1)
    label = chance.integers(0, 2, count)
    return {
        "event": np.arange(count),
        "label": label,
        "x": chance.normal(label, 1),
        "y": chance.normal(0, 1, count),
        "w": chance.uniform(0.5, 1.5, count),
    }


def ordinary(columns: Columns) -> None:
    """ordinary events"""


def one_event(columns: Columns) -> None:
    """one event"""
    columns.update({name: values[:1] for name, values in columns.items()})


def ten_events(columns: Columns) -> None:
    """ten events"""
    columns.update({name: values[:10] for name, values in columns.items()})


def one_class(columns: Columns) -> None:
    """events of one class only"""
    columns["label"][:] = 1


def one_event_of_a_class(columns: Columns) -> None:
    """one event of a class"""
    columns["label"][:] = 0
    columns["label"][0] = 1


def a_class_too_many(columns: Columns) -> None:
    """a label beyond the classes"""
    columns["label"][3] = 7


def no_label(columns: Columns) -> None:
    """missing labels"""
    columns["label"] = np.where(np.arange(len(columns["x"])) < 5, np.nan, columns["label"])


def no_weight(columns: Columns) -> None:
    """all weights zero"""
    columns["w"][:] = 0


def a_missing_weight(columns: Columns) -> None:
    """a missing weight"""
    columns["w"][5] = np.nan


def negative_weights(columns: Columns) -> None:
    """a quarter of the weights negative"""
    columns["w"][::4] *= -1


def mostly_negative_weights(columns: Columns) -> None:
    """all weights negative"""
    columns["w"] *= -1


def a_large_weight(columns: Columns) -> None:
    """one event with a million times the weight of the others"""
    columns["w"][7] = 1e6


def huge_weights(columns: Columns) -> None:
    """a weight of 1e300"""
    columns["w"][7] = 1e300


def a_constant(columns: Columns) -> None:
    """a constant feature"""
    columns["y"][:] = 4.2


def all_missing(columns: Columns) -> None:
    """a feature that is always missing"""
    columns["y"][:] = np.nan


def nothing_there(columns: Columns) -> None:
    """all features always missing"""
    columns["x"][:] = columns["y"][:] = np.nan


def half_missing(columns: Columns) -> None:
    """half of a feature missing"""
    columns["y"][::2] = np.nan


def infinite(columns: Columns) -> None:
    """infinite values in a feature"""
    columns["y"][::9] = np.inf


def a_marker(columns: Columns) -> None:
    """a tenth of a feature at −999"""
    columns["y"][::10] = -999


def huge_values(columns: Columns) -> None:
    """a feature of values around 1e30"""
    columns["y"] *= 1e30


def large_integers(columns: Columns) -> None:
    """a feature of integers above 2²⁴ that differ by one"""
    columns["y"] = 2**25 + np.arange(len(columns["x"]))


def ten_values(columns: Columns) -> None:
    """a feature with ten different values"""
    columns["y"] = np.arange(len(columns["x"])) % 10


def a_copy_of_the_label(columns: Columns) -> None:
    """a feature that is the label"""
    columns["y"] = columns["label"].astype(float)


def equal_rows(columns: Columns) -> None:
    """all events the same"""
    for name in ("x", "y"):
        columns[name][:] = 1.0


def one_event_number(columns: Columns) -> None:
    """one event number for all events"""
    columns["event"][:] = 0


def fractional_event_numbers(columns: Columns) -> None:
    """event numbers with fractions"""
    columns["event"] = columns["event"] + 0.5


def two_thousand_columns(columns: Columns) -> Mapping[str, Any]:
    """2,000 features"""
    chance = np.random.default_rng(2)
    columns |= {f"z{i}": chance.normal(0, 1, len(columns["x"])) for i in range(2000)}
    return {"features": ["x", "y", "z*"], "evaluate": {"importance": 0}}


def a_constant_target(columns: Columns) -> Mapping[str, Any]:
    """a regression whose target never changes"""
    columns["t"] = np.full(len(columns["x"]), 3.0)
    return {"labels": None, "target": "t"}


def a_target_far_from_zero(columns: Columns) -> Mapping[str, Any]:
    """a regression whose target is 1e9 plus a small number"""
    columns["t"] = 1e9 + columns["x"]
    return {"labels": None, "target": "t"}


CASES: tuple[Case, ...] = (
    ordinary,
    one_event,
    ten_events,
    one_class,
    one_event_of_a_class,
    a_class_too_many,
    no_label,
    no_weight,
    a_missing_weight,
    negative_weights,
    mostly_negative_weights,
    a_large_weight,
    huge_weights,
    a_constant,
    all_missing,
    nothing_there,
    half_missing,
    infinite,
    a_marker,
    huge_values,
    large_integers,
    ten_values,
    a_copy_of_the_label,
    equal_rows,
    one_event_number,
    fractional_event_numbers,
    two_thousand_columns,
    a_constant_target,
    a_target_far_from_zero,
)


class _Heard(fs.Listener):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def say(self, text: str) -> None:
        if text.startswith("warning: "):
            self.warnings.append(text.removeprefix("warning: "))


def answer(case: Case, place: Path) -> tuple[str, str]:
    """What a run on such events says: `runs` or `refused`, and the sentences.

    Args:
        case: changes ordinary events; may give further keys of the analysis.
        place: an empty folder.
    """
    columns = events()
    more = case(columns) or {}
    write_columns(place / "events.csv", [columns])
    tree = {
        "samples": {"all": {"files": [str(place / "events.csv")]}},
        "features": ["x", "y"],
        "labels": {"variable": "label", "names": ["background", "signal"]},
        "weights": "w",
        "event_number": "event",
        "model": {"layers": [8]},
        "train": {"epochs": 2, "batch_size": 64},
        "evaluate": {"importance": 200, "bootstrap": 20},
        **more,
    }
    heard = _Heard()
    try:
        made = fs.evaluate(fs.train({key: value for key, value in tree.items() if value is not None}, output=place), place)
    except fs.FivesigmaError as error:
        return "refused", "; ".join(filter(None, [error.what, error.hint])).replace(str(place), "…")
    fs.explore(tree if "labels" not in more else {k: v for k, v in tree.items() if v}, output=place / "x", listener=heard)
    verdicts = made.folder.read_json("verdicts.json") if made.folder.has("verdicts.json") else []
    return "runs", "; ".join([*heard.warnings, *verdicts]).replace(str(place), "…")


def table() -> str:
    """A row for each case."""
    rows = ["| data | outcome | what is said |", "|---|---|---|"]
    for case in CASES:
        with tempfile.TemporaryDirectory() as place:
            outcome, words = answer(case, Path(place))
        rows.append(f"| {case.__doc__} | {outcome} | {words.replace('|', chr(92) + '|')} |")
        print(rows[-1], flush=True)
    return "\n".join(rows) + "\n"


def main() -> int:
    """Renew the table of the page."""
    renew(PAGE, "answers", table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
