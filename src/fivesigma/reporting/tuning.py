"""The search that found the settings of a run: its trials as a table and as parallel coordinates."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.metrics.spec import LOSS, spec_of
from fivesigma.plugins import metrics
from fivesigma.reporting.style import Picture, new_figure, save
from fivesigma.reporting.table import Table, number
from fivesigma.runs.folder import RunFolder

Tree = Mapping[str, Any]
FILE = "tune/tune.json"


def search_of(folder: RunFolder) -> RunFolder | None:
    """The folder of the search that found a run's settings: its own, or one beside it whose best settings they are."""
    if folder.has(FILE):
        return folder
    own = (folder / "analysis.yaml").read_text(encoding="utf-8")
    try:
        beside = sorted(folder.path.absolute().parent.iterdir(), reverse=True)
    except OSError:
        return None
    for path in beside:
        best = path / "tune" / "best.yaml"
        if best.is_file() and (path / FILE).is_file() and best.read_text(encoding="utf-8") == own:
            return RunFolder(path)
    return None


def trials_of(search: RunFolder) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The section `tune` and the trials of a search, the best one first and failed ones last; nothing if it is damaged."""
    try:
        tree = json.loads((search / FILE).read_text(encoding="utf-8"))
        section, trials = dict(tree["tune"]), [dict(row) for row in tree["trials"]]
        sign = -1 if _larger_is_better(section["objective"]) else 1
        # Hyperband judges trials that were trained for longer first.
        trials.sort(key=lambda row: (row["value"] is None, sign * (row["value"] or 0.0), row["number"]))
    except (OSError, ValueError, KeyError, TypeError):
        return {}, []
    return section, trials


def table(section: Tree, trials: Sequence[Tree]) -> Table:
    """A row for each trial, the best one first."""
    keys = list(dict.fromkeys(key for row in trials for key in row["setting"]))
    header = ["trial", section["objective"], "epochs", "seconds", *keys]
    rows = [
        [
            str(row["number"]),
            number(row["value"]) if not row.get("failure") else "failed",
            str(row.get("trained", row["epochs"])),
            number(float(row["seconds"])),
            *(_text(row["setting"].get(key)) for key in keys),
        ]
        for row in trials
    ]
    note = (
        f"Method: {section.get('method')}; the objective is that of validation events. Test events were used for no choice."
    )
    failed = sorted({row["failure"] for row in trials if row.get("failure")})
    if failed:
        note += f" Failed: {'; '.join(failed[:3])}."
    return Table("Trials", header, rows, note)


def parallel_coordinates(folder: RunFolder, analysis: Analysis, section: Tree, trials: Sequence[Tree]) -> Picture | None:
    """A line for each trial through an axis for each setting, and its result at the right; None for fewer than two."""
    done = [row for row in trials if row["value"] is not None and np.isfinite(row["value"])]
    keys = list(dict.fromkeys(key for row in done for key in row["setting"]))
    if len(done) < 2 or not keys:
        return None
    columns = {key: _axis([row["setting"].get(key) for row in done], section.get("space", {}).get(key)) for key in keys}
    objective = _axis([row["value"] for row in done], None)
    from matplotlib import colormaps

    figure, (axes,) = new_figure(max(5.2, 1.9 * len(keys) + 2.6), 3.9)
    best = _larger_is_better(section["objective"])
    every = [*columns.values(), objective]
    for i in reversed(range(len(done))):  # the best one is drawn last
        heights = [heights[i] for heights, _ in every]
        rank = objective[0][i] if best else 1 - objective[0][i]
        axes.plot(
            range(len(every)),
            heights,
            color=colormaps["viridis_r"](0.2 + 0.8 * rank),
            lw=3 if i == 0 else 1.1,
            marker="o",
            ms=3,
            alpha=0.9,
            clip_on=False,
        )
    for place, (_, marks) in enumerate(every):
        axes.axvline(place, color="0.3", lw=1)
        for height, text in marks:
            axes.annotate(
                text,
                (place, height),
                xytext=(5, 0),
                textcoords="offset points",
                fontsize=8,
                va="center",
                bbox={"facecolor": "white", "alpha": 0.75, "lw": 0, "pad": 0.8},
            )
    axes.set_xticks(range(len(every)), [*(_broken(key) for key in keys), f"validation\n{section['objective']}"], fontsize=9)
    axes.set(xlim=(-0.1, len(every) - 0.55), ylim=(-0.05, 1.05))
    axes.tick_params(which="both", left=False, right=False, top=False, bottom=False, labelleft=False)
    axes.spines[:].set_visible(False)
    caption = (
        "Each line is a trial, from setting to setting to its result at the right; the darker, the better, and the best one "
        "is thick."
    )
    numbers = [
        {
            "trial": row["number"],
            "value": row["value"],
            "epochs": row.get("trained", row["epochs"]),
            **_flat(row["setting"]),
        }
        for row in done
    ]
    return save(folder, figure, "tuning", "Trials of the search", caption, numbers)


def _flat(setting: Tree) -> dict[str, Any]:
    return {key: value if isinstance(value, int | float) else _text(value) for key, value in setting.items()}


def _broken(key: str) -> str:
    section, _, rest = key.partition(".")
    return f"{section}.\n{rest}" if rest else section


def _axis(values: Sequence[Any], space: Any) -> tuple[list[float], list[tuple[float, str]]]:
    """Heights of values on an axis from 0 to 1, and its marks; numbers of many decades are on a logarithmic one."""
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    distinct = list(dict.fromkeys(_text(v) for v in values))
    choices = space.get("choice") if isinstance(space, Mapping) else None
    if numeric and choices is None and len(distinct) > 1:
        numbers = np.asarray(values, float)
        log = bool((numbers > 0).all() and numbers.max() > 30 * numbers.min())
        scaled = np.log(numbers) if log else numbers
        low, high = float(scaled.min()), float(scaled.max())
        heights = ((scaled - low) / (high - low)).tolist()
        places = np.linspace(low, high, 4)
        texts = _different(np.exp(places) if log else places)
        marks = [((p - low) / (high - low), text) for p, text in zip(places, texts, strict=True)]
        return heights, [(float(height), text) for height, text in marks]
    order = [_text(v) for v in choices] if choices else distinct
    if numeric and choices:
        order = [_text(v) for v in sorted(choices)]
    order += [text for text in distinct if text not in order]
    place = {text: (i / (len(order) - 1) if len(order) > 1 else 0.5) for i, text in enumerate(order)}
    return [place[_text(v)] for v in values], [(height, text) for text, height in place.items()]


def _different(numbers: Iterable[float]) -> list[str]:
    """Numbers with as many digits as tell them apart, and three at least.

    >>> _different([0.8309, 0.8314, 0.8323]), _different([0.0, 0.1])
    (['0.8309', '0.8314', '0.8323'], ['0', '0.1'])
    """
    values, texts = list(numbers), []
    for digits in range(3, 18):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(texts):
            break
    return texts


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)


def _larger_is_better(objective: str) -> bool:
    return objective != LOSS.name and objective in metrics and bool(spec_of(objective).larger_is_better)
