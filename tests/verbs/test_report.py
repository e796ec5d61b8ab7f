"""The verb `report`: the page of a run."""

import re
from pathlib import Path

from fivesigma.reporting import printing
from fivesigma.runs.folder import RunFolder


def test_the_report_needs_no_network_and_shows_every_figure(toy, command):
    folder = Path(command("run", toy)[1].splitlines()[-1])
    page = (folder / "report.html").read_text()
    for place in ("http://www.w3.org", "http://purl.org", "http://creativecommons"):
        page = page.replace(place, "")
    bibliography = re.search(r"<pre[^>]*>[^<]*@misc.*?</pre>", page, re.DOTALL)[0]  # addresses to read, which nobody opens
    assert "http://" not in page.replace(bibliography, "")
    assert not re.findall(r'(?:src|href)="(?!data:|#|plots/)', page)
    features = list((folder / "plots").glob("features-*.pdf"))
    assert page.count("<svg") == len(list((folder / "plots").glob("*.pdf"))) - len(features) + 3
    assert len(page) < 5_000_000


def test_the_page_is_printed_beside_it(toy, command, monkeypatch):
    def print_page(page, destination):
        destination.write_bytes(b"%PDF" + page.read_bytes()[:0])
        return destination

    monkeypatch.setattr(printing, "browser", lambda: "browser")
    monkeypatch.setattr(printing, "print_page", print_page)
    command("explore", toy)
    (folder,) = Path("runs/toy").iterdir()
    code, out, _ = command("report", folder, "--pdf")
    assert (code, out.splitlines()[-1]) == (0, str(folder / "report.pdf"))
    assert not (folder / "UNFINISHED").exists()


def test_without_a_browser_a_sentence_is_said_before_anything_is_drawn(toy, command, monkeypatch):
    command("explore", toy)
    (folder,) = Path("runs/toy").iterdir()
    monkeypatch.delenv(printing.VARIABLE, raising=False)
    monkeypatch.setattr(printing, "BROWSERS", ())
    (folder / "report.html").unlink()
    code, _, err = command("report", folder, "--pdf")
    assert (code, "needs Chromium, Chrome or Edge" in err) == (2, True)
    assert not (folder / "report.html").exists()


def test_a_report_leaves_an_unfinished_run_unfinished(toy, command):
    run = RunFolder(Path(command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1]))
    said = "and its numbers may not belong together"
    for step, left in (("evaluate", "evaluate"), ("report", None)):
        run.begin(step)
        code, out, _ = command("report", run.path)
        assert (code, run.unfinished) == (0, left)
        assert (f"the run stopped in the step 'evaluate', {said}" in out) == (left is not None)
        page = (run.path / "report.html").read_text()
        assert (f"It stopped in the step “evaluate”, {said}" in page) == (left is not None)
        assert "Altered files" not in page
    assert command("package", run.path, "-o", "p.zip")[0] == 0
