"""Find the fold of each row of a file, for runs of older versions, which remember files instead of events."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.samples import Sample
from fivesigma.data.formats import split_treename
from fivesigma.data.load import read_events
from fivesigma.data.opening import plan_for, reader_for
from fivesigma.preparation.folds import Fold, fold_of
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.trained_on import as_trained

SHOWN = 3
"""Largest number of file names in a message."""


def training_samples(folder: RunFolder, analysis: Analysis, files: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Find training files by size and SHA-256; return file → the samples it was used for."""
    inputs = [row for row in folder.read_json("metadata.json").get("inputs", []) if _learns(analysis, row["sample"])]
    found = {}
    for file in files:
        path = Path(split_treename(file)[0])
        alike = [row for row in inputs if path.is_file() and row["bytes"] == path.stat().st_size]
        if alike:
            with open(path, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            found[file] = tuple(dict.fromkeys(row["sample"] for row in alike if row["sha256"] == digest))
    return {file: samples for file, samples in found.items() if samples}


def _learns(analysis: Analysis, name: str) -> bool:
    return name not in analysis.samples or analysis.use_of(name) != "test"


def say_who_scores(files: Sequence[str], trained: Sequence[str], count: int, listener: Listener) -> None:
    """Say in one line which files were trained on, and which are scored by the mean of all folds."""
    new = [file for file in dict.fromkeys(files) if file not in trained]
    ways = {
        f"{_listed(trained)}: trained on, so each event is scored by the fold that was not trained on it": trained,
        f"{_listed(new)}: new, so scored by the mean of the {count} folds": new,
    }
    listener.say("; ".join(text for text, concerned in ways.items() if concerned))


def _listed(files: Sequence[str]) -> str:
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    return ", ".join(files[:SHOWN]) + more


class FileFolds:
    """The fold of each row of a file, from 1; 0 for rows that no network was trained on.

    Args:
        analysis: analysis of the run.
        file: the file.
        samples: the samples it was used for; empty for a new file.
        numbered: whether its events have numbers; otherwise their content is hashed as in training.
    """

    def __init__(self, analysis: Analysis, file: str, samples: Sequence[str], numbered: bool) -> None:
        self._analysis, self._samples = analysis, samples
        by_content = bool(samples) and not numbered
        self._rows = _by_content(analysis, file, samples) if by_content else np.zeros(0, np.intp)

    def of(self, start: int, length: int, event_number: NDArray[Any] | None) -> Fold:
        """The folds of rows from `start` on.

        Args:
            start, length: the rows.
            event_number: their event numbers, if there are any.
        """
        if not self._samples:
            return np.zeros(length, np.intp)
        if event_number is None:
            return self._rows[start : start + length]
        return fold_of(as_trained(event_number), self._analysis.split)


def _by_content(analysis: Analysis, file: str, samples: Sequence[str]) -> Fold:
    """The fold of each row by its content, read as in training; 0 for rows that do not pass the selection."""
    result = None
    for name in samples:
        sample = analysis.samples.get(name)
        reader = reader_for(analysis, file, sample)
        plan = plan_for(analysis, reader)
        pieces = [fold_of(events.event_number, analysis.split) for events, _ in read_events(analysis, plan, reader, sample)]
        chosen = _selected(analysis, file, sample)
        result = np.zeros(len(chosen), np.intp) if result is None else result
        result[chosen] = np.concatenate(pieces)
    return np.zeros(0, np.intp) if result is None else result


def _selected(analysis: Analysis, file: str, sample: Sample | None) -> NDArray[np.bool_]:
    """Find the rows of a file that pass the selections of analysis and sample."""
    reader = reader_for(analysis, file, sample)
    plan = plan_for(analysis, reader)
    texts = [text for text in (analysis.selection, sample.selection if sample else None) if text is not None]
    pieces = [np.zeros(0, bool)]
    for chunk in reader.chunks(plan.columns(texts) or list(plan.available[:1])):
        length = len(next(iter(chunk.values())))
        variables = plan.variables(chunk)
        passed = np.ones(length, bool)
        for text in texts:
            values = plan.evaluate(text, variables, length)
            passed &= (values != 0) & (values == values)
        pieces.append(passed)
    return np.concatenate(pieces)
