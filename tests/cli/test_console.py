"""What is printed as it stands, whatever the terminal takes for markup."""

from fivesigma.cli.console import Terminal


def test_units_in_brackets_are_printed_in_titles_headers_and_cells(capsys):
    Terminal(quiet=False).table("rates [kHz]", ["model", "rate [kHz]", "x [cm]"], [["network [new]", "1", "2"]])
    printed = capsys.readouterr().out
    for text in ("rates [kHz]", "rate [kHz]", "x [cm]", "network [new]"):
        assert text in printed
