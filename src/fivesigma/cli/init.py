"""`fivesigma init`."""

from typing import Annotated

import typer


def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a built-in analysis (`fivesigma analyses`).")],
) -> None:
    """Print a built-in analysis file, to copy and edit: fivesigma init hepmass > my.yaml."""
    from fivesigma.verbs import init

    print(init.init(name), end="")
