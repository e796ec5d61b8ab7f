"""Distributions of a quantity by class, with their ratio, drawn by ourselves: matplotlib takes a hundred times as long."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fivesigma.reporting.canvas import Drawing, Label, Shape
from fivesigma.reporting.style import colour, has_logarithmic_bins, ratio, scaled

Tree = Mapping[str, Any]
Scale = Callable[[Any], Any]
"""From values to pixels."""

WIDTH, LEFT, RIGHT, BOTTOM = 640, 74, 18, 50
UPPER, LOWER, GAP, LINE = 262, 104, 12, 20
LETTER = 7.2
"""Mean width of a letter in pixels, to break the legend into lines."""
STEEP = 300
"""A distribution whose largest bin is so many times its median one is drawn on a logarithmic axis."""


def by_class(trees: Mapping[str, Tree], xlabel: str, note: str = "") -> Drawing:
    """Distributions of unit area with bands of one standard error, and below their ratio to the first class.

    Args:
        trees: class → `edges`, `counts`, `errors`, with the same edges.
        xlabel: title and unit of the quantity.
        note: text at the upper left, such as "Simulation".
    """
    shapes = {name: scaled(tree, density=True) for name, tree in trees.items()}
    edges = next(iter(shapes.values()))[0]
    rows = _legend_rows(list(shapes) if len(shapes) > 1 else [], note)
    top = 10 + LINE * max(len(rows), 1 if note else 0)
    with_ratio = len(shapes) > 1
    height = top + UPPER + (GAP + LOWER if with_ratio else 0) + BOTTOM
    log = has_logarithmic_bins(edges)
    x = _scale(edges[0], edges[-1], LEFT, WIDTH - RIGHT, log)
    low, high, steep = _range(shapes)
    y = _scale(low, high, top + UPPER, top, steep)
    parts: list[Shape | Label] = _legend(rows, list(shapes), note)
    for i, (_, counts, errors) in enumerate(shapes.values()):
        parts += _steps(x, y, edges, counts, errors, colour(i), low if steep else 0.0)
    parts += _frame(x, y, (edges[0], edges[-1]), (low, high), (log, steep), not with_ratio)
    parts.append(Label(20, top + UPPER / 2, "events, unit area", anchor="middle", is_upright=True))
    if with_ratio:
        parts += _ratios(x, shapes, top + UPPER + GAP, (edges[0], edges[-1]), log)
    parts.append(Label((LEFT + WIDTH - RIGHT) / 2, height - 12, xlabel, size=14, anchor="middle"))
    return Drawing(WIDTH, height, parts)


def ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round numbers from low to high, at most so many.

    >>> ticks(0, 1, 6), ticks(-3, 3.2, 5)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [-2.0, 0.0, 2.0])
    """
    step = _step(low, high, most)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) + 0.0 for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _step(low: float, high: float, most: int) -> float:
    least = (high - low) / max(most - 1, 1)
    power: float = 10.0 ** math.floor(math.log10(least))
    return power * next(m for m in (1, 2, 2.5, 5, 10) if m * power >= least * (1 - 1e-9))


def number(value: float) -> str:
    """A number for a tick.

    >>> number(0.25), number(-3.0), number(20000.0), number(0.00002)
    ('0.25', '−3', '2·10⁴', '2·10⁻⁵')
    """
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.6g}".replace("-", "−")
    mantissa, _, exponent = f"{value:.4e}".partition("e")
    digits = f"{float(mantissa):g}"
    power = f"10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
    return (power if digits == "1" else f"{digits}·{power}").replace("-", "−")


def _range(shapes: Mapping[str, tuple[Any, Any, Any]]) -> tuple[float, float, bool]:
    """Lower and upper end of the vertical axis, and whether it is logarithmic."""
    counts = np.concatenate([counts for _, counts, _ in shapes.values()])
    tops = np.concatenate([counts + errors for _, counts, errors in shapes.values()])
    filled = counts[counts > 0]
    top = float(tops.max(initial=0.0)) or 1.0
    if len(filled) and filled.max() > STEEP * np.median(filled):
        return float(filled.min()) / 2, top * 2, True
    return min(0.0, float(counts.min(initial=0.0)) * 1.1), top * 1.06, False


def _scale(low: float, high: float, start: float, end: float, log: bool) -> Scale:
    if log:
        a, b = math.log(low), math.log(high)
        return lambda v: start + (np.log(np.maximum(v, low / 10)) - a) / (b - a) * (end - start)
    width = (high - low) or 1.0
    return lambda v: start + (np.asarray(v, float) - low) / width * (end - start)


def _steps(x: Scale, y: Scale, edges: Any, counts: Any, errors: Any, shade: str, base: float) -> list[Shape | Label]:
    places = x(edges)
    line, ground = y(np.maximum(counts, base) if base else counts), float(y(base or 0.0))
    upper, lower = y(counts + errors), y(np.maximum(counts - errors, base) if base else counts - errors)
    outline = _walk(places, line)
    band = _walk(places, upper) + _walk(places[::-1], lower[::-1], move="L") + "Z"
    area = f"{outline}V{ground:.1f}H{places[0]:.1f}Z"
    return [
        Shape(area, fill=shade, opacity=0.1),
        Shape(band, fill=shade, opacity=0.3),
        Shape(outline, stroke=shade, width=1.8),
    ]


def _walk(places: Any, heights: Any, move: str = "M") -> str:
    steps = "".join(f"V{h:.1f}H{p:.1f}" for h, p in zip(heights[1:], places[2:], strict=True))
    return f"{move}{places[0]:.1f} {heights[0]:.1f}H{places[1]:.1f}{steps}"


def _frame(
    x: Scale, y: Scale, across: Sequence[float], up: Sequence[float], logs: Sequence[bool], numbered: bool, most: int = 6
) -> list[Shape | Label]:
    """The box of a panel with its ticks, and numbers at the left; below only if `numbered`."""
    left, right, bottom, top = float(x(across[0])), float(x(across[1])), float(y(up[0])), float(y(up[1]))
    marks: list[str] = []
    labels: list[Shape | Label] = []
    for value, major in _places(across[0], across[1], logs[0], 7):
        place, size = float(x(value)), 6 if major else 3
        marks.append(f"M{place:.1f} {bottom:.1f}v-{size}M{place:.1f} {top:.1f}v{size}")
        if major and numbered:
            labels.append(Label(place, bottom + 17, number(value), anchor="middle"))
    for value, major in _places(up[0], up[1], logs[1], most):
        place, size = float(y(value)), 6 if major else 3
        marks.append(f"M{left:.1f} {place:.1f}h{size}M{right:.1f} {place:.1f}h-{size}")
        if major:
            labels.append(Label(left - 6, place + 4, number(value), anchor="end"))
    box = f"M{left:.1f} {bottom:.1f}H{right:.1f}V{top:.1f}H{left:.1f}Z"
    return [Shape(box + "".join(marks), stroke="#222"), *labels]


def _places(low: float, high: float, log: bool, most: int) -> list[tuple[float, bool]]:
    """Ticks, and whether each is one with a number."""
    if log:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        stride = -(-len(decades) // most)
        wide = math.log10(high / low) < 1.5
        return [
            (m * 10.0**k, (m == 1 and k % stride == 0) or (wide and m in (2, 5)))
            for k in decades
            for m in ((1, 2, 3, 4, 5, 6, 7, 8, 9) if stride == 1 else (1,))
            if low * (1 - 1e-9) <= m * 10.0**k <= high * (1 + 1e-9)
        ]
    major = ticks(low, high, most)
    step = _step(low, high, most) / 5
    minor = [round(k * step, 12) for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    known = {round(value / step) for value in major}
    return [(v, True) for v in major] + [(v, False) for v in minor if round(v / step) not in known]


def _ratios(x: Scale, shapes: Mapping[str, Any], top: float, across: Sequence[float], log: bool) -> list[Shape | Label]:
    names = list(shapes)
    first = shapes[names[0]]
    found = [ratio(first, shapes[name]) for name in names[1:]]
    known = np.concatenate([value[np.isfinite(value) & (error < 0.5 * value)] for value, error in found])
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.5, 1.5)
    steep = high > 8 * low and high > 4
    low, high = (
        (min(low, 0.8) / 1.3, max(high, 1.2) * 1.3) if steep else (max(0.0, min(low, 0.9) - 0.15), max(high, 1.1) * 1.1)
    )
    y = _scale(low, high, top + LOWER, top, steep)
    dashed = f"M{LEFT} {float(y(1.0)):.1f}H{WIDTH - RIGHT}"
    parts: list[Shape | Label] = [Shape(dashed, stroke="#777", is_dashed=True)]
    places = x(first[0])
    for i, (value, error) in enumerate(found, start=1):
        parts.append(Shape(_bars(places, y, value, error, (low, high)), stroke=colour(i), width=1.4))
    parts += _frame(x, y, across, (low, high), (log, steep), True, most=4)
    words = f"{names[1]} / {names[0]}" if len(names) == 2 else f"ratio to {names[0]}"
    words = words if len(words) < 19 else "ratio"
    return [*parts, Label(20, top + LOWER / 2, words, anchor="middle", is_upright=True)]


def _bars(places: Any, y: Scale, value: Any, error: Any, ends: tuple[float, float]) -> str:
    """A horizontal line as wide as its bin and a vertical error bar, cut off at the ends of the axis."""
    low, high = ends
    marks = []
    for i in np.flatnonzero(np.isfinite(value) & (error < value)):  # a bin of one event would only say that it is empty
        under, over = float(value[i] - error[i]), float(value[i] + error[i])
        if over < low or under > high:
            continue
        if low <= value[i] <= high:
            marks.append(f"M{places[i]:.1f} {float(y(value[i])):.1f}H{places[i + 1]:.1f}")
        middle = (places[i] + places[i + 1]) / 2
        marks.append(f"M{middle:.1f} {float(y(max(under, low))):.1f}V{float(y(min(over, high))):.1f}")
    return "".join(marks)


def _legend_rows(names: Sequence[str], note: str) -> list[list[tuple[str, float]]]:
    """The classes in lines, each with its place."""
    rows: list[list[tuple[str, float]]] = []
    place = float(WIDTH)
    for name in names:
        width = 34 + LETTER * min(len(name), 60)
        if place + width > WIDTH - RIGHT:
            rows.append([])
            place = LEFT + (LETTER * len(note) + 24 if note and len(rows) == 1 else 0)
        rows[-1].append((name, place))
        place += width
    return rows


def _legend(rows: Sequence[Sequence[tuple[str, float]]], names: Sequence[str], note: str) -> list[Shape | Label]:
    parts: list[Shape | Label] = [Label(LEFT, 20, note, fill="#555", is_slanted=True)] if note else []
    for line, row in enumerate(rows):
        height = 20 + LINE * line
        for name, place in row:
            parts.append(Shape(f"M{place:.1f} {height - 5}h20", stroke=colour(names.index(name)), width=4))
            parts.append(Label(place + 26, height, name))
    return parts
