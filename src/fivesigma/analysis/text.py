"""Read YAML with the limits of an analysis: plain values, no deep nesting, and few values behind aliases."""

from contextlib import suppress
from typing import Any

import yaml

from fivesigma.errors import FivesigmaError

MOST_TEXT = 4_000_000
"""Largest number of characters of an analysis file: a list of 40,000 file names of 100 characters each."""
MOST_VALUES = 100_000
"""Largest number of values with all aliases written out."""
DEEPEST = 50
"""Largest number of nested levels."""


class BadText(FivesigmaError):
    """A text that is no YAML, or not within the limits of an analysis.

    Args:
        line: line of the problem, from 1; None if it concerns the whole text.
        problem: the predicate of a sentence about the text.
    """

    def __init__(self, line: int | None, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def read(text: str) -> Any:
    """Read YAML.

    Raises:
        BadText: if it is no YAML, is too long, too deep or too large, or a value does not match its tag.
    """
    if len(text) > MOST_TEXT:
        raise BadText(None, f"is too long for an analysis ({len(text):,} characters)")
    try:
        if _FastLoader is not None and not any(mark in text for mark in _TOLD_APART):
            with suppress(yaml.YAMLError, UnicodeError):  # PyYAML's own words for what is wrong are the better ones
                return _read(text, _FastLoader)
        return _read(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = " ".join(str(getattr(error, "problem", None) or error).split())[:200]
        raise BadText(mark.line + 1 if mark else None, f"is not YAML: {problem}") from None


def _read(text: str, kind: Any) -> Any:
    _check_depth(text, kind)
    loader = kind(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        values = _count(node, {}, set())
        if values > MOST_VALUES and values > len(text):
            raise BadText(None, f"refers to itself so often that it would have more than {MOST_VALUES:,} values")
        _check_keys(node, set())
        return loader.construct_document(node)
    finally:
        loader.dispose()


class _WithLines:
    """The line in errors of values."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)  # type: ignore[misc]
        except (ValueError, TypeError, OverflowError, AttributeError, KeyError, IndexError) as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from None


class _Loader(_WithLines, yaml.SafeLoader):
    """PyYAML's safe loader."""


_FastLoader: Any = None
"""The safe loader of libyaml, ten times as fast, where PyYAML was built with it."""
if yaml.__with_libyaml__:

    class _LibYaml(_WithLines, yaml.CSafeLoader):
        pass

    _FastLoader = _LibYaml

_TOLD_APART = ("\t", "!")
"""What the two loaders read in different ways: tabs in words, and tags without a name."""


def _check_depth(text: str, kind: Any) -> None:
    """Refuse nesting so deep that reading it would exhaust Python's stack."""
    depth = 0
    for event in yaml.parse(text, Loader=kind):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else None
            raise BadText(line, f"is nested too deeply, more than {DEEPEST} levels")


def _check_keys(node: Any, seen: set[int]) -> None:
    """Refuse `{a:4}`, which YAML takes for a key `a:4` without a value, and a key that is there twice: one would be lost."""
    if isinstance(node, yaml.ScalarNode) or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        _check_repeated(node)
    for part in node.value:
        key, value = part if isinstance(node, yaml.MappingNode) else (None, part)
        empty = isinstance(value, yaml.ScalarNode) and value.value == ""
        if node.flow_style and empty and isinstance(key, yaml.ScalarNode) and not key.style and ":" in key.value:
            name, _, number = key.value.partition(":")
            raise BadText(
                key.start_mark.line + 1, f"has no value for {key.value!r}: write a blank after the colon, {name}: {number}"
            )
        if key is not None:
            _check_keys(key, seen)
        _check_keys(value, seen)


def _check_repeated(node: Any) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        name, line = (key.tag, key.value), key.start_mark.line + 1
        if name in lines:
            raise BadText(line, f"has the key {key.value!r} again, which is in line {lines[name]} already")
        lines[name] = line


def _count(node: Any, known: dict[int, int], above: set[int]) -> int:
    """Number of values of a node with aliases written out; each node is visited once."""
    if id(node) in above:
        raise BadText(node.start_mark.line + 1, "is not YAML for an analysis: a value contains itself")
    if id(node) not in known:
        parts = [] if isinstance(node, yaml.ScalarNode) else node.value
        flat = [part for pair in parts for part in pair] if isinstance(node, yaml.MappingNode) else parts
        known[id(node)] = 1 + sum(_count(part, known, above | {id(node)}) for part in flat)
    return known[id(node)]
