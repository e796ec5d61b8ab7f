"""`metrics.json` and what is read from it."""

import json

import numpy as np
import pytest

from fivesigma.errors import RunError
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.result import VERSION, PartResults, Results, versioned

RESULTS = Results(
    {
        "train": PartResults({"auc": Metric(0.9, 0.01)}, per_class={"signal": {"recall": {"value": 0.8, "error": 0.1}}}),
        "test": PartResults({"auc": Metric(0.85, 0.02)}, overtraining={"signal": {"distance": 0.1, "p_value": 0.4}}),
    }
)


def test_results_survive_json_with_their_version():
    tree = json.loads(json.dumps(versioned(RESULTS.to_json())))
    assert tree["version"] == VERSION
    assert Results.from_json(tree) == RESULTS
    assert RESULTS.judged == "test"


def test_a_file_without_a_version_is_the_first_and_is_read():
    assert Results.from_json(RESULTS.to_json()) == RESULTS


@pytest.mark.parametrize("version", [VERSION + 1, "2", 1.5, None])
def test_an_unknown_version_is_refused(version):
    with pytest.raises(RunError, match=f"has version {version}, and this fivesigma reads up to {VERSION}"):
        Results.from_json({"version": version, **RESULTS.to_json()})


def test_an_undefined_number_is_null_in_the_file_and_a_dash_for_the_reader():
    part = PartResults({"auc": Metric(np.nan, np.nan), "f1": Metric(0.5, np.nan)})
    tree = part.to_json()
    assert tree == {"auc": {"value": None, "error": None}, "f1": {"value": 0.5, "error": None}}
    again = PartResults.from_json(tree)
    assert np.isnan([again.metrics["auc"].value, again.metrics["auc"].error, again.metrics["f1"].error]).all()
    assert again.metrics["f1"].value == 0.5
    assert again.text("auc") == again.text("absent") == "–"
