"""Distributions by class as drawings of our own: the numbers in them, and awkward ones."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from fivesigma.reporting import distribution
from fivesigma.reporting.canvas import Label, Shape


def histogram(*counts, edges=None):
    edges = np.arange(len(counts) + 1.0).tolist() if edges is None else edges
    return {"edges": edges, "counts": list(counts), "errors": np.sqrt(np.abs(counts)).tolist(), "outside": 0.0}


def texts(drawing):
    return [part.text for part in drawing.parts if isinstance(part, Label)]


def outlines(drawing, shade):
    """Heights of the steps of a class, in pixels."""
    (found,) = (p for p in drawing.parts if isinstance(p, Shape) and (p.stroke, p.width) == (shade, 1.8))
    first = float(re.match(r"M\S+ (\S+?)H", found.path)[1])
    return [first, *(float(number) for number in re.findall(r"V([-\d.]+)", found.path))]


def test_heights_are_proportional_to_densities_and_the_axes_carry_their_names():
    drawing = distribution.by_class({"QCD": histogram(9, 1), "X": histogram(4, 16)}, "length [cm]", "Simulation")
    qcd, signal = outlines(drawing, "#3f90da"), outlines(drawing, "#ffa90e")
    ground = 10 + 20 + distribution.UPPER
    heights = [ground - y for y in (*qcd, *signal)]
    assert np.divide(heights, heights[0]) == pytest.approx([1, 1 / 9, 2 / 9, 8 / 9], abs=2e-3)
    assert {"length [cm]", "events, unit area", "Simulation", "QCD", "X", "X / QCD"} <= set(texts(drawing))
    ET.fromstring(drawing.svg())


def test_the_ratio_has_the_errors_of_both():
    drawing = distribution.by_class({"b": histogram(100, 100), "s": histogram(100, 100)}, "x")
    (bars,) = (p for p in drawing.parts if isinstance(p, Shape) and p.width == 1.4)
    levels = [float(y) for y in re.findall(r"M\S+ ([\d.]+)H", bars.path)]
    ends = [(float(a), float(b)) for a, b in re.findall(r"M\S+ ([\d.]+)V([\d.]+)", bars.path)]
    (dashed,) = (p for p in drawing.parts if isinstance(p, Shape) and p.is_dashed)
    one = float(re.match(r"M\S+ ([\d.]+)H", dashed.path)[1])
    assert levels == pytest.approx([one, one])
    # 1 ± √(1/100 + 1/100), from the known scale of the panel: 0.75 to 1.21 over its height.
    per_unit = distribution.LOWER / (1.1 * 1.1 - (0.9 - 0.15))
    assert ends[0] == pytest.approx((one + 0.02**0.5 * per_unit, one - 0.02**0.5 * per_unit), abs=0.2)


def test_one_class_has_no_ratio_and_no_legend():
    drawing = distribution.by_class({"all": histogram(1, 2)}, "x")
    assert "all" not in texts(drawing)
    assert drawing.height < 400


@pytest.mark.parametrize(
    "counts",
    [(0, 0, 0), (5, -2, 3), (-1, -1, -1), (1, 1, 1, 400), (1e-12, 1e12)],
    ids=str,
)
def test_awkward_histograms_are_drawn_without_numbers_that_are_none(counts):
    for trees in ({"all": histogram(*counts)}, {"a": histogram(*counts), "b": histogram(*reversed(counts))}):
        svg = distribution.by_class(trees, "x").svg()
        assert "nan" not in svg
        assert "inf" not in svg
        ET.fromstring(svg)


def test_bins_of_equal_ratio_have_a_logarithmic_axis():
    drawing = distribution.by_class({"all": histogram(1, 2, 3, edges=[1.0, 10.0, 100.0, 1000.0])}, "x")
    assert {"1", "10", "100", "1000"} <= set(texts(drawing))


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.3, 8), (1e-9, 3e-9), (1e6, 1.001e6), (-1e-3, 0)])
def test_ticks_are_inside_even_and_enough(low, high):
    found = distribution.ticks(low, high)
    assert low - 1e-9 * (high - low) <= found[0]
    assert found[-1] <= high + 1e-9 * (high - low)
    assert 3 <= len(found) <= 8
    assert np.ptp(np.diff(found)) < 1e-6 * (high - low)
