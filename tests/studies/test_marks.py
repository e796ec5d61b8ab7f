"""What stands between two marks of a page is replaced, and nothing else."""

import pytest
from studies.marks import between, renew


def test_the_text_between_the_marks_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x -->\nold\n<!-- end of x -->\nb\n<!-- y -->\nother\n<!-- end of y -->\n")
    assert between(page, "x") == "old\n"
    renew(page, "x", "new\n")
    assert page.read_text() == "a\n<!-- x -->\nnew\n<!-- end of x -->\nb\n<!-- y -->\nother\n<!-- end of y -->\n"


@pytest.mark.parametrize("text", ["", "<!-- x -->\n", "<!-- end of x -->\n<!-- x -->\n"])
def test_a_page_without_its_marks_is_left_as_it_is(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="end of x"):
        renew(page, "x", "new\n")
    assert page.read_text() == text
