"""Tables of a run on the terminal: data, main results, search, and comparison with baselines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.metrics.metric import shown
from fivesigma.metrics.result import Results
from fivesigma.reporting import comparison, front, trigger
from fivesigma.reporting.search import band_of, chosen_in_words, discovery_of, limit_of
from fivesigma.reporting.style import titled
from fivesigma.reporting.table import Table

STATISTICS = ("mean", "std", "min", "median", "max")


def data_tables(tree: Mapping[str, Any], analysis: Analysis) -> Iterator[Table]:
    """Columns, then events of each class in every part.

    Args:
        tree: `explore.json`.
        analysis: of the run.
    """
    rows = [
        [
            titled(analysis, row["name"]),
            row["type"],
            f"{100 * row['missing']:.2f} %",
            *(_number(row.get(key)) for key in STATISTICS),
        ]
        for row in tree["columns"]
    ]
    yield Table("columns (training and validation events)", ["column", "type", "missing", *STATISTICS], rows)
    yield from class_tables(tree, analysis)


def class_tables(tree: Mapping[str, Any], analysis: Analysis) -> Iterator[Table]:
    """Events and fractions of each class in every part, and sums of weights if they differ from them."""
    parts, counts = list(tree["parts"]), tree["classes"]
    if not counts:
        yield Table("events by part", ["", *parts], [["events", *(f"{tree['parts'][part]['events']:,}" for part in parts)]])
        return
    rows = [
        [name, *(f"{counts[p][name]['events']:,} ({100 * tree['shares'][p][name]:.2f} %)" for p in parts)]
        for name in analysis.classes
    ]
    yield Table("events by part", ["class", *parts], rows)
    sums = {p: {n: row["weight"] for n, row in counts[p].items()} for p in parts}
    if any(abs(sums[p][n] - counts[p][n]["events"]) > 1e-6 * abs(sums[p][n]) for p in sums for n in sums[p]):
        rows = [
            [name, *(f"{sums[p][name]:.6g} ({100 * sums[p][name] / (sum(sums[p].values()) or 1):.2f} %)" for p in parts)]
            for name in analysis.classes
        ]
        yield Table("sum of weights by part, which the metrics use", ["class", *parts], rows)


def key_numbers(results: Results) -> list[list[str]]:
    """One row for each metric: its name, and value ± error in every part."""
    names = dict.fromkeys(name for part in results.parts.values() for name in part.metrics)
    return [[name, *(part.text(name) for part in results.parts.values())] for name in names]


def result_tables(results: Results, analysis: Analysis) -> Iterator[Table]:
    """The main results of a run."""
    yield Table(f"{analysis.name}: {analysis.task}", ["metric", *results.parts], key_numbers(results))
    last = results.judged
    part = results.parts[last]
    if analysis.task == "multiclass":
        keys = ("precision", "recall", "f1")
        rows = [[name, *(shown(row[key]) for key in keys)] for name, row in part.per_class.items()]
        yield Table(f"{last}, by class", ["class", *keys], rows)
    if part.per_parameter:
        rows = [[name, shown(row["auc"])] for name, row in part.per_parameter.items()]
        yield Table(f"{last}, each hypothesis against all background", ["hypothesis", "AUC"], rows)
    for name, each in results.parts.items():
        if each.search:
            yield from search_tables(each.search, name)
    negative = {name: each.negative_weights for name, each in results.parts.items() if each.negative_weights}
    if negative:
        rows = [[p, f"{100 * n['share']:.3g} %", f"{n['effective_events']:,.0f}"] for p, n in negative.items()]
        yield Table("negative weights, included in all numbers above", ["part", "events", "effective events"], rows)
    metrics = results.to_json()
    compared = comparison.tables(metrics, analysis)
    yield from [*compared, *trigger.tables(metrics, analysis)[: 1 if compared else 2], *front.tables(metrics, analysis)]


def search_sentences(results: Results, analysis: Analysis) -> Iterator[str]:
    """A sentence on the expected events of the search of each part."""
    for part in results.parts.values():
        if part.search:
            yield in_words(part.search, analysis.classes)


def search_tables(search: Mapping[str, Any], part: str) -> list[Table]:
    """Significance of each hypothesis, and its limit if there is one.

    Args:
        search: `search` of a part's metrics, from JSON.
        part: name of the part.
    """
    rows, bounds = [], []
    for name, row in search["at"].items():
        if "cut" not in row:
            rows.append([name, row["problem"], *["–"] * 6])
            continue
        numbers = [f"{row['cut']:.4f}", *(_short(row[key]) for key in ("signal", "background"))]
        rows.append([name, *numbers, *(shown(row[key]) for key in ("best_cut", "best_cut_known", "binned", "binned_known"))])
        if "limit" in row:
            cells = [limit_of(row), band_of(row, 1), f"{discovery_of(row)} σ"]
            bounds.append([name, *cells, *([f"{limit_of(row, 'limit_pb')} pb"] if "limit_pb" in row else [])])
    uncertain = f"Z, b ± {100 * search['systematic']:.3g} % ± MC"
    header = ["", "cut", "signal", "background", uncertain, "b known", "binned Z", "b known"]
    found = [Table(f"{part}, search: significance Z, cut and bins chosen on {chosen_in_words(search)} events", header, rows)]
    if bounds:
        title = f"{part}, expected 95 % CLs limit on the signal strength (signal = 1), and discovery significance"
        most = max(len(row) for row in bounds)
        header = ["", "limit", "± 1 σ", "discovery", "cross section"][:most]
        found.append(Table(title, header, [row + ["–"] * (most - len(row)) for row in bounds]))
    return found


def in_words(search: Mapping[str, Any], classes: Sequence[str]) -> str:
    """A sentence on the expected events of a search and their origin."""
    known = [row for row in search["at"].values() if "total_signal" in row]
    if not known:
        return "no hypothesis could be searched for"
    keys = ("total_background", "total_signal")
    lumi = f"at {search['lumi'] or 0:g} fb⁻¹"
    names = {"yields": "as evaluate.search.yields says", "lumi": lumi, "weights": "as the weights add up"}
    where = dict.fromkeys(names[search["origin"][name]] for name in classes)
    parts = [f"{_range([row[key] for row in known])} {name}" for key, name in zip(keys, classes, strict=True)]
    differ = any(_short(row[key]) != _short(known[0][key]) for row in known for key in keys)
    more = (" depending on the hypothesis" if differ else " at each hypothesis") if len(search["at"]) > 1 else ""
    return f"expected events in all: {', '.join(parts)}{more}, {'; '.join(where)}"


def _range(metrics: Sequence[Mapping[str, Any]]) -> str:
    ends = [_short(pick(metrics, key=lambda metric: metric["value"])) for pick in (min, max)]
    return " to ".join(dict.fromkeys(ends))


def _short(metric: Mapping[str, Any]) -> str:
    return f"{metric['value']:,.4g}" if abs(metric["value"]) < 1e4 else f"{metric['value']:,.0f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
