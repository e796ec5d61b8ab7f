"""A figure is laid out and drawn once, and written in several formats: most of the time goes into its texts and ticks."""

from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axis import Axis
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, NullLocator
from matplotlib.transforms import Affine2D, Bbox, TransformedPath

DPI = 72
"""Points per inch, in which a figure is recorded."""


class Recording(RendererBase):
    """What a figure draws, to be drawn again by the renderers of any format.

    Args:
        figure: the figure, laid out.
        dpi: dots per inch of its images.
    """

    def __init__(self, figure: Figure, dpi: float) -> None:
        super().__init__()
        self._calls: list[Callable[[Any, float], None]] = []
        self._magnification = dpi / DPI
        self._size = tuple(float(inches) * DPI for inches in figure.get_size_inches())
        before = figure.dpi
        figure.dpi = DPI
        try:
            figure.draw(self)
        finally:
            figure.dpi = before

    def play(self, renderer: Any, scale: float) -> None:
        """Draw everything with another renderer.

        Args:
            renderer: of a format.
            scale: its dots per point.
        """
        for call in self._calls:
            call(renderer, scale)

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Width and height in points."""
        return self._size[0], self._size[1]

    def flipy(self) -> bool:
        """Whether small values are at the top: no."""
        return False

    def get_image_magnification(self) -> float:
        """Dots of an image per point."""
        return self._magnification

    def option_image_nocomposite(self) -> bool:
        """Whether images are left apart: yes."""
        return True

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
        """Record a path."""
        own, place = _Look(gc), transform.frozen()
        self._calls.append(lambda r, s: r.draw_path(own.on(r, s), path, place + Affine2D().scale(s), rgbFace))

    def draw_markers(
        self,
        gc: Any,
        marker_path: Any,
        marker_trans: Any,
        path: Any,
        trans: Any,
        rgbFace: Any = None,
    ) -> None:
        """Record markers along a path."""
        own, shape, place = _Look(gc), marker_trans.frozen(), trans.frozen()
        self._calls.append(
            lambda r, s: r.draw_markers(
                own.on(r, s), marker_path, shape + Affine2D().scale(s), path, place + Affine2D().scale(s), rgbFace
            )
        )

    def draw_path_collection(self, gc: Any, master_transform: Any, *given: Any, **more: Any) -> None:
        """Record a collection of paths."""
        own, whole = _Look(gc), master_transform.frozen()
        paths, each, offsets, shift, *rest = given
        place, each = shift.frozen(), each if len(each) else np.empty((0, 3, 3))
        self._calls.append(
            lambda r, s: r.draw_path_collection(
                own.on(r, s),
                (whole + Affine2D().scale(s)).frozen(),
                paths,
                each,
                offsets,
                (place + Affine2D().scale(s)).frozen(),
                *rest,
                **more,
            )
        )

    def draw_image(self, gc: Any, x: float, y: float, im: Any, transform: Any = None) -> None:
        """Record an image."""
        own, pixels = _Look(gc), np.array(im)
        self._calls.append(lambda r, s: r.draw_image(own.on(r, s), x * s, y * s, pixels))

    def draw_text(self, gc: Any, x: float, y: float, s: str, *given: Any, **more: Any) -> None:
        """Record a text."""
        own, text = _Look(gc), s

        def call(renderer: Any, scale: float) -> None:
            height = y * scale
            if renderer.flipy():
                height = renderer.get_canvas_width_height()[1] - height
            renderer.draw_text(own.on(renderer, scale), x * scale, height, text, *given, **more)

        self._calls.append(call)


class _Look:
    """Colours, lines and clipping of one call."""

    def __init__(self, gc: Any) -> None:
        self._gc = GraphicsContextBase()
        self._gc.copy_properties(gc)
        rectangle = gc.get_clip_rectangle()
        self._rectangle = None if rectangle is None else np.array(rectangle.get_points())
        path, transform = gc.get_clip_path()
        self._path = None if path is None else (path, transform.frozen())

    def on(self, renderer: Any, scale: float) -> Any:
        """The same for a renderer with so many dots per point."""
        gc = renderer.new_gc()
        gc.copy_properties(self._gc)
        gc.set_clip_rectangle(None if self._rectangle is None else Bbox(self._rectangle * scale))
        gc.set_clip_path(
            None if self._path is None else TransformedPath(self._path[0], self._path[1] + Affine2D().scale(scale))
        )
        return gc


def drawn_once(figure: Figure) -> None:
    """Lay a figure out and draw it; whatever it is saved as afterwards is played from the recording.

    Args:
        figure: it is not to be changed any more.
    """
    marks = [each for axes in figure.axes for each in (_Minor.of(axes.xaxis), _Minor.of(axes.yaxis)) if each is not None]
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)  # "none" would leave a placeholder that draws every figure twice
    for mark in marks:
        mark.draw()
    dpi = matplotlib.rcParams["savefig.dpi"]
    recording = Recording(figure, float(figure.dpi if dpi == "figure" else dpi))
    figure.draw = lambda renderer: recording.play(renderer, figure.dpi / DPI)  # type: ignore[method-assign]


class _Minor:
    """The minor ticks of an axis, which are drawn as one set of markers; as ticks they would take most of the time."""

    def __init__(self, axis: Axis) -> None:
        self._axis, self._locator = axis, axis.get_minor_locator()
        axis.set_minor_locator(NullLocator())

    @classmethod
    def of(cls, axis: Axis) -> "_Minor | None":
        """Take the minor ticks of an axis, unless it has none or they have labels."""
        if isinstance(axis.get_minor_locator(), NullLocator) or not axis.axes.get_visible():
            return None
        formatter = axis.get_minor_formatter()
        if not isinstance(formatter, NullFormatter) and any(formatter.format_ticks(list(axis.get_minorticklocs()))):
            return None
        return cls(axis)

    def draw(self) -> None:
        """Draw them at both sides, inwards."""
        axis, axes = self._axis, self._axis.axes
        axis.set_minor_locator(self._locator)
        places = np.asarray(axis.get_minorticklocs(), float)
        axis.set_minor_locator(NullLocator())
        is_x = axis is axes.xaxis
        name = "x" if is_x else "y"
        low, high = sorted(axes.get_xlim() if is_x else axes.get_ylim())
        places = places[(places >= low) & (places <= high)]
        known = axis.get_tick_params(which="minor")
        sides = (("bottom", 2, 0.0), ("top", 3, 1.0)) if is_x else (("left", 1, 0.0), ("right", 0, 1.0))
        for side, marker, end in sides:
            if not known.get(side, True) or not len(places):
                continue
            ends = np.full(len(places), end)
            line = Line2D(
                *((places, ends) if is_x else (ends, places)),
                linestyle="",
                marker=marker,
                markersize=matplotlib.rcParams[f"{name}tick.minor.size"],
                markeredgewidth=matplotlib.rcParams[f"{name}tick.minor.width"],
                color=matplotlib.rcParams[f"{name}tick.color"],
                transform=axes.get_xaxis_transform() if is_x else axes.get_yaxis_transform(),
                zorder=2.01,
                clip_on=False,
            )
            axes.add_artist(line)
