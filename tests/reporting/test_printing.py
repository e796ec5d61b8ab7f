"""Pages as PDF: which browser prints, and what is said where it cannot."""

import sys

import pytest

from fivesigma.errors import MissingExtra, OutputError
from fivesigma.reporting import printing


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<!doctype html><title>page</title><p>words")
    return path


def program(path, lines):
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{lines}\n")
    path.chmod(0o755)
    return path


def test_without_a_browser_a_sentence_says_what_to_install(monkeypatch, page, tmp_path):
    monkeypatch.delenv(printing.VARIABLE, raising=False)
    monkeypatch.setattr(printing, "BROWSERS", ("no-such-browser",))
    with pytest.raises(MissingExtra, match="needs Chromium, Chrome or Edge") as caught:
        printing.print_page(page, tmp_path / "page.pdf")
    assert printing.VARIABLE in caught.value.hint
    monkeypatch.setenv(printing.VARIABLE, "nowhere/chrome")
    with pytest.raises(MissingExtra, match="'nowhere/chrome', which is no program"):
        printing.browser()


def test_the_browser_that_is_named_prints(monkeypatch, page, tmp_path):
    lines = "name = next(a for a in sys.argv if a.startswith('--print-to-pdf='))\nopen(name[15:], 'w').write('%PDF-1')"
    monkeypatch.setenv(printing.VARIABLE, str(program(tmp_path / "browser", lines)))
    assert printing.print_page(page, tmp_path / "page.pdf").read_text() == "%PDF-1"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("sys.exit('first\\nthe last line')", "did not print .*: the last line"),
        ("time.sleep(60)", "did not print .* within 1 s"),
    ],
)
def test_a_browser_that_fails_leaves_no_file(monkeypatch, page, tmp_path, lines, message):
    monkeypatch.setenv(printing.VARIABLE, str(program(tmp_path / "browser", lines)))
    monkeypatch.setattr(printing, "SECONDS", 1.0)
    with pytest.raises(OutputError, match=message):
        printing.print_page(page, tmp_path / "page.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["browser", "page.html"]


def test_a_real_browser_prints(page, tmp_path):
    try:
        printing.browser()
    except MissingExtra as error:
        pytest.skip(error.what)
    assert printing.print_page(page, tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
