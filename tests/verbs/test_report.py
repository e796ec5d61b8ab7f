"""The verb `report`: the page of a run."""

from pathlib import Path


def test_the_report_needs_no_network_and_shows_every_figure(toy, command):
    folder = Path(command("run", toy)[1].splitlines()[-1])
    page = (folder / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons", ""
    )
    assert "<script" not in page
    assert page.count("<svg") == len(list((folder / "plots").glob("*.pdf")))
