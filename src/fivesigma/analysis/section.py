"""The base class of all sections: immutable and validated; an unknown key is answered with the nearest name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from fivesigma.errors import did_you_mean
from fivesigma.names import column_of, expand_braces

OLDER = "older"
"""Key of the validation context: whether an older version may have written the section."""


class KeepsNull:
    """Marks a mapping whose null entries say something, such as overrides of another analysis."""


class Section(BaseModel):
    """A section of the analysis file: immutable; an unknown key is an error that names the nearest one.

    A key that is null counts as not given and has its default. So a file that extends another one can remove keys, also
    entries of mappings, unless these are marked by `KeepsNull`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    renamed: ClassVar[Mapping[str, str]] = {}
    """Old name of a key → present one, to read older run folders and to tell users of older files."""

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict):
            return data
        if (info.context or {}).get(OLDER):
            data = cls.upgraded(data)
        for key in data:
            if key in cls.renamed:
                text = "`{key}` is called `{now}` now"
                raise PydanticCustomError("renamed_key", text, {"key": key, "now": cls.renamed[key]})
            if key not in cls.model_fields:
                suggestion = did_you_mean(str(key), cls.model_fields)
                raise PydanticCustomError("unknown_key", "unknown key '{key}'; {clause}", {"key": key, "clause": suggestion})
        kinds = {key: cls.model_fields[key].annotation for key in data}
        # Python takes true for 1: as a text it is no number, and the error names the key.
        data = {key: str(value).lower() if _is_no_number(value, kinds[key]) else value for key, value in data.items()}
        return {
            key: _without_null(value) if _is(kinds[key], dict) and not cls._keeps_null(key) else value
            for key, value in data.items()
            if value is not None or _is(kinds[key], type(None))
        }

    @classmethod
    def _keeps_null(cls, key: str) -> bool:
        return any(isinstance(mark, KeepsNull) for mark in cls.model_fields[key].metadata)

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """The section of an older version with the present keys."""
        return {cls.renamed.get(key, key): value for key, value in data.items()}


def _is(annotation: Any, kind: type) -> bool:
    """Whether an annotation is a type, or a union that contains it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is(get_args(annotation)[0], kind)
    if origin in (Union, UnionType):
        return any(_is(each, kind) for each in get_args(annotation))
    return (origin or annotation) is kind


def _is_no_number(value: Any, annotation: Any) -> bool:
    """Whether a value is true or false where a number is wanted."""
    return isinstance(value, bool) and not _is(annotation, bool) and (_is(annotation, int) or _is(annotation, float))


def _without_null(value: Any) -> Any:
    """A mapping without its null entries; any other value unchanged."""
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


def as_list(value: Any) -> Any:
    """A list: of a single text, empty for None, any other value unchanged."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _as_expanded(value: Any) -> Any:
    value = as_list(value)
    if not isinstance(value, list | tuple):
        return value
    found = []
    for item in value:
        names = [column_of(name) for name in expand_braces(item)] if isinstance(item, str) else [item]
        if not names:
            raise ValueError(f"{item!r} stands for no name: the numbers in braces count down")
        found += names
    return found


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value if " " in value.strip() else column_of(value)  # with a blank it would be no expression
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def by_column(value: Any) -> Any:
    """A mapping whose keys are columns or globs, with backticks removed from the keys."""
    return {column_of(str(key)): item for key, item in value.items()} if isinstance(value, dict) else value


Formula = Annotated[str, BeforeValidator(_as_text)]
"""A column name or an expression; its syntax is checked where it is used, as names may be any text."""
Names = Annotated[list[str], BeforeValidator(_as_expanded)]
"""Names, with `{a,b}` and `{1..4}` expanded; a single name needs no list, and names may be in backticks."""
Fraction = Annotated[float, Field(ge=0, lt=1)]


class FileName:
    """Marks a field that holds names of files, relative to the analysis file.

    Args:
        endings: endings of file names; a text without one is something else, such as a built-in analysis. By default
            every text is a file name.
    """

    def __init__(self, *endings: str) -> None:
        self.endings = endings

    def renamed(self, value: Any, rename: Callable[[str], str]) -> Any:
        """What the field holds, with each name of a file as `rename` gives it; names may have globs and `:treename`."""
        if isinstance(value, list | tuple):
            return [self.renamed(item, rename) for item in value]
        if not isinstance(value, str) or (self.endings and not value.endswith(self.endings)):
            return value
        return rename(value)


class Role:
    """Marks what a field of the analysis determines.

    Args:
        names: `place` (where events are), `events` (which events are used), `reading` (what is read of them).
    """

    def __init__(self, *names: str) -> None:
        self.names = names


Files = Annotated[list[str], BeforeValidator(as_list), FileName()]
"""Names of files, relative to the analysis file; a single one needs no list."""
FilePath = Annotated[str, FileName()]
AnalysisPath = Annotated[str, FileName(".yaml", ".yml")]
"""The name of a built-in analysis, or an analysis file."""


def absolute(path: str, folder: Path) -> str:
    """A file name relative to `folder` as an absolute name; globs and `:treename` are kept."""
    return path if Path(path).is_absolute() else str(folder / path)


def fields_with(section: type[Section], role: str) -> list[str]:
    """Names of a section's fields that have a role."""
    return [
        name
        for name, field in section.model_fields.items()
        if any(isinstance(mark, Role) and role in mark.names for mark in field.metadata)
    ]


def anchored(tree: Mapping[str, Any], section: type[Section], folder: Path) -> dict[str, Any]:
    """A section as written, with file names relative to the analysis file made absolute."""
    return renamed(tree, section, lambda name: absolute(name, folder))


def renamed(tree: Mapping[str, Any], section: type[Section], rename: Callable[[str], str]) -> dict[str, Any]:
    """A section as written, with each name of a file as `rename` gives it."""
    fields = section.model_fields
    return {
        key: _renamed(value, fields[key].annotation, fields[key].metadata, rename) if key in fields else value
        for key, value in tree.items()
    }


def _renamed(value: Any, kind: Any, marks: Any, rename: Callable[[str], str]) -> Any:
    for mark in marks:
        if isinstance(mark, FileName):
            return mark.renamed(value, rename)
        if hasattr(mark, "settings_of"):  # a section of one of several kinds
            section = mark.settings_of(value)
            return value if section is None or not isinstance(value, Mapping) else renamed(value, section, rename)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _renamed(value, arguments[0], arguments[1:], rename)
    if origin in (Union, UnionType):
        for each in arguments:
            value = _renamed(value, each, (), rename)
        return value
    if origin is dict and isinstance(value, Mapping):
        return {key: _renamed(item, arguments[1], (), rename) for key, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, Section) and isinstance(value, Mapping):
        return renamed(value, kind, rename)
    return value
