"""What a result depends on: the table of docs/robustness.md."""

from studies import determinism


def test_what_differs_is_said():
    wanted = {"own/model.keras": "1", "own/metrics.json": {"auc": [0.5, 2.0]}, "own/test.parquet": {"score": "a"}}
    found = {"own/model.keras": "2", "own/metrics.json": {"auc": [0.5, 2.002]}, "own/test.parquet": {"score": "a"}}
    assert determinism.row("this", found, wanted) == "| this | not equal | differ by at most 1e-03 of their value | equal |"
    assert determinism.row("this", {}, wanted) == "| this | not equal | not equal | not equal |"


def test_the_page_has_a_row_for_everything_that_is_different():
    page = determinism.PAGE.read_text(encoding="utf-8")
    for what in determinism.VARIANTS:
        assert f"| {what} | equal | equal | equal |" in page
