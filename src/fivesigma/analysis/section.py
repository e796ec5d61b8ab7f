"""The base class of all sections: immutable, checked, and with the nearest name for a mistyped key."""

from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from fivesigma.errors import did_you_mean
from fivesigma.expressions import column_of, expand_braces

OLDER = "older"
"""Key of the validation context: the section may have been written by an older version."""


class Section(BaseModel):
    """A section of the analysis file: immutable, and an unknown key is an error that names the nearest.

    A key that is null is one that is not given: its default is in force. So a file that extends another one removes what it
    does not want, also an entry of a mapping.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    renamed: ClassVar[Mapping[str, str]] = {}
    """Old name of a key → its present one. Run folders of before are read by it, and a user's file is told."""

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
        return {
            key: _without_null(value) if _is(kinds[key], dict) else value
            for key, value in data.items()
            if value is not None or _is(kinds[key], type(None))
        }

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """What an older version wrote, in the present keys."""
        return {cls.renamed.get(key, key): value for key, value in data.items()}


def _is(annotation: Any, kind: type) -> bool:
    """Whether a type is of a kind, or one of several of which one is."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is(get_args(annotation)[0], kind)
    if origin in (Union, UnionType):
        return any(_is(each, kind) for each in get_args(annotation))
    return (origin or annotation) is kind


def _without_null(value: Any) -> Any:
    """A mapping without its entries that are null; anything else as it is."""
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


def as_list(value: Any) -> Any:
    """One text as a list of it, and nothing as an empty one."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _as_expanded(value: Any) -> Any:
    value = as_list(value)
    if not isinstance(value, list | tuple):
        return value
    return [name for item in value for name in (map(column_of, expand_braces(item)) if isinstance(item, str) else [item])]


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value if " " in value.strip() else column_of(value)  # with a blank it would be no expression
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def by_column(value: Any) -> Any:
    """A mapping whose keys are columns or globs, without the backticks that they may have."""
    return {column_of(str(key)): item for key, item in value.items()} if isinstance(value, dict) else value


Formula = Annotated[str, BeforeValidator(_as_text)]
"""A column name or an expression; its syntax is checked where it is used, as names may be any text."""
Names = Annotated[list[str], BeforeValidator(_as_expanded)]
"""Names, with `{a,b}` and `{1..4}` spelled out; one name may stand without a list, and any between backticks."""
Fraction = Annotated[float, Field(ge=0, lt=1)]


class FileName:
    """Marks a field that holds names of files, relative to the analysis file.

    Args:
        endings: only a text that ends so is a file name; any other is something else, such as a built-in analysis.
    """

    def __init__(self, *endings: str) -> None:
        self.endings = endings

    def anchored(self, value: Any, folder: Path) -> Any:
        """Names made independent of the folder they were written for; globs and `:treename` are kept."""
        if isinstance(value, list | tuple):
            return [self.anchored(item, folder) for item in value]
        if not isinstance(value, str) or (self.endings and not value.endswith(self.endings)):
            return value
        return absolute(value, folder)


class Role:
    """Marks what a field of the analysis decides.

    Args:
        names: `place` (where events are), `events` (which events there are), `reading` (what is read of them).
    """

    def __init__(self, *names: str) -> None:
        self.names = names


Files = Annotated[list[str], BeforeValidator(as_list), FileName()]
"""Names of files, relative to the analysis file; one may stand without a list."""
FilePath = Annotated[str, FileName()]
AnalysisPath = Annotated[str, FileName(".yaml", ".yml")]
"""The name of a built-in analysis, or an analysis file."""


def absolute(path: str, folder: Path) -> str:
    """A file name made independent of the folder it was written for; globs and `:treename` are kept."""
    return path if Path(path).is_absolute() else str(folder / path)


def fields_with(section: type[Section], role: str) -> list[str]:
    """Names of a section's fields that have a role."""
    return [
        name
        for name, field in section.model_fields.items()
        if any(isinstance(mark, Role) and role in mark.names for mark in field.metadata)
    ]


def anchored(tree: Mapping[str, Any], section: type[Section], folder: Path) -> dict[str, Any]:
    """A section as it was written, with its file names made independent of the folder of the analysis file."""
    fields = section.model_fields
    return {
        key: _anchored(value, fields[key].annotation, fields[key].metadata, folder) if key in fields else value
        for key, value in tree.items()
    }


def _anchored(value: Any, kind: Any, marks: Any, folder: Path) -> Any:
    for mark in marks:
        if isinstance(mark, FileName):
            return mark.anchored(value, folder)
        if hasattr(mark, "settings_of"):  # a section of one of several kinds
            section = mark.settings_of(value)
            return value if section is None or not isinstance(value, Mapping) else anchored(value, section, folder)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _anchored(value, arguments[0], arguments[1:], folder)
    if origin in (Union, UnionType):
        for each in arguments:
            value = _anchored(value, each, (), folder)
        return value
    if origin is dict and isinstance(value, Mapping):
        return {key: _anchored(item, arguments[1], (), folder) for key, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, Section) and isinstance(value, Mapping):
        return anchored(value, kind, folder)
    return value
