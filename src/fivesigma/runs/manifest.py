"""Hashes of the files of a run, to notice files of another run or edited ones."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from fivesigma.atomic import LEVELS, MANIFEST, read_manifest, sha256, write_text
from fivesigma.errors import FivesigmaError, RunError

_ONE_NETWORK = ("recipe.json", "model.keras", "history.jsonl", "front.json", "front/*.keras")
KEEPS = (
    *("analysis.yaml", "metadata.json", "trained_on.npz", "folds.json", *_ONE_NETWORK),
    *(f"folds/fold-*/{name}" for name in _ONE_NETWORK),
    *("baselines/*", "predictions/*.parquet", "search/*.json", "tune/tune.json", "tune/best.yaml"),
    *("explore.json", "metrics.json", "curves.json", "verdicts.json", "calibration.json"),
    "export/*",
)
"""What belongs together. Figures and the report follow from it."""

LOADED = ("analysis.yaml", "trained_on.npz", "folds.json", "calibration.json", "*recipe.json", "*model.keras")
"""What a network gives scores with."""


_OF_EVALUATION = ("metrics.json", "curves.json", "verdicts.json", "calibration.json")


def start(folder: Path) -> None:
    """Begin the manifest of a new run; from then on each file enters itself when it is complete."""
    write_text(folder / MANIFEST, json.dumps({"keeps": list(KEEPS), "files": {}}, indent=1) + "\n")


def altered(place: Path, names: Sequence[str] = ("*",)) -> list[str]:
    """Files that are not what the run wrote under their name; a missing file is none of them.

    Args:
        place: the folder of a run or one below; only files in it are looked at.
        names: patterns of their names, as seen from `place`.

    Returns:
        Paths as seen from `place`; nothing for a run of an older version, which has no manifest.

    Raises:
        RunError: if the manifest is damaged.
    """
    return [
        name for name, digests in _kept(place, names).items() if (place / name).is_file() and _differs(place / name, digests)
    ]


def vouches(path: Path) -> bool:
    """Whether a file is in the manifest of its run, as it is now."""
    return path.name in _kept(path.parent, (path.name,)) and not altered(path.parent, (path.name,))


def count(place: Path) -> int:
    """How many files the run has entered."""
    return len(_kept(place, ("*",)))


def missing(place: Path) -> list[str]:
    """Files that the run wrote and that are there no more, as for `altered`."""
    return [name for name in _kept(place, ("*",)) if not (place / name).is_file()]


def problems(place: Path, names: Sequence[str] = ("*",)) -> list[str]:
    """A sentence on each file that is not what the run wrote, or is there no more.

    Args:
        place, names: as for `altered`.
    """
    gone = [name for name in _kept(place, names) if not (place / name).is_file()]
    return [
        *(f"{name} is not the file that this run wrote" for name in altered(place, names)),
        *(f"{name} is missing" for name in gone),
    ]


def remedy(name: str) -> str:
    """The command that makes a file of a run again.

    >>> remedy("predictions/test.parquet"), remedy("model.keras")
    ('fivesigma evaluate RUN', 'fivesigma run ANALYSIS --new')
    """
    if name.startswith("export/"):
        return "fivesigma export RUN"
    if name.startswith(("predictions/", "search/")) or name in _OF_EVALUATION:
        return "fivesigma evaluate RUN"
    if name.startswith("tune/"):
        return "fivesigma tune ANALYSIS --new"
    return "fivesigma run ANALYSIS --new"


def unknown(place: Path) -> list[str]:
    """Files that a run would enter into its manifest, and that are not in it."""
    kept = _kept(place, ("*",))
    tree = read_manifest(place)
    if tree is None:
        return []
    # A run of an older version enters fewer files.
    patterns = [pattern for pattern in KEEPS if pattern in tree["keeps"]]
    files = [path.relative_to(place).as_posix() for pattern in patterns for path in place.glob(pattern) if path.is_file()]
    return sorted(name for name in dict.fromkeys(files) if name not in kept)


def require(place: Path, names: Sequence[str] = ("*",)) -> None:
    """Refuse files that are not what the run wrote.

    Args:
        place, names: as for `altered`.

    Raises:
        RunError: naming the first of them.
    """
    wrong = altered(place, names)
    if wrong:
        raise RunError(
            f"{place / wrong[0]} is not the file that this run wrote: it was changed, damaged, or is from another run",
            hint=f"copy it again, or make it again: {remedy(wrong[0])}; `fivesigma verify RUN` lists all such files",
        )


@contextmanager
def blaming_altered_files(place: Path) -> Iterator[None]:
    """If what is read from a run fails because of files that are not what the run wrote, say so in a sentence.

    Args:
        place: the folder of the run.

    Raises:
        RunError: naming the first of these files; for a run without a manifest, that one may be damaged.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, FivesigmaError):
            raise
        wrong = altered(place)
        if not wrong and (place / MANIFEST).is_file():
            raise  # a defect of ours
        what = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
        if wrong:
            raise RunError(
                f"{place / wrong[0]} is not the file that this run wrote, and cannot be read ({what})",
                hint="copy it from the run again, or make it again; `fivesigma verify RUN` lists all such files",
            ) from error
        raise RunError(
            f"the run {place} cannot be read ({what}); without {MANIFEST} nobody can tell which of its files is damaged",
            hint="evaluate it again, or train again",
        ) from error


def _kept(place: Path, names: Sequence[str]) -> dict[str, list[str]]:
    folder = next((above for above in (place, *list(place.parents)[:LEVELS]) if (above / MANIFEST).is_file()), None)
    if folder is None:
        return {}
    tree = read_manifest(folder)
    if tree is None:
        raise RunError(f"{folder / MANIFEST} is damaged", hint="without this file the run counts as one of an older version")
    below = "" if folder == place else f"{place.relative_to(folder).as_posix()}/"
    inside = {name.removeprefix(below): digests for name, digests in tree["files"].items() if name.startswith(below)}
    return {name: digests for name, digests in inside.items() if any(fnmatchcase(name, pattern) for pattern in names)}


def _differs(path: Path, digests: Sequence[str]) -> bool:
    return sha256(path) not in digests
