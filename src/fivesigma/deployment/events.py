"""Events of a run with the columns they were read from, to compare an exported model with the network."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.samples import Sample
from fivesigma.data.formats import expand
from fivesigma.data.load import read_with_columns
from fivesigma.data.normalisation import normalised
from fivesigma.data.opening import plan_for, reader_for
from fivesigma.data.plan import Plan
from fivesigma.data.shards import Shards
from fivesigma.errors import EventsError, RunError
from fivesigma.events import Events, concatenate
from fivesigma.preparation.parameters import assign, drawn_anywhere, signal_rows
from fivesigma.preparation.recipe import Recipe
from fivesigma.preparation.split import OUT_OF_FOLD, rows_of, share_of
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder
from fivesigma.whole_numbers import beyond_doubles

HALF_TYPES = ("halffloat", "float16")
SINGLE_TYPES = ("float", "float32", *HALF_TYPES)
"""What readers call numbers of single precision or less."""


def is_single(kind: str) -> bool:
    """Whether numbers of a type fit into single precision."""
    return kind.lower() in SINGLE_TYPES


DRAWN = "drawn"
"""The part of events that are no events, but random numbers of the recipe's means and spreads."""


class Rounded(EventsError):
    """A column that an exported model cannot take as it is."""


def refuse_rounded(columns: Mapping[str, Any], hint: str, where: str = "") -> None:
    """Refuse columns of whole numbers that an exported model would round.

    Args:
        columns: name → values as in the file.
        hint: what to do instead.
        where: the file, if it is one of several.

    Raises:
        Rounded: naming the column.
    """
    if large := next((name for name, column in columns.items() if beyond_doubles(column)), None):
        raise Rounded(
            f"{where + ': ' if where else ''}the column {large!r} holds whole numbers beyond 2⁵³, and an exported model "
            "takes doubles, which round them",
            hint=hint,
        )


@dataclass(frozen=True)
class CheckEvents:
    """Events on which models are compared.

    Attributes:
        part: `test`, `val`, `train`, `folds`, or `drawn`.
        events: features, parameters, target and weight.
        columns: name → values as in the file, [event].
    """

    part: str
    events: Events
    columns: Mapping[str, NDArray[np.float64]]


def with_recorded_files(folder: RunFolder, analysis: Analysis | None = None) -> Analysis:
    """The analysis of a run; if its events were simulated, with the file that they are in as a sample.

    They are never simulated again: a later version may simulate other events, and it can take hours.

    Args:
        folder: of the run.
        analysis: of the run, with the names that its files have now; by default as they were.

    Raises:
        RunError: if that file is not there any more.
    """
    analysis = analysis or folder.analysis()
    if analysis.has_files or analysis.shards is not None:
        return analysis
    paths = [row["path"] for row in folder.read_json("metadata.json").get("inputs", [])]
    if not paths or not all(Path(path).is_file() for path in paths):
        raise RunError("the file of the simulated events is not there any more")
    return analysis.model_copy(update={"samples": {"simulated": Sample(files=paths)}})


def first_table(analysis: Analysis) -> tuple[Plan, Mapping[str, str], frozenset[str]]:
    """The first file of an analysis, the types of its columns, and the columns that some file holds in half precision.

    A column that is in single precision in the first file and in double precision in another one has the type of that one.

    Raises:
        FivesigmaError: if a file cannot be read.
    """
    samples = [sample for sample in analysis.samples.values() if sample.files]
    files = [(file, sample) for sample in samples for file in expand(sample.files)]
    if not files:
        raise RunError(
            "the run was trained on a prepared folder, which holds features, not the columns of the files",
            hint="export with --inputs features",
        )
    first = reader_for(analysis, *files[0])
    types, half = dict(first.types()), set[str]()
    others = (reader_for(analysis, *one) for one in files[1:])  # one after the other, so that not all of them are open
    for reader in itertools.chain([first], others):
        for name, kind in reader.types().items():
            if kind.lower() in HALF_TYPES:
                half.add(name)
            if name in types and is_single(types[name]) and not is_single(kind):
                types[name] = kind
    return plan_for(analysis, first), types, frozenset(half)


def real_events(analysis: Analysis, columns: Sequence[str], most: int, listener: Listener) -> CheckEvents:
    """Read the test events of an analysis, or the validation events where there are none.

    Args:
        analysis: of a run, with files.
        columns: that are wanted beside the features.
        most: events, at most; taken evenly from all.
        listener: hears how far it is.

    Raises:
        FivesigmaError: if they cannot be read.
        Rounded: if a column holds numbers that double precision would round.
    """
    if analysis.shards is not None:
        return _prepared(analysis.shards, columns, most)
    analysis = normalised(analysis, listener.progress)
    samples = {name: sample for name, sample in analysis.samples.items() if sample.files}
    uses = {analysis.use_of(name) for name in samples}
    part = _part(uses, analysis)
    collected = _Collection(4 * most)
    for name, sample in samples.items():
        use = analysis.use_of(name)
        for file in expand(sample.files) if _can_have(use, part, uses) else ():
            reader = reader_for(analysis, file, sample)
            for values, events in read_with_columns(analysis, plan_for(analysis, reader), reader, sample, columns):
                listener.progress(collected.seen, collected.seen + 1, f"reading {part} events of {name}")
                nothing = events.take(np.arange(0))
                pairs = [(use, events), *((other, nothing) for other in uses - {use})]
                collected.add(values, events, rows_of(pairs, analysis.split)[part][0])
    events, values = collected.finish(most)
    refuse_rounded(values, "export with --inputs features, and compute the new variables where the model is used")
    if drawn_anywhere(analysis.parameters):
        events = assign(events, analysis.parameters, signal_rows(events))
    return CheckEvents(part, events, values)


def drawn_events(recipe: Recipe, most: int) -> CheckEvents:
    """Random numbers with the means, spreads and missing shares of the training, for a run whose files are gone."""
    generator = np.random.default_rng(1)
    features = np.full((most, len(recipe.features)), np.nan, np.float32)
    for i, position in enumerate(recipe.kept):
        column = generator.normal(recipe.shift[i], recipe.scale[i], most)
        column = np.exp(column) if position in recipe.logarithm else column
        features[:, position] = np.where(generator.random(most) < recipe.missing[position], np.nan, column)
    shift, scale = np.asarray(recipe.parameter_shift), np.asarray(recipe.parameter_scale)
    parameters = shift + scale * generator.normal(size=(most, len(shift)))
    events = Events(
        features=features,
        feature_names=recipe.features,
        target=np.zeros(most),
        weight=np.ones(most),
        parameters=parameters.astype(np.float32),
        parameter_names=recipe.parameters,
        classes=(),
        event_number=np.arange(most, dtype=np.uint64),
        fingerprint=np.arange(most, dtype=np.uint64),
    )
    return CheckEvents(DRAWN, events, {})


def _prepared(folder: str, columns: Sequence[str], most: int) -> CheckEvents:
    shards = Shards(folder)
    if columns:
        raise RunError(f"{folder} holds features, not the columns of the files", hint="export with --inputs features")
    part = next(part for part in ("test", "val", "train") if shards.length(part))
    return CheckEvents(part, shards.sample(part, most), {})


def _part(uses: set[str], analysis: Analysis) -> str:
    parts = ("test", OUT_OF_FOLD) if analysis.split.folds is not None else ("test", "val", "train")
    for part in parts[:-1]:
        if part in uses or (analysis.split.folds is None and share_of(part, uses, analysis.split) > 0):
            return part
    return parts[-1]


def _can_have(use: str, part: str, uses: set[str]) -> bool:
    """Whether a sample can have events of a part."""
    if part in uses and part in ("test", "val"):
        return use == part
    return use not in ("test", "val")


class _Collection:
    """Some events of all, taken evenly, whose number is not known before the last file is read."""

    def __init__(self, most: int) -> None:
        self.most, self.step, self.seen, self.held = most, 1, 0, 0
        self.events: list[Events] = []
        self.columns: list[dict[str, NDArray[np.float64]]] = []

    def add(self, values: Mapping[str, NDArray[np.float64]], events: Events, rows: NDArray[np.intp]) -> None:
        rows = rows[(self.seen + np.arange(len(rows))) % self.step == 0]
        self.seen += len(rows) * self.step
        self.events.append(events.take(rows))
        self.columns.append({name: column[rows] for name, column in values.items()})
        self.held += len(rows)
        if self.held > self.most:
            everything, columns = self._all()
            every_other = np.arange(0, len(everything), 2)
            self.step *= 2
            self.events = [everything.take(every_other)]
            self.columns = [{name: column[every_other] for name, column in columns.items()}]
            self.held = len(every_other)

    def finish(self, most: int) -> tuple[Events, Mapping[str, NDArray[np.float64]]]:
        if not self.held:
            raise EventsError("no event is left to compare the exported model with the network on")
        events, columns = self._all()
        rows = np.unique(np.linspace(0, len(events) - 1, min(most, len(events))).astype(np.intp))
        return events.take(rows), {name: column[rows] for name, column in columns.items()}

    def _all(self) -> tuple[Events, dict[str, NDArray[np.float64]]]:
        names = self.columns[0] if self.columns else {}
        return concatenate(self.events), {name: np.concatenate([c[name] for c in self.columns]) for name in names}
