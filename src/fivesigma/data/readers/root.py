"""ROOT files: TTree and RNTuple, through uproot."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from fivesigma.data.readers.base import ColumnNames, Columns, FileFormat, Reader, beside_missing, per_event, reading, spread
from fivesigma.data.readers.root_clusters import Clusters, members_of_collections
from fivesigma.data.writers.root import RootWriter
from fivesigma.errors import DataError, did_you_mean
from fivesigma.prefetch import prefetch
from fivesigma.whole_numbers import beyond_doubles

_SHOWN = 10
"""Largest number of objects that a message names."""
_MOST_PER_BYTE = 100_000
"""Values of a page of an RNTuple for each of its bytes; constants are packed some ten thousand times at most."""

_TABLES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple", "ROOT::Experimental::RNTuple", "TChain")


class RootReader(Reader):
    """One TTree or RNTuple; without a name, the file must have only one.

    Raises:
        DataError: if the file is not ROOT, has no such tree, or several to choose from.
    """

    def __init__(self, path: str, treename: str | None = None) -> None:
        super().__init__(path, f"{path}:{treename}" if treename else path)
        self.treename = treename

    @cached_property
    def _tree(self) -> Any:
        import uproot

        _decompress_faster()
        with reading(self.path):
            # For a file of this machine uproot's own source takes less time than fsspec, its default.
            file = uproot.open(self.path, handler=uproot.MultithreadedFileSource)
            classes = {key.split(";")[0]: kind for key, kind in file.classnames(recursive=True).items()}
            names = [key for key, kind in classes.items() if kind in _TABLES]
        if not names:
            raise self._no_tree(classes)
        if self.treename is None:
            if len(names) != 1:
                raise DataError(
                    f"{self.path} holds {len(names)} trees: {', '.join(names)}",
                    hint=f"choose one: {self.path}:{names[0]}, or `treename` in the analysis",
                )
            self.treename = names[0]
            self.where = f"{self.path}:{self.treename}"
        if self.treename not in names:
            raise DataError(f"no tree {self.treename!r} in {self.path}: {did_you_mean(self.treename, names)}")
        with reading(self.where):
            tree = file[self.treename]
            _check_pages(tree, self.where)
            return tree

    def _no_tree(self, classes: Mapping[str, str]) -> DataError:
        """The error for a file without a tree, which names the histograms that it has instead."""
        histograms = [f"{key!r} ({kind})" for key, kind in classes.items() if kind.startswith(("TH", "TProfile"))]
        if not histograms:
            inside = ", ".join(f"{key!r} ({kind})" for key, kind in list(classes.items())[:_SHOWN])
            return DataError(f"{self.path} has no tree: it {'has only ' + inside if inside else 'is empty'}")
        more = f" and {len(histograms) - _SHOWN} more" if len(histograms) > _SHOWN else ""
        return DataError(
            f"{self.path} has no tree, only histograms: {', '.join(histograms[:_SHOWN])}{more}",
            hint="histograms have no events: give the file they were filled from",
        )

    @cached_property
    def _clusters(self) -> Clusters | None:
        """Those of an RNTuple; a TTree has baskets, of which uproot decompresses only those that it needs."""
        return Clusters(self._tree, self._column) if hasattr(self._tree, "ntuple") else None

    @cached_property
    def _types(self) -> dict[str, str]:
        with reading(self.where):
            # RNTuple keeps collections once more under names of its own.
            found = {
                str(name): str(kind)
                for name, kind in self._tree.typenames().items()
                if not str(name).startswith("_collection")
            }
            members = members_of_collections(self._tree) if hasattr(self._tree, "ntuple") else set()
            for name in members & {name for name, kind in found.items() if kind}:
                found[name] = f"std::vector<{found[name]}>"  # the type of a member is that of a single object
            return found

    def types(self) -> Mapping[str, str]:
        return self._types

    def length(self) -> int:
        with reading(self.where):
            return int(self._tree.num_entries)

    def _chunks(
        self, names: Sequence[str], size: int, integers: Collection[str], float32: Collection[str]
    ) -> Iterator[Columns]:
        if self.length() == 0:
            yield {name: self._column(name, 0, 0) for name in names}
            return
        # Decompressing lets go of Python's lock: the next rows are read while the caller works on these.
        yield from prefetch(self._pieces(names, size))

    def _pieces(self, names: Sequence[str], size: int) -> Iterator[Columns]:
        """Rows of the columns, about `size` at a time."""
        if self._clusters is None:
            for start in range(0, self.length(), size):
                stop = min(start + size, self.length())
                yield {name: self._column(name, start, stop) for name in names}
            return
        for first, last in self._clusters.groups(size):
            whole = {name: self._clusters.read(name, first, last) for name in names}
            rows = self._clusters.rows(first, last)
            pieces = -(-rows // size)
            edges = [rows * piece // pieces for piece in range(pieces + 1)]
            for start, stop in pairwise(edges):
                yield {name: values[start:stop] for name, values in whole.items()}

    @property
    def jumps(self) -> bool:
        return True

    def _sampled(self, names: Sequence[str], rows: int, places: int) -> Iterator[Columns]:
        ranges = spread(self.length(), rows, places)
        if self._clusters is None:
            for start, stop in ranges:
                yield {name: self._column(name, start, stop) for name in names}
            return
        columns = {name: self._clusters.some(name, ranges) for name in names}
        for i in range(len(ranges)):
            yield {name: pieces[i] for name, pieces in columns.items()}

    def _column(self, name: str, start: int, stop: int) -> Any:
        if self._clusters is None and per_event(self._types[name]) == "one number":
            return self._tree[name].array(entry_start=start, entry_stop=stop, library="np")
        values = self._tree[name].array(entry_start=start, entry_stop=stop, library="ak")
        if values.ndim > 1 or "string" in str(values.type):
            return values
        return np.asarray(without_none(values, name))


def without_none(values: Any, name: str) -> Any:
    """A column in which an event may have no value, as numbers with NaN for these; any other column as it is.

    Raises:
        DataError: if it has whole numbers as well that NaN cannot stand beside.
    """
    import awkward as ak

    if not isinstance(values.type.content, ak.types.OptionType):
        return values
    present = ak.drop_none(values)
    if len(present) == len(values):
        return present
    if beyond_doubles(ak.to_numpy(present)):
        raise beside_missing(name, "leave the column out")
    kind = np.float32 if "float32" in str(values.type) else np.float64
    return ak.fill_none(ak.values_astype(values, kind), np.nan)


def _check_pages(tree: Any, where: str) -> None:
    """Refuse an RNTuple whose pages claim to hold far more than their bytes can: memory is taken for what they claim."""
    if not hasattr(tree, "ntuple"):
        return
    pages = (page for cluster in tree.ntuple.page_link_list for column in cluster for page in column.pages)
    for page in pages:
        if page.num_elements > _MOST_PER_BYTE * max(page.locator.num_bytes, 1):
            raise DataError(
                f"{where} is damaged: {page.locator.num_bytes:,} bytes of it claim to hold {page.num_elements:,} values",
                hint="is the file complete? compare its size or checksum",
            )


def _decompress_faster() -> None:
    """Make uproot use ISA-L for zlib, with which most ROOT files are compressed: half the time, the same bytes.

    `uproot.ZLIB.library` is what its documentation names, but reading does not look there (uproot 5.7.7).
    """
    import uproot.compression

    decompressor: Any = getattr(uproot.compression, "_decompress_ZLIB", None)
    if hasattr(decompressor, "library"):
        decompressor.library = "isal"


def _open(path: str, treename: str | None, columns: ColumnNames) -> RootReader:
    return RootReader(path, treename)


ROOT = FileFormat("root", (".root",), _open, magic=b"root", writer=RootWriter)
