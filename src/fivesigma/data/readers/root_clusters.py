"""The clusters of an RNTuple: its columns are compressed cluster by cluster."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.data.readers.base import join, per_event

Column = Callable[[str, int, int], Any]
"""(name, first row, row after the last) → the values."""


class Clusters:
    """Reads columns of an RNTuple so that each cluster is decompressed once.

    uproot decompresses whole clusters, whatever rows are asked for, and the next one as well where these end with a
    cluster. ROOT makes clusters of 128 MB, which may be ten times the rows that are read at a time.

    Args:
        tree: the RNTuple of uproot.
        column: reads a column that is not of plain numbers.
    """

    def __init__(self, tree: Any, column: Column) -> None:
        self._tree, self._column = tree, column
        starts = [int(cluster.num_first_entry) for cluster in tree.ntuple.cluster_summaries]
        self._edges: NDArray[np.int64] = np.array([*starts, int(tree.num_entries)], np.int64)
        self._numbers: dict[str, int | None] = {}
        self._members = members_of_collections(tree)

    def rows(self, first: int, last: int) -> int:
        """Number of rows of the clusters from `first` to before `last`."""
        return int(self._edges[last] - self._edges[first])

    def groups(self, size: int) -> Iterator[tuple[int, int]]:
        """Ranges of clusters, of about `size` rows each where clusters are smaller than that."""
        first, end = 0, len(self._edges) - 1
        for last in range(1, end + 1):
            if self.rows(first, last) >= size or (last == end and self.rows(first, last)):
                yield first, last
                first = last

    def read(self, name: str, first: int, last: int) -> Any:
        """A column of the clusters from `first` to before `last`."""
        if name not in self._numbers:
            self._numbers[name] = self._plain(name)
        number = self._numbers[name]
        if number is not None:
            values = self._tree.ntuple.read_cluster_range(number, first, last)
            if len(values) == self.rows(first, last):  # there are fewer of a column that was added to the RNTuple later
                return values
        return self._column(name, int(self._edges[first]), int(self._edges[last]))

    def some(self, name: str, places: Sequence[tuple[int, int]]) -> list[Any]:
        """Copies of rows of a column from several places, in rising order: one cluster at a time is in memory.

        Args:
            name: of the column.
            places: first row and row after the last of each place.
        """
        found: list[Any] = []
        known, values = -1, np.zeros(0)
        for start, stop in places:
            parts = []
            for cluster in range(int(np.searchsorted(self._edges, start, "right")) - 1, len(self._edges) - 1):
                low = int(self._edges[cluster])
                if low >= stop:
                    break
                if cluster != known:
                    known, values = cluster, self.read(name, cluster, cluster + 1)
                parts.append(_copied(values[max(start - low, 0) : stop - low]))
            found.append(join(parts))
        return found

    def _plain(self, name: str) -> int | None:
        """Number of the only column of a field of one number per row; None for other fields."""
        import uproot

        if name in self._members:
            return None
        ntuple, field = self._tree.ntuple, self._tree[name]
        records = [i for i, record in enumerate(ntuple.column_records) if record.field_id == field.field_id]
        if len(records) != 1 or len(field.fields) or per_event(str(field.typename)) != "one number":
            return None
        is_index = ntuple.column_records[records[0]].type in uproot.const.rntuple_index_types
        return None if is_index else records[0]


def _copied(values: Any) -> Any:
    """Values of their own, not a view that keeps all others in memory."""
    if isinstance(values, np.ndarray):
        return values.copy()
    import awkward as ak

    return ak.to_packed(values)


def members_of_collections(tree: Any) -> set[str]:
    """Names of the columns of an RNTuple that belong to the objects of a collection, such as `Jet.pt`."""
    names: list[str] = []
    within: list[bool] = []
    records = tree.ntuple.field_records
    for number, record in enumerate(records):
        above = record.parent_field_id if record.parent_field_id < number else None
        inner = "" if above is None else names[above]
        names.append(inner if record.field_name == "_0" else ".".join(filter(None, (inner, record.field_name))))
        within.append(above is not None and (within[above] or records[above].struct_role == _COLLECTION))
    return {names[i] for i, record in enumerate(records) if within[i] and record.field_name != "_0"}


_COLLECTION = 1
"""Structural role of a collection among the fields of an RNTuple."""
