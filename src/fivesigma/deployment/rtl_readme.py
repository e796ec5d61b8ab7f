"""The README of exported firmware: what the ports mean, how to run it, what it costs, and what no one has run yet"""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from fivesigma.deployment.alkaid import VERSION
from fivesigma.deployment.base import Deliverable
from fivesigma.deployment.design import Design
from fivesigma.deployment.verilog import Project
from fivesigma.reporting.deployment import cost_table, proof_sentences


def readme(settings: Any, what: Deliverable, design: Design, project: Project, found: Mapping[str, Any]) -> str:
    """The text of the README.

    Args:
        settings: of the format.
        what: was exported.
        design, project: the design, and its source text.
        found: the check, with `proof` and `estimates`.
    """
    values = {
        "TITLE": what.metadata.get("analysis", "network"),
        "DESCRIPTION": what.metadata.get("description", ""),
        "MODULE": settings.module,
        "TOP": project.top,
        "PART": settings.part,
        "LICENCE": settings.licence or "not stated",
        "ALKAID": VERSION,
        "FIVESIGMA": what.metadata.get("fivesigma", ""),
        "CLOCK": f"{design.clock_mhz:g}",
        "EDGES": str(project.edges),
        "INPUTS": _inputs(design),
        "OUTPUTS": _outputs(design),
        "MEANING": meaning(design),
        "PROOF": proof_in_words(found.get("proof", {})),
        "COST": _cost(found.get("estimates", {})),
        "NOT_RUN": "\n".join(f"- {line}" for line in not_run(found.get("proof", {}))),
    }
    return filled("rtl_readme.md", values)


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template of this folder with its `@NAME@` replaced; a paragraph that would be empty is left out."""
    text = (resources.files("fivesigma.deployment") / template).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value) if value else text.replace(f"@{name}@\n\n", "").replace(f"@{name}@", "")
    return text


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _inputs(design: Design) -> str:
    rows, place = [], 0
    used = [interval.kif for interval in design.logic.inp_qint]
    for port, kif in zip(design.ports, used, strict=True):
        width = sum(kif)
        bits = f"{place + width - 1}:{place}" if width else "not used"
        place += width
        missing = f"anything where `{port.missing}` is 1" if port.missing else ""
        unit = f"{port.low} … {port.high}" + (f", in units of 2^-{port.fractional}" if port.fractional else "")
        rows.append([f"`{port.column}`", f"`{port.signal}`", unit, f"{port.bits}", bits, missing])
    return table(["column", "port", "numbers", "bits", "bits of `model_inp`", "missing"], rows)


def _outputs(design: Design) -> str:
    rows, place = [], 0
    for each in design.outputs:
        bits = f"{place + each.bits - 1}:{place}"
        place += each.bits
        kind = "two's complement" if each.signed else "unsigned"
        name = each.name if design.link is None else f"{each.name}, before the {design.link}"
        rows.append([name, f"`{each.signal}`", f"{each.bits}, {kind}", f"2^{-each.fractional}", bits])
    return table(["what", "port", "bits", "unit of the last bit", "bits of `model_out`"], rows)


def meaning(design: Design) -> str:
    """How to read the outputs, which come before the activation of the network's output."""
    if design.link == "sigmoid":
        return (
            "The output is the network's number t before the sigmoid: the score is 1 / (1 + exp(−t)). A cut on the score is "
            "a cut on t, at log(score / (1 − score)): 0.5 is t = 0."
        )
    if design.link == "softmax":
        return "The outputs are the numbers before the softmax, one for each class; the class is that of the largest."
    if design.target_scale == 1 and design.target_shift == 0:
        return "The output is the prediction, in the unit of the target."
    shift = f" + {design.target_shift:.9g}" if design.target_shift else ""
    return f"The output is what the network learned: the prediction is output / {design.target_scale:.9g}{shift}."


def proof_in_words(proof: Mapping[str, Any]) -> str:
    """What was compared, as a list."""
    return "\n".join(f"- {line}" for line in proof_sentences(proof))


def not_run(proof: Mapping[str, Any]) -> list[str]:
    """What no one has run yet."""
    lines = ["Synthesis, place and route by a vendor's tool; so timing, power, and the true number of LUTs are not known."]
    lines += ["The VHDL: it was written by the same compiler from the same design, and not simulated.", "A board."]
    if "not_run" in proof.get("verilog", {}):
        lines.insert(0, f"The Verilog: {proof['verilog']['not_run']}.")
    return lines


def _cost(estimates: Mapping[str, Any]) -> str:
    found = cost_table(estimates)
    return f"{table(found.header, found.rows)}\n\n{found.note}"
