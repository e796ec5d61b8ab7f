"""What to cite for a run, as BibTeX: its own references, and the programs and methods that it really used."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """

    analysis: Analysis
    versions: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    simulated: str | None = None
    exports: frozenset[str] = frozenset()
    limits: bool = False
    tuned: str | None = None
    trees: bool = False

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
    """A program or a method, and when a run has used it."""

    key: str
    why: str
    kind: str
    fields: Mapping[str, str]
    applies: Callable[[Used], bool]
    library: str | None = None

    def citation(self, used: Used) -> Citation:
        """The entry, with the version of the library in the run."""
        version = used.versions.get(self.library) if self.library else None
        if version is None:
            return Citation(self.key, self.why, self.kind, self.fields)
        more = {"version": version} if self.kind == "software" else {"note": f"version {version}"}
        return Citation(self.key, self.why, self.kind, {**self.fields, **more})


def _article(
    authors: Sequence[str], title: str, journal: str, volume: str, pages: str, year: int, **more: str
) -> dict[str, str]:
    return {
        "author": " and ".join(authors),
        "title": title,
        "journal": journal,
        "volume": volume,
        "pages": pages,
        "year": str(year),
        **more,
        **({"archivePrefix": "arXiv"} if "eprint" in more else {}),
    }


_FIRMWARE = frozenset({"rtl", "hls"})
_HEINRICH = ("Heinrich, Lukas", "Feickert, Matthew", "Stark, Giordon")
_CACCIARI = ("Cacciari, Matteo", "Salam, Gavin P.", "Soyez, Gregory")


def _trained(used: Used) -> bool:
    return "keras" in used.versions


# Where the entries are from: what the projects themselves ask for (README, CITATION, documentation) as of 2026, or the
# page of the article.
KNOWN = (
    _Known(
        "chollet2015keras",
        "the network is a Keras model",
        "misc",
        {"author": "Chollet, Fran{\\c{c}}ois and others", "title": "Keras", "year": "2015", "url": "https://keras.io"},
        _trained,
        "keras",
    ),
    _Known(
        "jax2018github",
        "the training is a JAX program",
        "software",
        {
            "author": "James Bradbury and Roy Frostig and Peter Hawkins and Matthew James Johnson and Yash Katariya and "
            "Chris Leary and Dougal Maclaurin and George Necula and Adam Paszke and Jake Vander{P}las and Skye "
            "Wanderman-{M}ilne and Qiao Zhang",
            "title": "{JAX}: composable transformations of {P}ython+{N}um{P}y programs",
            "url": "http://github.com/jax-ml/jax",
            "year": "2018",
        },
        lambda used: "jax" in used.versions,
        "jax",
    ),
    _Known(
        "kingma2014adam",
        "train.optimizer is Adam or comes from it",
        "misc",
        {
            "author": "Kingma, Diederik P. and Ba, Jimmy",
            "title": "Adam: A Method for Stochastic Optimization",
            "year": "2014",
            "eprint": "1412.6980",
            "archivePrefix": "arXiv",
        },
        lambda used: _trained(used) and used.analysis.train.optimizer in ("adam", "adamw"),
    ),
    _Known(
        "loshchilov2019adamw",
        "train.optimizer is AdamW",
        "misc",
        {
            "author": "Loshchilov, Ilya and Hutter, Frank",
            "title": "Decoupled Weight Decay Regularization",
            "year": "2019",
            "eprint": "1711.05101",
            "archivePrefix": "arXiv",
        },
        lambda used: _trained(used) and used.analysis.train.optimizer == "adamw",
    ),
    _Known(
        "li2018hyperband",
        "tune.method is Hyperband",
        "article",
        {
            "author": "Li, Lisha and Jamieson, Kevin and DeSalvo, Giulia and Rostamizadeh, Afshin and Talwalkar, Ameet",
            "title": "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization",
            "journal": "Journal of Machine Learning Research",
            "volume": "18",
            "number": "185",
            "pages": "1--52",
            "year": "2018",
            "eprint": "1603.06560",
            "archivePrefix": "arXiv",
        },
        lambda used: used.tuned == "hyperband",
    ),
    _Known(
        "bergstra2011tpe",
        "tune.method is TPE",
        "inproceedings",
        {
            "author": "Bergstra, James and Bardenet, R{\\'e}mi and Bengio, Yoshua and K{\\'e}gl, Bal{\\'a}zs",
            "title": "Algorithms for Hyper-Parameter Optimization",
            "booktitle": "Advances in Neural Information Processing Systems",
            "volume": "24",
            "year": "2011",
        },
        lambda used: used.tuned == "tpe",
    ),
    _Known(
        "akiba2019optuna",
        "TPE is that of Optuna",
        "inproceedings",
        {
            "author": "Akiba, Takuya and Sano, Shotaro and Yanase, Toshihiko and Ohta, Takeru and Koyama, Masanori",
            "title": "{O}ptuna: A Next-Generation Hyperparameter Optimization Framework",
            "booktitle": "The 25th ACM SIGKDD International Conference on Knowledge Discovery \\& Data Mining",
            "pages": "2623--2631",
            "year": "2019",
            "eprint": "1907.10902",
            "archivePrefix": "arXiv",
        },
        lambda used: used.tuned == "tpe",
    ),
    _Known(
        "ke2017lightgbm",
        "a baseline of boosted trees is trained with LightGBM",
        "inproceedings",
        {
            "author": "Ke, Guolin and Meng, Qi and Finley, Thomas and Wang, Taifeng and Chen, Wei and Ma, Weidong and Ye, "
            "Qiwei and Liu, Tie-Yan",
            "title": "{LightGBM}: A Highly Efficient Gradient Boosting Decision Tree",
            "booktitle": "Advances in Neural Information Processing Systems",
            "volume": "30",
            "year": "2017",
        },
        lambda used: used.trees and "lightgbm" in used.versions,
        "lightgbm",
    ),
    _Known(
        "cowan2011asymptotic",
        "expected significance, and limits in the asymptotic approximation",
        "article",
        {
            "author": "Cowan, Glen and Cranmer, Kyle and Gross, Eilam and Vitells, Ofer",
            "title": "Asymptotic formulae for likelihood-based tests of new physics",
            "journal": "Eur. Phys. J. C",
            "volume": "71",
            "pages": "1554",
            "year": "2011",
            "eprint": "1007.1727",
            "archivePrefix": "arXiv",
        },
        lambda used: used.limits or used.analysis.evaluate.search is not None,
    ),
    _Known(
        "pyhf",
        "limits are computed with pyhf",
        "software",
        {"author": " and ".join(_HEINRICH), "title": "{pyhf}", "doi": "10.5281/zenodo.1169739"},
        lambda used: used.limits,
        "pyhf",
    ),
    _Known(
        "pyhf_joss",
        "the article on pyhf",
        "article",
        _article(
            (*_HEINRICH, "Cranmer, Kyle"),
            "pyhf: pure-Python implementation of HistFactory statistical models",
            "Journal of Open Source Software",
            "6",
            "2823",
            2021,
            doi="10.21105/joss.02823",
        ),
        lambda used: used.limits,
    ),
    _Known(
        "bierlich2022pythia",
        "collisions are simulated with Pythia 8",
        "misc",
        {
            "author": "Bierlich, Christian and Chakraborty, Smita and Desai, Nishita and Gellersen, Leif and Helenius, "
            'Ilkka and Ilten, Philip and L{\\"o}nnblad, Leif and Mrenna, Stephen and Prestel, Stefan and Preuss, '
            'Christian T. and Sj{\\"o}strand, Torbj{\\"o}rn and Skands, Peter and Utheim, Marius and Verheyen, Rob',
            "title": "A comprehensive guide to the physics and usage of {PYTHIA} 8.3",
            "year": "2022",
            "eprint": "2203.11601",
            "archivePrefix": "arXiv",
        },
        lambda used: used.simulated == "resonance",
        "pythia8mc",
    ),
    _Known(
        "cacciari2012fastjet",
        "jets are found with FastJet",
        "article",
        _article(
            _CACCIARI,
            "{FastJet} user manual",
            "Eur. Phys. J. C",
            "72",
            "1896",
            2012,
            doi="10.1140/epjc/s10052-012-1896-2",
            eprint="1111.6097",
        ),
        lambda used: used.simulated == "resonance",
        "fastjet",
    ),
    _Known(
        "cacciari2008antikt",
        "jets are those of the anti-kt algorithm",
        "article",
        _article(
            _CACCIARI,
            "The anti-$k_t$ jet clustering algorithm",
            "JHEP",
            "04",
            "063",
            2008,
            doi="10.1088/1126-6708/2008/04/063",
            eprint="0802.1189",
        ),
        lambda used: used.simulated == "resonance",
    ),
    _Known(
        "uproot",
        "ROOT files were read with Uproot",
        "software",
        {"title": "Uproot", "author": "{Scikit-HEP}", "doi": "10.5281/zenodo.4340632"},
        lambda used: ".root" in used.files,
        "uproot",
    ),
    _Known(
        "awkward",
        "lists of ROOT files were read with Awkward Array",
        "software",
        {"title": "Awkward Array", "author": "{Scikit-HEP}", "doi": "10.5281/zenodo.4341376"},
        lambda used: ".root" in used.files,
        "awkward",
    ),
    _Known(
        "sun2026hgq",
        "the network is quantised with HGQ2",
        "inproceedings",
        {
            "author": "Sun, Chang and Que, Zhiqiang and Aarrestad, Thea and Loncar, Vladimir and Ngadiuba, Jennifer and "
            "Luk, Wayne and Spiropulu, Maria",
            "title": "{HGQ}: High Granularity Quantization for Real-time Neural Networks on {FPGAs}",
            "booktitle": "Proceedings of the 2026 ACM/SIGDA International Symposium on Field Programmable Gate Arrays",
            "pages": "79--91",
            "year": "2026",
            "doi": "10.1145/3748173.3779200",
            "eprint": "2405.00645",
            "archivePrefix": "arXiv",
        },
        lambda used: used.analysis.model.kind == "quantised" or bool(used.exports & _FIRMWARE),
    ),
    _Known(
        "sun2025da4ml",
        "firmware is made by alkaid, whose distributed arithmetic this article describes",
        "misc",
        {
            "author": "Sun, Chang and others",
            "title": "da4ml: Distributed Arithmetic for Real-time Neural Networks on {FPGAs}",
            "year": "2025",
            "eprint": "2507.04535",
            "archivePrefix": "arXiv",
        },
        lambda used: bool(used.exports & _FIRMWARE),
    ),
    _Known(
        "fastml_hls4ml",
        "the project for high-level synthesis is written by hls4ml",
        "software",
        {"author": "{FastML Team}", "title": "fastmachinelearning/hls4ml", "doi": "10.5281/zenodo.1201549"},
        lambda used: "hls" in used.exports,
    ),
    _Known(
        "duarte2018hls4ml",
        "the article on hls4ml",
        "article",
        _article(
            ("Duarte, Javier", "others"),
            "Fast inference of deep neural networks in {FPGAs} for particle physics",
            "JINST",
            "13",
            "P07027",
            2018,
            doi="10.1088/1748-0221/13/07/P07027",
            eprint="1804.06913",
        ),
        lambda used: "hls" in used.exports,
    ),
    _Known(
        "harris2020numpy",
        "metrics and preprocessing are computed with NumPy",
        "article",
        {
            "author": "Harris, Charles R. and Millman, K. Jarrod and van der Walt, St{\\'e}fan J. and others",
            "title": "Array programming with {NumPy}",
            "journal": "Nature",
            "volume": "585",
            "pages": "357--362",
            "year": "2020",
            "doi": "10.1038/s41586-020-2649-2",
        },
        lambda used: "numpy" in used.versions,
        "numpy",
    ),
)
"""Every program and method that a run may have used."""
