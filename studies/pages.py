"""Open reports in a browser and look for what keeps people out: contrast, names, landmarks, overflow, errors.

    npm pack axe-core && tar xf axe-core-*.tgz
    python -m studies.pages package/axe.min.js runs/hepmass/…/report.html …

Each page is opened at 1300 and 390 pixels, light and dark. The command ends with 1 if axe finds anything serious, if the
console has an error, if a request leaves the page, or if it is broader than the window.
"""

import sys
from pathlib import Path
from typing import Any

from tests.pages.browser import Browser

VIEWS = [(width, dark) for width in (1300, 390) for dark in (False, True)]


def findings(browser: Browser, page: Path, axe: str, width: int, dark: bool) -> list[str]:
    """What is wrong with a page, one line each.

    Args:
        browser: to open it with.
        page: HTML file.
        axe: the source of axe-core; empty to leave it out.
        width: of the window in pixels.
        dark: whether the system asks for a dark page.
    """
    seen = browser.open(page, width, 1000, dark=dark)
    lines = [f"console: {text}" for text in seen.complaints] + [f"request: {address}" for address in seen.requests]
    broad = browser.ask("document.documentElement.scrollWidth")
    if broad > width:
        lines.append(f"the page is {broad} pixels broad")
    if axe:
        browser.ask(f"(() => {{ {axe}; return true; }})()")
        found: list[dict[str, Any]] = browser.ask("axe.run(document).then((found) => found.violations)")
        for one in found:
            places = "; ".join(str(node["target"][0]) for node in one["nodes"][:3])
            lines.append(f"{one['impact']}: {one['id']}, {one['help']} ({len(one['nodes'])} places: {places})")
    return lines


def main() -> None:
    """Print the findings of every page in every view."""
    axe, *pages = (Path(argument) for argument in sys.argv[1:])
    source = axe.read_text(encoding="utf-8")
    bad = 0
    with Browser() as browser:
        for page in pages:
            for width, dark in VIEWS:
                lines = findings(browser, page, source, width, dark)
                print(f"{page} {width} {'dark' if dark else 'light'}: {'; '.join(lines) or 'nothing'}")
                bad += sum(not line.startswith(("minor", "moderate")) for line in lines)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
