"""Get the events of an analysis: from its files, from a prepared folder, or from a simulation."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma import extras
from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import load
from fivesigma.analysis.samples import Sample
from fivesigma.analysis.section import fields_with
from fivesigma.analysis.simulate import MuonSimulation, ResonanceSimulation
from fivesigma.analysis.split import Split
from fivesigma.atomic import alone_in
from fivesigma.cache import cache_folder
from fivesigma.cluster.executor import Workers
from fivesigma.data.formats import expand
from fivesigma.data.load import load_samples
from fivesigma.data.normalisation import is_normalised, normalised
from fivesigma.data.opening import plan_for, reader_for
from fivesigma.data.plan import EVENT_NUMBER, Plan
from fivesigma.data.shards import INDEX, Shards
from fivesigma.data.write import writable_format, write_columns
from fivesigma.errors import AnalysisError, OutputError
from fivesigma.events import Events, concatenate
from fivesigma.memory import give_back, in_file
from fivesigma.names import number_of
from fivesigma.preparation.folds import FoldAssignment
from fivesigma.preparation.negative_weights import check_sums, class_sums
from fivesigma.preparation.parameters import assign, drawn_anywhere, signal_rows
from fivesigma.preparation.split import OUT_OF_FOLD, rows_of, split
from fivesigma.progress import Listener
from fivesigma.simulation.chunk_store import pieces, remove_pieces


@dataclass(frozen=True)
class Source:
    """The events of an analysis, split into parts.

    Attributes:
        parts: `train`, `val`, `test` → events; with folds, `folds` and `test`.
        files: sample name → its files.
        kinds: type of each column in the first file.
        read: sample name → number of events read before the selection.
        simulated: whether the events come from a built-in simulation.
        allowed_truth: truth columns that the analysis allows among the inputs.
        division: the folds of the part `folds`, if the analysis has folds.
        shards: all events on disk, if `parts` hold only a random sample of them.
        per_fb: whether weights are expected events per fb⁻¹, by the samples' cross sections.
        uses: the uses of all samples.
        origin: the analysis with the samples that were read, if they were.
        rows: for each part, which events of each sample it holds; only if systematic uncertainties or baselines need it.
    """

    parts: dict[str, Events]
    files: Mapping[str, list[str]]
    kinds: Mapping[str, str]
    read: Mapping[str, int]
    simulated: bool
    allowed_truth: list[str]
    division: FoldAssignment | None = None
    shards: Shards | None = None
    per_fb: bool = False
    uses: frozenset[str] = frozenset({"split"})
    origin: Analysis | None = None
    rows: Mapping[str, Sequence[NDArray[np.intp]]] = field(default_factory=dict)

    def forget(self, part: str) -> None:
        """Let go of the events of a part that nobody needs any more, as far as they are in memory for its sake."""
        if self.shards is None and self.division is None:
            self.parts.pop(part, None)
            give_back()

    def lengths(self) -> dict[str, int]:
        """Number of events of each part."""
        if self.shards is None:
            return {part: len(events) for part, events in self.parts.items()}
        return {part: self.shards.length(part) for part in self.parts}


MANY = 3 * 10**8
"""Bytes of features from which on they are kept in files."""


def load_source(
    analysis: Analysis, listener: Listener, workers: Workers | None = None, scratch: Path | None = None
) -> Source:
    """Read or simulate the events of an analysis and split them.

    Args:
        analysis: with files or a simulation.
        listener: receives messages and progress.
        workers: processes that simulate, if there is no file.
        scratch: folder where features of many events may be in files that have no name; without one they are in memory.

    Raises:
        AnalysisError: if there is neither a file nor a simulation.
    """
    if analysis.shards is not None:
        return _prepared_source(analysis, analysis.shards, listener)
    simulated = not analysis.has_files
    if simulated:
        analysis = with_simulation(analysis, listener, workers)
    per_fb = is_normalised(analysis)
    analysis = normalised(analysis, listener.progress)

    def kept(events: Events) -> Events:
        if scratch is None or events.features.nbytes < MANY:
            return events
        return replace(events, features=in_file(events.features, scratch))

    loaded = load_samples(analysis, listener.progress, kept)
    counts = ", ".join(f"{len(sample.events):,} of {sample.read:,} ({sample.name})" for sample in loaded)
    listener.done(f"events after selection: {counts}")
    for note in dict.fromkeys(note for sample in loaded for note in sample.notes):
        listener.say(note)
    first = loaded[0]
    reader = reader_for(analysis, first.files[0], analysis.samples[first.name])
    if analysis.event_number is None and EVENT_NUMBER not in reader.types() and "split" in {one.use for one in loaded}:
        listener.say("events are divided by their content, as no column numbers them (`event_number`)")
    pairs = [(sample.use, sample.events) for sample in loaded]
    _check_variations(plan_for(analysis, reader))
    parts = split(pairs, analysis.split)
    for part in parts:
        parts[part] = kept(parts[part])
    parts = _with_parameters(parts, analysis)
    check_sums({part: class_sums(events) for part, events in parts.items()}, analysis.classes)
    if analysis.split.stratify and not analysis.classes:
        listener.say("split.stratify changes nothing here: a regression has no classes with shares to keep")
    left_out = sum(len(sample.events) for sample in loaded) - sum(map(len, parts.values()))
    if analysis.split.overlap == "drop" and analysis.split.train is None and left_out:
        listener.say(f"{number_of(left_out, 'event')} left out of the training, as the test has them too (split.overlap)")
    source = Source(
        parts=parts,
        division=FoldAssignment(parts[OUT_OF_FOLD], analysis.split, analysis.parameters) if OUT_OF_FOLD in parts else None,
        files={sample.name: list(sample.files) for sample in loaded},
        kinds=reader.types(),
        read={sample.name: sample.read for sample in loaded},
        simulated=simulated,
        allowed_truth=plan_for(analysis, reader).check_no_truth(),
        per_fb=per_fb,
        uses=frozenset(use for use, _ in pairs),
        origin=analysis,
        rows=_rows(pairs, parts, analysis.split) if _samples_matter(analysis) else {},
    )
    del loaded, pairs, first  # what was read before it was divided
    give_back()
    return source


def read(
    analysis: str | Path | Analysis | Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    listener: Listener | None = None,
) -> Events:
    """Read all events of an analysis after its selections, of all samples; simulate them if it names no files.

    Args:
        analysis: a path, the name of a built-in analysis, or a mapping.
        settings: overrides by dotted key.
        data: files by sample name.
        listener: hears how far it is.

    Raises:
        FivesigmaError: if the analysis or the data are wrong.
    """
    resolved, listener = load(analysis, settings, data), listener or Listener()
    if resolved.shards is not None:
        shards = Shards(resolved.shards)
        return concatenate([shards.sample(part, shards.length(part)) for part in shards.rows if shards.length(part)])
    resolved = resolved if resolved.has_files else with_simulation(resolved, listener)
    loaded = load_samples(normalised(resolved, listener.progress), listener.progress)
    for note in dict.fromkeys(note for sample in loaded for note in sample.notes):
        listener.say(note)
    return concatenate([sample.events for sample in loaded])


def _samples_matter(analysis: Analysis) -> bool:
    """Whether something asks which sample an event is from."""
    return bool(analysis.systematics or analysis.baselines or analysis.evaluate.search)


def _rows(
    pairs: Sequence[tuple[str, Events]], parts: Mapping[str, Events], settings: Split
) -> dict[str, list[NDArray[np.intp]]]:
    """Which events of each sample a part holds, without those dropped because they are also test events."""
    rows = rows_of(pairs, settings)
    for part in parts:
        if sum(map(len, rows[part])) != len(parts[part]):
            hidden = parts["test"].fingerprint
            each = zip(rows[part], pairs, strict=True)
            rows[part] = [index[~np.isin(events.fingerprint[index], hidden)] for index, (_, events) in each]
    return rows


def _check_variations(plan: Plan) -> None:
    """Check before the training that files and columns of systematic variations exist.

    Raises:
        ColumnNotFound: if a weight's formula needs a column that does not exist.
        DataError: if a file does not exist.
    """
    for systematic in plan.analysis.systematics.values():
        for side in (systematic.up, systematic.down):
            if side is not None and side.weights is not None:
                plan.needs(side.weights)
            for files in side.samples.values() if side is not None else ():
                expand(files)


def _with_parameters(parts: dict[str, Events], analysis: Analysis) -> dict[str, Events]:
    """Draw the parameters of background events, if the analysis asks for it."""
    if not drawn_anywhere(analysis.parameters):
        return parts
    signal = signal_rows(parts["train" if "train" in parts else OUT_OF_FOLD])
    return {part: assign(events, analysis.parameters, signal) for part, events in parts.items()}


def _prepared_source(analysis: Analysis, folder: str, listener: Listener) -> Source:
    """Events written by `fivesigma prepare`: a random sample in memory, all of them on disk.

    Raises:
        AnalysisError: if they were prepared for another analysis.
    """
    shards = Shards(folder)
    for key, wanted in reading_settings(analysis).items():
        if shards.decisions.get(key) != wanted:
            raise AnalysisError(
                f"{folder} was prepared with another `{key}` than that of {analysis.name}",
                hint=_AGAIN,
            )
    _check_samples(analysis, shards.decisions.get("samples", {}), folder, listener)
    if drawn_anywhere(analysis.parameters):
        signal = signal_rows(shards.sample("train", SIGNAL_SAMPLE))
        shards = Shards(folder, lambda events: assign(events, analysis.parameters, signal))
    parts = {part: shards.sample(part, analysis.train.window) for part in shards.rows if shards.length(part)}
    sums = shards.totals if analysis.classes else lambda part: np.array([shards.weight(part)])
    check_sums({part: sums(part) for part in parts}, analysis.classes)
    counts = ", ".join(f"{shards.length(part):,} {part}" for part in parts)
    listener.done(f"prepared events: {counts} in {folder}; at most {analysis.train.window:,} in memory at a time")
    return Source(
        parts=parts,
        files={"prepared": [str(shards.folder / INDEX)]},
        kinds=dict.fromkeys(shards.index["features"], "float"),
        read={"prepared": sum(shards.length(part) for part in parts)},
        simulated=shards.decisions.get("simulated") is True,
        allowed_truth=[],
        shards=shards,
        per_fb=shards.decisions.get("per_fb") is True,
        uses=frozenset(shards.decisions.get("uses", ["split"])),
    )


SIGNAL_SAMPLE = 100_000
"""Events read to learn which parameters the signal has."""


def reading_settings(analysis: Analysis) -> dict[str, Any]:
    """The settings of an analysis that decide which events it reads; a prepared folder must have the same."""
    tree = analysis.model_dump(mode="json", include=set(fields_with(Analysis, "reading")))
    # How the background's values are drawn is decided when events are read.
    kept = {name: [p.variable, p.background_variable, p.values] for name, p in analysis.parameters.items()}
    split_settings = analysis.split.model_dump(mode="json", exclude={"stratify", "folds"})
    return {**tree, "parameters": kept, "split": split_settings}


def sample_settings(analysis: Analysis) -> dict[str, Any]:
    """What the samples of an analysis say of their events, by name: so a prepared folder knows what it was made from."""
    return {name: sample.model_dump(mode="json") for name, sample in analysis.samples.items() if sample.files}


def _check_samples(analysis: Analysis, prepared: Mapping[str, Any], folder: str, listener: Listener) -> None:
    """Refuse samples that are not those of a prepared folder; warn if only their files are named otherwise.

    Args:
        analysis: may name the samples again.
        prepared: what `sample_settings` gave for the folder; empty for one of an older version.
        folder: its name.
        listener: hears the warning.
    """
    for name, now in sample_settings(analysis).items():
        then = prepared.get(name)
        if then is None:
            if prepared:
                raise AnalysisError(f"{folder} was prepared without the sample {name!r}", hint=_AGAIN)
            continue
        if changed := next((key for key, value in now.items() if key != "files" and value != then.get(key, value)), None):
            raise AnalysisError(f"{folder} was prepared with another samples.{name}.{changed}", hint=_AGAIN)
        if now["files"] != then["files"]:
            listener.say(
                f"warning: the events are those of {folder}, which was prepared from other files of the sample {name!r} "
                "than those that are named now"
            )


_AGAIN = "run `fivesigma prepare` for this analysis"


def with_simulation(analysis: Analysis, listener: Listener, workers: Workers | None = None) -> Analysis:
    """The analysis with its simulated events as its only sample; they are simulated if not in the cache."""
    if analysis.simulate is None:
        raise AnalysisError(
            f"{analysis.name} has neither files nor a simulation", hint="give --data train=FILE, or `samples` in the file"
        )
    path = simulated_file(analysis.simulate, listener, workers)
    return analysis.model_copy(update={"samples": {"simulated": Sample(files=[str(path)])}})


def simulated_file(
    settings: ResonanceSimulation | MuonSimulation,
    listener: Listener,
    workers: Workers | None = None,
) -> Path:
    """The file of a simulation, from the cache or newly written.

    Its name contains a hash of all settings, of the simulation's code and of the versions of Pythia and FastJet, so that
    other settings or other versions have another file.
    """
    text = json.dumps([_simulation_code(), _generators(settings), settings.model_dump()], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    ending = "npz" if isinstance(settings, MuonSimulation) else "parquet"
    path = cache_folder() / f"{settings.process}-{settings.events}-{digest}.{ending}"
    if path.is_file():
        listener.say(f"simulated events from the cache: {path}")
        return path
    simulate_to(settings, path, listener, replace=True, workers=workers)
    return path


def _generators(settings: ResonanceSimulation | MuonSimulation) -> dict[str, str]:
    """Versions of the libraries that the simulated events depend on; muons depend on none."""
    if isinstance(settings, MuonSimulation):
        return {}
    from fivesigma.simulation.generator import LIBRARIES

    return extras.versions(LIBRARIES)


def _simulation_code() -> str:
    """A hash of the code that determines the simulated events."""
    digest = hashlib.sha256()
    package = resources.files("fivesigma")
    folders = [package / "simulation", package / "simulation" / "muons"]
    files = [entry for folder in folders for entry in folder.iterdir() if entry.name.endswith((".py", ".csv"))]
    for entry in [*sorted(files, key=str), package / "kinematics.py"]:
        digest.update(entry.read_bytes())
    return digest.hexdigest()


def simulate_to(
    settings: ResonanceSimulation | MuonSimulation,
    path: Path,
    listener: Listener,
    *,
    replace: bool = False,
    workers: Workers | None = None,
) -> int:
    """Simulate events and write them to a file; its extension gives the format.

    Collisions are kept in pieces in `<path>.parts/` until the file is complete, so that the same call continues
    after it was killed; muons take seconds and start again.

    Args:
        settings: settings of the simulation.
        path: the file.
        listener: hears how far it is.
        replace: whether an existing file may be replaced.
        workers: processes that simulate, by default one per core; the events do not depend on them, and this
            process writes the file.

    Returns:
        The number of events written.
    """
    workers = workers or Workers()
    if path.exists() and not replace:
        raise OutputError(f"{path} exists already", hint="choose another name, or remove it first")
    store = path.with_name(f"{path.name}.parts")
    if isinstance(settings, MuonSimulation):
        rows = write_columns(path, _muon_chunks(settings, path, listener, workers), replace=replace)
    else:
        writable_format(path)  # a name without a known ending is better refused before the work
        # Two commands may fill the cache together; a file of the user's is written by one.
        with nullcontext() if replace else alone_in(store):
            if pieces(store):
                listener.say(f"continuing the simulation in {store}")
            rows = write_columns(path, [_resonance_columns(settings, listener, workers, store)], replace=replace)
            remove_pieces(store)
    listener.done(f"simulated {rows:,} events: {path}")
    return rows


def _resonance_columns(
    settings: ResonanceSimulation, listener: Listener, workers: Workers, store: Path
) -> Mapping[str, Any]:
    from fivesigma.simulation.resonance import ResonanceSettings, simulate
    from fivesigma.simulation.uci import to_uci

    wanted = ResonanceSettings(
        events=settings.events,
        masses=tuple(settings.masses),
        background=settings.background,
        width=settings.width,
        sqrt_s=settings.sqrt_s,
        seed=settings.seed,
        fidelity=settings.fidelity,
    )
    columns = simulate(wanted, workers=workers.count, progress=listener.progress, store=store, cluster=workers.cluster)
    if settings.layout == "uci":
        columns = {**to_uci(columns), "event_number": columns["event_number"], "weight": columns["weight"]}
    return columns


def _muon_chunks(settings: MuonSimulation, path: Path, listener: Listener, workers: Workers) -> Iterator[Mapping[str, Any]]:
    from fivesigma.simulation.muons.archive import PARAMETERS, VARIABLES
    from fivesigma.simulation.muons.simulation import MuonSettings, simulate_chunks

    wanted = MuonSettings(
        events=settings.events,
        spectrum=settings.spectrum,
        pt_min=settings.pt_min,
        pt_max=settings.pt_max,
        seed=settings.seed,
        noise=settings.noise,
        dead_chambers=settings.dead_chambers,
    )
    as_archive = path.suffix == ".npz"
    for chunk in simulate_chunks(wanted, workers=workers.count, progress=listener.progress, cluster=workers.cluster):
        if as_archive:
            yield chunk
            continue
        named = {name: np.ascontiguousarray(chunk["variables"][:, i]) for i, name in enumerate(VARIABLES)}
        truth = {name: np.ascontiguousarray(chunk["parameters"][:, i]) for i, name in enumerate(PARAMETERS)}
        yield {**named, **truth, "event_number": chunk["event_number"]}
