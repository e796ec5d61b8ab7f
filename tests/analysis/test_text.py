"""The fast loader of YAML and the one that is always there read the same."""

from importlib import resources

import pytest
import yaml

from fivesigma.analysis import text as module
from fivesigma.analysis.text import BadText, read

ODD = ["a: b\tc", "!", "a: !", "[64:, 1]", "a: \ud800", "a: [1,", "{a: 1}", "a: !!int x", "a: 2020-13-45", "a: *x", "\x00"]


def answer(text):
    try:
        return read(text)
    except BadText as error:
        return error.line, str(error)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML without libyaml")
def test_texts_are_read_alike_with_libyaml_and_without(monkeypatch):
    builtin = [each.read_text(encoding="utf-8") for each in (resources.files("fivesigma") / "builtin").iterdir()]
    texts = [*ODD, *builtin, *(text[: len(text) // 2] for text in builtin)]
    fast = [answer(text) for text in texts]
    monkeypatch.setattr(module, "_FastLoader", None)
    assert [answer(text) for text in texts] == fast
