"""`fivesigma explore FILE`: data files without an analysis, beside analyses."""

from pathlib import Path

import numpy as np
import pytest

from fivesigma.cli.explore import is_data


def test_a_file_is_described_and_an_analysis_makes_a_run(toy, command):
    code, out, err = command("explore", "train.csv")
    assert (code, err) == (0, "")
    assert out.startswith("train.csv: 6 columns, all 1,500 events looked at\n")
    assert "█" in out
    code, out, _ = command("explore", "train.csv", "test.csv", "--html", "page.html", "--quiet")
    assert (code, out) == (0, "page.html\n")
    assert command("explore", "train.csv", "--html", "page.html", "--quiet")[0] == 0  # its own page may be made again
    Path("mine.html").write_text("<p>mine</p>")
    assert command("explore", "train.csv", "--html", "mine.html")[0] == 2
    assert Path("mine.html").read_text() == "<p>mine</p>"
    assert command("explore", "t*.csv")[1].startswith("2 files, test.csv … train.csv: 6 columns, all 2,000 events")
    assert command("explore", toy, "--quiet")[1].startswith("runs/toy/")


def test_an_analysis_is_told_from_data(toy, tmp_path, command):
    command("analyses")  # in the folder
    np.savez(tmp_path / "odd.bin", x=np.ones(3))
    (tmp_path / "odd.bin.npz").rename(tmp_path / "odd.bin")
    for what, expected in (("toy.yaml", False), ("hepmass", False), ("t*.csv", True), ("x.root:T", True), ("odd.bin", True)):
        assert is_data(what) == expected, what


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train.csv", "--set", "a=1"), "--set belongs to an analysis, and train.csv is taken as a data file"),
        (("toy.yaml", "--html", "x.html"), "--html belongs to data files, and toy.yaml is taken as an analysis"),
        (("train.csv", "--html", "x.pdf"), "x.pdf does not end in .html"),
        (("absent.csv",), "no file absent.csv"),
        (("none*.csv",), "no file matches none*.csv"),
        ((".",), ". is a folder hint: name its files, such as '*.csv'"),
        (("train.csv", "absent.csv"), "no file absent.csv"),
        (("train.csv", "--treename", "T", "--format", "rot"), "no file format 'rot'"),
    ],
)
def test_what_does_not_fit_is_a_sentence(toy, command, arguments, message):
    code, _, err = command("explore", *arguments)
    assert (code, message in " ".join(err.split())) == (2, True), err


def test_format_and_names_of_columns_can_be_given(command, tmp_path):
    (tmp_path / "t.events").write_text("1 2 3\n4 5 6\n")
    _, out, _ = command("explore", "t.events", "--format", "csv", "--columns", "label,x{1..2}")
    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["label", "x1", "x2"]
