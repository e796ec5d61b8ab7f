"""Analysis files: find, read, extend, override, check and write them; one pure function each."""

import copy
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from fivesigma.analysis.analysis import Analysis
from fivesigma.errors import AnalysisError, FivesigmaError, did_you_mean


def builtin_names() -> list[str]:
    """Names of the analyses that come with fivesigma.

    >>> "hepmass" in builtin_names()
    True
    """
    folder = resources.files("fivesigma") / "builtin"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def source_text(name_or_path: str | Path) -> str:
    """The text of an analysis file, or of a built-in one by its name."""
    return _locate(str(name_or_path))[0]


def load(
    analysis: "str | Path | Analysis | Mapping[str, Any]",
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
) -> Analysis:
    """Read, extend, override and check an analysis.

    Args:
        analysis: a path, the name of a built-in analysis, a mapping, or an analysis already loaded.
        settings: overrides by dotted key, such as `{"train.epochs": 10}`.
        data: files by sample name; they replace the sample's own files.

    Raises:
        AnalysisError: if it cannot be found, read or validated; the message names the key.

    >>> load("hepmass", {"train.epochs": 3}).train.epochs
    3
    """
    if isinstance(analysis, Analysis):
        tree, where = analysis.model_dump(mode="json", exclude_unset=True), analysis.name
    elif isinstance(analysis, Mapping):
        tree, where = copy.deepcopy(dict(analysis)), "the analysis"
        _anchor(tree, Path.cwd())
    else:
        tree, where = _read_tree(str(analysis)), str(analysis)
    for key, value in (settings or {}).items():
        if key == "shards" and isinstance(value, str | Path):
            value = absolute(str(value), Path.cwd())
        tree = _with(tree, key.split("."), value, key)
    for name, files in (data or {}).items():
        listed = [files] if isinstance(files, str | Path) else list(files)
        tree = _with_files(tree, name, [absolute(str(file), Path.cwd()) for file in listed])
    return validate(tree, where)


def validate(tree: Mapping[str, Any], where: str) -> Analysis:
    """Check a mapping against the analysis schema; the first problem becomes one sentence."""
    try:
        return Analysis.model_validate(tree)
    except FivesigmaError as error:
        raise AnalysisError(f"{where}: {error.what}", hint=error.hint) from None
    except ValidationError as error:
        problems = [sentence(problem) for problem in error.errors()]
        more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
        raise AnalysisError(
            f"{where}: {problems[0]}{more}", hint="`fivesigma schema` lists every key and its values"
        ) from None


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """`["train.epochs=10"]` → `{"train.epochs": 10}`; values are read as YAML.

    >>> parse_settings(["train.epochs=10", "model.layers=[64, 32]"])
    {'train.epochs': 10, 'model.layers': [64, 32]}
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(r"[\w-]+(\.[\w-]+)*", key.strip()):
            raise AnalysisError(f"cannot read --set {pair!r}", hint="write --set section.key=value")
        try:
            settings[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise AnalysisError(f"cannot read the value in --set {pair!r}") from None
    return settings


def parse_data(pairs: Sequence[str]) -> dict[str, list[str]]:
    """`["train=a.csv", "train=b.csv"]` → `{"train": ["a.csv", "b.csv"]}`."""
    data: dict[str, list[str]] = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals or not name or not path:
            raise AnalysisError(f"cannot read --data {pair!r}", hint="write --data train=FILE, or another sample's name")
        data.setdefault(name, []).append(path)
    return data


def dump(analysis: Analysis) -> str:
    """The resolved analysis as YAML: every key with the value in force."""
    tree = analysis.model_dump(mode="json", exclude_none=True)
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=110)


def absolute(path: str, folder: Path) -> str:
    """A file name made independent of the folder it was written for; globs and `:treename` are kept."""
    return path if "://" in path or Path(path).is_absolute() else str(folder / path)


def _locate(name: str) -> tuple[str, Path | None]:
    """Text of an analysis and the folder its relative paths refer to."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        try:
            return path.read_text(encoding="utf-8"), path.resolve().parent
        except FileNotFoundError:
            raise AnalysisError(f"no analysis file {name}", hint=_which(path.stem)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise AnalysisError(f"cannot read the analysis file {name}: {error}") from None
    if name not in builtin_names():
        raise AnalysisError(f"no analysis {name!r}, neither a file nor built in", hint=_which(name))
    return (resources.files("fivesigma") / "builtin" / f"{name}.yaml").read_text(encoding="utf-8"), None


def _which(name: str) -> str:
    return f"built in: {did_you_mean(name, builtin_names())} `fivesigma init NAME > my.yaml` makes a copy to edit"


def _read_tree(name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    text, folder = _locate(name)
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        raise AnalysisError(f"{name}{place} is not YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(tree, dict):
        raise AnalysisError(f"{name} is not an analysis: it must be a mapping of keys", hint=_which(name))
    if folder is not None:
        _anchor(tree, folder)
    base = tree.pop("extends", None)
    if base is None:
        return tree
    base_name = absolute(str(base), folder) if folder and str(base).endswith((".yaml", ".yml")) else str(base)
    if base_name in (*seen, name):
        raise AnalysisError(f"{name}: `extends: {base}` leads back to itself")
    return merge(_read_tree(base_name, (*seen, name)), tree)


def _anchor(tree: dict[str, Any], folder: Path) -> None:
    samples = tree.get("samples")
    for sample in samples.values() if isinstance(samples, dict) else ():
        if isinstance(sample, dict) and sample.get("files"):
            sample["files"] = _anchored(sample["files"], folder)
    systematics = tree.get("systematics")
    for systematic in systematics.values() if isinstance(systematics, dict) else ():
        for side in systematic.values() if isinstance(systematic, dict) else ():
            if isinstance(side, dict) and isinstance(side.get("samples"), dict):
                side["samples"] = {name: _anchored(files, folder) for name, files in side["samples"].items()}
    baselines = tree.get("baselines")
    for baseline in baselines.values() if isinstance(baselines, dict) else ():
        if isinstance(baseline, dict) and str(baseline.get("analysis", "")).endswith((".yaml", ".yml")):
            baseline["analysis"] = absolute(str(baseline["analysis"]), folder)
    if isinstance(tree.get("shards"), str):
        tree["shards"] = absolute(tree["shards"], folder)


def _anchored(files: Any, folder: Path) -> list[str]:
    return [absolute(str(file), folder) for file in ([files] if isinstance(files, str) else files)]


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it; mappings merge, everything else is replaced.

    >>> merge({"train": {"epochs": 4, "seed": 1}}, {"train": {"epochs": 9}})
    {'train': {'epochs': 9, 'seed': 1}}
    """
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merge(result[key], value) if both else value
    return result


def _with(tree: Mapping[str, Any], keys: Sequence[str], value: Any, whole: str) -> dict[str, Any]:
    first, rest = keys[0], keys[1:]
    if not rest:
        return {**tree, first: value}
    below = tree.get(first) or {}
    if not isinstance(below, Mapping):
        raise AnalysisError(f"cannot set {whole!r}: {first!r} is {below!r}, which has no keys")
    return {**tree, first: _with(below, rest, value, whole)}


def _with_files(tree: Mapping[str, Any], name: str, files: list[str]) -> dict[str, Any]:
    samples = tree.get("samples") or {}
    if name not in samples and name not in ("train", "val", "test"):
        known = [*samples, "train", "val", "test"]
        raise AnalysisError(f"--data {name}=…: no sample {name!r}; {did_you_mean(name, known)}")
    return merge(tree, {"samples": {name: {"files": files}}})


_KINDS = ("resonance", "muons", "boosted_trees", "lookup_table", "network")
"""Values of `process` and `kind`, which pydantic puts among the keys."""


def sentence(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"] if part not in _KINDS)
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] in ("literal_error", "union_tag_invalid") and "input" in problem:
        message = f"{problem['input']!r} is not allowed: {message[0].lower()}{message[1:]}"
    return f"{place}: {message}" if place else message
