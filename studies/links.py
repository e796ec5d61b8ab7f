"""Links of the documentation site that lead nowhere: `python -m studies.links docs/_build/html`, which `make docs` does."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """The links and the places of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            if (tag, name) in (("a", "href"), ("img", "src"), ("link", "href"), ("script", "src")) and value:
                self.links.append(value)


def broken_links(site: Path) -> list[str]:
    """Links of a site that lead to no file, or to no place in a page of the site.

    Args:
        site: folder of HTML files.

    Returns:
        One line for each: page and link. Links to other sites are not followed.
    """
    pages = {path.resolve(): _Page() for path in site.rglob("*.html")}
    for path, page in pages.items():
        page.feed(path.read_text(encoding="utf-8"))
    lines = []
    for path, page in pages.items():
        for link in page.links:
            found = urlsplit(link)
            if found.scheme or found.netloc:
                continue
            target = (path.parent / unquote(found.path)).resolve() if found.path else path
            if not target.exists():
                lines.append(f"{path.relative_to(site.resolve())}: {link} is not there")
            elif target in pages and found.fragment and unquote(found.fragment) not in pages[target].places:
                lines.append(f"{path.relative_to(site.resolve())}: {link} names no place of the page")
    return sorted(set(lines))


def main(site: Path) -> int:
    """Print them; 1 if there are any."""
    broken = broken_links(site)
    print("\n".join([*broken, f"links that lead nowhere: {len(broken)}"]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
