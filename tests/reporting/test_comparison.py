"""The tables of the network beside its baselines."""

from fivesigma.analysis.file import validate
from fivesigma.reporting import comparison

BINARY = validate({"features": ["x"], "labels": {"variable": "y", "names": ["QCD", "X"]}}, "test")
REGRESSION = validate({"features": ["x"], "target": {"variable": "t", "unit": "GeV"}}, "test")


def number(value, error=0.01):
    return {"value": value, "error": error}


def test_every_baseline_has_a_column_and_every_metric_of_a_baseline_a_row():
    trees = {"auc": number(0.8), "trigger": {}, "log_loss": number(None)}
    metrics = {
        "train": {"auc": number(0.95)},
        "test": {"auc": number(0.9), "bias": number(0.1), "baselines": {"trees": trees, "table": {"accuracy": number(0.7)}}},
    }
    (table,) = comparison.tables(metrics, BINARY)
    assert table.title == "The network and its baselines (test)"
    assert table.header == ["metric", "network", "trees", "table"]
    assert table.rows == [
        ["auc", "0.900 ± 0.010", "0.800 ± 0.010", "–"],
        ["log_loss", "–", "–", "–"],
        ["accuracy", "–", "–", "0.700 ± 0.010"],
    ]
    assert "same events" in table.note


def test_differences_have_a_table_of_their_own_with_units_and_say_who_wins():
    gap = {"rmse": number(0.2, 0.02), "bias": number(-0.001, 0.001), "r_squared": number(None, None)}
    others = {"trees": {"rmse": number(1.2), "difference": gap}, "table": {"rmse": number(1.3)}}
    metrics = {"test": {"rmse": number(1.0), "baselines": others}}
    values, differences = comparison.tables(metrics, REGRESSION)
    assert values.rows == [["rmse [GeV]", "1.000 ± 0.010", "1.200 ± 0.010", "1.300 ± 0.010"]]
    assert differences.title == "Baseline − network, on the same events (test)"
    assert differences.header == ["metric", "trees"]
    assert differences.rows == [["rmse [GeV]", "0.200 ± 0.020"], ["bias [GeV]", "-0.0010 ± 0.0010"], ["r_squared", "–"]]
    assert "The network beats the baseline 'trees' by 0.200 ± 0.020 GeV in RMSE" in differences.note


def test_without_baselines_there_is_no_table():
    assert comparison.tables({"test": {"auc": number(0.9)}}, BINARY) == []
