"""What every section of the analysis file is made of: immutable, checked, with the nearest name for a mistyped key."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from fivesigma.errors import did_you_mean
from fivesigma.expressions import expand_braces


class Section(BaseModel):
    """A section of the analysis file: immutable, and an unknown key is an error that names the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    suggestion = did_you_mean(str(key), cls.model_fields)
                    raise PydanticCustomError("unknown_key", "unknown key '{key}'; {hint}", {"key": key, "hint": suggestion})
        return data


def as_list(value: Any) -> Any:
    """One text as a list of it, and nothing as an empty one."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _as_expanded(value: Any) -> Any:
    value = as_list(value)
    if not isinstance(value, list | tuple):
        return value
    return [name for item in value for name in (expand_braces(item) if isinstance(item, str) else [item])]


def as_mapping(value: Any) -> Any:
    """Nothing as an empty mapping."""
    return {} if value is None else value


def without_nothing(value: Any) -> Any:
    """A mapping without the keys that are set to nothing, so that `key: null` removes what a base file has."""
    if value is None:
        return {}
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Formula = Annotated[str, BeforeValidator(_as_text)]
"""A column name or an expression; its syntax is checked where it is used, as names may be any text."""
Names = Annotated[list[str], BeforeValidator(_as_expanded)]
"""Names, with `{a,b}` and `{1..4}` spelled out; one name may stand without a list."""
Fraction = Annotated[float, Field(ge=0, lt=1)]
