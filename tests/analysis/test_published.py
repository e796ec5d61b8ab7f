"""The section `published`, and the look of the figures."""

import pytest

import fivesigma as fs
from fivesigma.analysis.file import dump, load, validate
from fivesigma.analysis.published import Published
from fivesigma.errors import AnalysisError

TREE = {"features": ["a"], "labels": "label"}


def test_a_number_is_short_for_its_value(tmp_path):
    given = {"auc": 0.9, "accuracy": {"value": 0.8, "error": 0.01, "source": "an article"}}
    analysis = validate({**TREE, "published": given}, "test")
    assert analysis.published == {
        "auc": Published(value=0.9),
        "accuracy": Published(value=0.8, error=0.01, source="an article"),
    }
    (tmp_path / "again.yaml").write_text(dump(analysis))
    assert load(tmp_path / "again.yaml") == analysis


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"aucc": 0.9}, "published: no metric 'aucc'; did you mean 'auc'"),
        ({"auc": "high"}, "published.auc"),
        ({"auc": {"value": 0.9, "error": 0}}, "published.auc.error"),
        ({"auc": True}, "published.auc"),
    ],
)
def test_what_is_no_published_value_is_refused(given, message):
    with pytest.raises(AnalysisError) as caught:
        validate({**TREE, "published": given}, "test")
    assert message in caught.value.what


def test_only_known_looks_are_taken():
    assert validate({**TREE, "style": "atlas"}, "test").style == "atlas"
    with pytest.raises(AnalysisError, match="style: 'alice' is not allowed"):
        validate({**TREE, "style": "alice"}, "test")


def test_the_reference_analyses_name_what_was_published():
    published = {name: set(fs.load(name).published) for name in ("hepmass", "muon-pt", "muon-class", "muon-class-article")}
    assert published["hepmass"] == {"accuracy", "log_loss"}
    assert published["muon-pt"] == {"rmse"}
    assert published["muon-class"] == published["muon-class-article"] == {"f1_weighted"}
    assert fs.load("hepmass-firmware").published == {}
