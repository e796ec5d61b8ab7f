"""A figure that is drawn once looks like one that is drawn for each format."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from fivesigma.reporting.drawing import drawn_once
from fivesigma.reporting.style import style


def figure_of(kind):
    figure = Figure(figsize=(4, 3), layout="constrained")
    axes = figure.subplots()
    x = np.linspace(0, 1, 20)
    if kind == "lines":
        axes.plot(x, x**2, "o--", label="$p_T$ of jets")
        axes.fill_between(x, x, x**2, alpha=0.3)
        axes.errorbar(x, x, 0.1, 0.02, fmt="s", capsize=2)
        axes.legend()
    elif kind == "image":
        figure.colorbar(axes.imshow(np.arange(12.0).reshape(3, 4)), ax=axes)
    elif kind == "steps":
        axes.stairs([1, 20, 300], [0, 1, 2, 3], fill=True, hatch="///")
        axes.set_yscale("log")
        axes.text(1, 10, "turned", rotation=40)
    else:
        axes.scatter(x, x, s=np.arange(1, 21.0) ** 1.5, c=x)
        axes.axvline(0.5, ls=":")
    axes.set(xlabel="x", ylabel="y", title=kind)
    return figure


def pixels(figure):
    figure.savefig(buffer := io.BytesIO(), format="rgba", dpi=150)
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(450, 600, 4).astype(float)


@pytest.mark.parametrize("kind", ["lines", "image", "steps", "dots"])
def test_the_picture_is_the_same(kind):
    with style():
        once, usual = figure_of(kind), figure_of(kind)
        drawn_once(once)
        difference = np.abs(pixels(once) - pixels(usual))[..., :3].max(axis=2)
    # Texts are placed to a fraction of a pixel, and ticks may be half a pixel away; nothing is missing or elsewhere.
    assert (difference > 128).mean() < 0.012
    blocks = difference.reshape(45, 10, 60, 10).mean(axis=(1, 3))
    assert blocks.max() < 90


def test_every_format_is_written_from_one_drawing(monkeypatch):
    with style():
        figure = figure_of("lines")
        drawn_once(figure)
        count = []
        monkeypatch.setattr(Figure, "draw", lambda *_: count.append(1))
        for ending, start in (("pdf", b"%PDF"), ("png", b"\x89PNG"), ("svg", b"<?xml")):
            figure.savefig(buffer := io.BytesIO(), format=ending)
            assert buffer.getvalue().startswith(start)
    assert count == []


def test_minor_ticks_are_where_they_were_and_those_with_labels_stay():
    with style():
        figure = figure_of("lines")
        (axes,) = figure.axes
        wanted = [place for place in axes.xaxis.get_minorticklocs() if axes.get_xlim()[0] <= place <= axes.get_xlim()[1]]
        before = len(axes.lines)
        drawn_once(figure)
        marks = axes.lines[before:]
        assert len(marks) == 4
        assert marks[0].get_xdata() == pytest.approx(wanted)
        narrow = Figure()
        part = narrow.subplots()
        part.set(yscale="log", ylim=(2, 5))
        assert any(part.yaxis.get_minor_formatter().format_ticks(list(part.yaxis.get_minorticklocs())))
        drawn_once(narrow)
        assert len(part.yaxis.get_minorticklocs()) > 0
