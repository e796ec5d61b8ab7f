"""The common part of all rules: how a broken rule is reported, and rules for settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fivesigma.analysis.section import Section


def require(kept: Any, what: str) -> None:
    """Fail unless a rule is kept; unlike `assert`, also if Python runs without assertions.

    Raises:
        AssertionError: with the rule.
    """
    if not kept:
        raise AssertionError(what)


@contextmanager
def never_raises(what: str) -> Iterator[None]:
    """Turn an exception into a broken rule.

    Raises:
        AssertionError: with the rule and the exception.
    """
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error


def check_settings(kind: Any) -> None:
    """Check the settings of a kind: a `Section` whose key `kind` has the kind's name, with a docstring for the schema.

    Raises:
        AssertionError: with the rule that is broken.
    """
    name, settings = kind.name, kind.settings
    require(isinstance(name, str) and name.isidentifier(), f"the name {name!r} is not made of letters, digits and _")
    require(issubclass(settings, Section), f"{name}: the settings are no `Section`, so a mistyped key would pass")
    field = settings.model_fields.get("kind")
    require(field is not None, f"{name}: the settings have no key `kind`")
    require(field.default == name, f"{name}: the default of the key `kind` is {field.default!r}, not the kind's name")
    require(settings.__doc__, f"{name}: the settings have no docstring, which `fivesigma schema` shows")
