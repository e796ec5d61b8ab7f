"""What is printed as it stands, whatever the terminal takes for markup."""

from fivesigma.cli.console import Terminal


def test_units_in_brackets_are_printed_in_titles_headers_and_cells(capsys):
    Terminal(quiet=False).table("rates [kHz]", ["model", "rate [kHz]", "x [cm]"], [["network [new]", "1", "2"]])
    printed = capsys.readouterr().out
    for text in ("rates [kHz]", "rate [kHz]", "x [cm]", "network [new]"):
        assert text in printed


HOSTILE = "c\x1b[31mred\x07\x9b0m\u202edcba"


def test_names_do_not_steer_the_terminal(capsys):
    terminal = Terminal(quiet=False)
    terminal.say(f"column {HOSTILE}")
    terminal.table(HOSTILE, ["column", HOSTILE], [[HOSTILE, "a\nb"]])
    terminal.error(f"no column {HOSTILE!s}", HOSTILE)
    terminal.progress(1, 2, HOSTILE)
    printed = "".join(capsys.readouterr())
    assert printed.count("red") == 6
    assert all(letter.isprintable() or letter == "\n" for letter in printed)


def test_a_long_name_leaves_room_for_what_is_said_of_it(capsys, monkeypatch):
    Terminal(quiet=False).table("", ["column", "type"], [["x" * 300, "one number per event"]])
    assert capsys.readouterr().out.split() == ["column", "type", "x" * 300, "one", "number", "per", "event"]
    terminal = Terminal(quiet=False)
    terminal.out.width = 80
    terminal.table("", ["column", "type"], [["x" * 300, "one number per event"]])
    assert "one number per event" in capsys.readouterr().out
