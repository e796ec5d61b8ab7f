"""Tables of pages that a command writes: what stands between two marks of a page."""

from pathlib import Path


def renew(page: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->`.

    Args:
        page: a Markdown page with both marks.
        name: of the marks.
        text: whole lines.

    Raises:
        ValueError: if the page does not have the marks, once each and in this order.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    old = page.read_text(encoding="utf-8")
    if old.count(begin) != 1 or old.count(end) != 1 or old.index(begin) > old.index(end):
        raise ValueError(f"{page} must have the lines {begin.strip()!r} and {end.strip()!r} once each, in this order")
    page.write_text(old[: old.index(begin)] + begin + text + old[old.index(end) :], encoding="utf-8")
