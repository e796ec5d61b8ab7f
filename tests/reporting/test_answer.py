"""The answer of a run in numbers and words."""

from fivesigma.analysis.file import validate
from fivesigma.reporting import answer

TREE = {"features": ["a"], "target": {"variable": "t", "unit": "GeV"}}


def number(value, error=0.01):
    return {"value": value, "error": error}


def analysis(**more):
    return validate({**TREE, **more}, "test")


def test_published_values_and_baselines_stand_beside_the_key_numbers():
    settings = analysis(published={"mae": {"value": 0.1, "source": "somebody"}, "auc": 0.9})
    metrics = {"test": {"rmse": number(0.2), "mae": number(0.15), "baselines": {"trees": {"mae": number(0.3)}}}}
    first, second = answer.keys(metrics, settings)
    assert (first.name, first.value) == ("MAE [GeV], test events", "0.150 ± 0.010")
    assert first.others == [
        ("published", "0.1", "somebody"),
        ("trees", "0.300 ± 0.010", "baseline, on the same events"),
    ]
    assert (second.name, second.others) == ("RMSE [GeV], test events", [])
    assert answer.keys({"train": metrics["test"]}, settings) == []


def test_the_verdict_says_how_far_the_published_value_is():
    def words(value, published):
        settings = analysis(published={"rmse": published})
        return " ".join(answer.sentences({"test": {"rmse": number(value)}}, settings, {"test": 1200}, []))

    assert words(0.2, 0.21) == (
        "On 1,200 test events the network reaches RMSE 0.200 ± 0.010 GeV. The published value, obtained on other events, is "
        "0.21: the two are compatible (1.0 standard deviations). The evaluation raised no warning."
    )
    assert "this network was trained on 5,000 events" in " ".join(
        answer.sentences(
            {"test": {"rmse": number(0.2)}}, analysis(published={"rmse": 0.21}), {"test": 1200, "train": 5000}, []
        )
    )
    assert "the network's value is better by 0.1 (10.0 standard deviations)" in words(0.2, 0.3)
    assert "the network's value is worse by 0.1 (7.1 standard deviations)" in words(0.4, {"value": 0.3, "error": 0.01})


def test_baselines_that_are_beaten_and_warnings_are_in_the_verdict():
    difference = {"rmse": number(0.1)}
    metrics = {"test": {"rmse": number(0.2), "baselines": {"trees": {"rmse": number(0.3), "difference": difference}}}}
    lines = answer.sentences(metrics, analysis(), {}, ["one", "two"])
    assert lines[0] == "On test events the network reaches RMSE 0.200 ± 0.010 GeV."
    assert lines[1].startswith("The network beats the baseline 'trees' by 0.100 ± 0.010 GeV in RMSE")
    assert lines[2] == "The evaluation raised 2 warnings, which you should read."


def test_no_answer_is_given_for_events_that_the_network_has_seen():
    (line,) = answer.sentences({"train": {"rmse": number(0.2)}}, analysis(), {}, [])
    assert line.startswith("There is no unbiased result")


def test_the_question_names_classes_or_the_target():
    classes = {"features": ["a"], "labels": {"variable": "l", "names": ["b", "s"]}, "parameters": {"m": {}}}
    assert answer.question(validate(classes, "test")).startswith("Two classes: is an event s or b? The network is param")
    classes = {"features": ["a"], "labels": {"variable": "l", "names": ["x", "y", "z"]}}
    assert answer.question(validate(classes, "test")) == "3 classes: is an event x, y or z?"
    assert (
        answer.question(analysis(titles={"t": "true mass"}))
        == "Regression: what is the value of true mass [GeV] in each event?"
    )
