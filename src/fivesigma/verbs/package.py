"""The verb `package`: a run as one file, to hand on, to archive, and to check."""

from pathlib import Path

from fivesigma.deployment.exported import known_exports
from fivesigma.deployment.package import write_package
from fivesigma.errors import MissingExtra, OutputError, RunError
from fivesigma.progress import Listener
from fivesigma.runs import manifest
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.folder import TRAINED
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.verbs.export import export


def package(
    run: str | Path | Run,
    destination: str | Path,
    output: str | Path = RUNS,
    listener: Listener | None = None,
) -> Path:
    """Write a run with a model card and BibTeX into one file; export its network as ONNX first, if it is not yet.

    Args:
        run: a run folder, or an analysis's name for its latest run.
        destination: the file to write, ending in `.zip`. It must not exist.
        output: folder of all runs.
        listener: receives messages and progress.

    Raises:
        RunError: if there is no such run, it is unfinished, or one of its files was changed or is missing.
        OutputError: if the file exists.
    """
    session = RunSession.open(run, RunContext.of(output, listener), TRAINED)
    folder, listener, path = session.folder, session.listener, Path(destination)
    if path.suffix != ".zip":
        raise OutputError(f"{path} does not end in .zip", hint="a package is a ZIP file")
    if path.exists():
        raise OutputError(f"{path} exists already", hint="choose another name, or remove it first")
    is_search = (folder / "tune").is_dir()
    if folder.unfinished is not None:
        verb = "tune" if is_search else "run"
        raise RunError(f"the run {folder} is not finished", hint=f"continue it first: fivesigma {verb} ANALYSIS")
    if is_search and not session.is_trained:
        raise RunError(
            f"{folder} is a search and has no network of its own",
            hint="pack the run with its best settings, which `fivesigma tune` made after it: `fivesigma runs` lists it",
        )
    if problems := manifest.problems(folder.path):
        wrong = [*manifest.altered(folder.path), *manifest.missing(folder.path)][0]
        raise RunError(
            f"the run {folder} is not as it was written: {problems[0]}",
            hint=f"make it again: {manifest.remedy(wrong)}; `fivesigma verify RUN` lists all such files",
        )
    if not session.is_trained:
        raise RunError(f"the run {folder} has no trained network", hint="continue it first: fivesigma run ANALYSIS")
    known = known_exports(folder).get("onnx")
    if known is None or not (folder / "export" / known["file"]).is_relative_to(folder / "export"):
        try:
            export(folder.path, "onnx", listener=listener)
        except (MissingExtra, RunError) as error:
            listener.say(f"warning: the package has no ONNX file: {error.what}")
    names = write_package(folder, path)
    listener.done(f"packed {len(names)} files, {path.stat().st_size:,} bytes: {path}")
    return path
