"""Fields of the analysis file whose keys depend on the `kind` that they name."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import PydanticCustomError, core_schema

from fivesigma.analysis.section import Section
from fivesigma.errors import PluginError, UnknownKind
from fivesigma.plugins import Registry, metrics


def _kind(registry: Registry, name: str) -> Any:
    """The kind with a name; an unknown name is an error at its place in the analysis file."""
    try:
        return registry.get(name)
    except UnknownKind as error:
        raise PydanticCustomError("unknown_kind", "{what}", {"what": error.what, "hint": error.hint}) from None


class OneOf:
    """Annotates a field that holds the settings of one kind of a registry.

    Kinds are looked up when a value is checked, so that kinds registered later are known as well. Each kind's `settings`
    is a `Section` with a field `kind`.

    Args:
        registry: the kinds.
        default: the kind if none is named.
        short: whether a name alone is short for `{kind: name}`.
    """

    def __init__(self, registry: Registry, default: str | None = None, *, short: bool = False) -> None:
        self.registry, self.default, self.short = registry, default, short

    def kind_of(self, tree: Any) -> Any:
        """The kind that a value in an analysis file names."""
        return tree.get("kind", self.default) if isinstance(tree, Mapping) else tree

    def settings_of(self, tree: Any) -> type[Section] | None:
        """The section of the kind that a value names; None if it names no known kind."""
        name = self.kind_of(tree)
        return self.registry.get(name).settings if isinstance(name, str) and name in self.registry else None

    def validate(self, value: Any, info: ValidationInfo) -> Section:
        """Check a value against the keys of its kind."""
        if isinstance(value, Section):
            value = value.model_dump(exclude_unset=True) | {"kind": getattr(value, "kind", self.default)}
        if isinstance(value, str) and self.short:
            value = {"kind": value}
        if not isinstance(value, Mapping):
            text = "a mapping with a key `kind`" + (", or the name of a kind" if self.short else "")
            raise PydanticCustomError("kind", "{text} is needed, not {value}", {"text": text, "value": repr(value)})
        name = self.kind_of(value)
        if not isinstance(name, str):
            known = ", ".join(self.registry.names())
            raise PydanticCustomError("kind", "`kind` is missing; there is {known}", {"known": known})
        settings: type[Section] = _kind(self.registry, name).settings
        return settings.model_validate({**value, "kind": name}, context=info.context)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        choices: list[dict[str, Any]] = [handler(kind.settings.__pydantic_core_schema__) for kind in self.registry]
        if self.short:
            choices.append({"type": "string", "enum": self.registry.names()})
        return {"anyOf": choices}


class NameOf:
    """Annotates a field that holds the name of one kind of a registry.

    Args:
        registry: the kinds.
        more: further names that are allowed.
        usable: tells which kinds the schema lists; the others are refused elsewhere, where the reason is known.
    """

    def __init__(self, registry: Registry, more: tuple[str, ...] = (), usable: Callable[[Any], bool] | None = None) -> None:
        self.registry, self.more, self.usable = registry, more, usable

    def validate(self, value: Any) -> str:
        """Check that the name is known; a kind of a plug-in is imported for that."""
        if not isinstance(value, str):
            raise PydanticCustomError("name", "a name is needed, not {value}", {"value": repr(value)})
        if value not in self.more:
            _kind(self.registry, value)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "enum": [*self.more, *filter(self._is_listed, self.registry.names())]}

    def _is_listed(self, name: str) -> bool:
        try:
            return self.usable is None or self.usable(self.registry.get(name))
        except PluginError:  # said when it is used
            return True


GOAL = NameOf(metrics, more=("loss",), usable=lambda spec: bool(spec.can_be_optimised))
"""Names a metric that a training or a search goes by."""
