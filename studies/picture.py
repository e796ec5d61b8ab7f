"""A picture of how the article's recipe and the built-in analysis go on with the number of training events."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import fivesigma as fs
from fivesigma.reporting.style import colour, new_figure, style


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        group: name of the built-in analysis.
        metric: what is drawn.
        title: of the vertical axis.
        published: the article's number, and how many events it trained on.
    """

    group: str
    metric: str
    title: str
    published: tuple[float, float]


PANELS = (
    Panel("hepmass", "accuracy", "accuracy", (0.8808, 4.9e6)),
    Panel("muon-pt", "rmse", "RMSE(q/pT) [1/GeV]", (0.047, 2.2e6)),
    Panel("muon-class", "f1_weighted", "weighted F1", (0.85, 2.2e6)),
)


def growth(runs: Mapping[str, fs.Run], path: Path) -> list[str]:
    """Draw a panel for each analysis whose runs are there, into a PNG file; return their names."""
    drawn = [panel for panel in PANELS if panel.group in runs and f"{panel.group}-large" in runs]
    if not drawn:
        return []
    from matplotlib.ticker import NullFormatter

    with style():
        figure, every = new_figure(3.9 * len(drawn), 3.6, 1, len(drawn))
        for axes, panel in zip(every, drawn, strict=True):
            for i, (name, text) in enumerate(
                ((f"{panel.group}-article", "the article's recipe"), (panel.group, "built-in"))
            ):
                points = sorted(_point(runs[each], panel.metric) for each in (name, f"{name}-large"))
                events, values, errors = zip(*points, strict=True)
                axes.errorbar(events, values, errors, fmt="o-", ms=5, capsize=2, color=colour(2 * i), label=text)
            value, events_then = panel.published
            axes.plot(events_then, value, "k*", ms=11, label="published (other events)")
            axes.set(xscale="log", xlabel="training events", ylabel=panel.title, title=panel.group)
            axes.margins(0.12, 0.15)
            axes.xaxis.set_minor_formatter(NullFormatter())
        every[0].legend(fontsize=8)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    return [panel.group for panel in drawn]


def _point(run: fs.Run, metric: str) -> tuple[int, float, float]:
    """Training events, and the metric of the test events with its error."""
    found = run.metrics["test"][metric]
    return run.folder.read_json("metadata.json")["events"]["train"], found["value"], found["error"]
