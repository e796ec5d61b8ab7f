"""Metrics and figures of what a network reaches: the numbers in them."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fivesigma.analysis.file import validate
from fivesigma.reporting import results
from fivesigma.reporting.style import colour
from fivesigma.runs.folder import RunFolder

REGRESSION = {"features": ["a"], "target": {"variable": "t", "unit": "GeV"}, "observers": ["a"], "units": {"a": "cm"}}
BINARY = {"features": ["a"], "labels": {"variable": "y", "names": ["QCD", "X"]}}
THREE = {"features": ["a"], "labels": {"variable": "y", "names": ["b", "c", "light"]}}


def analysis(tree, **more):
    return validate({**tree, **more}, "test")


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def number(value, error=0.01):
    return {"value": value, "error": error}


def histogram(*counts, edges=None):
    edges = np.linspace(0, 1, len(counts) + 1).tolist() if edges is None else edges
    return {"edges": edges, "counts": list(counts), "errors": np.sqrt(counts).tolist(), "outside": 0.0}


ROC = {"signal": [0.0, 0.5, 1.0], "background": [0.0, 0.1, 1.0]}
OTHER = {"signal": [0.0, 0.4, 1.0], "background": [0.0, 0.2, 1.0]}


def test_roc_curves_show_efficiencies_and_rejection(folder, drawn):
    per = {"mass=500": {"auc": number(0.75)}}
    metrics = {
        "train": {"auc": number(0.9)},
        "val": {"auc": number(0.86)},
        "test": {"auc": number(0.88), "baselines": {"trees": {"auc": number(0.7)}, "odd": {}}, "per_parameter": per},
    }
    curves = {
        "train": {"roc": ROC},
        "val": {"roc": ROC},
        "test": {"roc": ROC, "roc_at": {"mass=500": OTHER}, "baselines": {"trees": {"roc": OTHER}, "odd": {}}},
    }
    curves["test"]["roc"] = {**ROC, "low": [0.0, 0.05, 1.0], "high": [0.02, 0.2, 1.0]}
    results._roc(folder, metrics, curves)
    left, right = drawn.axes("roc")
    (band,) = drawn.bands(right)
    assert band["ends"] == {0.5: pytest.approx((5, 20)), 1.0: pytest.approx((1, 1))}
    assert band["colour"] == colour(1)
    assert drawn.labels(left) == ("background efficiency", "signal efficiency")
    assert drawn.labels(right) == ("signal efficiency", r"background rejection $1/\varepsilon_B$")
    names = ["train: AUC 0.900 ± 0.010", "test: AUC 0.880 ± 0.010", "trees, test: AUC 0.700 ± 0.010", "mass=500: 0.750"]
    assert drawn.legend(right) == names
    numbers = drawn.numbers["roc"]
    assert (numbers["baselines"], numbers["hypotheses"]) == ({"trees": OTHER}, {"mass=500": OTHER})
    curves_left = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in left.lines]
    ours, theirs = (ROC["background"], ROC["signal"]), (OTHER["background"], OTHER["signal"])
    assert curves_left == [ours, ours, theirs, theirs, ([0, 1], [0, 1])]
    assert drawn.lines(right)[names[1]] == ([0.5, 1.0], [10.0, 1.0])
    assert drawn.lines(right)[names[3]] == ([0.4, 1.0], [5.0, 1.0])
    assert [line.get_linestyle() for line in right.lines] == ["-", "-", "-", "--"]
    assert right.get_yscale() == "log"


SCORES = {
    "train": {"scores": {"QCD": histogram(30, 10), "X": histogram(16, 64)}},
    "test": {"scores": {"QCD": histogram(4, 0), "X": histogram(0, 16)}},
}


def test_the_part_that_counts_is_always_among_the_roc_curves(folder, drawn):
    """Also where it is the validation part; and a hypothesis without signal events has no curve."""
    empty = {"signal": [None, None], "background": [0.0, 1.0]}
    per = {"mass=500": {"auc": number(0.75)}, "mass=750": {"auc": {"value": None, "error": None}}}
    metrics = {"train": {"auc": number(0.9)}, "val": {"auc": number(0.86), "per_parameter": per}}
    curves = {"train": {"roc": ROC}, "val": {"roc": ROC, "roc_at": {"mass=500": OTHER, "mass=750": empty}}}
    results._roc(folder, metrics, curves)
    right = drawn.axes("roc")[1]
    assert drawn.legend(right) == ["train: AUC 0.900 ± 0.010", "validation: AUC 0.860 ± 0.010", "mass=500: 0.750"]
    for m, row in zip((500.0, 750.0), per.values(), strict=True):
        row["parameters"] = {"mass": m}
    results._per_parameter(folder, analysis(BINARY, parameters={"mass": {"unit": "GeV"}}), per, "val")
    (found,) = drawn.points(drawn.axes("auc-per-parameter")[0])
    assert (found["x"], found["y"]) == ([500], [0.75])


def test_scores_of_training_are_steps_and_those_of_test_events_points(folder, drawn):
    results._scores(folder, analysis(BINARY, evaluate={"threshold": 0.3}), SCORES, "test")
    axes, below = drawn.axes("scores")
    background, signal = (one for one in drawn.steps(axes) if one["label"])
    assert (background["label"], background["values"]) == ("QCD, training", [1.5, 0.5])
    assert (signal["label"], signal["values"]) == ("X, training", pytest.approx([0.4, 1.6]))
    band = next(one for one in drawn.steps(axes) if one["baseline"] not in (None, 0))
    assert np.allclose(band["values"], [(30 + 30**0.5) / 20, (10 + 10**0.5) / 20])
    assert np.allclose(band["baseline"], [(30 - 30**0.5) / 20, (10 - 10**0.5) / 20])
    first, second = drawn.points(axes)
    assert (first["label"], first["x"], first["y"]) == ("QCD, test", [0.25], [2])
    assert (second["label"], second["x"], second["y"]) == ("X, test", [0.75], [2])
    assert np.allclose(first["high"], [[1, 3]])
    assert np.allclose(second["high"], [[1.5, 2.5]])
    assert [line.get_xdata() for line in axes.lines if line.get_linestyle() == ":"] == [[0.3, 0.3]]
    assert drawn.labels(axes) == ("", "events, normalised to unit area")
    assert axes.get_yscale() == "log"
    assert drawn.labels(below) == ("score", "test / training")
    quotients = [(one["x"], one["y"], one["high"]) for one in drawn.points(below)]
    # 2 / 1.5 with the relative errors 1/2 and 1/√30, and 2 / 1.6.
    errors = [4 / 3 * (1 / 4 + 1 / 30) ** 0.5, 1.25 * (1 / 16 + 1 / SCORES["train"]["scores"]["X"]["counts"][1]) ** 0.5]
    assert [quotient[:2] for quotient in quotients] == [([0.25], pytest.approx([4 / 3])), ([0.75], pytest.approx([1.25]))]
    assert np.allclose([bar[0][1] - bar[0][0] for _, _, bar in quotients], np.multiply(2, errors))
    assert sorted(drawn.legend(axes)) == ["QCD, test", "QCD, training", "X, test", "X, training"]


def test_with_folds_single_networks_are_compared_with_single_networks(folder, drawn):
    curves = {"train": SCORES["train"], "folds": SCORES["test"], "test": SCORES["train"]}
    results._scores(folder, analysis(BINARY), curves, "test")
    axes, below = drawn.axes("scores")
    assert below.get_ylabel() == "out-of-fold\n/ training"
    assert [(one["label"], one["y"]) for one in drawn.points(axes)] == [("QCD, out-of-fold", [2]), ("X, out-of-fold", [2])]


def test_the_area_at_each_hypothesis_stands_at_its_parameter(folder, drawn):
    settings = analysis(BINARY, parameters={"mass": {"unit": "GeV"}})
    rows = {f"mass={m}": {"parameters": {"mass": m}, "auc": number(a, 0.02)} for m, a in ((500.0, 0.8), (750.0, 0.9))}
    results._per_parameter(folder, settings, rows, "test")
    (axes,) = drawn.axes("auc-per-parameter")
    (found,) = drawn.points(axes)
    assert (found["x"], found["y"]) == ([500, 750], [0.8, 0.9])
    assert np.allclose(found["high"], [[0.78, 0.82], [0.88, 0.92]])
    assert drawn.texts(axes) == ["0.800", "0.900"]
    assert drawn.labels(axes) == ("mass [GeV]", "test AUC")


def test_calibration_is_a_share_with_its_interval_against_the_score(folder, drawn):
    tree = {"score": [0.1, 0.9], "share": [0.2, 0.8], "low": [0.15, 0.7], "high": [0.3, 0.85]}
    picture = results._calibration(folder, analysis(BINARY), {"test": {"calibration": tree}}, "test")
    assert "class weights" not in picture.caption
    (axes,) = drawn.axes("calibration")
    (found,) = drawn.points(axes)
    assert (found["x"], found["y"]) == ([0.1, 0.9], [0.2, 0.8])
    assert np.allclose(found["high"], [[0.15, 0.3], [0.7, 0.85]])
    assert axes.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
    assert drawn.labels(axes) == ("mean score in bin", "share of signal")


BALANCED = [
    ({"prepare": {"class_weights": "balanced"}}, "prepare.class_weights"),
    ({"prepare": {"resample": "up"}}, "prepare.resample"),
    ({"train": {"balance": ["class"]}}, "train.balance"),
]


@pytest.mark.parametrize(("more", "key"), BALANCED, ids=[key for _, key in BALANCED])
def test_where_classes_are_balanced_calibration_says_why_it_is_off(folder, drawn, more, key):
    settings = analysis(BINARY, **more)
    tree = {"score": [0.1], "share": [0.2], "low": [0.15], "high": [0.3]}
    caption = results._calibration(folder, settings, {"test": {"calibration": tree}}, "test").caption
    (table,) = results.tables({"test": {"calibration_error": number(0.3)}}, settings)
    for text in (caption, table.note):
        assert f"`{key}` changes the prior" in text
        assert "evaluate.recalibrate" in text
    corrected = analysis(BINARY, evaluate={"recalibrate": "isotonic"}, **more)
    assert "`probability`" in results.tables({"test": {}}, corrected)[0].note


@pytest.mark.parametrize("policy", ["keep", "abs", "drop"])
def test_events_of_negative_weight_that_were_left_out_change_the_prior(folder, drawn, policy):
    settings = analysis(BINARY, train={"negative_weights": policy})
    tree = {"score": [0.1], "share": [0.2], "low": [0.15], "high": [0.3]}
    for share, said in ((0.1, policy != "keep"), (None, False)):
        metrics = {"test": {"auc": number(0.8), **({"negative_weights": {"share": share}} if share else {})}}
        curves = {"test": {"calibration": tree}}
        caption = results._calibration(folder, settings, curves, "test", results.has_negative(metrics)).caption
        for text in (caption, results.tables(metrics, settings)[0].note):
            assert ("`train.negative_weights` changes the prior" in text) == said


def test_each_output_has_a_panel_with_every_true_class(folder, drawn):
    settings = analysis(THREE)
    tree = {
        output: {name: histogram(3.0 * i, 1.0 * j, 1.0, 0.0) for j, name in enumerate(settings.classes, start=1)}
        for i, output in enumerate(settings.classes)
    }
    results._class_scores(folder, settings, {"test": {"scores": tree}}, "test")
    panels = drawn.axes("class-scores")
    assert [panel.get_xlabel() for panel in panels] == [f"probability of {name}" for name in settings.classes]
    for i, panel in enumerate(panels):
        found = {one["label"]: one["values"] for one in drawn.steps(panel) if one["label"]}
        assert list(found) == list(settings.classes)
        for j, values in enumerate(found.values(), start=1):
            assert values == pytest.approx([4 * x / (3 * i + j + 1) for x in (3 * i, j, 1, 0)])
    (legend,) = drawn["class-scores"].legends
    assert [text.get_text() for text in legend.get_texts()] == list(settings.classes)
    assert legend.get_title().get_text() == "true class"
    assert drawn["class-scores"].get_supylabel() == "events, unit area"


def test_outputs_of_several_classes_have_their_ratio_to_the_training_below(folder, drawn):
    settings = analysis(THREE)

    def tree(factor):
        rows = {name: histogram(100.0, 200.0 * factor, 100.0, 0.0) for name in settings.classes}
        return {"scores": dict.fromkeys(settings.classes, rows)}

    picture = results._class_scores(folder, settings, {"train": tree(1), "test": tree(2)}, "test")
    panels = drawn.axes("class-scores")
    lower = [panel for panel in panels if panel.get_ylabel() == "test\n/ training"]
    assert [panel.get_xlabel() for panel in lower] == [f"probability of {name}" for name in settings.classes]
    for panel in lower:
        ratios = [line.get_ydata() for line in panel.lines if len(line.get_ydata()) == 3]
        assert len(ratios) == len(settings.classes)
        for values in ratios:
            assert values == pytest.approx([4 / 6, 4 / 3, 4 / 6])
    assert "a deviation is overtraining" in picture.caption


def test_a_class_without_a_positive_sum_of_weights_has_no_shares(folder, drawn):
    results._confusion(folder, {"counts": [[-3e4, 10.0], [0, 0]], "classes": ["QCD", "X"]}, "test")
    texts = [text.get_text() for text in drawn.axes("confusion")[0].texts]
    assert [text.split("\n")[0] for text in texts] == ["–"] * 4


def test_cells_of_the_confusion_matrix_show_shares_of_the_true_class_and_sums_of_weights(folder, drawn):
    results._confusion(folder, {"counts": [[30.0, 10.0], [200.0, 1800.0]], "classes": ["QCD", "X"]}, "test")
    axes = drawn.axes("confusion")[0]
    places = {text.get_position(): text.get_text() for text in axes.texts}
    assert places == {
        (0, 0): "75.0 %\n30",
        (1, 0): "25.0 %\n10",
        (0, 1): "10.0 %\n200",
        (1, 1): "90.0 %\n1,800",
    }
    assert np.allclose(axes.images[0].get_array(), [[0.75, 0.25], [0.1, 0.9]])
    assert [text.get_color() for text in axes.texts] == ["white", "black", "black", "white"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["QCD", "X"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["QCD", "X"]
    assert drawn.labels(axes) == ("predicted class", "true class")


def test_the_response_has_the_truth_on_the_horizontal_axis(folder, drawn):
    tree = {"edges": [0.0, 1.0, 2.0], "counts": [[5.0, 1.0], [0.0, 3.0]], "events_outside": 1200}
    picture = results._response(folder, analysis(REGRESSION), tree, "test")
    axes = drawn.axes("response")[0]
    (image,) = axes.images
    cells = image.get_array()  # [prediction, truth]
    assert np.ma.filled(cells, -1).tolist() == [[5, -1], [1, 3]]
    assert (tuple(image.get_extent()), image.origin) == ((0, 2, 0, 2), "lower")
    assert axes.lines[0].get_xydata().tolist() == [[0, 0], [2, 2]]
    assert drawn.labels(axes) == ("t [GeV]", "prediction of t [GeV]")
    assert picture.caption.endswith("1,200 events lie outside.")


def test_residuals_have_unit_area_and_tell_their_width(folder, drawn):
    edges = [-1.0, 0.0, 1.0]
    curves = {part: {"residual": histogram(*n, edges=edges)} for part, n in {"train": (3, 1), "test": (4, 12)}.items()}
    metrics = {part: {"rmse": number(0.5), "width_68": number(0.25)} for part in curves}
    results._residual(folder, analysis(REGRESSION), metrics, curves, "test")
    axes, below = drawn.axes("residual")
    (outline,) = (one for one in drawn.steps(axes) if one["label"])
    assert outline["label"] == "train: RMSE 0.500 ± 0.010, 68 % ± 0.2500"
    assert (outline["values"], outline["edges"]) == ([0.75, 0.25], edges)
    (found,) = drawn.points(axes)
    assert found["label"] == "test: RMSE 0.500 ± 0.010, 68 % ± 0.2500"
    assert (found["x"], found["y"]) == ([-0.5, 0.5], [0.25, 0.75])
    assert np.allclose(found["high"], [[0.125, 0.375], [0.75 - 12**0.5 / 16, 0.75 + 12**0.5 / 16]])
    assert axes.get_ylabel() == "events, normalised to unit area"
    assert drawn.labels(below) == ("predicted − true [GeV]", "ratio to training")
    assert [one["y"] for one in drawn.points(below)] == [pytest.approx([1 / 3, 3])]
    assert axes.get_yscale() == "log"


def test_residuals_out_of_fold_are_drawn_once(folder, drawn):
    curves = {part: {"residual": histogram(3, 1)} for part in ("train", "folds")}
    metrics = {part: {"rmse": number(0.5), "width_68": number(0.25)} for part in curves}
    results._residual(folder, analysis(REGRESSION), metrics, curves, "folds")
    axes, below = drawn.axes("residual")
    assert [one["y"] for one in drawn.points(below)] == [[1, 1]]
    assert [text.split(":")[0] for text in drawn.legend(axes)] == ["train", "out-of-fold"]


NOTHING = {"value": None, "error": None}


class TestAgainst:
    """Metrics in bins of an observer."""

    def test_metrics_stand_in_their_bins_with_errors_and_leave_gaps(self, folder, drawn):
        rows = [
            {"low": 0.0, "high": 2.0, "rmse": number(0.1), "width_68": number(0.2, 0.02), "bias": number(-0.1)},
            {"low": 2.0, "high": 6.0, "rmse": number(0.3, None), "width_68": NOTHING, "bias": NOTHING},
        ]
        results._against(folder, analysis(REGRESSION), "a", rows, "test")
        (axes,) = drawn.axes("against-a")
        rmse, width, bias = drawn.points(axes)
        assert [one["label"] for one in (rmse, width, bias)] == ["RMSE", "half width of 68 %", "bias"]
        assert (rmse["x"], rmse["y"]) == ([1, 4], [0.1, 0.3])
        assert rmse["wide"] == [[0, 2], [2, 6]]
        assert np.allclose(rmse["high"], [[0.09, 0.11], [0.3, 0.3]])
        assert width["y"][0] == 0.2
        assert np.isnan(width["y"][1])
        assert drawn.labels(axes) == ("a [cm]", "test [GeV]")
        assert drawn.legend(axes) == ["RMSE", "half width of 68 %", "bias"]

    def test_bins_over_decades_get_a_logarithmic_axis_and_the_last_one_an_end(self, folder, drawn):
        rows = [
            {"low": 1.0, "high": 100.0, "auc": number(0.8), "accuracy": number(0.7)},
            {"low": 100.0, "high": None, "auc": number(0.9), "accuracy": number(0.6)},
        ]
        results._against(folder, analysis(BINARY), "a", rows, "val")
        (axes,) = drawn.axes("against-a")
        area, accuracy = drawn.points(axes)
        assert axes.get_xscale() == "log"
        assert area["x"] == pytest.approx([10, 20000**0.5])
        assert np.allclose(area["wide"], [[1, 100], [100, 200]])
        assert (accuracy["label"], accuracy["y"]) == ("accuracy", [0.7, 0.6])
        assert drawn.labels(axes) == ("a", "validation")

    def test_every_metric_in_bins_is_drawn_in_the_panel_of_its_unit(self, folder, drawn):
        row = {"low": 0.0, "high": 2.0, "events": 9}
        row |= {name: number(0.1) for name in ("rmse", "mae", "r_squared", "rmse_of_constant", "of-a-lost-plug-in")}
        results._against(folder, analysis(REGRESSION), "a", [row], "test")
        with_unit, without = drawn.axes("against-a")
        assert drawn.legend(with_unit) == ["RMSE", "MAE"]
        assert drawn.legend(without) == ["R²", "of-a-lost-plug-in"]
        assert [drawn.labels(axes)[1] for axes in (with_unit, without)] == ["test [GeV]", "test"]

    def test_a_single_metric_names_the_axis(self, folder, drawn):
        results._against(folder, analysis(THREE), "a", [{"low": 0.0, "high": 2.0, "accuracy": number(0.7)}], "test")
        assert drawn.labels(drawn.axes("against-a")[0]) == ("a", "test accuracy")


def test_two_classes_have_these_figures_and_in_this_order(folder, drawn):
    one = {"auc": number(0.9), "confusion": {"counts": [[1, 1], [1, 1]], "classes": ["QCD", "X"]}}
    one["against"] = {"a_b": [{"low": 0.0, "high": 1.0, "auc": number(0.8)}]}
    calibration = {key: [0.5] for key in ("score", "share", "low", "high")}
    curve = {"roc": ROC, "roc_at": {}, "calibration": calibration, **SCORES["train"]}
    pictures = results.figures(folder, analysis(BINARY), {"test": one}, {"test": curve})
    assert [picture.name for picture in pictures] == ["roc", "scores", "calibration", "confusion", "against-a-b"]
    assert list(drawn) == ["roc", "scores", "calibration", "confusion", "against-a-b"]
    assert to_hex(drawn.axes("against-a-b")[0].lines[0].get_color()) == colour(0)


METRICS = {
    "train": {"rmse": number(0.2), "r_squared": number(0.5), "trigger_rate": NOTHING},
    "test": {"rmse": number(0.3), "r_squared": number(0.4), "trigger_rate": number(0.1), "mae": number(0.1), "against": {}},
}


class TestTables:
    """Of the metrics, with units."""

    def test_only_what_has_the_unit_of_the_target_shows_it(self):
        (table,) = results.tables(METRICS, analysis(REGRESSION))
        assert [row[0] for row in table.rows] == ["rmse [GeV]", "r_squared", "trigger_rate", "mae [GeV]"]

    def test_values_stand_with_errors_part_by_part(self):
        (table,) = results.tables(METRICS, analysis(REGRESSION), {"train": (5, 10)})
        assert table.header == ["metric", "train (sample)", "test", "meaning"]
        assert table.rows[0] == ["rmse [GeV]", "0.200 ± 0.010", "0.300 ± 0.010", "root mean squared error"]
        assert table.rows[2][1:3] == ["–", "0.100 ± 0.010"]
        assert table.rows[3][1] == "–"

    def test_a_metric_that_nobody_knows_any_more_is_still_shown(self):
        (table,) = results.tables({"test": {"of_a_package": number(0.5)}}, analysis(REGRESSION))
        assert table.rows == [["of_a_package", "0.500 ± 0.010", ""]]

    def test_the_headline_has_the_metrics_of_the_task_that_the_run_has(self):
        assert results.headline_names(METRICS, analysis(REGRESSION)) == ["rmse", "mae"]

    def test_columns_of_folds_carry_their_units(self):
        columns = results.fold_columns(analysis(REGRESSION))
        assert columns == {"rmse": "rmse [GeV]", "width_68": "width_68 [GeV]", "bias": "bias [GeV]"}
        assert list(results.fold_columns(analysis(BINARY)).values()) == ["auc", "accuracy"]

    def test_parts_of_which_a_sample_was_evaluated(self):
        metadata = {"events": {"train": 100, "val": 10}, "evaluated": {"train": 50, "val": 10}}
        assert results.sampled_parts(metadata) == {"train": (50, 100)}
        assert results.sampled_parts({}) == {}


@pytest.mark.parametrize(("total", "expected"), [(None, "trigger_rate"), (500, "trigger_rate [kHz]")])
def test_the_rate_of_a_trigger_has_a_unit_where_a_total_is_given(total, expected):
    trigger = {"pt": "pt", "eta": None, "total_rate": total}
    settings = analysis({"features": ["a"], "target": "t", "observers": ["pt"]}, evaluate={"trigger": trigger})
    (table,) = results.tables({"test": {"trigger_rate": number(0.3)}}, settings)
    assert table.rows[0][:2] == [expected, "0.300 ± 0.010"]


def test_bins_that_are_open_on_one_side_are_drawn_and_said(folder, drawn):
    # ±∞ is null in JSON.
    edges = [(None, -1.0), (-1.0, 1.0), (1.0, None)]
    rows = [{"low": low, "high": high, "rmse": number(0.2 + i)} for i, (low, high) in enumerate(edges)]
    picture = results._against(folder, analysis(REGRESSION), "a", rows, "test")
    (axes,) = drawn.axes("against-a")
    (points,) = drawn.points(axes)
    np.testing.assert_allclose(points["x"], [-2, 0, 2])
    np.testing.assert_allclose(points["y"], [0.2, 1.2, 2.2])
    assert "open on one side is drawn as wide as the others" in picture.caption


def test_a_metric_that_no_bin_defines_is_not_in_the_legend(folder, drawn):
    rows = [{"low": low, "high": low + 1.0, "auc": NOTHING, "accuracy": number(0.7)} for low in (0.0, 1.0)]
    results._against(folder, analysis(BINARY), "a", rows, "test")
    (axes,) = drawn.axes("against-a")
    assert drawn.legend(axes) == ["accuracy"]
