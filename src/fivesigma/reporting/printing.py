"""A page as PDF, printed by a browser without a window."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from fivesigma.atomic import writing
from fivesigma.errors import MissingExtra, OutputError

VARIABLE = "FIVESIGMA_BROWSER"
"""Environment variable that names the browser to print with."""
BROWSERS = (
    *(
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "chrome",
        "microsoft-edge",
        "msedge",
        "brave",
    ),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
SECONDS = 120.0
"""Longest time that a browser may print."""
_QUIET = (
    *("--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic", "--no-pings"),
)


def browser() -> str:
    """The browser that prints: that of `FIVESIGMA_BROWSER`, or the first one that is installed.

    Raises:
        MissingExtra: if there is none.
    """
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise MissingExtra(f"{VARIABLE} is {named!r}, which is no program", hint="give the path of Chromium or Chrome")
        return found
    for name in BROWSERS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise MissingExtra(
        "printing a page needs Chromium, Chrome or Edge, and none of them is here",
        hint=f"install one (apt install chromium), or name it: {VARIABLE}=/path/of/chrome",
    )


def options(profile: str) -> list[str]:
    """Options with which a browser shows a local page and nothing else.

    Args:
        profile: folder for its settings, which is thrown away afterwards.
    """
    # As root, in a container for example, its sandbox refuses to work; the page is our own and loads nothing.
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [*_QUIET, *sandbox, f"--user-data-dir={profile}"]


def print_page(page: Path, destination: Path) -> Path:
    """Print a page to a PDF file, which is complete or not there.

    Args:
        page: HTML file.
        destination: the PDF file.

    Raises:
        MissingExtra: if there is no browser.
        OutputError: if the browser fails or does not finish.
    """
    program = browser()
    with (
        tempfile.TemporaryDirectory(prefix="fivesigma-print-", ignore_cleanup_errors=True) as profile,
        writing(destination) as part,
    ):
        part.unlink()
        command = [program, *options(profile), "--no-pdf-header-footer", f"--print-to-pdf={part}", page.absolute().as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise OutputError(
                f"{program} did not print {page} within {SECONDS:.0f} s", hint="print it from a browser"
            ) from None
        except OSError as error:
            raise OutputError(f"{program} cannot be started: {error.strerror}", hint=f"set {VARIABLE}") from None
        if not part.is_file() or not part.read_bytes().startswith(b"%PDF"):
            last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise OutputError(f"{program} did not print {page}: {last[:200]}", hint="print it from a browser")
    return destination
