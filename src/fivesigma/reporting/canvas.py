"""A drawing of lines, areas and texts, which becomes SVG in a millisecond, or PDF through matplotlib."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from fivesigma.runs.folder import RunFolder


@dataclass(frozen=True)
class Shape:
    """A path in the language of SVG, with the commands M, L, H, V, h, v and Z alone.

    Attributes:
        path: of it, in pixels, y downwards.
        fill, stroke: colours; empty for none.
        width: of the stroke.
        opacity: of the filling.
        is_dashed: whether the stroke is.
    """

    path: str
    fill: str = ""
    stroke: str = ""
    width: float = 1.0
    opacity: float = 1.0
    is_dashed: bool = False

    def svg(self) -> str:
        """The shape as an element."""
        look = f'fill="{self.fill}"' + (f' fill-opacity="{self.opacity:g}"' if self.opacity < 1 else "")
        look = look if self.fill else 'fill="none"'
        if self.stroke:
            look += f' stroke="{self.stroke}" stroke-width="{self.width:g}"' + (
                ' stroke-dasharray="4 3"' if self.is_dashed else ""
            )
        return f'<path d="{self.path}" {look}/>'

    def play(self, renderer: Any, place: Any) -> None:
        """Draw it with a renderer of matplotlib.

        Args:
            renderer: of any format.
            place: transform from pixels to its dots.
        """
        from matplotlib.colors import to_rgba

        gc = renderer.new_gc()
        gc.set_linewidth(0.0)
        if self.stroke:
            gc.set_foreground(self.stroke)
            gc.set_linewidth(self.width * abs(place.get_matrix()[0, 0]))
            if self.is_dashed:
                gc.set_dashes(0, [4, 3])
        fill = to_rgba(self.fill, self.opacity) if self.fill else None
        renderer.draw_path(gc, _path(self.path), place, fill)
        gc.restore()


@dataclass(frozen=True)
class Label:
    """A text, which may hold TeX between dollar signs.

    Attributes:
        x, y: where it begins, ends or has its middle, in pixels, y downwards, on its line.
        text: of it.
        size: of the letters.
        anchor: `start`, `middle` or `end`.
        fill: colour.
        is_slanted: whether the letters are.
        is_upright: whether it is turned by 90° and reads upwards.
    """

    x: float
    y: float
    text: str
    size: int = 12
    anchor: str = "start"
    fill: str = "#222"
    is_slanted: bool = False
    is_upright: bool = False

    def svg(self) -> str:
        """The text as an element."""
        look = f'font-size="{self.size}" fill="{self.fill}" text-anchor="{self.anchor}"'
        look += ' font-style="italic"' if self.is_slanted else ""
        if self.is_upright:
            return f'<text transform="translate({self.x:.1f} {self.y:.1f}) rotate(-90)" {look}>{self._pieces()}</text>'
        return f'<text x="{self.x:.1f}" y="{self.y:.1f}" {look}>{self._pieces()}</text>'

    def _pieces(self) -> str:
        pieces, before = [], 0.0
        for piece, level in plain(self.text):
            shift = -4.0 * level
            move = f' dy="{shift - before:g}"' if shift != before else ""
            small = f' font-size="{self.size - 3}"' if level else ""
            before = shift
            pieces.append(f"<tspan{move}{small}>{escape(piece)}</tspan>" if move or small else escape(piece))
        return "".join(pieces)

    def play(self, renderer: Any, place: Any) -> None:
        """Draw it with a renderer of matplotlib, as for `Shape`."""
        from matplotlib.font_manager import FontProperties

        scale = abs(place.get_matrix()[0, 0])
        font = FontProperties(family="DejaVu Sans", size=self.size * scale, style="italic" if self.is_slanted else "normal")
        is_math = _is_formula(self.text)
        width = renderer.get_text_width_height_descent(self.text, font, is_math)[0]
        back = {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        x, y = place.transform((self.x, self.y))
        gc = renderer.new_gc()
        gc.set_foreground(self.fill)
        if self.is_upright:
            renderer.draw_text(gc, x, y - back, self.text, font, 90, ismath=is_math)
        else:
            renderer.draw_text(gc, x - back, y, self.text, font, 0, ismath=is_math)
        gc.restore()


@dataclass
class Drawing:
    """Shapes and labels on white paper of so many pixels."""

    width: float
    height: float
    parts: list[Shape | Label] = field(default_factory=list)

    def svg(self) -> str:
        """The drawing as SVG, with texts as texts."""
        size = f'width="{self.width:g}" height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, \'DejaVu Sans\', sans-serif">'
        paper = f'<rect width="{self.width:g}" height="{self.height:g}" fill="#fff"/>'
        return head + paper + "".join(part.svg() for part in self.parts) + "</svg>"


def write_pdf(folder: RunFolder, name: str, drawings: Sequence[Drawing], columns: int, scale: float = 0.6) -> None:
    """Write drawings in columns on one page, as PDF below `plots/`.

    Args:
        folder: of the run.
        name: of the file, without ending.
        drawings: from left to right, line by line.
        columns: how many stand beside each other.
        scale: points per pixel.
    """
    from matplotlib.figure import Figure
    from matplotlib.transforms import Affine2D

    from fivesigma.reporting.style import drawn_as, write_figure

    lines = [drawings[start : start + columns] for start in range(0, len(drawings), columns)]
    heights = [scale * max(each.height for each in line) for line in lines]
    width = scale * max(sum(each.width for each in line) for line in lines)
    figure = Figure(figsize=(width / 72, sum(heights) / 72))

    def play(renderer: Any) -> None:
        top = sum(heights)
        for line, height in zip(lines, heights, strict=True):
            left = 0.0
            for each in line:
                place = Affine2D().scale(scale, -scale).translate(left, top)
                for part in each.parts:
                    part.play(renderer, place)
                left += scale * each.width
            top -= height

    figure.draw = play  # type: ignore[method-assign]
    write_figure(folder, drawn_as(figure, "pdf"), name, "pdf")


def _path(text: str) -> Any:
    """A path of matplotlib."""
    from matplotlib.path import Path

    points: list[tuple[float, float]] = []
    codes: list[int] = []
    x = y = 0.0
    for command, given in re.findall(r"([MLHVhvZ])([^MLHVhvZ]*)", text):
        numbers = [float(number) for number in given.split()]
        if command in "ML":
            x, y = numbers
        elif command in "Hh":
            x = numbers[0] + (x if command == "h" else 0.0)
        elif command in "Vv":
            y = numbers[0] + (y if command == "v" else 0.0)
        points.append((x, y))
        codes.append(int({"M": Path.MOVETO, "Z": Path.CLOSEPOLY}.get(command, Path.LINETO)))
    return Path(np.array(points) if points else np.empty((0, 2)), codes or None)


_NAMES = (
    "alpha beta gamma delta epsilon varepsilon eta theta lambda mu nu pi rho sigma tau phi varphi chi psi omega Delta "
    "Gamma Phi Psi Omega Sigma ell to rightarrow pm times cdot circ sqrt hbar infty leq geq"
)
_LETTERS = dict(zip(_NAMES.split(), "αβγδεεηθλμνπρστφφχψωΔΓΦΨΩΣℓ→→±×·°√ħ∞≤≥", strict=True))


def plain(text: str) -> list[tuple[str, int]]:
    """A text that may hold TeX between dollar signs, as pieces with their level: −1 below the line, 1 above, 0 on it.

    >>> plain("$p_T$ of $\\\\mu^{+}$ [GeV]")
    [('p', 0), ('T', -1), (' of μ', 0), ('+', 1), (' [GeV]', 0)]
    """
    if not _is_formula(text):
        return [(text, 0)]
    pieces: list[tuple[str, int]] = []
    for i, part in enumerate(text.split("$")):
        pieces += _formula(part) if i % 2 else [(part, 0)]
    joined: list[tuple[str, int]] = []
    for piece, level in pieces:
        if joined and joined[-1][1] == level:
            joined[-1] = (joined[-1][0] + piece, level)
        elif piece:
            joined.append((piece, level))
    return joined


def _is_formula(text: str) -> bool:
    """Whether a text holds a formula; matplotlib decides, for the same texts stand in its figures."""
    if "$" not in text:
        return False
    from matplotlib.cbook import is_math_text

    from fivesigma.reporting.style import is_drawable

    return bool(is_math_text(text)) and is_drawable(text)


def _formula(text: str) -> list[tuple[str, int]]:
    text = re.sub(r"\\(?:mathrm|mathit|mathbf|text|operatorname|rm|left|right|bar|overline)\b", "", text)
    text = re.sub(r"\\([A-Za-z]+) ?", lambda found: _LETTERS.get(found[1], found[1]), text)
    text = re.sub(r"\\[,;:! ]", " ", text)
    found = []
    for mark, braced, single in re.findall(r"([_^]?)(?:\{([^{}]*)\}|(.))", text):
        found.append((braced or single, {"_": -1, "^": 1}.get(mark, 0)))
    return found
