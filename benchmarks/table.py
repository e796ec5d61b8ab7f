"""One row per comparison, all rows of a run as one table: Markdown for people, JSON for programs."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.timing import Spread


@dataclass(frozen=True)
class Figure:
    """What one contender reached: a number per repetition.

    Attributes:
        name: of the contender, with the settings that matter.
        values: one per repetition.
        unit: of the values.
    """

    name: str
    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        """The number to print."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        return f"{short(self.median)} {self.unit}".strip()


@dataclass(frozen=True)
class Row:
    """One comparison: our figure, the peer's, and how much better ours is.

    Attributes:
        what: what was measured, on what.
        ours, peer: with as many repetitions each, in turns.
        better: whether more or less of the unit is better.
        target: the ratio to reach; None where a row only informs.
        note: what a reader must know.
    """

    what: str
    ours: Figure
    peer: Figure
    better: Literal["more", "less"]
    target: float | None = None
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """How many times better ours is, per repetition; above one is better, whatever the unit."""
        pairs = zip(self.ours.values, self.peer.values, strict=True)
        return [_over(a, b) if self.better == "more" else _over(b, a) for a, b in pairs]

    @property
    def spread(self) -> Spread:
        """Of the ratios."""
        return Spread.of(self.ratios)

    @property
    def reached(self) -> bool | None:
        """Whether the median ratio meets the target."""
        return None if self.target is None else self.spread.median >= self.target

    def as_json(self) -> dict[str, Any]:
        """Everything, each repetition included."""
        verdict = {"ratio": asdict(self.spread), "ratios": self.ratios, "reached": self.reached}
        return {**asdict(self), **verdict}

    def as_markdown(self) -> str:
        """A line of the table."""
        spread = self.spread
        ratio = f"{short(spread.median)} ({short(spread.least)}–{short(spread.most)})"
        target = "–" if self.target is None else f"≥ {self.target:g}"
        reached = {None: "–", True: "yes", False: "**no**"}[self.reached]
        sides = [f"{figure.name}: {figure}" for figure in (self.ours, self.peer)]
        cells = [self.what, *sides, ratio, target, reached, self.note]
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


HEAD = "| what | ours | peer | ratio (least–most) | target | reached | note |\n|---|---|---|---|---|---|---|"


def _over(a: float, b: float) -> float:
    """A ratio; nothing over nothing and infinite times count as zero, that is, as not reached."""
    if not math.isfinite(a) and not math.isfinite(b):
        return 0.0
    return a / b if b else 0.0


def short(value: float) -> str:
    """A number with three significant digits.

    >>> [short(v) for v in (0.012345, 3.14159, 512.3, 48_212.0, 2_500_000.0, float("inf"))]
    ['0.0123', '3.14', '512', '48.2 k', '2.5 M', 'never']
    """
    if not math.isfinite(value):
        return "never"
    for factor, mark in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= factor:
            return f"{value / (1e3 if mark == ' k' else factor):.3g}{mark}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


@dataclass(frozen=True)
class Section:
    """The rows of one group.

    Attributes:
        name: of the group.
        about: one sentence: what the group measures.
        rows: its comparisons.
        machine: where and when it was measured, key → value.
        quick: whether it was a trial with few events, whose numbers mean little.
    """

    name: str
    about: str
    rows: Sequence[Row]
    machine: Mapping[str, str]
    quick: bool


def markdown(tree: Mapping[str, Any]) -> str:
    """All sections of `results.json` as one page."""
    parts = ["# Benchmarks", ""]
    for name, section in tree.items():
        trial = " (a quick trial: the numbers mean little)" if section["quick"] else ""
        machine = "; ".join(f"{key} {value}" for key, value in section["machine"].items())
        parts += [f"## {name}{trial}", "", section["about"], "", HEAD, *section["lines"], "", f"Measured on: {machine}", ""]
    return "\n".join(parts)


def write(folder: Path, section: Section) -> None:
    """Put a section into `results.json` and `results.md`; sections of other groups stay as they were."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    tree = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    tree[section.name] = {
        "about": section.about,
        "quick": section.quick,
        "machine": dict(section.machine),
        "rows": [row.as_json() for row in section.rows],
        "lines": [row.as_markdown() for row in section.rows],
    }
    path.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(markdown(tree), encoding="utf-8")


BEGIN, END = "<!-- results: written by `python -m benchmarks --page` -->", "<!-- end of results -->"


def into_page(page: Path, folder: Path) -> None:
    """Replace the results of a page, between its two marks, by those of `results.json`.

    Raises:
        ValueError: if the page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} has no lines {BEGIN!r} and {END!r} to put the results between")
    tree = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    results = markdown(tree).split("\n", 2)[2].replace("## ", "### ").strip()
    page.write_text(f"{text[: text.index(BEGIN)]}{BEGIN}\n\n{results}\n\n{text[text.index(END) :]}", encoding="utf-8")
