"""Pages of real runs in a real browser: nothing complains, nothing leaves, nothing is too broad, everything works."""

import pytest
import yaml
from tests.conftest import TREE, write_csv
from tests.pages.browser import Browser

import fivesigma as fs
from fivesigma.errors import MissingExtra
from fivesigma.reporting import printing


@pytest.fixture(scope="module")
def browser():
    try:
        printing.browser()
    except MissingExtra as error:
        pytest.skip(f"{error.what}")
    with Browser() as found:
        yield found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    write_csv(folder / "train.csv", 600, seed=1)
    write_csv(folder / "test.csv", 300, seed=2)
    return folder


def analysis(place, **more):
    samples = {name: {"files": [str(place / f"{name}.csv")]} for name in ("train", "test")}
    tree = {**TREE, "samples": samples, "train": {"epochs": 2, "batch_size": 64}, **more}
    path = place / f"{tree['name']}.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.fixture(scope="module")
def pages(place):
    """Name → page of a small run of each kind, and of a comparison."""
    binary = fs.run(analysis(place, name="folds", split={"folds": 2}), output=place / "runs")
    classes = {"variable": "sum", "edges": [-9.0, 0.0, 1.0, 9.0], "names": ["low", "middle", "high"]}
    several = fs.run(analysis(place, name="classes", labels=classes, features=["x0", "x2"]), output=place / "runs")
    target = {"variable": "sum", "unit": "GeV"}
    regression = fs.run(analysis(place, name="regression", labels=None, target=target), output=place / "runs")
    fs.compare(binary, binary, html=place / "compared.html")
    return {
        "binary": binary.report,
        "classes": several.report,
        "regression": regression.report,
        "compared": place / "compared.html",
    }


NAMES = ("binary", "classes", "regression", "compared")


@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_quiet_keeps_to_itself_and_fits(browser, pages, name, width, dark):
    seen = browser.open(pages[name], width, 900, dark=dark)
    assert seen.complaints == []
    assert seen.requests == []
    assert browser.ask("document.documentElement.scrollWidth") <= width
    paper = browser.ask("getComputedStyle(document.querySelector('section')).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is not dark
    broken = "[...document.images].filter((one) => !one.complete || one.naturalWidth === 0).length"
    assert browser.ask(broken) == 0
    assert browser.ask("new Set([...document.querySelectorAll('[id]')].map((e) => e.id)).size") == browser.ask(
        "document.querySelectorAll('[id]').length"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_navigation_leads_and_follows(browser, pages, name):
    browser.open(pages[name], 1300, 700)
    links = browser.ask("[...document.querySelectorAll('nav a')].map((a) => a.hash)")
    assert links == browser.ask("[...document.querySelectorAll('main > section')].map((s) => '#' + s.id)")
    third = links[2]
    browser.ask("document.getElementById('fold').click()")  # all are shut
    browser.ask(f"document.querySelector('nav a[href=\"{third}\"]').click()")
    browser.ask("new Promise((done) => setTimeout(done, 300))")
    assert browser.ask(f"document.querySelector('{third} > details').open") is True
    assert browser.ask("document.querySelector('nav a[aria-current]').hash") == third


def test_dark_and_light_are_chosen_by_a_button(browser, pages):
    browser.open(pages["binary"])
    colour = "getComputedStyle(document.body).backgroundColor"
    before = browser.ask(colour)
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask(colour) != before
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask(colour) == before


def test_a_table_is_sorted_by_its_heading(browser, pages):
    browser.open(pages["binary"])
    column = "[...document.querySelectorAll('#feature-list tbody tr')].map((row) => Number(row.cells[1].textContent))"
    browser.ask("document.querySelectorAll('#feature-list thead button')[1].click()")
    found = browser.ask(column)
    assert found == sorted(found, reverse=True)
    assert browser.ask("document.querySelectorAll('#feature-list th')[1].getAttribute('aria-sort')") == "descending"
    browser.ask("document.querySelectorAll('#feature-list thead button')[1].click()")
    assert browser.ask(column) == sorted(found)


def test_the_chosen_feature_is_the_one_that_is_shown(browser, pages):
    browser.open(pages["binary"])
    shown = "[...document.querySelectorAll('.feature')].filter((one) => one.offsetParent !== null).map((one) => one.id)"
    assert browser.ask(shown) == ["feature-1"]
    browser.ask("document.querySelector('#feature-list a[href=\"#feature-3\"]').click()")
    assert browser.ask(shown) == ["feature-3"]
    browser.ask("{ const box = document.getElementById('find'); box.value = 'x1'; box.dispatchEvent(new Event('input')); }")
    rows = "[...document.querySelectorAll('#feature-list tbody tr')].filter((r) => !r.hidden).map((r) => r.innerText.trim())"
    assert [row.split()[0] for row in browser.ask(rows)] == ["x1"]


def test_every_figure_becomes_a_picture_of_its_own(browser, pages):
    browser.open(pages["regression"])
    drawn = """new Promise((done) => {
      const before = HTMLAnchorElement.prototype.click;
      const found = [];
      const links = [...document.querySelectorAll('a[data-png]')];
      HTMLAnchorElement.prototype.click = function () {
        if (this.href.startsWith('data:image/png')) {
          found.push(this.download);
          if (found.length === links.length) { HTMLAnchorElement.prototype.click = before; done(found); }
        } else before.call(this);
      };
      links.forEach((link) => link.dispatchEvent(new MouseEvent('click', { cancelable: true })));
    })"""
    found = browser.ask(drawn)
    assert {"learning-curves.png", "residual.png", "response.png", "x0.png"} <= set(found)


def test_without_a_script_all_features_stand_beside_each_other(browser, pages):
    browser.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages["binary"])
        assert browser.ask("[...document.querySelectorAll('.feature')].every((one) => one.offsetParent !== null)") is True
        assert browser.ask("document.getElementById('theme').hidden") is True
    finally:
        browser.tell("Emulation.setScriptExecutionDisabled", value=False)


def test_the_keyboard_reaches_the_content_first(browser, pages):
    browser.open(pages["binary"])
    browser.press("Tab", 9)
    assert browser.ask("document.activeElement.className") == "skip"
    assert browser.ask("document.activeElement.getBoundingClientRect().left") >= 0


def test_in_print_headings_of_tables_stay_and_buttons_go(browser, pages):
    browser.open(pages["binary"])
    browser.ask("document.getElementById('fold').click()")
    browser.ask("dispatchEvent(new Event('beforeprint'))")
    browser.tell("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.ask("[...document.querySelectorAll('section > details')].every((one) => one.open)") is True
        assert browser.ask("[...document.querySelectorAll('.feature')].every((one) => one.offsetParent !== null)") is True
        assert browser.ask("document.querySelector('[aria-label=\"Parts of the data\"] th').innerText") == "part"
        assert browser.ask("document.querySelector('.tools').offsetParent") is None
    finally:
        browser.tell("Emulation.setEmulatedMedia", media="")
    browser.ask("dispatchEvent(new Event('afterprint'))")
    assert browser.ask("[...document.querySelectorAll('section > details')].some((one) => one.open)") is False


def test_the_page_is_printed(pages, tmp_path):
    assert printing.print_page(pages["classes"], tmp_path / "page.pdf").read_bytes().count(b"/Type /Page") > 1


def test_the_study_finds_what_is_wrong(browser, tmp_path):
    from studies.pages import findings

    page = tmp_path / "bad.html"
    page.write_text("<!doctype html><title>x</title><div style='width: 900px'>x</div><script>nothing.there()</script>")
    lines = findings(browser, page, "", 390, False)
    assert any("nothing is not defined" in line for line in lines)
    assert any("pixels broad" in line for line in lines)
