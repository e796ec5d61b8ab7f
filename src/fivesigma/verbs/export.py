"""The verb `export`: the network of a run as a file for other software, compared with the network before it is kept."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fivesigma import plugins
from fivesigma.analysis.file import sentences
from fivesigma.analysis.firmware import Firmware
from fivesigma.analysis.section import Section
from fivesigma.atomic import remove, sha256, write_text, writing
from fivesigma.deployment.base import Deliverable, Exporter, refuse_folds
from fivesigma.deployment.check import TOLERANCE, compare, require
from fivesigma.deployment.deliverable import COLUMNS, check_fixed, columns_by_default, of_columns, of_features
from fivesigma.deployment.events import (
    DRAWN,
    CheckEvents,
    Rounded,
    drawn_events,
    first_table,
    real_events,
    with_recorded_files,
)
from fivesigma.deployment.exported import CHECKED, known_exports
from fivesigma.deployment.metadata import hashes
from fivesigma.errors import AnalysisError, FivesigmaError, OutputError, RunError, did_you_mean
from fivesigma.preparation.parameters import outside_training, trained_ranges
from fivesigma.progress import Listener
from fivesigma.reporting.deployment import LEARNED_FROM, kind_of_events, rounded_in_words
from fivesigma.runs import manifest
from fivesigma.runs.context import RUNS, RunContext, parameter_values
from fivesigma.runs.folder import TRAINED
from fivesigma.runs.moved import Places
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.training.folds import Folds
from fivesigma.training.network import Network
from fivesigma.version import __version__

EVENTS = 20_000
"""Events on which an exported model is compared with its network."""


@dataclass(frozen=True)
class Exported:
    """An exported model.

    Attributes:
        path: the file.
        check: how it compares with the network, as in `export/check.json`.
    """

    path: Path
    check: Mapping[str, Any]


def export(
    run: str | Path | Run,
    format: str = "onnx",
    destination: str | Path | None = None,
    *,
    inputs: str | None = None,
    at: Mapping[str, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    moved: Places | None = None,
) -> Exported:
    """Write the network of a run, with recipe, link and scale, for other software; compare it with the network first.

    Args:
        run: a run folder, or an analysis's name for its latest run.
        format: name of the format, such as `onnx`.
        destination: the file; by default `export/model.<ending>` in the run folder. A file that is there is replaced
            only if this run has exported it. For `triton`, `rtl` and `hls` it is a folder, by
            default `export/triton` and so on.
        inputs: `features`, or `columns` for a model that computes the new variables itself; by default `columns` if the
            analysis computes features and needs no lists for it.
        at: values of parameters that the model then no longer takes, such as `{"mass": 1000}`.
        settings: of the format, such as `{"opset": 17}`.
        tolerance: largest difference from the network, in units of the scores' scale.
        output: folder of all runs.
        listener: receives messages and progress.
        moved: folders or files from which the events were read → where they are now; the run keeps it.

    Raises:
        Disagreement: if the exported model differs from the network by more; then nothing is written.
    """
    exporter: Exporter = plugins.exporters.get(format)
    chosen = _settings(exporter, settings or {})
    exporter.needs()
    session = RunSession.open(run, RunContext.of(output, listener), TRAINED, moved)
    folder, listener = session.folder, session.listener
    if not exporter.folds:
        refuse_folds(session.analysis.split.folds or 1)
    place = _place(exporter, chosen, session, destination)
    scorer, fixed = session.network(), parameter_values(at)
    check_fixed(fixed, scorer.recipe.parameters)
    manifest.require(folder.path, ("metrics.json",))  # its numbers go into the file, where nobody can check them
    for warning in outside_training(fixed, trained_ranges(scorer.recipe.parameters, folder.hypotheses())):
        listener.say(f"warning: {warning}")
    firmware = exporter.firmware(chosen, session.analysis)
    what, given = _prepared(session, scorer, exporter.inputs, inputs, fixed, firmware)
    if given.part != DRAWN:
        session.keep_places()
    file = _file_name(place, folder / "export")
    earlier = _earlier(known_exports(folder).get(format, {}))
    before = earlier.pop(file, {})
    with writing(place) as part:
        listener.progress(0, 2, f"writing {place}")
        exporter.write(chosen, what, part)
        _refuse_foreign(place, before.get("sha256"), sha256(part))
        listener.progress(1, 2, f"comparing {place} with the network")
        found = compare(what, scorer, exporter.load(part), exporter.receives(what, given), session.analysis)
        require(found, tolerance)
        found |= exporter.prove(chosen, what, part, given, listener)
        texts = exporter.companions(chosen, what, part, place, found)
        digests = {_inside(path, place): hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}
        for path in texts:
            _refuse_foreign(path, before.get("texts", {}).get(_inside(path, place)), digests[_inside(path, place)])
        found = {
            "file": file,
            "earlier": earlier,
            "texts": digests,
            "sha256": sha256(part),
            "bytes": part.stat().st_size,
            "fivesigma": __version__,
            "settings": chosen.model_dump(mode="json"),
            "inputs": [each.name for each in what.inputs],
            "takes": "features" if what.formulas is None else COLUMNS,
            "parameters": list(what.parameters),
            "fixed": fixed,
            "tolerance": tolerance,
            "network": hashes(folder),
            **found,
        }
    for name, digest in before.get("texts", {}).items():  # a shorter pipeline has fewer files
        if name not in digests and (old := place.parent / name).is_file() and sha256(old) == digest:
            remove(old)
    for path, text in texts.items():
        write_text(path, text)
    try:
        folder.write_json(CHECKED, {**known_exports(folder), format: found})
    except OutputError as error:  # the run may be somebody else's; what was asked for is there
        if place.absolute().is_relative_to(folder.path.absolute()):
            raise
        listener.say(f"warning: {error.what}: the run, its report and `verify` will not know of this export")
    for note in exporter.notes(chosen, place):
        listener.say(note)
    if found.get("learned_from") and found.get("metrics"):
        listener.say(f"note: {LEARNED_FROM}")
    listener.done(_in_words(found))
    return Exported(place, found)


def _settings(exporter: Exporter, given: Mapping[str, Any]) -> Section:
    if not isinstance(given, Mapping):
        raise AnalysisError(f"settings is {given!r}, which is no mapping", hint='give it as {"synthesis": "yosys"}')
    try:
        return exporter.settings.model_validate({**given, "kind": exporter.name})
    except ValidationError as error:
        raise AnalysisError(f"--set of the format {exporter.name}: {sentences(error)[0]}") from None


def _prepared(
    session: RunSession,
    scorer: Network | Folds,
    only: str | None,
    inputs: str | None,
    fixed: Mapping[str, float],
    firmware: Firmware | None,
) -> tuple[Deliverable, CheckEvents]:
    """What is exported, and the events on which it is compared with the network."""
    if inputs not in (None, "features", COLUMNS):
        raise AnalysisError(f"no inputs {inputs!r}; {did_you_mean(inputs, ['features', COLUMNS])}")
    if only is not None and inputs not in (None, only):
        raise AnalysisError(f"this format takes {only}, not {inputs}")
    inputs = only or inputs
    if only == COLUMNS and session.analysis.shards is not None:
        raise RunError(
            "the run was trained on shards, which hold features, and this format takes the columns of the files",
            hint="train on the files themselves: leave out `shards`",
        )
    folder, analysis, listener = session.folder, session.analysis, session.listener
    features = of_features(folder, analysis, scorer, fixed)
    try:
        resolved = with_recorded_files(folder, analysis)
        if inputs == "features" or (inputs is None and analysis.shards is not None):
            return features, real_events(resolved, (), EVENTS, listener)
        plan, types, half = first_table(resolved)
        if inputs is None and not columns_by_default(plan, scorer.recipe.features):
            return features, real_events(resolved, (), EVENTS, listener)
        what = of_columns(folder, plan, types, scorer, fixed, firmware, half)
        try:
            return what, real_events(resolved, [each.name for each in what.columns], EVENTS, listener)
        except Rounded as error:
            if inputs == COLUMNS:
                raise
            listener.say(f"the model takes the features: {error.what}")
            return features, real_events(resolved, (), EVENTS, listener)
    except FivesigmaError as error:
        if inputs == COLUMNS or isinstance(error, AnalysisError):
            raise
        listener.say(
            f"warning: the events of the run cannot be read ({error.what}); the model takes the features, and is compared "
            "with the network on random numbers, without physics numbers"
        )
        return features, drawn_events(scorer.recipe, EVENTS)


def _file_name(place: Path, exports: Path) -> str:
    """How `check.json` names a file: relative to the folder of all exports, or in full if it is elsewhere."""
    absolute, exports = place.absolute(), exports.absolute()
    return absolute.relative_to(exports).as_posix() if absolute.is_relative_to(exports) else str(absolute)


def _earlier(last: Mapping[str, Any]) -> dict[str, Any]:
    """All files that the run has exported in a format → SHA-256 of the file and of its companions.

    Args:
        last: what `check.json` says of the last export in the format; empty if there is none.
    """
    return {**last.get("earlier", {}), last["file"]: {key: last[key] for key in ("sha256", "texts")}} if last else {}


def _inside(path: Path, place: Path) -> str:
    """The name of a file relative to the folder of another one."""
    return Path(os.path.relpath(path, place.parent)).as_posix()


def _refuse_foreign(place: Path, *ours: str | None) -> None:
    """Replace only what this run has exported, unchanged since; the same content may have been left by a kill."""
    if place.exists() and (place.is_dir() or sha256(place) not in ours):
        raise OutputError(
            f"{place} exists, and is not what this run has exported", hint="choose another name, or remove it first"
        )


def _place(exporter: Exporter, settings: Section, session: RunSession, destination: str | Path | None) -> Path:
    """The file to write; for a format that is a folder, the destination is the folder."""
    default = session.folder / "export"
    if exporter.place is None:
        return Path(destination) if destination is not None else default / f"model{exporter.ending}"
    base = Path(destination) if destination is not None else default / exporter.name
    return base / exporter.place(settings, session.analysis.name)


def _in_words(found: Mapping[str, Any]) -> str:
    numbers = found["difference"]
    text = f"exported; on {found['events']:,} {kind_of_events(found)} events it "
    if numbers["largest"]:
        text += f"differs from the network by {numbers['largest']:.1e} at most, {numbers['mean']:.1e} on average"
        text += f" (scores of scale {numbers['scale']:.3g})" if numbers["scale"] != 1 else ""
    else:
        text += "gives the numbers of the network"
    for row in (found.get("proof", {}).get(key, {}) for key in ("emulator", "verilog", "hls")):
        if "mismatches" in row:
            text += f"; {row['name']}: {row['mismatches']} of {found['proof']['events']:,} events differ in any bit"
    if rounded := found.get("proof", {}).get("rounded"):
        text += f"; these are values as the ports round them, and rounding changes the scores by {rounded_in_words(rounded)}"
    return text
