"""Tables and the numbers in them."""

from fivesigma.reporting.table import Table, number


def test_numbers_in_tables_are_readable():
    assert [number(v) for v in (None, 12345, 12345.6, 0.000123456, 1.0, 9999.4, 999.96, -999.94)] == [
        "–",
        "12,345",
        "12,346",
        "0.0001235",
        "1",
        "9,999",
        "1,000",
        "-999.9",
    ]


def test_a_table_needs_no_note():
    assert Table("title", ["a"], [["1"]]).note == ""
