"""Learning curves: what is drawn against the epoch, and which epoch is marked."""

import json

import pytest

from fivesigma.analysis.file import validate
from fivesigma.reporting import learning
from fivesigma.reporting.style import colour
from fivesigma.runs.folder import RunFolder

REGRESSION = {"features": ["a"], "target": {"variable": "t", "unit": "GeV"}}
BINARY = {"features": ["a"], "labels": {"variable": "y", "names": ["QCD", "X"]}}


def analysis(tree, **more):
    return validate({**tree, **more}, "test")


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


class TestLearningCurves:
    """Values against the epoch, and the epoch that is kept."""

    @staticmethod
    def history(second, **columns):
        """The loss rises on validation events, so that the first epoch is its best one."""
        rows = []
        for i in range(3):
            row = {"epoch": i + 1, "loss": 0.5 - 0.1 * i, second: 0.6 + 0.1 * i, "learning_rate": 0.1, "seconds": 1.0}
            row |= {"val_loss": 0.4 + 0.1 * i, f"val_{second}": 0.5 + 0.1 * i}
            rows.append(row | {name: values[i] for name, values in columns.items()})
        return rows

    @staticmethod
    def kept(drawn):
        return {panel.get_ylabel(): drawn.lines(panel)["kept epoch"][0] for panel in drawn.axes("learning-curves")}

    @pytest.mark.parametrize(
        ("tree", "monitor", "best"),
        [
            (BINARY, "loss", "lowest"),
            (BINARY, "log_loss", "lowest"),
            (BINARY, "auc", "highest"),
            (BINARY, "accuracy", "highest"),
            (REGRESSION, "loss", "lowest"),
            (REGRESSION, "rmse", "lowest"),
            (REGRESSION, "mae", "lowest"),
            (REGRESSION, "width_68", "lowest"),
            (REGRESSION, "r_squared", "highest"),
        ],
    )
    def test_the_kept_epoch_is_the_best_one_of_what_is_monitored(self, folder, drawn, tree, monitor, best):
        """The lowest value is in the second epoch, the highest in the third, and the loss is best in the first."""
        rows = self.history("rmse" if tree is REGRESSION else "accuracy", **{f"val_{monitor}": [0.5, 0.3, 0.7]})
        learning.learning_curves(folder, rows, analysis(tree, train={"monitor": monitor}))
        epoch = {"lowest": 2, "highest": 3}[best]
        assert set(map(tuple, self.kept(drawn).values())) == {(epoch, epoch)}

    def test_without_validation_events_the_training_loss_decides(self, folder, drawn):
        rows = [{"epoch": i + 1, "loss": loss, "accuracy": 0.5} for i, loss in enumerate([0.5, 0.3, 0.4])]
        learning.learning_curves(folder, rows, analysis(BINARY, train={"monitor": "auc"}))
        assert self.kept(drawn) == {"loss": [2, 2], "accuracy": [2, 2]}
        assert "validation" not in drawn.lines(drawn.axes("learning-curves")[0])

    def test_no_epoch_is_marked_if_the_last_one_is_kept(self, folder, drawn):
        learning.learning_curves(folder, self.history("accuracy"), analysis(BINARY, train={"keep": "last"}))
        assert all(drawn.legend(panel) == ["training", "validation"] for panel in drawn.axes("learning-curves"))

    def test_training_and_validation_are_drawn_with_name_and_unit(self, folder, drawn):
        rows = self.history("rmse", val_width_68=[0.3, 0.2, 0.25])
        learning.learning_curves(folder, rows, analysis(REGRESSION, train={"monitor": "width_68"}))
        loss, rmse, width = drawn.axes("learning-curves")
        assert drawn.labels(loss) == ("epoch", "loss")
        assert drawn.labels(rmse) == ("epoch", "RMSE [GeV]")
        assert drawn.labels(width) == ("epoch", "half width of 68 % [GeV]")
        assert drawn.lines(rmse)["training"] == ([1, 2, 3], pytest.approx([0.6, 0.7, 0.8]))
        assert drawn.lines(rmse)["validation"] == ([1, 2, 3], pytest.approx([0.5, 0.6, 0.7]))
        assert drawn.lines(loss)["validation"][1] == pytest.approx([0.4, 0.5, 0.6])
        assert list(drawn.lines(width)) == ["validation", "kept epoch"]
        assert drawn.legend(rmse) == ["training", "validation", "kept epoch"]

    @pytest.mark.parametrize(("last", "scale"), [(0.21, "linear"), (0.1, "log")])
    def test_values_over_a_wide_range_get_a_logarithmic_axis(self, folder, drawn, last, scale):
        rows = [{"epoch": i, "loss": loss, "accuracy": 0.5} for i, loss in ((1, 0.6), (2, last))]
        learning.learning_curves(folder, rows, analysis(BINARY))
        assert [panel.get_yscale() for panel in drawn.axes("learning-curves")] == [scale, "linear"]

    def test_one_epoch_makes_a_learning_curve(self, folder, drawn):
        rows = [{"epoch": 1, "loss": 0.5, "rmse": 1.0, "learning_rate": 0.1, "seconds": 1.0}]
        learning.learning_curves(folder, rows, analysis(REGRESSION))
        assert drawn.lines(drawn.axes("learning-curves")[1])["training"] == ([1], [1])
        for panel in drawn.axes("learning-curves"):
            low, high = panel.get_xlim()
            assert [tick for tick in panel.get_xticks() if low <= tick <= high] == [1]

    def test_folds_have_a_colour_each_and_training_is_dashed(self, folder, drawn):
        histories = {1: self.history("accuracy"), 2: self.history("accuracy", val_loss=[0.9, 0.8, 0.7])}
        learning.fold_curves(folder, histories, analysis(BINARY, split={"folds": 2}))
        loss, accuracy = drawn.axes("learning-curves")
        assert [(line.get_linestyle(), line.get_color()) for line in loss.lines] == [
            ("--", colour(0)),
            ("-", colour(0)),
            ("--", colour(1)),
            ("-", colour(1)),
        ]
        assert drawn.lines(loss)["fold 2"] == ([1, 2, 3], [0.9, 0.8, 0.7])
        assert loss.lines[2].get_ydata() == pytest.approx([0.5, 0.4, 0.3])
        assert drawn.labels(accuracy) == ("epoch", "accuracy")
        assert drawn.legend(loss) == ["fold 1", "fold 2"]

    def test_a_run_draws_its_own_history_or_those_of_its_trained_folds(self, tmp_path, drawn):
        settings = analysis(BINARY, split={"folds": 3})
        run = RunFolder.create(tmp_path, settings, "test")
        assert list(learning.figures(run, settings)) == []
        lines = "".join(json.dumps(row) + "\n" for row in self.history("accuracy"))
        for number in (1, 3):
            run.fold(number).path.mkdir(parents=True)
            run.fold(number).write_text("history.jsonl", lines)
        assert [picture.name for picture in learning.figures(run, settings)] == ["learning-curves"]
        assert drawn.legend(drawn.axes("learning-curves")[0]) == ["fold 1", "fold 3"]
        run.write_text("history.jsonl", lines)
        assert len(list(learning.figures(run, settings))) == 1
        assert drawn.legend(drawn.axes("learning-curves")[0]) == ["training", "validation", "kept epoch"]
