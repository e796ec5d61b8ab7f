"""`tune`: search for the best settings, then train and evaluate with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.analysis_file import dump, load
from fivesigma.journey.steps import Journey
from fivesigma.journey.verbs import RUNS, AnalysisLike, Run, run
from fivesigma.progress import Listener
from fivesigma.tune.search import Search, Trial

SHOWN = 10


def tune(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    new: bool = False,
) -> Run:
    """Search the analysis's space, then run the analysis with the best settings.

    The search keeps its trials and `tune.json` in a run folder of its own, below `tune/`; the same
    call goes on with a search that was stopped. Test events are used once, by the run at the end.

    Args:
        analysis: with a `tune` section.
        settings, data, output, listener, new: as for `run`.

    Returns:
        The run with the best settings.
    """
    listener = listener or Listener()
    resolved = load(analysis, settings, data)
    journey = Journey.start(resolved, Path(output), listener, needs="tune", new=new)
    folder = journey.folder
    folder.begin("tune")
    parts = {part: events for part, events in journey.source.parts.items() if part != "test"}

    def on_trial(trial: Trial, epochs: int) -> None:
        folder.alive()
        listener.say(
            f"trial {trial.number}: {resolved.tune.objective} {trial.value:.4f} after {epochs} epochs, {trial.seconds:.1f} s"
            f"  {_shown(trial.setting)}"
        )

    trials = Search(resolved, parts, folder / "tune", on_trial).run()
    rows = [
        [str(t.number), f"{t.value:.4f}" if t.value is not None else "–", str(t.epochs), _shown(t.setting)]
        for t in trials[:SHOWN]
    ]
    listener.table("best trials (validation)", ["trial", resolved.tune.objective, "epochs", "setting"], rows)
    best = load(resolved, trials[0].setting)
    folder.write_text("tune/best.yaml", dump(best))
    folder.finish()
    listener.say(f"best settings: {_shown(trials[0].setting)}; kept in {folder / 'tune' / 'best.yaml'}")
    return run(best, output=output, listener=listener, new=new)


def _shown(setting: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in setting.items()
    )
