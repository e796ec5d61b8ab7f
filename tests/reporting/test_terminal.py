"""What the terminal shows of a run, as tables and sentences."""

import pytest

from fivesigma.analysis.file import validate
from fivesigma.metrics.result import Results
from fivesigma.reporting import terminal

BINARY = validate(
    {"features": ["x"], "labels": {"variable": "y", "names": ["QCD", "X"]}, "evaluate": {"search": {}}, "name": "toy"},
    "test",
)
REGRESSION = validate({"features": ["x"], "target": "t"}, "test")


def number(value, error=0.01):
    return {"value": value, "error": error}


def counts(weight=1.0):
    return {
        "train": {"QCD": {"events": 3000, "weight": 3000 * weight}, "X": {"events": 1000, "weight": 1000.0}},
        "test": {"QCD": {"events": 0, "weight": 0.0}, "X": {"events": 0, "weight": 0.0}},
    }


SHARES = {"train": {"QCD": 0.75, "X": 0.25}, "test": {"QCD": 0.0, "X": 0.0}}


def test_classes_are_told_in_events_and_in_weights_only_where_those_differ():
    tree = {"parts": {"train": {}, "test": {}}, "classes": counts(), "shares": SHARES}
    (events,) = terminal.class_tables(tree, BINARY)
    assert events.header == ["class", "train", "test"]
    assert events.rows == [["QCD", "3,000 (75.00 %)", "0 (0.00 %)"], ["X", "1,000 (25.00 %)", "0 (0.00 %)"]]
    _, weights = terminal.class_tables({**tree, "classes": counts(weight=3.0)}, BINARY)
    assert weights.rows == [["QCD", "9000 (90.00 %)", "0 (0.00 %)"], ["X", "1000 (10.00 %)", "0 (0.00 %)"]]


def test_a_regression_has_its_events_in_every_part():
    tree = {"parts": {"train": {"events": 1234}, "test": {"events": 5}}, "classes": {}, "columns": []}
    columns, events = terminal.data_tables(tree, REGRESSION)
    assert columns.rows == []
    assert (events.header, events.rows) == (["", "train", "test"], [["events", "1,234", "5"]])


def test_columns_are_told_with_their_missing_entries():
    row = {"name": "x", "type": "float", "missing": 0.0125, "mean": 0.123456, "std": 1e-7, "min": None, "max": 3}
    columns = next(terminal.data_tables({"parts": {}, "classes": {}, "columns": [row]}, REGRESSION))
    assert columns.header == ["column", "type", "missing", "mean", "std", "min", "median", "max"]
    assert columns.rows == [["x", "float", "1.25 %", "0.1235", "1e-07", "–", "–", "3"]]


AT = {
    "cut": 0.75,
    "signal": number(20.0),
    "background": number(123456.0),
    "best_cut": number(2.0),
    "best_cut_known": number(3.0),
    "binned": number(4.0),
    "binned_known": number(5.0),
    "total_signal": number(50.0),
    "total_background": number(1e6),
}
LIMIT = {"limit": {"-2": 0.1, "-1": 0.2, "0": 0.3, "1": 0.4, "2": 0.5}, "discovery": 2.0}
SEARCH = {
    "chosen_on": "val",
    "systematic": 0.1,
    "lumi": 100.0,
    "origin": {"QCD": "lumi", "X": "yields"},
    "at": {"m=1": {**AT, **LIMIT, "limit_pb": {"0": 12.0}}, "m=2": {**AT, **LIMIT}, "m=3": {"problem": "too little"}},
}


def test_a_search_is_told_with_its_limits_and_problems():
    cuts, limits = terminal.search_tables(SEARCH, "test")
    assert cuts.title == "test, search: significance Z, cut and bins chosen on val events"
    assert cuts.header[1:] == ["cut", "signal", "background", "Z, b ± 10 % ± MC", "b known", "binned Z", "b known"]
    z = [f"{value}.000 ± 0.010" for value in (2, 3, 4, 5)]
    assert cuts.rows[0] == ["m=1", "0.7500", "20", "123,456", *z]
    assert cuts.rows[2] == ["m=3", "too little", *["–"] * 6]
    assert {len(row) for row in cuts.rows} == {len(cuts.header)}
    assert limits.header == ["", "limit", "± 1 σ", "discovery", "cross section"]
    assert limits.rows == [
        ["m=1", "0.300", "0.20 … 0.40", "2.00 σ", "12.0 pb"],
        ["m=2", "0.300", "0.20 … 0.40", "2.00 σ", "–"],
    ]


def test_a_search_without_limits_has_one_table():
    assert len(terminal.search_tables({**SEARCH, "at": {"all": AT}}, "test")) == 1


def test_the_origin_of_the_yields_is_a_sentence():
    sentence = "expected events in all: 1,000,000 QCD, 50 X at each hypothesis, at 100 fb⁻¹; as evaluate.search.yields says"
    assert terminal.in_words(SEARCH, ["QCD", "X"]) == sentence
    rows = {mass: {**AT, "total_signal": number(total)} for mass, total in (("m=1", 170.2), ("m=2", 30.7), ("m=3", 80.0))}
    several = terminal.in_words({**SEARCH, "at": rows}, ["QCD", "X"])
    assert several.startswith(
        "expected events in all: 1,000,000 QCD, 30.7 to 170.2 X depending on the hypothesis, at 100 fb"
    )
    nothing = {**SEARCH, "at": {"m=3": {"problem": "too little"}}}
    assert terminal.in_words(nothing, ["QCD", "X"]) == "no hypothesis could be searched for"


def results(**sections):
    return Results.from_json({"train": {"auc": number(0.95)}, "test": {"auc": number(0.9), **sections}})


def test_the_metrics_come_first_and_then_what_there_is():
    per = {"m=1": {"auc": number(0.8), "accuracy": number(0.7)}}
    negative = {"share": 0.1, "effective_events": 1234.5}
    baselines = {"trees": {"auc": number(0.7)}}
    found = results(per_parameter=per, negative_weights=negative, search=SEARCH, baselines=baselines)
    tables = list(terminal.result_tables(found, BINARY))
    assert tables[0].title == "toy: binary"
    assert (tables[0].header, tables[0].rows) == (["metric", "train", "test"], [["auc", "0.950 ± 0.010", "0.900 ± 0.010"]])
    assert tables[1].rows == [["m=1", "0.800 ± 0.010"]]
    assert tables[2].title.startswith("test, search")
    assert tables[4].rows == [["test", "10 %", "1,234"]]
    assert tables[5].title == "The network and its baselines (test)"
    assert len(tables) == 6
    (sentence,) = terminal.search_sentences(found, BINARY)
    assert sentence.startswith("expected events in all")


def test_several_classes_have_a_table_of_their_own():
    three = validate({"features": ["x"], "labels": {"variable": "y", "names": ["b", "c", "light"]}}, "test")
    row = {"precision": number(None, None), "recall": number(0.5), "f1": number(0.25)}
    tables = list(terminal.result_tables(results(per_class={"b": row}), three))
    assert tables[1].header == ["class", "precision", "recall", "f1"]
    assert tables[1].rows == [["b", "–", "0.500 ± 0.010", "0.250 ± 0.010"]]


@pytest.mark.parametrize("baselines", [{}, {"trees": {"pt": number(0.1)}}])
def test_of_the_comparison_the_first_two_tables_are_shown(monkeypatch, baselines):
    from fivesigma.reporting.table import Table

    monkeypatch.setattr(terminal.trigger, "tables", lambda metrics, analysis: [Table(f"{i}", [], []) for i in range(3)])
    titles = [table.title for table in terminal.result_tables(results(baselines=baselines), BINARY)][1:]
    assert titles == (["The network and its baselines (test)", "0"] if baselines else ["0", "1"])
