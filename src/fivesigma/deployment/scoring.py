"""Score the events of new files with a trained model, in order, some rows at a time."""

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.trust import CALIBRATION, read_calibration
from fivesigma.baselines.saved import NETWORK, SavedBaseline, load_baseline
from fivesigma.data.formats import split_treename
from fivesigma.data.kept import Kept
from fivesigma.data.load import plain_features
from fivesigma.data.opening import Layout, plan_for, reader_of_new
from fivesigma.data.plan import EVENT_NUMBER, Plan, Variables
from fivesigma.data.values import features_of, whole_numbers
from fivesigma.deployment.exported import CHECKED, ExportedModel, load_exported
from fivesigma.errors import ColumnNotFound
from fivesigma.metrics.calibration import Isotonic
from fivesigma.names import column_of, quoted
from fivesigma.prefetch import prefetch, side_by_side
from fivesigma.runs.file_folds import FileFolds
from fivesigma.runs.folder import TRAINED, RunFolder
from fivesigma.runs.trained_on import TrainedOn, as_trained
from fivesigma.scores import Scores
from fivesigma.training.folds import Assigned, Folds, load_trained
from fivesigma.training.network import Network, ScoresArrays, hypothesis_column, score_columns

Columns = dict[str, Any]

ROWS = 1 << 16
"""Events scored at a time; a row group or basket of the output."""

EXPORTED = "exported as "
"""What comes before the format in the name of an exported model; no baseline has a name with a blank."""

KNOWN = "trained on"
"""Whether an event was trained on, beside its scores; no column of the output has a name with a blank."""


WRAPPED = "wraps around"
"""Whether a value of an event wraps around in a quantised network; this is no column of the output either."""


@dataclass(frozen=True)
class Scoring:
    """How to score a file; a worker receives it.

    Attributes:
        run: the run's folder.
        observers: formulas that are written beside the scores.
        at: values of parameters that are not read from the file.
        trained: for a run of an older version with folds: absolute path of a training file → the samples it was read as.
        model: name of the model that scores; of an exported one, its format after `EXPORTED`.
        layout: how files are read.
        kept: columns that are written as they are.
    """

    run: str
    observers: tuple[str, ...]
    at: Mapping[str, float]
    trained: Mapping[str, tuple[str, ...]]
    model: str
    layout: Layout
    kept: tuple[str, ...] = ()

    def reader(self, analysis: Analysis, file: str) -> Any:
        """The reader of a file."""
        return reader_of_new(analysis, file, self.layout)


@dataclass(frozen=True)
class Model:
    """What scores the events of a file.

    Attributes:
        trained: a network, those of all folds, or a baseline.
        exported: what scores in place of the network, if that is wanted.
        analysis: what it learned, from which columns.
        hypotheses: parameter values of the training's signal, if it has the run's parameters.
        calibration: turns scores into probabilities.
        trained_on: the events that it was trained on; None for a run of an older version.
    """

    trained: Network | Folds | SavedBaseline
    exported: ExportedModel | None
    analysis: Analysis
    hypotheses: list[tuple[float, ...]]
    calibration: Isotonic | None
    trained_on: TrainedOn | None

    def features_of(self, plan: Plan) -> tuple[str, ...]:
        """Names of the features it takes, in their order."""
        return self.trained.features_of(plan) if isinstance(self.trained, SavedBaseline) else self.trained.recipe.features


def scored(task: Scoring, file: str) -> Generator[tuple[Columns, int | None], None, None]:
    """Score a file chunk by chunk; yield columns, and the number of rows of the file if it is known."""
    reader = task.reader(model_of(task).analysis, file)
    one = _File(task, model_of(task), plan_for(model_of(task).analysis, reader), file)
    total = reader.length()
    # Read ahead, score some chunks at a time, and let the caller write: every core has something to do.
    with closing(prefetch(reader.chunks(one.names, integers=one.integers, float32=one.float32))) as chunks:
        pieces = _pieces(chunks)
        first = next(pieces, None)
        if first is None:
            return
        yield one.scored(first), total  # compiles, once
        with closing(side_by_side(one.scored, pieces)) as found:
            for columns in found:
                yield columns, total


def model_of(task: Scoring) -> Model:
    """The model that a task names, loaded once for many files."""
    paths = [path for path in (Path(task.run) / name for name in (*TRAINED, CALIBRATION, CHECKED)) if path.is_file()]
    return _loaded(task.run, task.model, max((path.stat().st_mtime_ns for path in paths), default=0))


class _File:
    """How the events of one file are scored.

    Args:
        task: what to write.
        model: that scores.
        plan: the analysis and the columns of the file.
        file: as it was named.

    Attributes:
        names: columns to read.
        integers, float32: those of them that must stay whole numbers, and those needed in single precision only.
    """

    def __init__(self, task: Scoring, model: Model, plan: Plan, file: str) -> None:
        self._task, self._model, self._plan = task, model, plan
        analysis, seen = model.analysis, model.trained_on
        given = {name: p.variable or name for name, p in analysis.parameters.items() if name not in task.at}
        self._has_parameters = all(available(plan, text) for text in given.values())
        if not self._has_parameters and not model.hypotheses:
            plan.columns(list(given.values()))  # raises, naming the missing column and the nearest
        # A kept column stays as it is, with its type and its missing values, also if it is an observer.
        same = [text for text in task.observers if column_of(text) in task.kept and text not in analysis.new_variables]
        self._observers = [text for text in task.observers if text not in same]
        self._number, self._selection = _event_number(plan), _selection(plan)
        self._features = model.features_of(plan)
        known_by = seen.features if seen is not None and all(available(plan, name) for name in seen.features) else ()
        self._every = list(dict.fromkeys([*self._features, *known_by]))
        self._known_by = [self._every.index(name) for name in known_by]
        others = [*self._observers, *(given.values() if self._has_parameters else ())]
        others += [text for text in (self._number, self._selection) if text]
        others += [] if model.exported is None else model.exported.columns
        self._kept = Kept(task.kept, self._written_anyway(given), plan.where)
        # A parameter's column is written anyway; if it is to be kept, in its own type.
        self._own = Kept(
            [name for name, text in given.items() if name == column_of(text) and name in task.kept], (), plan.where
        )
        read = plan.columns([*self._every, *others])
        self.names = [*read, *(name for name in self._kept.names if name not in read)]
        self.integers = {self._number} if self._number else set[str]()
        self.float32 = plain_features(plan, self._every, [*others, *map(quoted, self._kept.names)])
        self._older = FileFolds(analysis, file, task.trained.get(absolute(file), ()), self._number is not None)
        self._names_of = column_names([*self._observers, *self._kept.names], reserved_names(analysis, model.hypotheses))

    def _written_anyway(self, given: Mapping[str, str]) -> set[str]:
        """Columns of the file that the output has already, as observers, parameters or event numbers."""
        own = {column_of(text) for name, text in given.items() if name == column_of(text)}
        number = {self._number} if self._number == EVENT_NUMBER else set[str]()
        return {column_of(text) for text in self._observers} | own | number

    def scored(self, piece: tuple[int, Mapping[str, Any]]) -> Columns:
        """The columns to write for some rows, given with the number of the first."""
        start, chunk = piece
        model, plan, length = self._model, self._plan, row_count(chunk)
        variables = plan.variables(chunk)
        columns = self._carried(chunk, variables, length)
        values = features_of([plan.evaluate(name, variables, length) for name in self._every], length)
        fold, known = self._seen(values, start, length, columns.get(EVENT_NUMBER))
        scorer: ScoresArrays = model.trained
        ranges = _with_ranges(model.trained, fold)
        if model.analysis.split.folds is not None and not isinstance(model.trained, Network):
            columns["fold"], scorer = fold, model.trained.by(fold)
        if model.exported is not None:
            columns |= {"fold": np.zeros_like(fold)} if "fold" in columns else {}
            scorer = model.exported.on(chunk, plan.where)
        every, features = len(self._every), len(self._features)
        x = values if every == features else np.ascontiguousarray(values[:, :features])
        if not self._has_parameters:
            known |= _wrapped(ranges, x, [np.asarray(values, np.float32) for values in model.hypotheses])
            return columns | known | _at_each_hypothesis(scorer, model.analysis, x, model.hypotheses)
        found = _at_own_parameters(scorer, plan, variables, x, self._task.at) | self._own.of(chunk, length)
        if ranges is not None:
            own = [np.asarray(found[name], np.float32) for name in model.analysis.parameters]
            known |= _wrapped(ranges, x, [np.stack(own, axis=1) if own else np.zeros(0, np.float32)])
        probability = {} if model.calibration is None else {"probability": model.calibration(found["score"])}
        return columns | known | found | probability

    def _carried(self, chunk: Mapping[str, Any], variables: Variables, length: int) -> Columns:
        """Columns beside the scores: event numbers, observers, columns that are kept, and the selection."""
        plan = self._plan
        columns: Columns = {}
        if self._number:
            columns[EVENT_NUMBER] = _numbers(plan, self._number, variables, length)
        observers = {name: plan.evaluate(name, variables, length) for name in self._observers}
        columns |= {self._names_of[name]: values for name, values in (observers | self._kept.of(chunk, length)).items()}
        if self._selection:
            columns["selected"] = plan.evaluate(self._selection, variables, length).astype(bool)
        return columns

    def _seen(
        self, values: NDArray[np.float32], start: int, length: int, numbers: NDArray[Any] | None
    ) -> tuple[NDArray[Any], Columns]:
        """The fold of each event, and whether it was trained on."""
        seen = self._model.trained_on
        if seen is None:
            return self._older.of(start, length, numbers), {}
        inputs = None
        if self._known_by:  # mostly the features in their order, and a copy of them takes a tenth of the whole time
            in_order = self._known_by == list(range(values.shape[1]))
            inputs = values if in_order else values[:, self._known_by]
        known, fold = seen.of(inputs, None if numbers is None else as_trained(numbers), length, self._model.analysis.split)
        return fold, {KNOWN: known}


@lru_cache(maxsize=2)
def _loaded(run: str, model: str, changed: int) -> Model:
    """Load a model once for many files; `changed` distinguishes it from one trained later in the same place."""
    folder = RunFolder.open(run)
    network, analysis, seen = load_trained(folder), folder.analysis(), TrainedOn.load(folder)
    if model == NETWORK or model.startswith(EXPORTED):
        exported = None if model == NETWORK else load_exported(folder, model.removeprefix(EXPORTED))
        return Model(network, exported, analysis, folder.hypotheses(), read_calibration(folder), seen)
    baseline = load_baseline(folder, model, network.recipe.features)
    hypotheses = folder.hypotheses() if baseline.analysis.parameters == analysis.parameters else []
    return Model(baseline, None, baseline.analysis, hypotheses, None, seen)


def _pieces(chunks: Iterator[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Divide chunks into smaller ones of a fixed size; yield the number of their first row, and the chunk."""
    done = 0
    for chunk in chunks:
        for start in range(0, max(row_count(chunk), 1), ROWS):
            yield done + start, {name: values[start : start + ROWS] for name, values in chunk.items()}
        done += row_count(chunk)


def _with_ranges(trained: Network | Folds | SavedBaseline, fold: NDArray[Any]) -> Network | Assigned | None:
    """The network that finds events in which a value wraps around; None if no value can."""
    if isinstance(trained, SavedBaseline) or not trained.can_wrap_around:
        return None
    return trained.by(fold) if isinstance(trained, Folds) else trained


def _wrapped(
    network: Network | Assigned | None, x: NDArray[np.float32], parameters: Sequence[NDArray[np.float32]]
) -> Columns:
    """Which events have a value that wraps around, at one of the parameters: one row for all, or one for each event."""
    if network is None:
        return {}
    shape = (len(x), len(network.recipe.parameters))
    found = [network.wraps_around(x, np.broadcast_to(values, shape)) for values in parameters]
    return {WRAPPED: np.any(found, axis=0)}


def _at_own_parameters(
    network: ScoresArrays, plan: Plan, variables: Variables, x: NDArray[np.float32], at: Mapping[str, float]
) -> Columns:
    """Parameters from the file or from `at`, and the scores at these values."""
    analysis, length = plan.analysis, len(x)
    rows = np.zeros((length, len(analysis.parameters)), np.float32)
    for i, (name, parameter) in enumerate(analysis.parameters.items()):
        with np.errstate(over="ignore"):  # beyond single precision: infinite, and outside the range of the training
            rows[:, i] = at[name] if name in at else plan.evaluate(parameter.variable or name, variables, length)
    parameters = {name: rows[:, i].copy() for i, name in enumerate(analysis.parameters)}
    scores = score_columns(_as_scores(network.score(x, rows), analysis))
    names = score_names(analysis.classes)
    return {**parameters, **{names.get(name, name): values for name, values in scores.items()}}


def _at_each_hypothesis(
    network: ScoresArrays, analysis: Analysis, x: NDArray[np.float32], hypotheses: Sequence[tuple[float, ...]]
) -> Columns:
    """The scores at each parameter value of the training, for events without parameters."""
    columns = {}
    for hypothesis in hypotheses:
        rows = np.broadcast_to(np.asarray(hypothesis, np.float32), (len(x), len(hypothesis)))
        columns[hypothesis_column(tuple(analysis.parameters), hypothesis)] = network.score(x, rows)
    return columns


def _event_number(plan: Plan) -> str | None:
    number = plan.analysis.event_number
    if number and available(plan, number):
        return column_of(number)
    return "event_number" if "event_number" in plan.available else None


def _numbers(plan: Plan, number: str, variables: Variables, length: int) -> NDArray[Any]:
    """Event numbers as the file has them; those of an expression, which computes in double precision, as integers."""
    values = plan.evaluate(number, variables, length)
    if number in plan.available:
        return values
    return whole_numbers(values, number, plan.where).view(np.int64)


def _selection(plan: Plan) -> str | None:
    selection = plan.analysis.selection
    return selection if selection and available(plan, selection) else None


def available(plan: Plan, text: str) -> bool:
    """Whether a file has all columns of an expression."""
    try:
        plan.needs(text)
    except ColumnNotFound:
        return False
    return True


def row_count(columns: Mapping[str, Any]) -> int:
    """Number of rows of a chunk."""
    return len(next(iter(columns.values())))


def absolute(file: str) -> str:
    """A file by its absolute path, with the tree inside it."""
    path, inside = split_treename(file)
    return f"{Path(path).absolute()}:{inside}" if inside else str(Path(path).absolute())


def _as_scores(score: Any, analysis: Analysis) -> Scores:
    nothing = np.zeros(len(score))
    return Scores(score=score, target=nothing, weight=nothing, classes=analysis.classes)


def column_name(text: str) -> str:
    """A formula as a column name of letters, digits and `_`, which every format accepts.

    >>> column_name("Muon_pt[0]"), column_name("1 - x")
    ('Muon_pt_0', '_1_x')
    """
    name = re.sub(r"\W+", "_", text).strip("_")
    return f"_{name}" if name[:1].isdigit() else name or "_"


def column_names(texts: Sequence[str], reserved: Sequence[str]) -> dict[str, str]:
    """A column name for each formula; where two would have the same, the later ones are numbered.

    A text that is a valid column name keeps it.

    Args:
        texts: the formulas.
        reserved: names of other columns.

    >>> column_names(["jets/pt", "jets.pt", "score"], ["score"])
    {'jets/pt': 'jets_pt', 'jets.pt': 'jets_pt_2', 'score': 'score_2'}
    >>> column_names(["jets.pt", "jets_pt"], [])
    {'jets.pt': 'jets_pt_2', 'jets_pt': 'jets_pt'}
    """
    found = {text: text for text in texts if column_name(text) == text and text not in reserved}
    for text in texts:
        if text not in found:
            found[text] = _free(column_name(text), [*reserved, *found.values()])
    return {text: found[text] for text in texts}


def _free(name: str, taken: Sequence[str]) -> str:
    """A name that is not taken yet: itself, or with a number."""
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name}_{count}"
    return free


def score_names(classes: Sequence[str]) -> dict[str, str]:
    """A column name for the score of each class, `score_CLASS`, with letters, digits and `_` only.

    Where classes differ in their signs alone, these are spelled out; names that would still be equal are numbered.

    >>> score_names(["W+", "W-", "Z"])
    {'score_W+': 'score_Wplus', 'score_W-': 'score_Wminus', 'score_Z': 'score_Z'}
    """
    texts = [f"score_{name}" for name in classes]
    found = {text: column_name(text) for text in texts}
    if len(set(found.values())) == len(texts):
        return found
    for text in texts:
        spelled = text.replace("+", "plus").replace("-", "minus").replace("±", "plusminus")
        found[text] = _free(column_name(spelled), [found[other] for other in texts[: texts.index(text)]])
    return found


def reserved_names(analysis: Analysis, hypotheses: Sequence[tuple[float, ...]]) -> list[str]:
    """Names of the columns that are written beside the observers."""
    fixed = ["event_number", "selected", "fold", "score", "prediction", "predicted_class", "probability"]
    scores = score_names(analysis.classes).values()
    return [*fixed, *analysis.parameters, *scores, *(hypothesis_column(tuple(analysis.parameters), h) for h in hypotheses)]
