"""What tests of figures have: the figures themselves, and what is drawn in them as plain numbers and texts."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.patches import StepPatch

from fivesigma.reporting import data, front, learning, results, search, style, trigger, trust

sys.path.insert(0, str(Path(__file__).parent))  # so that another process finds `drawers`


class Drawn(dict):
    """Name → figure; the methods read what is drawn, and `numbers` has what is written beside it."""

    def __init__(self):
        super().__init__()
        self.numbers = {}

    def axes(self, name):
        """The panels of a figure that can be seen."""
        return [axes for axes in self[name].axes if axes.get_visible()]

    @staticmethod
    def lines(axes):
        """Label → x and y of each line that has one."""
        found = {line.get_label(): line.get_data() for line in axes.lines if not line.get_label().startswith("_")}
        return {label: (np.asarray(x, float).tolist(), np.asarray(y, float).tolist()) for label, (x, y) in found.items()}

    @staticmethod
    def points(axes):
        """Of each set of points with errors: label, x, y, and where the bars end, vertical and horizontal ones."""
        found = []
        for container in axes.containers:
            if isinstance(container, ErrorbarContainer):
                line, _, bars = container
                one = {"label": container.get_label()}
                if line is not None:  # bars with errors have no line
                    one |= {"x": line.get_xdata().tolist(), "y": line.get_ydata().tolist()}
                    one["open"] = line.get_markerfacecolor() == "white"
                if container.has_xerr:
                    one["wide"] = [path.vertices[:, 0].tolist() for path in bars[0].get_paths()]
                if container.has_yerr:
                    one["high"] = [path.vertices[:, 1].tolist() for path in bars[-1].get_paths()]
                found.append(one)
        return found

    @staticmethod
    def steps(axes):
        """Each histogram drawn as steps: label, heights, edges, baseline, colour, and whether it is filled."""
        found = []
        for patch in axes.patches:
            if isinstance(patch, StepPatch):
                values, edges, baseline = patch.get_data()
                one = {"values": np.asarray(values).tolist(), "edges": np.asarray(edges).tolist(), "fill": patch.get_fill()}
                one["baseline"] = None if baseline is None else np.asarray(baseline).tolist()
                label = patch.get_label()
                found.append({"label": "" if label.startswith("_") else label, **one})
        return found

    @staticmethod
    def bands(axes):
        """Of each filled band: label, colour, and x → its lower and upper end."""
        found = []
        for band in axes.collections:
            if isinstance(band, PolyCollection):
                ends = {}
                for x, y in band.get_paths()[0].vertices:
                    low, high = ends.get(float(x), (np.inf, -np.inf))
                    ends[float(x)] = (min(low, float(y)), max(high, float(y)))
                label = band.get_label()
                shade = to_hex(band.get_facecolor()[0])
                found.append({"label": "" if label.startswith("_") else label, "colour": shade, "ends": ends})
        return found

    @staticmethod
    def bars(axes):
        """Of each set of bars: label, and the rectangles as x, y, width and height."""
        return {
            container.get_label(): [(*bar.get_xy(), bar.get_width(), bar.get_height()) for bar in container]
            for container in axes.containers
            if isinstance(container, BarContainer)
        }

    @staticmethod
    def texts(axes):
        return [text.get_text() for text in axes.texts]

    @staticmethod
    def legend(axes):
        return [text.get_text() for text in axes.get_legend().get_texts()]

    @staticmethod
    def labels(axes):
        """Of the horizontal and of the vertical axis."""
        return axes.get_xlabel(), axes.get_ylabel()


@pytest.fixture
def drawn(monkeypatch):
    """The figures that a test draws. They are laid out and not written, which takes most of the time."""
    figures = Drawn()

    def save(folder, figure, name, title, caption, numbers):
        figure.draw_without_rendering()
        json.dumps(numbers, allow_nan=False)
        figures[name] = figure
        figures.numbers[name] = numbers
        return style.Picture(name, title, caption, "<svg></svg>")

    for section in (data, front, learning, results, search, trigger, trust):
        monkeypatch.setattr(section, "save", save)
    with style.style():
        yield figures
