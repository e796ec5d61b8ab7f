"""The `fivesigma` command; it reports what is wrong even if a library is missing or broken."""

import atexit
import codecs
import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

from fivesigma.memory import collect_seldom


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit: 0 success, 2 an error in the user's input, 1 our fault, 130 or 143 stopped by a signal.

    Args:
        arguments: of the command; by default those of the process.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for stream in (sys.stdout, sys.stderr):
        print_anything(stream)
    if arguments is None:
        os.environ["FIVESIGMA_COMMAND"] = "1"  # `extras.alone`
        collect_seldom()
        # The linear algebra outside the training is small, and threads of NumPy wait for each other where cores are busy.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            # Until the command line's libraries are loaded: Python can lose an interrupt that it raises during an import.
            signal.signal(signal.SIGINT, _interrupted)
    # Otherwise Python searches the objects of all libraries for garbage when it ends, which takes one to two seconds.
    atexit.register(gc.freeze)
    try:
        from fivesigma.cli import app

        app.main(arguments)
    except ImportError as error:
        sys.exit(_without_libraries(error, sys.argv[1:] if arguments is None else arguments))


_IN_ASCII = {"±": "+-", "−": "-", "–": "-", "…": "...", "·": "*", "×": "x", "≥": ">=", "≤": "<=", "√": "sqrt", "→": "->"}
"""What stands for signs that a terminal's encoding does not have; a question mark for all others."""


def print_anything(stream: Any) -> None:
    """Let a stream print each text, whatever its encoding: the ASCII of some batch systems has no ±."""
    with suppress(AttributeError, ValueError, OSError):  # another kind of stream, or a closed one
        if stream.errors == "strict":
            codecs.register_error("fivesigma", _in_ascii)
            stream.reconfigure(errors="fivesigma")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_IN_ASCII.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


def _interrupted(number: int, frame: FrameType | None) -> None:
    """End at once, as nothing has been done yet."""
    print("error: interrupted", file=sys.stderr, flush=True)
    os._exit(130)


def _without_libraries(error: ImportError, arguments: list[str]) -> int:
    """Print an error (or the diagnosis of `fivesigma doctor`) without the command line's libraries; return the exit code."""
    if arguments[:1] != ["doctor"]:
        print(f"error: a library that fivesigma needs cannot be imported: {error}", file=sys.stderr)
        print(
            "  hint: `fivesigma doctor` names the missing or broken libraries and says how to install them", file=sys.stderr
        )
        return 2
    import json

    from fivesigma.verbs.doctor import doctor

    found = doctor()
    if "--json" in arguments:
        print(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        return 0
    print(f"fivesigma {found.fivesigma}, Python {found.python}, {found.system}")
    for library in found.core:
        print(f"{library.package} {library.version or '–'}: {library.state}")
    for extra in found.extras:
        print(f"extra {extra.name}: {extra.state}; {extra.command}")
    for sentence in found.advice:
        print(f"! {sentence}")
    return 0


def __getattr__(name: str) -> Any:
    # The commands are imported at the first use: `main` must work without the libraries that they need.
    if name.startswith("__"):
        raise AttributeError(name)
    from fivesigma.cli import app

    return getattr(app, name)
