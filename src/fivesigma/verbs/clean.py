"""The verb `clean`: which caches there are, how large they are, and emptying them."""

from collections.abc import Collection, Sequence
from pathlib import Path

from fivesigma.atomic import all_left_over
from fivesigma.cache import NAMES, Cache, alone_with_cache, caches
from fivesigma.errors import AnalysisError, RunError, did_you_mean

LEFTOVERS = "leftovers"
CHOICES = (*NAMES, LEFTOVERS)


def found(names: Collection[str] = (), folder: str | Path | None = None, older_than: float | None = None) -> list[Cache]:
    """What can be removed without a loss other than time; nothing is removed yet.

    Args:
        names: of the caches, `events`, `programs`, `layouts` or `leftovers`; by default all.
        folder: where unfinished files of killed commands are looked for, besides the folder of the caches.
        older_than: only what was neither read nor written for so many days.

    Raises:
        AnalysisError: if there is no cache of a name.
        RunError: if there is no such folder.

    Returns:
        The caches that have files.
    """
    for name in names:
        if name not in CHOICES:
            raise AnalysisError(f"no cache {name!r}; {did_you_mean(name, CHOICES)}")
    if folder is not None and not Path(folder).is_dir():
        raise RunError(f"there is no folder {folder}", hint="check the path that --folder gives")
    known = caches()
    places = dict.fromkeys([known[0].place, *([Path(folder)] if folder is not None else [])])
    for place in places:
        files, folders = _files_of(all_left_over(place))
        known.append(Cache(LEFTOVERS, "unfinished files of killed commands", place, files, folders))
    chosen = [cache for cache in known if not names or cache.name in names]
    if older_than is not None:
        chosen = [cache.unused_for(older_than) for cache in chosen]
    return [cache for cache in chosen if cache.files]


def _files_of(paths: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Unfinished files, and the folders of pieces from the innermost on."""
    files, folders = list[Path](), list[Path]()
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            below = sorted(path.rglob("*"))
            files += [each for each in below if not each.is_dir() or each.is_symlink()]
            folders += [*reversed([each for each in below if each.is_dir() and not each.is_symlink()]), path]
        else:
            files.append(path)
    return tuple(files), tuple(folders)


def clean(found: Sequence[Cache]) -> int:
    """Empty caches.

    Args:
        found: what `found` has found.

    Raises:
        OutputError: if another process uses the cache.

    Returns:
        The number of bytes that were freed.
    """
    shared = [cache for cache in found if cache.name != LEFTOVERS]
    freed = sum(cache.empty() for cache in found if cache.name == LEFTOVERS)
    if shared:
        with alone_with_cache():
            freed += sum(cache.empty() for cache in shared)
    return freed
