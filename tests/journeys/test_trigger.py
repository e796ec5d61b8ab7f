"""A momentum in a trigger, and models beside the network: from the command line to the page."""

import json
from pathlib import Path

import numpy as np
import pytest

import fivesigma as fs
from fivesigma import extras
from fivesigma.assessment.comparison import _beyond_scale
from fivesigma.errors import AnalysisError
from fivesigma.runs.run import Run

TABLE = {"kind": "lookup_table", "address": {"x0": 4, "x1": 4}, "min_events": 1}
TREES = {"kind": "boosted_trees", "rounds": 30, "leaves": 8}
MOMENTUM = {
    "name": "momentum",
    "features": ["b0", "b1", "b2"],
    "new_variables": {"pt": "abs(1 / curvature)", "step": "b0 - b2"},
    "target": {"variable": "curvature", "unit": "1/GeV", "scale": 10},
    "observers": ["pt", "eta"],
    "split": {"test": 0.25, "val": 0.3},
    "model": {"layers": [32]},
    "train": {"epochs": 8, "batch_size": 128, "learning_rate": 0.01, "loss": "log_cosh"},
    "evaluate": {
        "trigger": {"pt": "pt", "eta": "eta", "thresholds": [5, 10], "threshold": 10, "eta_bins": [1.2, 1.8, 2.4]},
        "bootstrap": 20,
        "importance": 0,
    },
    "baselines": {"table": {"kind": "lookup_table", "address": {"step": 6, "b1": 3}, "min_events": 1}, "trees": TREES},
}


def write_muons(path, n=8000, seed=1):
    """Three chambers that see a bend proportional to q/pT, of which one hit in ten is lost."""
    generator = np.random.default_rng(seed)
    curvature = generator.uniform(1 / 2000, 1 / 3, n) * generator.choice([-1, 1], n)
    planes = curvature[:, None] * np.array([1.0, 0.4, -0.5]) + 0.01 * generator.normal(size=(n, 3))
    planes[generator.uniform(size=(n, 3)) < 0.03] = np.nan
    columns = np.column_stack([np.arange(n) + 10_000 * seed, planes, curvature, generator.uniform(1.2, 2.4, n)])
    np.savez(path, **dict(zip(["event_number", "b0", "b1", "b2", "curvature", "eta"], columns.T, strict=True)))
    return path


@pytest.fixture(scope="module")
def muons(tmp_path_factory):
    return write_muons(tmp_path_factory.mktemp("muons") / "muons.npz")


@pytest.fixture(scope="module")
def momentum(muons, tmp_path_factory):
    """A run of the regression, with its report."""
    run = fs.evaluate(fs.train(MOMENTUM, data={"train": str(muons)}, output=tmp_path_factory.mktemp("runs")))
    fs.report(run)
    return run


def test_metrics_hold_the_trigger_of_network_and_baselines(momentum):
    test = momentum.metrics["test"]
    trigger = test["trigger"]
    assert list(trigger["thresholds"]) == ["5", "10"]
    assert test["trigger_rate"] == trigger["thresholds"]["10"]["rate"]
    assert trigger["thresholds"]["10"]["efficiency"]["value"] == pytest.approx(0.9, abs=0.1)
    assert trigger["thresholds"]["5"]["plateau"]["value"] > 0.95
    assert 0 < trigger["wrong_charge"]["value"] < 0.2
    for name in ("table", "trees"):
        other = test["baselines"][name]
        assert other["rmse"]["value"] < 0.5 * other["rmse_of_constant"]["value"]
        ratio, ours = other["trigger"]["rate_reduction"], trigger["thresholds"]["10"]["rate"]["value"]
        assert ratio["value"] == pytest.approx(other["trigger"]["rate"]["value"] / ours)
        assert 0 < ratio["error"] < 1
    assert "trigger" not in momentum.metrics["val"]


def test_a_threshold_beyond_the_muons_of_the_scale_is_said(momentum):
    assert not any("extrapolated" in each for each in momentum.folder.read_json("verdicts.json"))
    nodes = momentum.folder.read_json("curves.json")["test"]["trigger"]["scale"]["pt"]
    settings = momentum.analysis.evaluate.trigger
    assert _beyond_scale(nodes, settings) == ""
    far = settings.model_copy(update={"thresholds": [5.0, 1e4]})
    assert "at 10000 GeV the scale is extrapolated" in _beyond_scale(nodes, far)
    assert "at 5 GeV the scale is extrapolated" in _beyond_scale([6.0, 80.0], settings)


def test_the_rate_can_be_counted_from_the_predictions(momentum):
    """An independent count: the cut is read off the scale, and muons are weighted by hand."""
    columns = momentum.predictions("test")
    scale = momentum.folder.read_json("curves.json")["test"]["trigger"]["scale"]
    cut = np.exp(np.interp(np.log(10), np.log(scale["pt"]), np.log(scale["cut"])))
    weight = columns["pt"].astype(float) ** -1.5
    rate = weight[1 / np.abs(columns["prediction"].astype(float)) >= cut].sum() / weight.sum()
    assert momentum.metrics["test"]["trigger_rate"]["value"] == pytest.approx(rate, rel=1e-6)


def test_predictions_hold_what_every_model_says(momentum):
    columns = momentum.predictions("test")
    for name in ("table", "trees"):
        error = columns[f"prediction_{name}"] - columns["target"]
        expected = momentum.metrics["test"]["baselines"][name]["rmse"]["value"]
        assert np.sqrt((error.astype(float) ** 2).mean()) == pytest.approx(expected, rel=1e-6)


def test_the_table_was_filled_from_training_events_alone(momentum, muons):
    """The table, made again from the training events of the split, answers the same."""
    from fivesigma.baselines.base import Learning
    from fivesigma.baselines.lookup_table import LOOKUP_TABLE
    from fivesigma.progress import Listener
    from fivesigma.runs.source import load_source

    analysis = momentum.analysis
    own = analysis.model_copy(update={"features": ["step", "b1"]})
    parts = load_source(own, Listener()).parts
    again = LOOKUP_TABLE.fit(analysis.baselines["table"], Learning(own, {"train": parts["train"]}))
    kept = LOOKUP_TABLE.load(momentum.folder.__class__(momentum.path / "baselines" / "table"))
    np.testing.assert_array_equal(kept.score(parts["test"].features), again.score(parts["test"].features))


def test_figures_and_tables_are_in_the_report(momentum):
    page = momentum.report.read_text()
    for words in ("Trigger at 10 GeV (test)", "rate / network's", "Rate against threshold (test)", "Charge misassignment"):
        assert words in page
    for name in ("turn-on", "turn-on-models", "trigger-rate", "efficiency-eta", "resolution-pt", "wrong-charge"):
        assert (momentum.path / "plots" / f"{name}.png").is_file()


def test_nothing_of_the_run_is_pickled(momentum):
    kept = {path.name for path in (momentum.path / "baselines").rglob("*") if path.is_file()}
    assert kept == {"baseline.json", "table.npz", "trees.txt"}
    with np.load(momentum.path / "baselines" / "table" / "table.npz", allow_pickle=False) as arrays:
        assert "0/answers" in arrays


def test_an_evaluation_again_finds_the_same(momentum):
    before = momentum.metrics
    assert fs.evaluate(momentum).metrics == before


def test_classes_of_momentum_are_judged_by_the_same_curves(muons, tmp_path):
    """Beside the regression of q/pT as another network, which must be better between the edges."""
    regression = {key: MOMENTUM[key] for key in ("features", "new_variables", "target", "model", "train")}
    (tmp_path / "regression.yaml").write_text(json.dumps(regression))
    analysis = {
        **{key: value for key, value in MOMENTUM.items() if key != "target"},
        "labels": {"variable": "pt", "edges": [0, 6, 20, float("inf")]},
        "train": {**MOMENTUM["train"], "loss": "cross_entropy"},
        "baselines": {
            "table": {"kind": "lookup_table", "address": {"step": 6, "b1": 3}, "min_events": 1},
            "regression": {
                "kind": "network",
                "analysis": str(tmp_path / "regression.yaml"),
                "settings": {"train.epochs": 6},
            },
        },
    }
    run = fs.evaluate(fs.train(analysis, data={"train": str(muons)}, output=tmp_path))
    test = run.metrics["test"]
    assert "wrong_charge" not in test["trigger"]
    assert test["trigger"]["thresholds"]["10"]["efficiency"]["value"] == pytest.approx(0.9, abs=0.1)
    assert "rmse" in test["baselines"]["regression"]
    assert "wrong_charge" in test["baselines"]["regression"]["trigger"]
    assert "accuracy" in test["baselines"]["table"]
    # The same events in the same parts, whatever each model was trained to say of them.
    columns = run.predictions("test")
    assert np.median(np.abs(columns["pt"] * np.abs(columns["prediction_regression"]) - 1)) < 0.2
    assert (run.path / "baselines" / "regression" / "model.keras").is_file()


def test_with_folds_every_model_is_judged_out_of_fold(muons, tmp_path):
    settings = {"split.folds": 2, "train.epochs": 3, "baselines.trees.rounds": 10}
    run = fs.evaluate(fs.train(MOMENTUM, settings, {"train": str(muons)}, tmp_path, workers=1))
    trigger = run.metrics["folds"]["trigger"]
    assert trigger["thresholds"]["10"]["efficiency"]["value"] == pytest.approx(0.9, abs=0.07)
    kept = {str(path.parent.relative_to(run.path)) for path in run.path.rglob("baseline.json")}
    assert kept == {f"baselines/{name}/folds/fold-{n}" for name in ("table", "trees") for n in (1, 2)}
    columns = run.predictions("folds")
    # A table that had seen the event would be far better than one that has not: few muons share an address.
    seen = run.metrics["folds"]["baselines"]["table"]["rmse"]["value"]
    assert np.sqrt(np.mean((columns["prediction_table"] - columns["target"]) ** 2)) == pytest.approx(seen, rel=1e-5)


def test_two_classes_get_baselines_beside_the_network(toy, command):
    settings = [f"baselines.table={json.dumps(TABLE)}", f"baselines.trees={json.dumps(TREES)}"]
    code, out, err = command("train", "toy.yaml", *(word for text in settings for word in ("--set", text)))
    assert code == 0, err
    code, out, err = command("evaluate", out.splitlines()[-1])
    assert code == 0, err
    assert "The network and its baselines (test)" in out
    run = Run(Path(out.splitlines()[-1]))
    columns, rows = run.predictions("test"), run.metrics["test"]["baselines"]
    from sklearn.metrics import roc_auc_score

    for name in ("table", "trees"):
        expected = roc_auc_score(columns["target"], columns[f"score_{name}"], sample_weight=columns["weight"])
        assert rows[name]["auc"]["value"] == pytest.approx(expected, abs=1e-6)
        assert rows[name]["auc"]["value"] > 0.7


def test_without_the_library_a_run_goes_on_and_says_so(toy, command, monkeypatch):
    real = extras.importlib.import_module

    def absent(name):
        if name == "lightgbm":
            raise ImportError("No module named 'lightgbm'")
        return real(name)

    monkeypatch.setattr(extras.importlib, "import_module", absent)
    setting = [f"baselines.trees={json.dumps(TREES)}", f"baselines.table={json.dumps(TABLE)}"]
    code, out, err = command("train", "toy.yaml", "--set", setting[0], "--set", setting[1])
    assert code == 0, err
    assert "baseline trees is left out" in out
    assert "pip install 'fivesigma[trees]'" in out
    code, out, err = command("evaluate", out.splitlines()[-1])
    assert code == 0, err
    assert list(Run(Path(out.splitlines()[-1])).metrics["test"]["baselines"]) == ["table"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"evaluate.trigger.pt": "ptt"}, r"evaluate.trigger.pt: 'ptt' is not among the `observers`; did you mean 'pt'"),
        ({"evaluate.trigger.eta": "phi"}, "evaluate.trigger.eta: 'phi' is not among"),
        ({"evaluate.trigger.thresholds": [10, 5]}, "`thresholds` must increase"),
        ({"baselines.trees.leavs": 4}, "baselines.trees: unknown key 'leavs'; did you mean 'leaves'"),
        ({"baselines.x y": TREES}, "cannot be a name"),
        ({"baselines.network": TREES}, "cannot be a name"),
        ({"baselines.other": {"kind": "network", "analysis": "hepmas"}}, "baselines.other: no analysis 'hepmas'"),
        ({"baselines.table.address": {"stop": 4}}, "no column 'stop'"),
        ({"baselines.table.address": {"curvature": 4}}, "'curvature', which knows the answer"),
        ({"evaluate.trigger.thresholds": [5, 9000], "evaluate.trigger.threshold": 5}, "9000 GeV is outside the muons"),
        ({"evaluate.trigger.predicts": "pt"}, "does not agree with the true momentum 'pt'"),
        ({"evaluate.trigger.pt": "eta"}, "does not agree with the true momentum 'eta'"),
    ],
)
def test_what_cannot_be_is_one_sentence(settings, words, muons, tmp_path):
    with pytest.raises(fs.FivesigmaError, match=words):
        fs.evaluate(fs.train(MOMENTUM, {"train.epochs": 1, **settings}, {"train": str(muons)}, tmp_path))


def test_a_baseline_can_be_taken_out(muons):
    assert list(fs.load(MOMENTUM, {"baselines.trees": None}).baselines) == ["table"]
    assert fs.load(MOMENTUM, {"baselines": None}).baselines == {}


@pytest.mark.usefixtures("undrawn")
def test_a_table_of_classes_cannot_hold_a_quantile(toy, tmp_path):
    with pytest.raises(AnalysisError, match="holds shares, not a quantile"):
        fs.run(str(toy), {"baselines.table": {**TABLE, "fill": "quantile"}}, output=tmp_path)


def test_events_that_were_dropped_for_the_network_are_dropped_for_its_baselines(toy, tmp_path):
    """Some test events stand in the training file; the table needs a column that is read in a second pass."""
    rows = (tmp_path / "train.csv").read_text().splitlines()
    others = (tmp_path / "test.csv").read_text().splitlines()[1:]
    (tmp_path / "test.csv").write_text("\n".join([rows[0], *rows[1:400:2], *others]))
    settings = {"split.overlap": "drop", "train.epochs": 1, "baselines.table": {**TABLE, "address": {"sum": 5}}}
    run = fs.evaluate(fs.train(str(toy), settings, output=tmp_path))
    columns = run.predictions("test")
    from sklearn.metrics import roc_auc_score

    assert sum(run.folder.read_json("metadata.json")["events"].values()) == 1500 - 200 + 700
    expected = roc_auc_score(columns["target"], columns["score_table"], sample_weight=columns["weight"])
    assert run.metrics["test"]["baselines"]["table"]["auc"]["value"] == pytest.approx(expected, abs=1e-6)
    # The table of a sum of two normal columns rises with it; of other events' answers it would not.
    assert np.corrcoef(columns["sum"], columns["score_table"])[0, 1] > 0.8


def test_baselines_train_from_a_prepared_folder_with_the_columns_it_holds(toy, command, tmp_path):
    assert command("prepare", "toy.yaml", "-o", "shards")[0] == 0
    setting = ["--set", "shards=shards", "--set", "train.epochs=1", "--set", f"baselines.table={json.dumps(TABLE)}"]
    code, out, err = command("train", "toy.yaml", *setting)
    assert code == 0, err
    code, out, err = command("evaluate", out.splitlines()[-1])
    assert code == 0, err
    run = Run(Path(out.splitlines()[-1]))
    assert len(run.predictions("test")["score_table"]) == 500
    assert run.metrics["test"]["baselines"]["table"]["auc"]["value"] > 0.7
    other = f"baselines.table={json.dumps({**TABLE, 'address': {'sum': 5}})}"
    code, _, err = command("train", "toy.yaml", *setting[:4], "--set", other)
    assert code == 2
    assert "baselines.table: it needs columns that are not in the prepared folder" in err
