"""What to cite for a run, as BibTeX: its own references, and the programs and methods that it really used."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.deployment.exported import known_exports
from fivesigma.runs.folder import RunFolder
from fivesigma.version import __version__


@dataclass(frozen=True)
class Citation:
    """An entry of a bibliography.

    Attributes:
        key: of the entry.
        why: what the run used it for.
        kind: of the entry, such as `article`.
        fields: of the entry, as BibTeX wants them.
    """

    key: str
    why: str
    kind: str
    fields: Mapping[str, str]

    def __str__(self) -> str:
        lines = [f"  {name} = {{{value}}}" for name, value in self.fields.items()]
        return "\n".join([f"% {self.why}", f"@{self.kind}{{{self.key},", ",\n".join(lines), "}"])


@dataclass(frozen=True)
class Used:
    """What a run used.

    Attributes:
        analysis: of the run.
        versions: name of a library → its version in the run.
        files: endings of the files that were read, such as `.root`.
        simulated: the process that was simulated, or None.
        exports: formats that the network was exported in.
        limits: whether limits were computed.
        tuned: how the settings were searched for, or None.
        trees: whether there are boosted trees among the baselines.
        tree_logic: whether their cost as logic was estimated.
    """

    analysis: Analysis
    versions: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    simulated: str | None = None
    exports: frozenset[str] = frozenset()
    limits: bool = False
    tuned: str | None = None
    trees: bool = False
    tree_logic: bool = False

    @classmethod
    def by(cls, folder: RunFolder) -> "Used":
        """Find out what a run used, from its files."""
        analysis, metadata = folder.analysis(), folder.read_json("metadata.json")
        metrics = folder.read_json("metrics.json") if folder.has("metrics.json") else {}
        scan = folder.read_json("scan/scan.json") if folder.has("scan/scan.json") else {}
        inputs = [str(row.get("path", "")).lower() for row in metadata.get("inputs", [])]
        simulated = analysis.simulate is not None and bool(metadata.get("simulated"))
        return cls(
            analysis=analysis,
            versions=metadata.get("versions", {}),
            files=frozenset("." + path.rsplit(".", 1)[-1] for path in inputs),
            simulated=analysis.simulate.process if simulated and analysis.simulate is not None else None,
            exports=frozenset(known_exports(folder)),
            limits=_has(metrics, "limit") or _has(scan, "limit"),
            tuned=analysis.tune.method if _is_tuned(folder) else None,
            trees=any(
                each.kind == "boosted_trees" and (folder / "baselines" / name).is_dir()
                for name, each in analysis.baselines.items()
            ),
            tree_logic=_has(metrics, "luts"),
        )


def citations(folder: RunFolder) -> list[Citation]:
    """What to cite for a run: fivesigma, the references of its analysis, then libraries and methods."""
    used = Used.by(folder)
    version = folder.read_json("metadata.json").get("fivesigma", __version__)
    own = Citation(
        "fivesigma",
        "the program that made the run",
        "software",
        {"author": "{The fivesigma developers}", "title": "fivesigma", "version": str(version)},
    )
    named = [_reference(f"{used.analysis.name}-{i}", line) for i, line in enumerate(used.analysis.references, start=1)]
    return [own, *named, *(each.citation(used) for each in KNOWN if each.applies(used))]


def bibtex(folder: RunFolder) -> str:
    """What to cite for a run, as BibTeX, each entry with a comment that says why."""
    return "\n\n".join(str(citation) for citation in citations(folder)) + "\n"


def _is_tuned(folder: RunFolder) -> bool:
    """Whether a search was made in this run, or has found its settings: a search keeps the best ones in its own folder."""
    if folder.has("tune/best.yaml"):
        return True
    own = (folder / "analysis.yaml").read_text(encoding="utf-8")
    found = folder.path.absolute().parent.glob("*/tune/best.yaml")
    return any(path.read_text(encoding="utf-8") == own for path in found)


def _reference(key: str, line: str) -> Citation:
    """An entry of a line of `references`, with its numbers if it has any."""
    fields = {"note": _escaped(line)}
    arxiv, doi = re.search(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})", line), re.search(r"doi:(10\.\S+?)[,.;]?(?=\s|$)", line)
    if arxiv:
        fields |= {"eprint": arxiv[1], "archivePrefix": "arXiv"}
    if doi:
        fields["doi"] = doi[1]
    return Citation(key, "named by the analysis", "misc", fields)


def _escaped(text: str) -> str:
    """Text for BibTeX."""
    return re.sub(r"([&%#_$])", r"\\\1", text)


def _has(tree: Any, key: str) -> bool:
    """Whether a key stands anywhere in a tree."""
    if isinstance(tree, Mapping):
        return key in tree or any(_has(inner, key) for inner in tree.values())
    return isinstance(tree, list) and any(_has(inner, key) for inner in tree)


@dataclass(frozen=True)
class _Known:
    """A program or a method, and when a run has used it; its entry stands in `citations.bib`.

    Attributes:
        key: of the entry.
        why: what the run used it for.
        applies: whether a run has used it.
        library: whose version in the run is added to the entry.
    """

    key: str
    why: str
    applies: Callable[[Used], bool]
    library: str | None = None

    def citation(self, used: Used) -> Citation:
        """The entry, with the version of the library in the run."""
        kind, fields = _entries()[self.key]
        version = used.versions.get(self.library) if self.library else None
        if version is None:
            return Citation(self.key, self.why, kind, fields)
        more = {"version": version} if kind == "software" else {"note": f"version {version}"}
        return Citation(self.key, self.why, kind, {**fields, **more})


@cache
def _entries() -> dict[str, tuple[str, dict[str, str]]]:
    """Key → kind and fields of the entries of `citations.bib`, which has one field in each line."""
    text = (resources.files("fivesigma.deployment") / "citations.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@(\w+)\{([\w-]+),\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    return {key: (kind, dict(re.findall(r"^  (\w+) = \{(.*)\},?$", body, re.MULTILINE))) for kind, key, body in entries}


def _trained(used: Used) -> bool:
    return "keras" in used.versions


def _adam(used: Used) -> bool:
    return _trained(used) and used.analysis.train.optimizer in ("adam", "adamw")


def _simulated(used: Used) -> bool:
    return used.simulated == "resonance"


def _firmware(used: Used) -> bool:
    return bool(used.exports & {"rtl", "hls"})


KNOWN = (
    _Known("chollet2015keras", "the network is a Keras model", _trained, "keras"),
    _Known("jax2018github", "the training is a JAX program", lambda used: "jax" in used.versions, "jax"),
    _Known("kingma2014adam", "train.optimizer is Adam or comes from it", _adam),
    _Known(
        "loshchilov2019adamw",
        "train.optimizer is AdamW",
        lambda used: _trained(used) and used.analysis.train.optimizer == "adamw",
    ),
    _Known("li2018hyperband", "tune.method is Hyperband", lambda used: used.tuned == "hyperband"),
    _Known("bergstra2011tpe", "tune.method is TPE", lambda used: used.tuned == "tpe"),
    _Known("akiba2019optuna", "TPE is that of Optuna", lambda used: used.tuned == "tpe"),
    _Known(
        "ke2017lightgbm",
        "a baseline of boosted trees is trained with LightGBM",
        lambda used: used.trees and "lightgbm" in used.versions,
        "lightgbm",
    ),
    _Known(
        "cowan2011asymptotic",
        "expected significance, and limits in the asymptotic approximation",
        lambda used: used.limits or used.analysis.evaluate.search is not None,
    ),
    _Known("pyhf", "limits are computed with pyhf", lambda used: used.limits, "pyhf"),
    _Known("pyhf_joss", "the article on pyhf", lambda used: used.limits),
    _Known("bierlich2022pythia", "collisions are simulated with Pythia 8", _simulated, "pythia8mc"),
    _Known("cacciari2012fastjet", "jets are found with FastJet", _simulated, "fastjet"),
    _Known("cacciari2008antikt", "jets are those of the anti-kt algorithm", _simulated),
    _Known("uproot", "ROOT files were read with Uproot", lambda used: ".root" in used.files, "uproot"),
    _Known("awkward", "lists of ROOT files were read with Awkward Array", lambda used: ".root" in used.files, "awkward"),
    _Known(
        "sun2026hgq",
        "the network is quantised with HGQ2",
        lambda used: used.analysis.model.kind == "quantised" or _firmware(used),
    ),
    _Known("sun2025da4ml", "firmware is made by alkaid, whose distributed arithmetic this article describes", _firmware),
    _Known("summers2020conifer", "conifer estimates the logic of boosted trees", lambda used: used.tree_logic),
    _Known("fastml_hls4ml", "the project for high-level synthesis is written by hls4ml", lambda used: "hls" in used.exports),
    _Known("duarte2018hls4ml", "the article on hls4ml", lambda used: "hls" in used.exports),
    _Known(
        "harris2020numpy",
        "metrics and preprocessing are computed with NumPy",
        lambda used: "numpy" in used.versions,
        "numpy",
    ),
)
"""Every program and method that a run may have used."""
