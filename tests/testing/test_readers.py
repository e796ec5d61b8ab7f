"""The suite of readers: every reader that there is keeps its rules, and one that breaks a rule is found."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from fivesigma import plugins
from fivesigma.data.readers.base import FileFormat, Reader
from fivesigma.errors import ColumnNotFound, DataError
from fivesigma.testing import check_reader


@pytest.mark.parametrize("name", plugins.readers.names())
def test_every_reader_keeps_the_rules(name):
    check_reader(plugins.readers.get(name))


def write(path, columns):
    with open(path, "wb") as file:
        np.savez(file, **columns)


class Archive(Reader):
    """A NumPy archive, with everything in memory."""

    def __init__(self, path):
        super().__init__(path, path)
        try:
            with open(path, "rb") as file, np.load(file) as archive:
                self.columns = dict(archive)
        except Exception as error:
            raise DataError(f"cannot read {path}: {error}".replace("\n", " ")) from error

    def types(self):
        return {name: str(values.dtype) for name, values in self.columns.items()}

    def length(self):
        return len(next(iter(self.columns.values())))

    def _chunks(self, names, size, integers, float32):
        for start in range(0, self.length(), size):
            yield {name: self.columns[name][start : start + size] for name in names}


class WithoutCare(Archive):
    def __init__(self, path):
        Reader.__init__(self, path, path)
        with open(path, "rb") as file, np.load(file) as archive:
            self.columns = dict(archive)


class Short(Archive):
    def _chunks(self, names, size, integers, float32):
        for start in range(0, self.length() - size, size):
            yield {name: self.columns[name][start : start + size] for name in names}


class Everything(Archive):
    def _chunks(self, names, size, integers, float32):
        yield from super()._chunks(list(self.columns), size, integers, float32)


class Counts(Archive):
    def length(self):
        return super().length() + 1


class Single(Archive):
    def _chunks(self, names, size, integers, float32):
        for chunk in super()._chunks(names, size, integers, float32):
            yield {name: values.astype(np.float32) for name, values in chunk.items()}


class Zeros(Archive):
    def _chunks(self, names, size, integers, float32):
        for chunk in super()._chunks(names, size, integers, float32):
            yield {name: np.nan_to_num(values) for name, values in chunk.items()}


class Once(Archive):
    def _chunks(self, names, size, integers, float32):
        yield from super()._chunks(names, size, integers, float32)
        self.columns = {name: values[:0] for name, values in self.columns.items()}


class OwnError(Archive):
    def chunks(self, names, size=1000, integers=(), float32=()):
        try:
            yield from super().chunks(names, size, integers, float32)
        except ColumnNotFound as error:
            raise KeyError(error.name) from None


class Forgiving(Archive):
    """What is left of a file is read as if it were all."""

    def __init__(self, path):
        try:
            super().__init__(path)
        except DataError:
            if not Path(path).is_file():
                raise
            self.columns = {name: np.zeros(20) for name in ("number", "single", "small", "with_missing")}


GOOD = FileFormat("archive", (".arc",), lambda path, tree, columns: Archive(path), magic=b"PK")


@pytest.mark.parametrize(
    ("reader", "rule"),
    [
        (WithoutCare, "a file that does not exist raises FileNotFoundError"),
        (Short, "a file of 1000 rows gives"),
        (Everything, r"it returns \['number'"),
        (Counts, "a file of 1000 rows is said to have 1001"),
        (Single, "large whole numbers lose digits"),
        (Zeros, "'with_missing' is not what was written"),
        (Once, "chunks of|a file of 1000 rows"),
        (OwnError, "an unknown column raises KeyError, not ColumnNotFound"),
        (Forgiving, "is read as 20 rows of 1000, without an error"),
    ],
)
def test_a_reader_that_breaks_a_rule_is_found(reader, rule):
    with pytest.raises(AssertionError, match=rule):
        check_reader(dataclasses.replace(GOOD, open=lambda path, tree, columns: reader(path)), write)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"suffixes": ()}, "no ending"),
        ({"suffixes": ("ARC",)}, "must begin with a dot and be in lower case"),
        ({"magic": b"ARC"}, "not with b'ARC'"),
        ({"name": "my archive"}, "not made of letters"),
    ],
)
def test_a_format_that_is_not_whole_is_found(changes, rule):
    with pytest.raises(AssertionError, match=rule):
        check_reader(dataclasses.replace(GOOD, **changes), write)


def test_without_a_writer_the_suite_asks_for_one():
    with pytest.raises(AssertionError, match="archive has no writer: give `write`"):
        check_reader(GOOD)


def test_the_reader_that_is_right_passes():
    check_reader(GOOD, write)
