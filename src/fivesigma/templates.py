"""HTML pages from templates, which escape whatever is put into them and refuse a name that is not there."""

from typing import TYPE_CHECKING

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
