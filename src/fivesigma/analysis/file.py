"""Find, read, extend, override, check and write analysis files."""

import copy
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.answers import SHORT
from fivesigma.analysis.section import OLDER, Section, absolute, anchored
from fivesigma.analysis.text import BadText, read
from fivesigma.analysis.tune import Choice, FloatRange, IntRange
from fivesigma.errors import AnalysisError, FivesigmaError, PluginError, UnknownKind, did_you_mean, nearest
from fivesigma.plugins import DEFAULT_MODEL


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
    older: bool = False,
) -> Analysis:
    """Read, extend, override and check an analysis.

    Args:
        analysis: a path, the name of a built-in analysis, a mapping, or an analysis already loaded.
        settings: overrides by dotted key, such as `{"train.epochs": 10}`; `{"train": {"epochs": 10}}` is the same, and
            leaves the other keys of the section as they are.
        data: files by sample name; they replace the sample's own files.
        older: whether an older version may have written it, as in a run folder; renamed keys are then accepted.

    Raises:
        AnalysisError: if it cannot be found, read or validated; the message names the key.

    >>> load("hepmass", {"train.epochs": 3}).train.epochs
    3
    """
    arguments: dict[str, Any] = {"settings": settings, "data": data}
    for what, given in arguments.items():
        if given is not None and not isinstance(given, Mapping):
            example = '{"train.epochs": 10}' if what == "settings" else '{"train": "FILE"}'
            raise AnalysisError(f"{what} is {given!r}, which is no mapping", hint=f"give it as {example}")
    if isinstance(analysis, Analysis):
        tree, where = analysis.model_dump(mode="json", exclude_unset=True), analysis.name
    elif isinstance(analysis, Mapping):
        tree, where = _with_texts(copy.deepcopy(dict(analysis))), "the analysis"
        tree = anchored(tree, Analysis, Path.cwd())
    else:
        tree, where = _read_tree(str(analysis)), str(analysis)
    # A kind comes before the keys that it takes.
    ordered = sorted(_by_key(settings or {}).items(), key=lambda item: not item[0].endswith(".kind"))
    for key, value in ordered:
        path = _path(key)
        tree = _with(tree, path, _with_files_here(tree, path, _with_texts(value)), key)
    for name, files in (data or {}).items():
        listed = [files] if isinstance(files, str | Path) else list(files)
        tree = _with_files(tree, name, [absolute(str(file), Path.cwd()) for file in listed])
    return validate(tree, where, older)


def _with_files_here(tree: Mapping[str, Any], path: Sequence[str], value: Any) -> Any:
    """The value of a setting, with names of files relative to the present folder made absolute.

    Args:
        tree: the analysis, which says of what kind the section of the setting is.
        path: nested keys of the setting.
        value: of the setting.
    """
    kinds: list[Any] = [tree]
    for key in path[:-1]:
        kinds.append(kinds[-1].get(key) if isinstance(kinds[-1], Mapping) else None)
    for key, section in zip(reversed(path), reversed(kinds), strict=True):
        kind = section.get("kind") if isinstance(section, Mapping) else None
        value = {key: value} if kind is None or key == "kind" else {"kind": kind, key: value}
    value = anchored(value, Analysis, Path.cwd())
    for key in path:
        value = value[key]
    return value


def _with_texts(tree: Any) -> Any:
    """The same tree, with paths as texts, as they are in files."""
    if isinstance(tree, dict):
        return {key: _with_texts(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_with_texts(value) for value in tree]
    return str(tree) if isinstance(tree, Path) else tree


_WITH_DEFAULTS = (name for name, field in Analysis.model_fields.items() if isinstance(field.default, Section))
_SECTIONS = frozenset({"model", *_WITH_DEFAULTS})
"""Sections that every analysis has, if only with their defaults."""


def _by_key(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a whole section as settings of its keys; an empty mapping still empties the section.

    >>> _by_key({"train.epochs": 30, "train.seed": 1, "train": {"epochs": 9}})
    {'train.epochs': 9, 'train.seed': 1}
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        whole = key in _SECTIONS and isinstance(value, Mapping) and value
        found |= {f"{key}.{name}": each for name, each in value.items()} if whole else {key: value}
    return found


def _path(key: str) -> list[str]:
    """Split a dotted key into nested keys; the keys of a search space contain dots themselves.

    >>> _path("tune.space.train.learning_rate"), _path("tune.space.train.learning_rate.choice")
    (['tune', 'space', 'train.learning_rate'], ['tune', 'space', 'train.learning_rate', 'choice'])
    """
    before, space, searched = key.partition("tune.space.")
    if before or not space:
        return key.split(".")
    name, _, last = searched.rpartition(".")
    return ["tune", "space", name, last] if name and last in _OF_A_RANGE else ["tune", "space", searched]


_OF_A_RANGE = {name for kind in (Choice, IntRange, FloatRange) for name in kind.model_fields}


def validate(tree: Mapping[str, Any], where: str, older: bool = False) -> Analysis:
    """Check a mapping against the analysis schema; the first problem becomes one sentence.

    Raises:
        UnknownKind: if the problem is a kind that is not here, or whose package cannot be imported.
        AnalysisError: if it is another one.
    """
    try:
        return Analysis.model_validate(tree, context={OLDER: older})
    except FivesigmaError as error:
        of = UnknownKind if isinstance(error, PluginError | UnknownKind) else AnalysisError
        raise of(f"{where}: {error.what}", hint=error.hint) from None
    except ValidationError as error:
        problems = sentences(error)
        more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
        hint = error.errors()[0].get("ctx", {}).get("hint") or "`fivesigma schema` lists every key and its values"
        of = UnknownKind if error.errors()[0]["type"] == "unknown_kind" else AnalysisError
        raise of(f"{where}: {problems[0]}{more}", hint=hint) from None


_SHOWN = 80
"""Largest number of characters of a setting in a message."""


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
            settings[key.strip()] = read(value)
        except BadText as error:
            shown = pair if len(pair) <= _SHOWN else f"{pair[:_SHOWN]}…"
            raise AnalysisError(f"cannot read the value in --set {shown!r}: it {error.what}") from None
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
    """The resolved analysis as YAML: every key with its value, defaults included."""
    tree = _resolved(analysis)
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=110)


def _resolved(value: Any) -> Any:
    """A section as a mapping, with null only where it is not the default."""
    if isinstance(value, Section):
        fields = type(value).model_fields
        items = {name: getattr(value, name) for name in fields}
        return {n: _resolved(item) for n, item in items.items() if item is not None or fields[n].default is not None}
    if isinstance(value, Mapping):
        return {key: _resolved(item) for key, item in value.items()}
    return [_resolved(item) for item in value] if isinstance(value, list | tuple) else value


def _locate(name: str) -> tuple[str, Path | None]:
    """Text of an analysis and the folder its relative paths refer to."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or _is_file(path):
        try:
            return path.read_text(encoding="utf-8"), path.resolve().parent
        except FileNotFoundError:
            raise AnalysisError(f"no analysis file {name}", hint=_which(path.stem)) from None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise AnalysisError(f"cannot read the analysis file {name}: {reason}") from None
    if name not in builtin_names():
        raise AnalysisError(f"no analysis {name!r}, neither a file nor built in", hint=_which(name))
    return (resources.files("fivesigma") / "builtin" / f"{name}.yaml").read_text(encoding="utf-8"), None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than any file may have
        return False


def _which(name: str) -> str:
    near = nearest(name, builtin_names(), count=1)
    built_in = f"did you mean {near[0]!r}?" if near else f"built in: {', '.join(builtin_names())};"
    return f"{built_in} `fivesigma init NAME > my.yaml` makes a copy to edit"


def _read_tree(name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    text, folder = _locate(name)
    try:
        tree = read(text)
    except BadText as error:
        place = f" line {error.line}" if error.line else ""
        hint = "put quotes around a text that begins with a backtick: '`Jets/Jets.pt`[0]'" if "'`'" in error.what else None
        raise AnalysisError(f"{name}{place} {error.what}", hint=hint) from None
    if not isinstance(tree, dict):
        raise AnalysisError(f"{name} is not an analysis: it must be a mapping of keys", hint=_which(name))
    if folder is not None:
        tree = anchored(tree, Analysis, folder)
    tree = dict(tree)
    base = tree.pop("extends", None)
    if base is None:
        return tree
    base_name = absolute(str(base), folder) if folder and str(base).endswith((".yaml", ".yml")) else str(base)
    if base_name in (*seen, name):
        raise AnalysisError(f"{name}: `extends: {base}` leads back to itself")
    return merge(_read_tree(base_name, (*seen, name)), tree)


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` updated with `changes`: mappings are merged, everything else is replaced.

    A mapping of another `kind`, which has other keys, replaces the old one. A key that becomes null is removed when the
    section is validated (`Section`).

    >>> merge({"train": {"epochs": 4, "seed": 1}}, {"train": {"epochs": 9}})
    {'train': {'epochs': 9, 'seed': 1}}
    """
    if "kind" in changes and changes["kind"] != base.get("kind", DEFAULT_MODEL):
        return dict(changes)
    result: dict[str, Any] = dict(base)
    for key, value in changes.items():
        before = result.get(key)
        if key in SHORT and isinstance(before, str) and isinstance(value, Mapping):
            before = {"variable": before}
        result[key] = merge(before, value) if isinstance(value, Mapping) and isinstance(before, Mapping) else value
    return result


def _with(tree: Mapping[str, Any], keys: Sequence[str], value: Any, whole: str) -> dict[str, Any]:
    first, rest = keys[0], keys[1:]
    if not rest:
        switched = first == "kind" and value != tree.get("kind", DEFAULT_MODEL)
        return {first: value} if switched else {**tree, first: value}
    below = tree.get(first) or {}
    if isinstance(below, str) and whole.startswith("train.loss."):
        below = {"kind": below}  # a loss may be written as its name alone
    if isinstance(below, str) and first in SHORT and whole.startswith(f"{first}."):
        below = {"variable": below}
    if not isinstance(below, Mapping):
        raise AnalysisError(f"cannot set {whole!r}: {first!r} is {below!r}, which has no keys")
    return {**tree, first: _with(below, rest, value, whole)}


def _with_files(tree: Mapping[str, Any], name: str, files: list[str]) -> dict[str, Any]:
    samples = tree.get("samples") or {}
    if name not in samples and name not in ("train", "val", "test"):
        known = [*samples, "train", "val", "test"]
        raise AnalysisError(f"data for {name!r}: no sample {name!r}; {did_you_mean(name, known)}")
    return merge(tree, {"samples": {name: {"files": files}}})


_WANTED = {
    "int_parsing": "a whole number (integer)",
    "int_type": "a whole number (integer)",
    "int_from_float": "a whole number (integer)",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "a text (string)",
    "list_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
}
"""What a key needs, by pydantic's name of the fault."""


_OF_VALUE = (
    *("literal_error", "union_tag_invalid", "finite_number"),
    *("greater_than", "greater_than_equal", "less_than", "less_than_equal"),
)
"""Faults of a value that is of the right kind."""

_ALTERNATIVE = re.compile(r"(literal|dict|list)\[.*|constrained-\w+")
"""Pydantic's names of alternatives that a key may be."""


def sentences(error: ValidationError) -> list[str]:
    """One sentence on each key that is wrong.

    Where a key may be one thing or another, such as a name or a mapping, pydantic tells what is wrong with it as each of
    them; what matters is the one that it looks like.
    """
    by_key: dict[tuple[Any, ...], list[Any]] = {}
    for problem in error.errors():
        place = tuple(problem["loc"])
        if place[:2] == ("tune", "space"):
            place = place[:3] + place[4:]  # without the tag of the range
        tag = next((i for i, part in enumerate(place) if _ALTERNATIVE.fullmatch(str(part))), len(place))
        by_key.setdefault(place[:tag], []).append({**problem, "loc": place[:tag] + place[tag + 1 :]})
    found = []
    for key, problems in by_key.items():
        fitting = [each for each in problems if len(each["loc"]) > len(key) or not _is_of_another_kind(each)]
        if fitting or len(problems) == 1:
            found += [_sentence(each) for each in fitting or problems]
            continue
        wanted = " or ".join(dict.fromkeys(_wanted(each) for each in problems))
        found.append(f"{_place(problems[0])}: {problems[0]['input']!r:.{_SHOWN}} is not allowed: write {wanted}")
    return found


def _is_of_another_kind(problem: Any) -> bool:
    return problem["type"] == "literal_error" or problem["type"] in _WANTED


def _wanted(problem: Any) -> str:
    return _WANTED.get(problem["type"]) or str(problem["msg"]).removeprefix("Input should be ")


def _place(problem: Any) -> str:
    return ".".join(str(part) for part in problem["loc"] if part not in ("resonance", "muons"))


def _sentence(problem: Any) -> str:
    place = _place(problem)
    message = str(problem["msg"]).removeprefix("Value error, ")
    given = repr(problem["input"])[:_SHOWN] if "input" in problem else ""
    if given and problem["type"] in _OF_VALUE:
        message = f"{given} is not allowed: {message[0].lower()}{message[1:]}"
    elif given and problem["type"] in _WANTED:
        message = f"{_WANTED[problem['type']]} is needed, not {given}"
    return f"{place}: {message}" if place else message
