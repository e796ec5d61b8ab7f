"""Files of figures inside the page, as far as there is room; the rest stays beside it in `plots/`."""

import base64

from fivesigma.runs.folder import RunFolder

LARGEST_PAGE = 4_600_000
"""Bytes of the page, at most, as long as figures can stay outside it."""
_TYPES = {"pdf": "application/pdf", "csv": "text/csv"}


class Downloads:
    """Addresses of what a reader can download.

    Args:
        folder: of the run.
        taken: bytes that the page needs anyway.
        beside: whether the files stay in `plots/` beside the page; otherwise only what fits into it can be had.
    """

    def __init__(self, folder: RunFolder, taken: int, *, beside: bool = True) -> None:
        self._folder, self.beside = folder, beside
        self._left = LARGEST_PAGE - taken
        self._known: dict[str, dict[str, str]] = {}

    def of(self, name: str) -> dict[str, str]:
        """Ending → address of the files of a figure that there are. A PNG is beside the page; its script can draw it anew.

        Args:
            name: of the figure.
        """
        if name not in self._known:
            endings = [ending for ending in ("pdf", "png", "csv") if self._folder.has(f"plots/{name}.{ending}")]
            addresses = {ending: self._address(name, ending) for ending in endings}
            self._known[name] = {ending: address for ending, address in addresses.items() if address}
        return self._known[name]

    def of_text(self, text: str, kind: str) -> str:
        """A text as an address that holds it."""
        return self._within(text.encode(), kind) or "#main"

    def _address(self, name: str, ending: str) -> str:
        file = f"plots/{name}.{ending}"
        beside = file if self.beside else ""
        if ending not in _TYPES:
            return beside or "#main"
        return self._within((self._folder / file).read_bytes(), _TYPES[ending]) or beside

    def _within(self, content: bytes, kind: str) -> str:
        """An address that holds the content; empty if there is no room for it."""
        address = f"data:{kind};base64,{base64.b64encode(content).decode()}"
        if len(address) > self._left:
            return ""
        self._left -= len(address)
        return address
