"""The table of the network beside its baselines."""

from fivesigma.reporting import comparison


def number(value):
    return {"value": value, "error": 0.01}


def test_every_baseline_has_a_column_and_every_metric_of_a_baseline_a_row():
    trees = {"auc": number(0.8), "trigger": {}, "log_loss": number(None)}
    metrics = {
        "train": {"auc": number(0.95)},
        "test": {"auc": number(0.9), "bias": number(0.1), "baselines": {"trees": trees, "table": {"accuracy": number(0.7)}}},
    }
    (table,) = comparison.tables(metrics)
    assert table.title == "The network and its baselines (test)"
    assert table.header == ["metric", "network", "trees", "table"]
    assert table.rows == [
        ["auc", "0.900 ± 0.010", "0.800 ± 0.010", "–"],
        ["log_loss", "–", "–", "–"],
        ["accuracy", "–", "–", "0.700 ± 0.010"],
    ]
    assert "same events" in table.note


def test_without_baselines_there_is_no_table():
    assert comparison.tables({"test": {"auc": number(0.9)}}) == []
