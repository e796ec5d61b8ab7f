"""The verb `columns`: what is in a file."""

from fivesigma.data.formats import open_table
from fivesigma.data.readers.base import Reader


def columns(file: str, treename: str | None = None) -> Reader:
    """The reader of a table: its `types()` are the columns, its `length()` the number of rows where that is known.

    Args:
        file: a data file, or `file.root:treename`.
        treename: tree, table or group inside the file.

    Raises:
        DataError: if there is no such file or table, or its format cannot be told.
    """
    reader = open_table(file, treename)
    reader.types()
    return reader
