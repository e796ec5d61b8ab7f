"""Write the list of files in ARCHITECTURE.md, from the first line of every module: `python -m studies.architecture`."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
HEAD = "## Every file\n"
MOST, MIN_LENGTH = 60, 18
"""A first line longer than this gives its first clause alone, if that says enough."""


def listed() -> str:
    """A section for each folder, a line for each file."""
    folders: dict[Path, list[Path]] = {}
    for path in sorted((ROOT / "src" / "fivesigma").rglob("*")):
        if path.suffix in (".py", ".yaml", ".j2", ".css", ".js", ".csv", ".bib"):
            folders.setdefault(path.parent, []).append(path)
    return "\n".join(_section(folder, paths) for folder, paths in sorted(folders.items()))


def _section(folder: Path, paths: list[Path]) -> str:
    init = folder / "__init__.py"
    about = _first_line(init) if init.is_file() and folder.name != "fivesigma" else ""
    lines = [f"- `{path.name}`: {_first_line(path)}" for path in paths if path != init]
    return "\n".join([f"### `{folder.relative_to(ROOT)}/`", *(["", about] if about else []), "", *lines, ""])


def _first_line(path: Path) -> str:
    """What a file says of itself in its first line, or in the first clause of it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return _short((ast.get_docstring(ast.parse(text)) or path.stem).split("\n")[0].removesuffix("."))
    if path.suffix == ".yaml":
        return text.split("\n")[0].lstrip("# ").split(",")[0].removesuffix(".").removesuffix(":")
    return {
        ".j2": "its template",
        ".css": "the style of pages",
        ".js": "the script of pages",
        ".csv": "numbers, with their source",
        ".bib": "references, as BibTeX",
    }[path.suffix]


def _short(text: str) -> str:
    """The first clause of a long line."""
    if len(text) <= MOST:
        return text
    for mark in ("; ", ": "):
        head = text.split(mark)[0]
        if MIN_LENGTH <= len(head) < len(text):
            return head
    return text


def page() -> str:
    """The page with its list renewed."""
    return PAGE.read_text(encoding="utf-8").split(HEAD)[0] + HEAD + "\n" + listed()


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
