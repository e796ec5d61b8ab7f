"""Open data files: those of an analysis's samples, and new ones, with the settings that files do not show themselves."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.samples import Sample
from fivesigma.data.formats import expand, guess_format, open_table, split_treename
from fivesigma.data.plan import Plan
from fivesigma.data.readers.base import ColumnNames, Reader
from fivesigma.errors import DataError


def reader_for(analysis: Analysis, path: str, sample: Sample | None = None) -> Reader:
    """Open one file of a sample, with the tree and column names of the analysis."""
    treename = (sample.treename if sample else None) or analysis.treename
    return open_table(path, treename, analysis.columns, sample.format if sample else None)


def plan_for(analysis: Analysis, reader: Reader) -> Plan:
    """Match the analysis with the columns of one file."""
    return Plan(analysis, tuple(reader.types()), reader.where)


@dataclass(frozen=True)
class Layout:
    """How to read a new file, if it does not show that itself.

    Attributes:
        format: name of the format.
        treename: tree, table or group inside the file.
        columns: names of columns that have none in the file.
    """

    format: str | None = None
    treename: str | None = None
    columns: ColumnNames = ()


def reader_of_new(analysis: Analysis, path: str, given: Layout = Layout()) -> Reader:
    """Open a new file, which is in no sample; settings that are not given are those of the samples.

    Args:
        analysis: analysis of the run.
        path: the file.
        given: settings of the user for this file.
    """
    samples = [sample for sample in analysis.samples.values() if sample.files]
    alike = [sample for sample in samples if _ending(path) in {_ending(file) for file in sample.files}]
    kind = given.format or _common([sample.format for sample in alike])
    if kind is None:
        try:
            guess_format(split_treename(path)[0])
        except DataError:
            kind = _common([sample.format for sample in samples])
    treename = given.treename or _common([sample.treename or analysis.treename for sample in alike or samples])
    return open_table(path, treename or analysis.treename, given.columns or analysis.columns, kind)


def _ending(path: str) -> str:
    return Path(split_treename(path)[0]).suffix.lower()


def _common(values: Sequence[str | None]) -> str | None:
    """The value, if it is the same for all samples; otherwise None."""
    return values[0] if values and set(values) == {values[0]} else None


def read_twice(analysis: Analysis) -> list[str]:
    """Sentences on files whose events would count twice: in two samples, or in a variation and in its nominal sample.

    Two samples may read one file with different selections or weights. If one of them is for testing and the other for
    training, `split` compares their events. A variation may read some files of its nominal sample again, or all.
    """
    tables = {name: _tables(sample.files, sample.treename) for name, sample in analysis.samples.items()}
    found = []
    for first, second in combinations(analysis.samples, 2):
        one, other = analysis.samples[first], analysis.samples[second]
        alike = (one.selection, one.weight, analysis.use_of(first)) == (
            other.selection,
            other.weight,
            analysis.use_of(second),
        )
        if both := [table for table in tables[first] if table in tables[second]] if alike else []:
            found.append(f"{_are_read(both)} for the samples {first!r} and {second!r}: each event counts in both")
    for systematic, settings in analysis.systematics.items():
        for side, variation in (("up", settings.up), ("down", settings.down)):
            for name, files in (variation.samples if variation is not None else {}).items():
                nominal = tables.get(name, {})
                varied = _tables(files, analysis.samples[name].treename if name in analysis.samples else None)
                if varied and set(varied) < set(nominal):
                    found.append(
                        f"systematics.{systematic}.{side}: {_are_read(list(varied))} for the nominal sample {name!r}, too, "
                        "which has other files beside: does a pattern of the sample match too many?"
                    )
    return found


def _are_read(tables: Sequence[tuple[str, str | None]]) -> str:
    """The beginning of a sentence: the name of the first file, and how many more there are."""
    more = len(tables) - 1
    return f"{Path(tables[0][0]).name} " + (f"and {more} more files are read" if more else "is read")


def _tables(files: Sequence[str], treename: str | None) -> dict[tuple[str, str | None], None]:
    """The tables of files, by whatever names these are given; none where one is missing, which is said elsewhere."""
    try:
        return {_table(file, treename): None for file in expand(files)}
    except DataError:
        return {}


def _table(file: str, treename: str | None) -> tuple[str, str | None]:
    """A table, by whatever name its file is given."""
    bare, inside = split_treename(file)
    return os.path.realpath(bare), inside or treename
