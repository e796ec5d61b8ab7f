"""Whole lines of CSV files, plain or compressed, some megabytes at a time."""

import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from fivesigma.data.readers.base import spread

COMPRESSION = {".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}

BLOCK = 1 << 22
"""Bytes of text that are parsed at a time, while the next ones are decompressed."""

TAIL = 1 << 16
"""Bytes at the end of a piece in which its last line is looked for."""

LONGEST_LINE = 1 << 20
"""Bytes of a line; a longer one is no line of a table."""

_BLANKS = re.compile(rb"[ \t]+")


def is_compressed(path: str) -> bool:
    """Whether the ending of a file says that it is compressed."""
    return path.endswith((".gz", *COMPRESSION))


def decompressed(path: str, file: Any) -> Any:
    """A stream of the text of an open file."""
    import pyarrow as pa

    if path.endswith(".gz"):
        # Twice as fast as zlib, which would take longer than parsing.
        from isal import igzip

        return igzip.IGzipFile(fileobj=file, mode="rb")  # type: ignore[no-untyped-call]
    ending = next((kind for suffix, kind in COMPRESSION.items() if path.endswith(suffix)), None)
    return pa.CompressedInputStream(file, ending) if ending else file


def of_file(file: Any) -> Iterator[bytes]:
    """Whole lines of an open file that is not compressed; each is copied once."""
    start, size = 0, os.fstat(file.fileno()).st_size
    while start < size:
        end = min(start + BLOCK, size)
        while end < size:
            file.seek(max(start, end - TAIL))
            tail = file.read(end - file.tell())
            if (last := tail.rfind(b"\n")) >= 0:
                end += last + 1 - len(tail)
                break
            end = min(end + TAIL, size)  # a long line
        file.seek(start)
        text = file.read(end - start)
        if not text:
            return  # somebody has cut the file
        yield text
        start += len(text)


def of_stream(stream: Any) -> Iterator[bytes]:
    """Whole lines of decompressed text."""
    rest = b""
    while data := stream.read(BLOCK):
        if end := data.rfind(b"\n") + 1:
            yield b"".join((rest, memoryview(data)[:end]))
            rest = data[end:]
        else:
            rest += data
    if rest:
        yield rest


def spread_lines(file: Any, rows: int, places: int) -> Iterator[tuple[bytes, int]]:
    """Whole lines from several places of an open file that is not compressed, about `rows` in sum, and where they begin."""
    size = os.fstat(file.fileno()).st_size
    start = file.read(TAIL)
    of_line = len(start) / max(start.count(b"\n"), 1)
    wanted = int(rows * of_line)
    if wanted >= size or len(start) == size:
        file.seek(0)
        yield from ((text, place) for place, text in enumerate(of_file(file)))
        return
    each = max(wanted // places, 2 * int(of_line))
    for place in spread(size, places * each, places):
        file.seek(place[0])
        if place[0]:
            file.readline(LONGEST_LINE)  # the rest of a line
        begin = file.tell()
        text = file.read(max(place[1] - begin, 0)) + file.readline(LONGEST_LINE)
        if text:
            yield text, begin


def first_lines(stream: Any, most: int = LONGEST_LINE) -> list[str]:
    """The first lines of a stream: those in its first kilobytes, but at least two that are no comments."""
    text = b""
    while _events(text) < 3 and len(text) < most:
        more = stream.read(1 << 14)
        if not more:
            break
        text += more
    if text.count(b"\n") > 1:
        text = text[: text.rfind(b"\n")]  # the last line may be cut
    # Not `splitlines`, for which other characters end a line, too: comments are counted by their line feeds.
    lines = [line.rstrip("\r") for line in text.decode("utf-8-sig", errors="replace").split("\n")]
    return [part for line in lines for part in ([line] if line.startswith("#") else line.split("\r"))]


def _events(text: bytes) -> int:
    """Number of whole lines that do not start with `#`."""
    return sum(not line.startswith(b"#") for line in text.split(b"\n")[:-1])


def count(text: bytes, mark: str) -> int:
    """How often a character occurs, faster than `bytes.count` where there are many."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(mark)))


def single_blanks(text: bytes) -> bytes:
    """Lines whose fields are separated by one blank each, without blanks at either end.

    >>> single_blanks(b" 1.00   2.00 \\n\\t3 4\\n")
    b'1.00 2.00\\n3 4\\n'
    """
    text = _BLANKS.sub(b" ", text).replace(b"\n ", b"\n").replace(b" \n", b"\n").replace(b" \r", b"\r")
    return text.removeprefix(b" ").removesuffix(b" ")


def without_lines(text: bytes, number: int) -> bytes:
    """A text without its first lines.

    >>> without_lines(b"# made by me\\na,b\\n", 1)
    b'a,b\\n'
    """
    start = 0
    for _ in range(number):
        start = text.find(b"\n", start) + 1
        if not start:
            return b""
    return text[start:]


def lines_before(path: str, place: int) -> int:
    """Number of lines before a place in the text of a file."""
    lines = 0
    with open(path, "rb") as file:
        stream = decompressed(path, file)
        while place > 0 and (data := stream.read(min(place, BLOCK))):
            lines, place = lines + count(data, "\n"), place - len(data)
    return lines
