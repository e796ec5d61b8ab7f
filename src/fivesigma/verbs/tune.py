"""The verb `tune`: search for the best settings, then train and evaluate with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import dump, load
from fivesigma.analysis.tune import Tune
from fivesigma.data.mapped import handed_over
from fivesigma.errors import AnalysisError
from fivesigma.metrics.spec import spec_of
from fivesigma.names import number_of
from fivesigma.progress import Listener, TrialRow
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.tuning.hyperband import brackets
from fivesigma.tuning.search import News, Search, check_space, trials_of
from fivesigma.tuning.space import size
from fivesigma.tuning.trial import Trial
from fivesigma.verbs.base import AnalysisLike, check_cluster
from fivesigma.verbs.run import run

SHOWN = 10


def tune(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    new: bool = False,
    workers: int | None = None,
    cluster: str | None = None,
) -> Run:
    """Search the analysis's space, then run the analysis with the best settings.

    The search keeps its trials and `tune.json` in a run folder of its own, below `tune/`; the same
    call continues a search that was stopped. Test events are used only by the run at the end.

    Args:
        analysis: with a `tune` section.
        settings, data, output, listener, new: as for `run`.
        workers: number of trials that train at the same time, each on one core; by default one per core.
            The result does not depend on it.
        cluster: address of a Dask scheduler whose workers train the trials; they need access to `output`.

    Returns:
        The run with the best settings.
    """
    context = RunContext.of(output, listener, workers, cluster)
    resolved = load(analysis, settings, data)
    if resolved.split.folds is not None:
        raise AnalysisError(
            "a search trains one network per setting and cannot use folds",
            hint="search with --set split.folds=null; then fivesigma run RUN/tune/best.yaml "
            f"--set split.folds={resolved.split.folds}",
        )
    check_space(resolved)
    check_cluster(context)
    session = RunSession.start(resolved, context, needs="tune", new=new)
    session.folder.begin("tune")
    best = _search(session)
    session.folder.finish()
    return run(best, output=output, listener=listener, new=new, workers=workers)


def _search(session: RunSession) -> Analysis:
    """The analysis with the best settings that the search finds; they are kept in `tune/best.yaml`."""
    resolved, folder, listener = session.analysis, session.folder, session.listener
    tune, place = resolved.tune, (folder / "tune").absolute()
    if tune.method in ("random", "tpe") and trials_of(tune) < tune.trials:
        settings = number_of(trials_of(tune), "setting")
        listener.say(f"the space has {settings}, and tune.trials asks for {tune.trials}: each is tried once")
    parts = {part: events for part, events in session.source.parts.items() if part != "test"}
    if session.source.shards is not None:
        lengths = session.source.lengths()
        if any(len(events) < lengths[part] for part, events in parts.items()):
            counts = ", ".join(f"{len(events):,} of {lengths[part]:,} {part}" for part, events in parts.items())
            listener.say(
                f"warning: the search uses a random sample of the prepared events, {counts}; the run with the best settings "
                "trains on all. `train.window` is the size of the sample"
            )
    if "val" not in parts:
        raise AnalysisError("a search needs validation events", hint="set split.val")
    with (
        session.workers.executor(tasks=most_trials(resolved.tune), single_core=True) as pool,
        handed_over(parts, place / "data", pool.shares_memory) as events,
    ):
        trials = Search(resolved, events, place, pool, Watch(folder, listener, resolved.tune)).run()
    rows = [
        [str(t.number), f"{t.value:.4f}" if t.value is not None else "–", str(t.trained), shown(t.setting)]
        for t in trials[:SHOWN]
    ]
    listener.table("best trials (validation)", ["trial", resolved.tune.objective, "epochs", "setting"], rows)
    best = load(resolved, trials[0].setting)
    folder.write_text("tune/best.yaml", dump(best))
    listener.say(f"best settings: {shown(trials[0].setting)}; kept in {folder / 'tune' / 'best.yaml'}")
    return best


def most_trials(tune: Tune) -> int | None:
    """Largest number of trials that can train at the same time; None if unknown."""
    if tune.method == "hyperband":
        return sum(rungs[0].count for rungs in brackets(tune.max_epochs, tune.factor))
    if tune.method == "tpe":
        return min(tune.trials_at_once, trials_of(tune))
    return trials_of(tune) if tune.method == "random" else size(tune.space)


class Watch:
    """Passes the reports of a search on to a listener, as rows of a table.

    Args:
        folder: folder of the search; each report shows that the search is alive.
        listener: receives the rows.
        tune: section `tune` of the analysis.
    """

    def __init__(self, folder: RunFolder, listener: Listener, tune: Tune) -> None:
        self._folder, self._listener, self._tune = folder, listener, tune
        self._training: dict[int, int] = {}  # number → epochs it is to reach

    def __call__(self, news: News) -> None:
        self._folder.alive()
        if news.is_done:
            self._training.pop(news.trial.number, None)
        else:
            self._training[news.trial.number] = news.target
        rows = {trial.number: self._row(trial) for trial in news.trials}
        changed = rows[news.trial.number]
        self._listener.trials(self._tune.objective, sorted(rows.values(), key=self._order), changed, news.epochs, news.total)

    def _row(self, trial: Trial) -> TrialRow:
        epochs = trial.epochs if trial.number in self._training else trial.trained
        return TrialRow(
            trial.number,
            trial.bracket,
            shown(trial.setting),
            epochs,
            self._training.get(trial.number, epochs),
            trial.value,
            trial.seconds,
            self._state(trial),
        )

    def _state(self, trial: Trial) -> str:
        if trial.failure is not None:
            return "failed"
        if trial.number in self._training:
            return "training"
        if trial.epochs >= self._tune.max_epochs:
            return "done"
        return "paused" if trial.epochs else "waiting"

    def _order(self, row: TrialRow) -> tuple[bool, float, int]:
        value = float("inf") if row.best is None else row.best
        smaller = not spec_of(self._tune.objective).larger_is_better or row.best is None
        return row.state != "training", value if smaller else -value, row.number


def shown(setting: Mapping[str, Any]) -> str:
    """Write a setting in one line.

    >>> shown({"model.layers": [28, 28], "train.learning_rate": 0.00123456})
    'model.layers=[28, 28], train.learning_rate=0.001235'
    """
    return ", ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in setting.items()
    )
