"""The README of an exported hls4ml project: its inputs and outputs, what was compared, and what no one has run yet"""

import re
from collections.abc import Mapping
from typing import Any

from fivesigma.deployment.base import Deliverable, Numbers
from fivesigma.deployment.rtl_readme import filled, proof_in_words, table


def readme(settings: Any, what: Deliverable, tree: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The text of the README.

    Args:
        settings: of the format.
        what: was exported.
        tree: the project, with its `files`.
        found: the check, with `proof`.
    """
    found_types = re.findall(r"typedef ([^;]+?) (\w+_t);", tree["files"].get("firmware/defines.h", ""))
    named = {name: kind for kind, name in found_types}
    head = re.search(r"void \w+\(\s*(\w+) \w+\[", tree["files"].get(f"firmware/{settings.module}.cpp", ""))
    values = {
        "TITLE": what.metadata.get("analysis", "network"),
        "DESCRIPTION": what.metadata.get("description", ""),
        "MODULE": settings.module,
        "PART": settings.part,
        "CLOCK": f"{settings.clock_mhz:g}",
        "LICENCE": settings.licence or "not stated",
        "HLS4ML": str(tree["hls4ml"]),
        "FIVESIGMA": what.metadata.get("fivesigma", ""),
        "INPUT_TYPE": named.get(head[1], "ap_fixed") if head else "ap_fixed",
        "OUTPUT_TYPE": named.get("result_t", "ap_fixed"),
        "INPUTS": _inputs(what),
        "MEANING": _meaning(what, tree["link"]),
        "PROOF": proof_in_words(found.get("proof", {})),
    }
    return filled("hls_readme.md", values)


def _inputs(what: Deliverable) -> str:
    recipe = what.networks[0].recipe
    numbers, rows = Numbers.of(recipe), []
    for i, position in enumerate(numbers.kept):
        name = recipe.features[position]
        shown = f"log({name})" if numbers.logged[i] else name
        formula = f"({shown} − {recipe.shift[i]:.9g}) / {recipe.scale[i]:.9g}"
        rows.append([str(i), f"`{name}`", formula, f"{float(numbers.absent[i]):.9g}"])
    for position in numbers.flagged:
        rows.append([str(len(rows)), f"`{recipe.features[position]}`", "0", "1"])
    for i, name in enumerate(recipe.parameters):
        formula = f"({name} − {recipe.parameter_shift[i]:.9g}) / {recipe.parameter_scale[i]:.9g}"
        fixed = f", with {name} = {what.fixed[name]:g}" if name in what.fixed else ""
        rows.append([str(len(rows)), f"`{name}`", formula + fixed, "–"])
    return table(["input", "of", "number", "if missing"], rows)


def _meaning(what: Deliverable, link: str | None) -> str:
    if link == "sigmoid":
        return "The output is the number before the sigmoid: the score is 1 / (1 + exp(−output))."
    if link == "softmax":
        classes = f" ({', '.join(what.classes)})" if what.classes else ""
        return f"The outputs are the numbers before the softmax, one for each class{classes}; the largest is the class."
    network = what.networks[0]
    shift = f" + {network.target_shift:.9g}" if network.target_shift else ""
    return f"The output is what the network learned: the prediction is output / {network.target_scale:.9g}{shift}."
