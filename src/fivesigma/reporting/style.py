"""The style of figures, and how they are saved."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.atomic import writing
from fivesigma.data.load import units_of
from fivesigma.runs.folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

# The colour sequence of Petroff, arXiv:2107.02270, which people with any colour vision can tell apart.
COLOURS = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")

_RC = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "savefig.bbox": None,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "fivesigma",
}


@dataclass(frozen=True)
class Picture:
    """A figure as it goes into the page.

    Attributes:
        name: file name without ending.
        title: heading.
        caption: one sentence on how to read it.
        svg: inline SVG.
    """

    name: str
    title: str
    caption: str
    svg: str


_note: ContextVar[str] = ContextVar("note", default="")


@contextmanager
def style(note: str = "") -> Iterator[None]:
    """Draw with the house style, leaving the user's matplotlib settings alone.

    Args:
        note: text at the upper left of every figure, such as "Simulation".
    """
    import matplotlib

    token = _note.set(note)
    try:
        with matplotlib.rc_context(_RC):
            yield
    finally:
        _note.reset(token)


def new_figure(width: float = 6.4, height: float = 4.4, rows: int = 1, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    """A figure without pyplot: no window, no global state. Sizes in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def save(folder: RunFolder, figure: "Figure", name: str, title: str, caption: str, numbers: Any) -> Picture:
    """Write a figure as PDF and PNG with its numbers as JSON below `plots/`, and return it as SVG."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if note := _note.get():
        figure.text(0.005, 0.995, note, ha="left", va="top", fontsize=8, style="italic", color="0.35")
        if isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine):
            height = figure.get_size_inches()[1]
            engine.set(rect=(0, 0, 1, 1 - 0.17 / height))
    _draw_as_written(figure)
    # The layout is worked out once, not again for each format.
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)  # "none" would leave a placeholder that draws every figure twice
    for ending in ("pdf", "png"):
        metadata = {"CreationDate": None} if ending == "pdf" else None
        with writing(folder / "plots" / f"{name}.{ending}") as part:
            figure.savefig(part, format=ending, metadata=metadata)
    folder.write_text(f"plots/{name}.json", json.dumps(numbers, allow_nan=False) + "\n")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    # Without the XML header, and with ids of its own: several figures share one page.
    svg = svg[svg.index("<svg") :]
    return Picture(name, title, caption, _own_ids(svg, name))


def is_drawable(text: str) -> bool:
    """Whether the text between dollar signs, if there is any, is a formula that can be drawn."""
    from matplotlib.cbook import is_math_text
    from matplotlib.mathtext import MathTextParser

    try:
        return not is_math_text(text) or bool(MathTextParser("path").parse(text))
    except (ValueError, RuntimeError):
        return False


def _draw_as_written(figure: "Figure") -> None:
    """Draw texts that look like formulas but are none, such as titles with dollar signs, as they are written."""
    for text in _texts(figure):
        if "$" in text.get_text() and not is_drawable(text.get_text()):
            text.set_parse_math(False)


def _texts(figure: "Figure") -> "Iterator[Text]":
    """Every text that somebody has given; `findobj` would make every tick to look at its number."""
    from matplotlib.text import Text
    from matplotlib.ticker import FixedLocator

    legends = [*figure.legends, *(legend for axes in figure.axes if (legend := axes.get_legend()) is not None)]
    for legend in legends:
        yield from legend.findobj(Text)
    yield from figure.texts
    yield from (text for text in (figure._suptitle, figure._supxlabel, figure._supylabel) if text is not None)  # type: ignore[attr-defined]
    for axes in figure.axes:
        yield from axes.texts
        yield from (axes.title, axes._left_title, axes._right_title)  # type: ignore[attr-defined]
        for axis in (axes.xaxis, axes.yaxis):
            yield axis.label
            if isinstance(axis.get_major_locator(), FixedLocator):  # where somebody has named the ticks
                yield from axis.get_ticklabels()


def _own_ids(svg: str, name: str) -> str:
    import re

    svg = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{name}-\2"', svg)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)


def label(analysis: Analysis, name: str) -> str:
    """Title and unit of a column, for an axis."""
    unit = units_of(analysis, [name]).get(name, "")
    if not unit and name in analysis.parameters:
        unit = analysis.parameters[name].unit
    if not unit and analysis.target and name == analysis.target.variable:
        unit = analysis.target.unit
    text = analysis.titles.get(name, name)
    return f"{text} [{unit}]" if unit else text


def titled(analysis: Analysis, name: str) -> str:
    """A column's title with its name, for a table; the name alone if it has no other title."""
    title = analysis.titles.get(name, name)
    return f"{title} ({name})" if title != name else name


def colour(index: int) -> str:
    """The colour of class number `index`."""
    return COLOURS[index % len(COLOURS)]


def stairs(
    axes: "Axes", tree: Mapping[str, Any], colour: str, label: str, *, filled: bool = False, density: bool = True
) -> None:
    """Draw a histogram as steps with a band of ± one standard error.

    Args:
        axes: where.
        tree: `edges`, `counts`, `errors`.
        colour, label: of the class.
        filled: fill the area lightly.
        density: normalise to unit area.
    """
    edges, counts, errors = scaled(tree, density)
    axes.stairs(counts, edges, color=colour, label=label, linewidth=1.5)
    if filled:
        axes.stairs(counts, edges, color=colour, fill=True, alpha=0.18)
    low = _nothing_for_rounding(counts - errors, counts)
    axes.stairs(counts + errors, edges, baseline=low, color=colour, fill=True, alpha=0.3, linewidth=0)


def points(axes: "Axes", tree: Mapping[str, Any], colour: str, label: str, *, density: bool = True) -> None:
    """Draw a histogram as points with error bars; empty bins are omitted."""
    edges, counts, errors = scaled(tree, density)
    centres = (edges[1:] + edges[:-1]) / 2
    some = counts != 0
    bars = np.stack([counts - _nothing_for_rounding(counts - errors, counts), errors])
    axes.errorbar(centres[some], counts[some], bars[:, some], fmt="o", ms=3, lw=1, color=colour, label=label)


def count_scale(trees: Iterable[Mapping[str, Any]]) -> str:
    """`log` if any bin of the histograms has a positive content, otherwise `linear`."""
    return "log" if any(count > 0 for tree in trees for count in tree["counts"]) else "linear"


def fit_axis(axes: "Axes", tree: Mapping[str, Any]) -> None:
    """A logarithmic axis for logarithmic bins, integer ticks for bins around integers."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    edges = np.asarray(tree["edges"], float)
    if (edges > 0).all() and np.allclose(edges[1:] / edges[:-1], edges[1] / edges[0]) and edges[-1] > 10 * edges[0]:
        axes.set_xscale("log")
    elif len(edges) < 30 and np.allclose(edges % 1, 0.5):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.xaxis.set_minor_locator(NullLocator())


def scaled(tree: Mapping[str, Any], density: bool) -> tuple[Any, Any, Any]:
    """Edges, counts and errors of a histogram, normalised to unit area if asked."""
    edges, counts, errors = (np.asarray(tree[key], float) for key in ("edges", "counts", "errors"))
    counts = _nothing_for_rounding(counts, errors)
    # Logarithmic bins are drawn on a logarithmic axis, where they have equal width.
    even = (edges > 0).all() and np.allclose(edges[1:] / edges[:-1], edges[1] / edges[0]) and edges[-1] > 10 * edges[0]
    area = float(counts.sum() if even else (counts * np.diff(edges)).sum())
    factor = 1 / area if density and area > 0 else 1.0
    return edges, counts * factor, errors * factor


def _nothing_for_rounding(values: Any, size: Any) -> Any:
    """Set differences that are due to rounding to zero: a logarithmic axis would extend down to them."""
    return np.where(np.abs(values) < 1e-9 * np.abs(size), 0.0, values)
