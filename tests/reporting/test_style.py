"""How figures look and are saved."""

import json
import re
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.errors import MissingExtra
from fivesigma.reporting import style
from fivesigma.runs.folder import RunFolder

ANALYSIS = validate(
    {
        "features": ["a"],
        "target": {"variable": "t", "unit": "GeV"},
        "parameters": {"mass": {"unit": "TeV"}},
        "units": {"a*": "cm"},
        "titles": {"a": "length"},
    },
    "test",
)


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path, ANALYSIS, "test")


def axes_and_figure():
    figure, (axes,) = style.new_figure()
    return axes, figure


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no file that is always full")
def test_a_full_disk_is_the_error_of_the_system(folder, monkeypatch):
    figure, (axes,) = style.new_figure()
    axes.plot([0, 1], [0, 1])
    monkeypatch.setattr(style, "writing", lambda path: nullcontext(Path("/dev/full")))
    with pytest.raises(OSError, match="No space left"):
        style.save(folder, figure, "line", "Line", "A line.", {})


def test_labels_carry_title_and_unit():
    assert style.label(ANALYSIS, "a") == "length [cm]"
    assert style.label(ANALYSIS, "t") == "t [GeV]"
    assert style.label(ANALYSIS, "mass") == "mass [TeV]"
    assert style.label(ANALYSIS, "other") == "other"


def test_a_figure_is_saved_in_three_formats_with_its_numbers(folder):
    axes, figure = axes_and_figure()
    axes.plot([0, 1])
    picture = style.save(folder, figure, "name", "Title", "Caption", {"x": [1, 2]})
    assert (picture.name, picture.title, picture.caption) == ("name", "Title", "Caption")
    assert picture.svg.startswith("<svg")
    assert (folder / "plots" / "name.csv").read_text() == "x\n1\n2\n"
    assert json.loads((folder / "plots" / "name.json").read_text()) == {"x": [1, 2]}
    assert (folder / "plots" / "name.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "plots" / "name.png").read_bytes().startswith(b"\x89PNG")


def test_numbers_that_are_undefined_are_null_beside_a_figure(folder):
    figure, axes = style.new_figure()
    axes[0].plot([1, 2], [3, np.nan])
    style.save(folder, figure, "holes", "Title", "Caption", {"x": [1, 2], "y": [3.0, float("nan")]})
    assert folder.read_json("plots/holes.json") == {"x": [1, 2], "y": [3.0, None]}


def test_ids_of_two_figures_never_meet_on_a_page(folder):
    pictures = []
    for name in ("one", "two"):
        axes, figure = axes_and_figure()
        axes.plot([0, 1], label="same")
        axes.legend()
        pictures.append(style.save(folder, figure, name, name, "", {}))
    ids = [set(re.findall(r'id="([^"]+)"', picture.svg)) for picture in pictures]
    assert ids[0]
    assert not ids[0] & ids[1]
    for picture, known in zip(pictures, ids, strict=True):
        used = set(re.findall(r'href="#([^"]+)"', picture.svg)) | set(re.findall(r"url\(#([^)]+)\)", picture.svg))
        assert used <= known


def test_the_settings_of_the_user_are_left_alone():
    import matplotlib

    before = matplotlib.rcParams["xtick.direction"]
    with style.style():
        assert matplotlib.rcParams["xtick.direction"] == "in"
    assert matplotlib.rcParams["xtick.direction"] == before == "out"


TREE = {"edges": [0.0, 0.5, 1.0, 1.5], "counts": [30.0, 10.0, 0.0], "errors": [6.0, 2.0, 0.0]}


@pytest.mark.parametrize("draw", [style.stairs, style.points])
def test_a_bin_of_one_event_does_not_stretch_a_logarithmic_axis(draw):
    # Content less error is zero but for rounding, and so is what two opposite weights leave.
    tree = {"edges": [0.0, 1.0, 2.0, 3.0], "counts": [0.1 + 0.2, 40.0, 0.3 - (0.1 + 0.2)], "errors": [0.3, 2.0, 0.4]}
    axes, _ = axes_and_figure()
    axes.set_yscale("log")
    draw(axes, tree, "red", "text", density=False)
    axes.autoscale_view()
    assert axes.get_ylim()[0] > 1e-3


def test_the_ratio_of_two_distributions_has_the_errors_of_both():
    one = {"edges": [0.0, 1.0, 2.0, 3.0], "counts": [4.0, 4.0, 0.0], "errors": [2.0, 2.0, 0.0]}
    other = {"edges": [0.0, 1.0, 2.0, 3.0], "counts": [9.0, 0.0, 3.0], "errors": [3.0, 0.0, 3.0]}
    value, error = style.ratio(style.scaled(one, False), style.scaled(other, False))
    assert value[0] == 9 / 4
    assert error[0] == pytest.approx(9 / 4 * (1 / 4 + 1 / 9) ** 0.5)
    assert np.isnan(value[1:]).all()


def test_an_unknown_extra_of_a_look_is_a_sentence(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "mplhep", None)
    with pytest.raises(MissingExtra, match="style of an experiment") as caught, style.style(look="cms"):
        pass
    assert "fivesigma[style]" in caught.value.hint


@pytest.mark.parametrize("look", ["cms", "atlas"])
def test_the_look_of_an_experiment_changes_fonts_and_ticks_and_names_no_experiment(folder, look):
    import matplotlib

    pytest.importorskip("mplhep", reason="the extra `style` is not installed")
    with style.style("Simulation", look):
        assert matplotlib.rcParams["font.size"] == 10
        assert matplotlib.rcParams["xtick.direction"] == "in"
        assert 3 < matplotlib.rcParams["xtick.major.size"] < 12
        assert matplotlib.rcParams["legend.numpoints"] == 1
        axes, figure = axes_and_figure()
        axes.plot([0, 1], [0, 1], label="line")
        axes.legend()
        assert style.save(folder, figure, look, "", "", {}).svg.startswith("<svg")
    assert [text.get_text() for text in figure.texts] == ["Simulation"]


def test_a_histogram_has_unit_area_or_its_counts():
    edges, counts, errors = style.scaled(TREE, density=True)
    assert edges.tolist() == TREE["edges"]
    assert counts.tolist() == [1.5, 0.5, 0.0]
    assert errors.tolist() == pytest.approx([0.3, 0.1, 0.0])
    assert style.scaled(TREE, density=False)[1].tolist() == TREE["counts"]
    empty = style.scaled({"edges": [0, 1], "counts": [0], "errors": [0]}, density=True)
    assert empty[1].tolist() == [0]


def test_bins_of_equal_ratio_are_taken_as_equally_wide():
    tree = {"edges": [1.0, 10.0, 100.0], "counts": [3.0, 1.0], "errors": [0.0, 0.0]}
    assert style.scaled(tree, density=True)[1].tolist() == [0.75, 0.25]


def test_stairs_are_a_histogram_and_a_band_of_its_errors(drawn):
    axes, _ = axes_and_figure()
    style.stairs(axes, TREE, "red", "name", filled=True, density=False)
    outline, area, band = drawn.steps(axes)
    assert (outline["label"], outline["values"], outline["edges"]) == ("name", TREE["counts"], TREE["edges"])
    assert [outline["fill"], area["fill"], band["fill"]] == [False, True, True]
    assert area["values"] == TREE["counts"]
    assert band["values"] == [36, 12, 0]
    assert band["baseline"] == [24, 8, 0]


def test_points_stand_at_centres_with_their_errors_and_empty_bins_have_none(drawn):
    axes, _ = axes_and_figure()
    style.points(axes, TREE, "red", "name")
    (found,) = drawn.points(axes)
    assert (found["label"], found["x"], found["y"]) == ("name", [0.25, 0.75], [1.5, 0.5])
    assert np.allclose(found["high"], [[1.2, 1.8], [0.4, 0.6]])


@pytest.mark.parametrize(
    ("edges", "scale"), [([1, 10, 100], "log"), ([0, 10, 100], "linear"), ([1, 2, 4], "linear"), ([0.5, 1.5, 2.5], "linear")]
)
def test_an_axis_is_logarithmic_for_bins_of_equal_ratio_over_decades(edges, scale):
    axes, _ = axes_and_figure()
    axes.set_xlim(1, 100)
    style.fit_axis(axes, {"edges": edges})
    assert axes.get_xscale() == scale


def test_whole_numbers_get_whole_ticks(drawn):
    axes, figure = axes_and_figure()
    axes.set_xlim(0.5, 3.5)
    style.fit_axis(axes, {"edges": [0.5, 1.5, 2.5, 3.5]})
    figure.draw_without_rendering()
    assert all(tick % 1 == 0 for tick in axes.get_xticks())
    assert len(axes.get_xticks(minor=True)) == 0


def test_a_note_stands_above_every_figure_of_the_page_and_nowhere_else(folder):
    figures = []
    for note in ("Simulation", ""):
        with style.style(note):
            axes, figure = axes_and_figure()
            axes.set_title("title")
            style.save(folder, figure, "name", "Title", "Caption", {})
            figures.append(figure)
    noted, plain = figures
    assert [text.get_text() for text in noted.texts] == ["Simulation"]
    assert plain.texts == []
    tops = [figure.axes[0].get_position().y1 for figure in figures]
    assert tops[0] < tops[1]  # nothing is drawn over it
    assert style.titled(ANALYSIS, "a") == "length (a)"
    assert style.titled(ANALYSIS, "other") == "other"


@pytest.mark.parametrize("text", [r"$\frac{$", "cost $x^$ of $$", r"$p_T$ $\nothing$", "a$b_$"])
def test_what_is_no_formula_is_drawn_as_it_is_written(folder, text):
    with style.style(text):
        axes, figure = axes_and_figure()
        axes.plot([0, 1], [0, 1], label=text)
        axes.set(xlabel=text, title="$p_T$", xticks=[0], xticklabels=[text])
        axes.legend()
        assert style.save(folder, figure, "one", "", "", {}).svg.startswith("<svg")
    assert not axes.xaxis.label.get_parse_math()
    assert axes.title.get_parse_math()


def test_figures_of_different_columns_have_files_of_different_names():
    plain = ["η", "φ", "pt", "m_jj"]
    assert [style.file_name(name, "observer") for name in plain] == [
        *("observer-η", "observer-φ", "observer-pt", "observer-m-jj")
    ]
    names = [*plain, "m.jj", "m-jj", "m jj", "pt/m", "pt*m", "a+b", "a-b", "a(b)", "+", "−", "_", "m_jj_"]
    found = [style.file_name(name, "observer") for name in names]
    assert len(set(found)) == len(names)
    assert all(re.fullmatch(r"observer[\w-]*", name) for name in found)
