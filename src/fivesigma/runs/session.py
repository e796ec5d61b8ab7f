"""A run while a verb works on it: open or begin its folder, and load its events once."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from fivesigma.analysis.analysis import Analysis
from fivesigma.baselines.of_run import Baselines, check
from fivesigma.cluster import multiprocess
from fivesigma.errors import AnalysisError, RunError
from fivesigma.progress import Listener
from fivesigma.runs.context import RunContext
from fivesigma.runs.folder import TRAINED, RunFolder, command_line, matching_runs
from fivesigma.runs.inputs import changed_inputs, inputs_of
from fivesigma.runs.moved import Places, keep, located, places_of
from fivesigma.runs.run import Run
from fivesigma.runs.source import Source, load_source
from fivesigma.training.folds import Folds, load_trained
from fivesigma.training.network import Network

_MADE = {"explore": ["explore.json"], "train": TRAINED, "run": ["metrics.json"], "tune": ["tune/best.yaml"]}
"""Step → files that say it has been taken."""


class RunSession:
    """A run while a verb works on it; events are loaded once for all steps.

    Args:
        folder: the run's folder.
        analysis: the resolved analysis.
        context: output folder, listener and workers.
        goes_on: whether what the run has begun is continued, which needs the same input files.
    """

    def __init__(self, folder: RunFolder, analysis: Analysis, context: RunContext, goes_on: bool = False) -> None:
        self.folder = folder
        self.analysis = analysis
        self.context = context
        self.listener = context.listener
        self.workers = context.workers
        self.changed: str | None = None
        """Says which input files are other ones than when the run was made, once the events are loaded."""
        self._goes_on = goes_on
        self._places: dict[str, str] = {}

    @classmethod
    def start(
        cls, analysis: Analysis, context: RunContext, *, needs: str, new: bool = False, resume: bool = False
    ) -> "RunSession":
        """Continue the latest run of exactly this analysis that still needs this step, or begin a new one.

        Args:
            analysis: the resolved analysis.
            context: output folder, listener and workers.
            needs: the next step; a run that has completed it already is not continued.
            new: always begin a new run.
            resume: never begin a new run.
        """
        if analysis.split.folds is not None and multiprocess.processes() > 1:
            raise AnalysisError(
                "folds are trained by workers in parallel, not by several processes together",
                hint="start one process, with --workers N or --cluster ADDRESS",
            )
        check(analysis)
        if multiprocess.rank():
            path = multiprocess.agree()
            return cls(RunFolder(Path(path)), analysis, RunContext(context.output, Listener(), context.workers))
        session = cls(cls._folder(analysis, context, needs, new, resume), analysis, context, goes_on=True)
        multiprocess.agree(str(session.folder.path.resolve()))
        return session

    @classmethod
    def open(
        cls, run: str | Path | Run, context: RunContext, needs: str | Sequence[str], moved: Places | None = None
    ) -> "RunSession":
        """Open an existing run.

        Args:
            run: its folder, or an analysis's name for its latest run.
            context: as for `start`.
            needs: the run must have one of these files.
            moved: where its files are now, as for `places_of`; the run keeps it once they have been read.

        Raises:
            RunError: if there is no such run, or another process is working on it.
        """
        folder = RunFolder.open(run.path if isinstance(run, Run) else run, context.output, needs)
        if folder.busy:
            raise RunError(
                f"another process is working on the run {folder} ({folder.unfinished})", hint="wait until it is finished"
            )
        session = cls(folder, folder.analysis(), context)
        if places := places_of(folder, moved):
            session.analysis, session._places = located(folder, places), places
        return session

    @staticmethod
    def _folder(analysis: Analysis, context: RunContext, needs: str, new: bool, resume: bool) -> RunFolder:
        for folder in reversed([] if new else matching_runs(context.output, analysis)):
            # A search and the run with its result have folders of their own, even if both are of the same analysis.
            is_run, is_search = folder.has("explore.json", *TRAINED), (folder / "tune").is_dir()
            if (is_run and not is_search) if needs == "tune" else (is_search and not is_run):
                continue
            unfinished = folder.unfinished
            # A training has its network before its baselines.
            stopped = unfinished is not None and (
                needs == "run" or (needs == "train" and unfinished in ("train", "baselines"))
            )
            if (stopped or not folder.has(*_MADE[needs])) and not folder.busy:
                step = f" ({folder.unfinished})" if folder.unfinished else ""
                context.listener.say(f"continuing the run {folder}{step}")
                if folder.unfinished:
                    # The mark names this process from now on: reading the events takes long, and a second command may start.
                    folder.begin(folder.unfinished)
                return folder
        if resume:
            raise RunError(
                f"no unfinished run of exactly this {analysis.name} analysis in {context.output}/",
                hint="leave out --resume to begin one",
            )
        return RunFolder.create(context.output, analysis, command_line())

    @cached_property
    def source(self) -> Source:
        """The run's events, loaded once.

        Raises:
            RunError: if the run has begun with other files, and would go on with these.
        """
        source = load_source(self.analysis, self.listener, self.workers, self.folder.path)
        self._record_inputs(source)
        self.keep_places()
        return source

    def keep_places(self) -> None:
        """Let the run know where its files are now, as they have been read."""
        keep(self.folder, self._places)

    def _record_inputs(self, source: Source) -> None:
        inputs = inputs_of(source)
        made = ("explore.json", *TRAINED, "tune", "folds")
        has_begun = self.folder.checkpoint.exists() or any((self.folder / name).exists() for name in made)
        self.changed = changed_inputs(self.folder, inputs, self._places) if has_begun else None
        if self.changed is not None and self._goes_on:
            raise RunError(self.changed, hint="begin a new run with --new, or put the files back as they were")
        if self.changed is not None:
            return  # what is recorded are the files that the network has learned from
        self.folder.update_metadata(
            inputs=inputs,
            simulated=source.simulated,
            allowed_truth=source.allowed_truth,
            events=source.lengths(),
        )

    @cached_property
    def baselines(self) -> Baselines:
        """The baselines of the run."""
        return Baselines(self.folder, self.analysis, self.source, self.listener)

    @property
    def is_trained(self) -> bool:
        """Whether the run has its trained network, or those of all its folds."""
        return self.folder.has(*TRAINED)

    def network(self) -> Network | Folds:
        """The trained network, or those of all folds.

        Raises:
            RunError: if there is none yet.
        """
        return load_trained(self.folder)

    @property
    def hypotheses(self) -> list[tuple[float, ...]]:
        """The values of the parameters of the training's signal."""
        return [tuple(values) for values in self.folder.read_json("metadata.json").get("hypotheses", [])]
