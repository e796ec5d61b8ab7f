"""Tables of pages that a command writes: what stands between two marks of a page."""

from pathlib import Path


def between(page: Path, name: str) -> str:
    """What stands between `<!-- name -->` and `<!-- end of name -->`.

    Args:
        page: a Markdown page with both marks.
        name: of the marks.

    Raises:
        ValueError: if the page does not have the marks, once each and in this order.
    """
    return _parts(page, name)[1]


def renew(page: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->`.

    Args:
        page: a Markdown page with both marks.
        name: of the marks.
        text: whole lines.

    Raises:
        ValueError: if the page does not have the marks, once each and in this order.
    """
    before, _, after = _parts(page, name)
    page.write_text(before + text + after, encoding="utf-8")


def _parts(page: Path, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    text = page.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"{page} must have the lines {begin.strip()!r} and {end.strip()!r} once each, in this order")
    start, stop = text.index(begin) + len(begin), text.index(end)
    return text[:start], text[start:stop], text[stop:]
