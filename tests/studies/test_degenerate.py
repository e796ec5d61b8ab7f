"""The answers to degenerate data: some of those of docs/robustness.md."""

import pytest

from studies import degenerate


@pytest.mark.parametrize(
    ("case", "outcome", "words"),
    [
        (degenerate.ordinary, "runs", ""),
        (degenerate.one_class, "refused", "class 'background' has no event"),
        (degenerate.a_large_weight, "runs", "only 1 effective event in the "),
    ],
)
def test_a_case_is_answered(case, outcome, words, tmp_path):
    found, said = degenerate.answer(case, tmp_path)
    assert found == outcome
    assert words in said
    assert words or not said


def test_the_page_has_a_row_for_each_case():
    page = degenerate.PAGE.read_text(encoding="utf-8")
    for case in degenerate.CASES:
        assert f"| {case.__doc__} |" in page
