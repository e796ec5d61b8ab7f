"""The model card of a run, as text."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fivesigma import plugins
from fivesigma.analysis.analysis import Analysis
from fivesigma.deployment.exported import known_exports
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.result import judged_part, parts_of
from fivesigma.metrics.spec import spec_of
from fivesigma.reporting.deployment import rounded_in_words
from fivesigma.runs.folder import RunFolder


def model_card(folder: RunFolder) -> str:
    """The model card in Markdown: what the network is for, its data, its numbers with errors, its limits, what to cite."""
    analysis, metadata = folder.analysis(), folder.read_json("metadata.json")
    sections = {
        "Intended use": _use(analysis),
        "Data": _data(analysis, metadata),
        "Network": _network(folder, analysis, metadata),
        "Results": _results(folder, analysis),
        "Limits": _limits(folder, analysis, metadata),
        "Exported": _exported(folder),
        "To cite": [f"- {line}" for line in analysis.references] or ["The analysis names no references."],
        "How to check and use it": [
            "- `fivesigma verify FILE.zip` compares all files with their hashes and works the metrics out again;",
            "- unpacked, the package is a run folder: `fivesigma predict FOLDER new.root -o scores.root`;",
            "- `fivesigma run FOLDER/analysis.yaml` trains it again, where the data are.",
        ],
    }
    body = "\n\n".join(f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items())
    head = f"# {analysis.name}\n\n{analysis.description}" if analysis.description else f"# {analysis.name}"
    return f"{head}\n\nMade {metadata['created']} by fivesigma {metadata['fivesigma']}.\n\n{body}\n"


def _use(analysis: Analysis) -> list[str]:
    if analysis.target is not None:
        unit = f" [{analysis.target.unit}]" if analysis.target.unit else ""
        text = f"Predicts `{analysis.target.variable}`{unit}"
    else:
        text = f"Tells {', '.join(analysis.classes[:-1])} and {analysis.classes[-1]} apart"
    return [f"{text} from the columns of `analysis.yaml`, for events such as those of its training and of its selection."]


def _data(analysis: Analysis, metadata: Mapping[str, Any]) -> list[str]:
    lines = (
        ["The events were simulated by fivesigma, and stand in for recorded or published ones."]
        if metadata.get("simulated")
        else []
    )
    lines += [f"- {part}: {count:,} events" for part, count in metadata.get("events", {}).items()]
    lines += [
        f"- file of `{row['sample']}`: {row['path'].rsplit('/', 1)[-1]}, {row['bytes']:,} bytes, SHA-256 {row['sha256']}"
        for row in metadata.get("inputs", [])
    ]
    if analysis.selection:
        lines.append(f"- selection: `{analysis.selection}`")
    return lines or ["Not recorded."]


def _network(folder: RunFolder, analysis: Analysis, metadata: Mapping[str, Any]) -> list[str]:
    lines = [f"- {plugins.models.get(analysis.model.kind).label(analysis.model)}, {metadata.get('weights', 0):,} weights"]
    if folder.has("folds.json"):
        lines.append(f"- {analysis.split.folds} networks, one for each fold; new events get their mean")
    versions = ", ".join(
        f"{name} {value}" for name, value in metadata.get("versions", {}).items() if name in ("python", "jax", "keras")
    )
    return [*lines, f"- seed {metadata['seed']}; {versions}"]


def _results(folder: RunFolder, analysis: Analysis) -> list[str]:
    if not folder.has("metrics.json"):
        return ["Not evaluated."]
    parts = parts_of(folder.read_json("metrics.json"))
    part = judged_part(parts)
    lines = [
        f"On the {part} events; errors are one standard deviation, statistical only.",
        "",
        "| metric | value | meaning |",
        "|---|---|---|",
    ]
    unit = analysis.target.unit if analysis.target is not None else ""
    for name, row in parts[part].items():
        if name in plugins.metrics and isinstance(row, dict) and row.get("value") is not None:
            spec = spec_of(name)
            shown = str(Metric(row["value"], row["error"])) if row["error"] is not None else f"{row['value']:.4g}"
            lines.append(f"| {name} | {shown} {spec.unit_for(unit)} | {spec.meaning} |")
    return lines


def _limits(folder: RunFolder, analysis: Analysis, metadata: Mapping[str, Any]) -> list[str]:
    lines = [f"- {sentence}" for sentence in (folder.read_json("verdicts.json") if folder.has("verdicts.json") else [])]
    for i, name in enumerate(analysis.parameters):
        values = sorted({row[i] for row in metadata.get("hypotheses", [])})
        if values:
            lines.append(f"- {name} was between {values[0]:g} and {values[-1]:g} in the training")
    if metadata.get("allowed_truth"):
        lines.append(f"- truth among the inputs: {', '.join(metadata['allowed_truth'])}; no number holds for recorded data")
    return [
        *lines,
        "- probabilities hold at the class fractions of the training; systematic uncertainties are not in the errors",
    ]


def _exported(folder: RunFolder) -> list[str]:
    return list(_exports(known_exports(folder))) or ["Nothing."]


def _exports(known: Mapping[str, Any]) -> Iterator[str]:
    for format, tree in known.items():
        numbers = tree["difference"]
        fixed = f", fixed at {json.dumps(tree['fixed'])}" if tree["fixed"] else ""
        yield (
            f"- {format}: {_file(tree['file'])}{fixed}; differs from the network by {numbers['largest']:.1e} of the "
            f"scores' scale at most, on {tree['events']:,} {tree['part']} events{_proved(tree.get('proof', {}))}"
        )


def _file(name: str) -> str:
    return "a file outside the folder of the run" if Path(name).is_absolute() else f"`export/{name}`"


def _proved(proof: Mapping[str, Any]) -> str:
    names = [row["name"] for row in proof.values() if isinstance(row, Mapping) and "mismatches" in row]
    said = f"; every bit of the quantised network by {' and '.join(names)}" if names else ""
    if rounded := proof.get("rounded"):
        said += f"; its ports round values, which changes the scores by {rounded_in_words(rounded)}"
    return said
