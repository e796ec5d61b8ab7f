"""How many hostile inputs were tried, by area; and the limits that each of them must keep."""

import hashlib
import json
import os
import resource
import signal
import time
from contextlib import contextmanager

import pytest

SCALE = int(os.environ.get("FIVESIGMA_HOSTILE", "120")) / 120
"""`make hostile` tries many more than the default tests."""

MOST_SECONDS, MOST_BYTES = 10, 2e9
AREA, TRIED = "area", "tried"

TEXTS = ("metrics.json", "recipe.json", "front.json")
"""Files of a run that are the same after any interruption; others hold times."""
FRESH = ("scored.parquet", "muons.npz", "model.onnx", "model.hpp", "toy.hpp")


class Hung(BaseException):
    """An input that took too long; no code that catches exceptions may catch it."""


@contextmanager
def limits(what):
    """Within it, nothing may take longer than ten seconds or more than two gigabytes.

    Raises:
        AssertionError: naming the input.
    """

    def late(number, frame):
        raise Hung

    def largest():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    before, began, handler = largest(), time.monotonic(), signal.signal(signal.SIGALRM, late)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    except Hung:
        raise AssertionError(f"{what} took more than {MOST_SECONDS} s") from None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    assert largest() - before < MOST_BYTES, f"{what} took {(largest() - before) / 1e9:.1f} GB"
    assert time.monotonic() - began < 2 * MOST_SECONDS, what


def left(folder):
    """What a command leaves: names of files, and what is in those that do not hold times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "checkpoints" in path.parts or "plots" in path.parts:
            continue
        inside = [part for part in path.relative_to(folder).parts if not part.startswith("20")]
        known = path.name in (*TEXTS, *FRESH) or path.suffix in (".csv", ".parquet")
        name = "/".join(inside)
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if known else ""
        if path.name == "history.jsonl":
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [(row.get("loss"), row.get("val_loss")) for row in rows]
    return found


@pytest.fixture
def tried(record_property):
    """A function: enters how many inputs of an area were tried."""

    def enter(area, count):
        record_property(AREA, area)
        record_property(TRIED, count)

    return enter


def pytest_terminal_summary(terminalreporter):
    """The table of what was tried, which `make hostile` is for."""
    counts = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            found = dict(getattr(report, "user_properties", ()))
            if AREA in found and getattr(report, "when", "") == "call":
                row = counts.setdefault(found[AREA], [0, 0])
                row[0] += found[TRIED]
                row[1] += report.failed
    if counts:
        terminalreporter.section("hostile inputs")
        for area, (count, failed) in sorted(counts.items()):
            terminalreporter.write_line(f"{area:<40} {count:>9,} tried {failed:>5} tests failed")
