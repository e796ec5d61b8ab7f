"""The verb `columns`: what is in a file."""

from fivesigma.data.formats import open_table
from fivesigma.data.readers.base import ColumnNames, Reader


def columns(file: str, treename: str | None = None, *, format: str | None = None, names: ColumnNames = ()) -> Reader:
    """Open a table; `types()` of the reader gives its columns, `length()` the number of rows if it is known.

    Args:
        file: a data file, or `file.root:treename`.
        treename: tree, table or group inside the file.
        format: the format, if neither the ending nor the first bytes of the file show it.
        names: column names of a file that has none: a list for a text file, a list for each array of an archive.

    Raises:
        DataError: if there is no such file or table, or its format is unknown.
    """
    reader = open_table(file, treename, names, format)
    reader.types()
    return reader
