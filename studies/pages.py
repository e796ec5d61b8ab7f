"""Open reports, and the documentation site, in a browser and look for what keeps people out.

    npm pack axe-core && tar xf axe-core-*.tgz
    python -m studies.pages package/axe.min.js runs/hepmass/…/report.html …
    python -m studies.pages package/axe.min.js --site docs/_build/html

Each page is opened at 1300 and 390 pixels, light and dark. The command ends with 1 if axe finds anything serious (contrast,
names, landmarks), if the console has an error, if a request leaves the page or the site, if a page is broader than the
window, or if a link of the site leads nowhere.
"""

import argparse
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.pages.browser import Browser

from studies.links import broken_links

VIEWS = [(width, dark) for width in (1300, 390) for dark in (False, True)]


def findings(browser: Browser, page: Path | str, axe: str, width: int, dark: bool, own: str = "") -> list[str]:
    """What is wrong with a page, one line each.

    Args:
        browser: to open it with.
        page: HTML file, or its address.
        axe: the source of axe-core; empty to leave it out.
        width: of the window in pixels.
        dark: whether the system asks for a dark page.
        own: how addresses begin that belong to the page.
    """
    seen = browser.open(page, width, 1000, dark=dark)
    lines = [f"console: {text}" for text in seen.complaints] + [
        f"request: {address}" for address in seen.requests if not own or not address.startswith(own)
    ]
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


class _Quiet(SimpleHTTPRequestHandler):
    """Says nothing of each request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def _served(site: Path) -> Iterator[str]:
    """The address at which a folder can be read, on this machine only."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def main() -> int:
    """Print the findings of every page in every view; 1 if one is serious."""
    parser = argparse.ArgumentParser(prog="python -m studies.pages", description="Look for what keeps people out of pages.")
    parser.add_argument("axe", type=Path, help="axe.min.js")
    parser.add_argument("pages", nargs="*", type=Path, help="reports")
    parser.add_argument("--site", type=Path, help="folder of a site, of which all pages and links are looked at")
    options = parser.parse_args()
    source = options.axe.read_text(encoding="utf-8")
    bad = 0

    def look(page: Path | str, own: str = "") -> int:
        serious = 0
        for width, dark in VIEWS:
            lines = findings(browser, page, source, width, dark, own)
            print(f"{page} {width} {'dark' if dark else 'light'}: {'; '.join(lines) or 'nothing'}", flush=True)
            serious += sum(not line.startswith(("minor", "moderate")) for line in lines)
        return serious

    with Browser() as browser:
        bad += sum(look(page) for page in options.pages)
        if options.site:
            broken = broken_links(options.site)
            print("\n".join([*broken, f"links that lead nowhere: {len(broken)}"]))
            bad += len(broken)
            with _served(options.site) as address:
                names = sorted(str(path.relative_to(options.site)) for path in options.site.rglob("*.html"))
                bad += sum(
                    look(f"{address}{name}", address) for name in names if not name.startswith(("_", "genindex", "py-"))
                )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
