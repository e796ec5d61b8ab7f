"""HTML pages from templates, which escape whatever is put into them and refuse a name that is not there."""

from pathlib import Path
from typing import TYPE_CHECKING

from fivesigma.errors import OutputError

if TYPE_CHECKING:
    from jinja2 import Environment


def templates(room: str) -> "Environment":
    """The Jinja environment of the templates in a folder of the package.

    Args:
        room: name of the folder, such as `reporting`.

    >>> templates("exploration").from_string("{{ name }}").render(name="<pt>")
    '&lt;pt&gt;'
    """
    # Takes a tenth of a second, and most commands write no page.
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("fivesigma", room),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


MARK = '<meta name="generator" content="fivesigma">'
"""In the head of every page whose file name a user gives."""


def check_page(path: str | Path) -> None:
    """Refuse a file name that does not end in .html, and a file that is there unless it is a page of fivesigma.

    Args:
        path: the file.

    Raises:
        OutputError: if it is refused.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"{path} does not end in .html", hint="give the page a name such as page.html")
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            is_ours = MARK.encode() in file.read(4096)
    except OSError:
        is_ours = False
    if not is_ours:
        raise OutputError(f"{path} exists already", hint="choose another name, or remove it first")
