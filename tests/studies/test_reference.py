"""The reference of all keys."""

from studies import reference


def test_the_page_is_that_of_the_schema():
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run python -m studies.reference"


def test_every_key_has_a_meaning():
    tables = [line for line in reference.page().splitlines() if line.startswith("| `")]
    assert len(tables) > 150
    assert [line for line in tables if line.endswith("|  |")] == []
    assert [line for line in tables if "| value |" in line] == []
