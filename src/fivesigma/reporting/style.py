"""The style of figures, and how they are saved."""

import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.units import units_of
from fivesigma.atomic import writing
from fivesigma.extras import mplhep
from fivesigma.metrics.summary import as_json
from fivesigma.reporting.flat import csv_of
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

    @property
    def is_broad(self) -> bool:
        """Whether the figure is too broad for a telephone, where it is scrolled then instead of shrunk."""
        found = re.match(r'<svg[^>]*? width="([\d.]+)', self.svg)
        return found is not None and float(found[1]) > 500


_note: ContextVar[str] = ContextVar("note", default="")


@contextmanager
def style(note: str = "", look: str = "plain") -> Iterator[None]:
    """Draw with the house style, leaving the user's matplotlib settings alone.

    Args:
        note: text at the upper left of every figure, such as "Simulation".
        look: `plain`, or `cms` or `atlas` for fonts, ticks and line widths as in figures of these experiments. No figure
            bears the name of an experiment: what fivesigma makes is none of their results.

    Raises:
        MissingExtra: if the look needs `mplhep`, which is not installed.
    """
    import matplotlib

    token = _note.set(note)
    try:
        with matplotlib.rc_context(_RC | _look(look)):
            yield
    finally:
        _note.reset(token)


_TAKEN = re.compile(r"font\.(family|sans-serif)|mathtext\..*|[xy]tick\..*|axes\.(linewidth|labelsize|titlesize)|legend\..*")
"""Settings of an experiment's style that are taken over."""
_LENGTH = re.compile(r"(?!legend\.\w+pad).*(size|width|pad)")
"""Those in points, which are scaled to the size of our figures; distances in legends are in units of the font's size."""


def _look(name: str) -> dict[str, Any]:
    """Settings of matplotlib for a look, beside those of the house."""
    if name == "plain":
        return {}
    theirs = {"cms": mplhep().style.CMS, "atlas": mplhep().style.ATLAS}[name]
    factor = 10.0 / float(theirs["font.size"])
    found: dict[str, Any] = {"font.size": 10.0}
    for key, value in theirs.items():
        if _TAKEN.fullmatch(key):
            is_length = isinstance(value, int | float) and _LENGTH.fullmatch(key) is not None
            found[key] = value * factor if is_length else value
    return found | {"legend.frameon": False}


def new_figure(width: float = 6.4, height: float = 4.4, rows: int = 1, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    """A figure without pyplot: no window, no global state. Sizes in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def save(folder: RunFolder, figure: "Figure", name: str, title: str, caption: str, numbers: Any) -> Picture:
    """Write a figure as PDF and PNG with its numbers as JSON and CSV below `plots/`, and return it as SVG."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if note := _note.get():
        figure.text(0.005, 0.995, note, ha="left", va="top", fontsize=8, style="italic", color="0.35")
        if isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine):
            height = figure.get_size_inches()[1]
            engine.set(rect=(0, 0, 1, 1 - 0.17 / height))
    _draw_as_written(figure)
    files = formats_of(figure)
    for ending in ("pdf", "png"):
        write_figure(folder, files[ending], name, ending)
    folder.write_text(f"plots/{name}.json", json.dumps(as_json(numbers), allow_nan=False) + "\n")
    folder.write_text(f"plots/{name}.csv", csv_of(numbers))
    svg = files["svg"].decode()
    # Without the XML header and without words about itself, and with ids of its own: several figures share one page.
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return Picture(name, title, caption, _own_ids(svg, name))


def formats_of(figure: "Figure") -> dict[str, bytes]:
    """Lay a figure out and draw it, once for all formats; it is not to be changed any more."""
    from fivesigma.reporting.drawing import drawn_once

    drawn_once(figure)
    return {ending: drawn_as(figure, ending) for ending in ("pdf", "png", "svg")}


def drawn_as(figure: "Figure", ending: str) -> bytes:
    """A figure as `pdf`, `png` or `svg`, always the same bytes."""
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    drawn = io.BytesIO()
    figure.savefig(drawn, format=ending, metadata=dates.get(ending))
    return drawn.getvalue()


def write_figure(folder: RunFolder, drawn: bytes, name: str, ending: str) -> None:
    """Write a figure as `plots/NAME.ENDING`; drawn in memory, as matplotlib loses the system's error when a disk is full."""
    with writing(folder / "plots" / f"{name}.{ending}") as part:
        part.write_bytes(drawn)


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
    svg = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{name}-\2"', svg)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)


def in_words(part: str) -> str:
    """A part of the events in a sentence or on an axis.

    >>> in_words("folds"), in_words("val"), in_words("test")
    ('out-of-fold', 'validation', 'test')
    """
    return {"folds": "out-of-fold", "val": "validation"}.get(part, part)


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


def file_name(name: str, kind: str = "") -> str:
    """A column as the name of a file, after the kind of the figure; different columns have different names.

    >>> file_name("m_jj"), file_name("η", "observer"), file_name("a+b", "against"), file_name("a-b", "against")
    ('m-jj', 'observer-η', 'against-a-b-639885', 'against-a-b-35c222')
    """
    plain = re.sub(r"[\W_]+", "-", name).strip("-")
    lost = plain.replace("-", "_") != name
    unlike = f"{zlib.crc32(name.encode()):08x}"[:6] if lost else ""
    return "-".join(part for part in (kind, plain, unlike) if part)


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
    if has_logarithmic_bins(edges):
        axes.set_xscale("log")
    elif len(edges) < 30 and np.allclose(edges % 1, 0.5):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.xaxis.set_minor_locator(NullLocator())


def has_logarithmic_bins(edges: Any) -> bool:
    """Whether bins have equal width in the logarithm, and span more than a decade."""
    if edges[0] <= 0 or edges[-1] <= 10 * edges[0]:
        return False
    return bool(np.allclose(edges[1:] / edges[:-1], edges[1] / edges[0]))


def scaled(tree: Mapping[str, Any], density: bool) -> tuple[Any, Any, Any]:
    """Edges, counts and errors of a histogram, normalised to unit area if asked."""
    edges, counts, errors = (np.asarray(tree[key], float) for key in ("edges", "counts", "errors"))
    counts = _nothing_for_rounding(counts, errors)
    # Logarithmic bins are drawn on a logarithmic axis, where they have equal width.
    area = float(counts.sum() if has_logarithmic_bins(edges) else (counts * np.diff(edges)).sum())
    factor = 1 / area if density and area > 0 else 1.0
    return edges, counts * factor, errors * factor


def ratio(first: tuple[Any, Any, Any], other: tuple[Any, Any, Any]) -> tuple[Any, Any]:
    """Other / first in every bin with its error from Σw² of both; NaN where either is not positive.

    >>> ratio((None, np.array([2.0, 0.0]), np.array([0.2, 0.0])), (None, np.array([4.0, 1.0]), np.array([0.4, 1.0])))
    (array([ 2., nan]), array([0.28284271,        nan]))
    """
    a, b = first[1], other[1]
    good = (a > 0) & (b > 0)
    a, b = np.where(good, a, np.nan), np.where(good, b, np.nan)
    value = b / a
    return value, value * np.hypot(first[2] / a, other[2] / b)


def ratio_points(axes: "Axes", first: Mapping[str, Any], other: Mapping[str, Any], colour: str) -> None:
    """Draw the ratio other / first of two distributions of unit area as points with their errors, and a line at one.

    Args:
        axes: the panel below the distributions.
        first, other: `edges`, `counts`, `errors`, with the same edges.
        colour: of the points.
    """
    one, two = scaled(first, True), scaled(other, True)
    value, error = ratio(one, two)
    centres, some = (one[0][1:] + one[0][:-1]) / 2, np.isfinite(value)
    axes.axhline(1, color="0.6", ls="--", lw=0.8)
    axes.errorbar(centres[some], value[some], error[some], fmt="o", ms=2.5, lw=1, color=colour)
    # Bins of a few events would hide the others.
    sure = value[some][error[some] < 0.5 * value[some]]
    low, high = axes.get_ylim() if axes.get_label() == "ratio" else (0.8, 1.2)
    axes.set_label("ratio")
    axes.set_ylim(max(0.0, min([low, *(sure - 0.1)])), min(3.0, max([high, *(sure + 0.1)])))


def with_ratio(width: float, height: float, wanted: bool) -> "tuple[Figure, Axes, Axes | None]":
    """A figure with one panel for distributions and, if it is wanted, a low one for their ratio; as `with_ratios`."""
    figure, ((upper, lower),) = with_ratios(width, height, 1, 1, wanted)
    return figure, upper, lower


def with_ratios(
    width: float, height: float, rows: int, columns: int, wanted: bool
) -> "tuple[Figure, list[tuple[Axes, Axes | None]]]":
    """A figure of panels for distributions, row by row, each with a low panel for ratios below it if they are wanted.

    Args:
        width, height: of a panel, in inches; the low panel adds an inch to the height.
        rows, columns: number of panels.
        wanted: whether there is something to compare.
    """
    if not wanted:
        figure, panels = new_figure(width * columns, height * rows, rows, columns)
        return figure, [(axes, None) for axes in panels]
    figure, panels = new_figure(width * columns, (height + 1) * rows, 2 * rows, columns)
    panels[0].get_gridspec().set_height_ratios([3, 1] * rows)  # type: ignore[union-attr]
    found: list[tuple[Axes, Axes | None]] = []
    for row in range(rows):
        for column in range(columns):
            upper, lower = (panels[(2 * row + below) * columns + column] for below in (0, 1))
            upper.sharex(lower)
            upper.tick_params(labelbottom=False)
            found.append((upper, lower))
    return figure, found


def _nothing_for_rounding(values: Any, size: Any) -> Any:
    """Set differences that are due to rounding to zero: a logarithmic axis would extend down to them."""
    return np.where(np.abs(values) < 1e-9 * np.abs(size), 0.0, values)
