"""The source of a function that builds a network, with all that it uses, as one text: another text, another network."""

import dataclasses
import enum
import functools
import hashlib
import inspect
import sys
import sysconfig
import types
from collections.abc import Mapping
from contextlib import suppress
from numbers import Number
from pathlib import Path
from typing import Any

DEEPEST = 10
"""Collections within collections that are looked into: one may contain itself."""
NAMED = (type, types.ModuleType, types.FunctionType, types.MethodType, functools.partial)
"""What is not looked into as a value."""
LIBRARIES = tuple({Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")})
"""Where Python is."""
PACKAGES = {"site-packages", "dist-packages"}
"""Names of folders of installed packages; what lies elsewhere is the user's own."""


def source_of(build: Any) -> str:
    """The source of a function or class, and what it uses of the user's own modules: functions, classes, and values.

    Of values, numbers, texts, arrays, collections of them and objects of the user's own classes count; of other objects the
    type alone, because they look different in every process.

    Args:
        build: the function, class, or object that can be called.

    Raises:
        OSError, TypeError: if there is no source of it.
    """
    return _Visit(str(getattr(build, "__module__", "")).partition(".")[0]).all_of(build)


class _Visit:
    """Goes through all that a function uses, each thing once.

    Attributes:
        package: the first part of the name of the function's module, which is the user's own in any case.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self._found: list[str] = []
        self._seen: set[int] = set()

    def all_of(self, build: Any) -> str:
        self._visit(build)
        if not self._found:
            raise TypeError(f"{build!r} is no function of Python")
        return "\n".join(self._found)

    def _visit(self, value: Any) -> None:
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, functools.partial):
            self._found.append(self._plain([value.args, value.keywords]))
            self._visit(value.func)
        elif inspect.ismethod(value):
            self._visit(value.__func__)
            self._found.append(self._plain(getattr(value.__self__, "__dict__", None)))
        elif inspect.isfunction(value):
            self._found.extend([_text(value), self._plain([value.__defaults__, value.__kwdefaults__])])
            names = _names(value)
            self._uses(
                {**{name: value.__globals__[name] for name in names & value.__globals__.keys()}, **_closure(value)}, names
            )
        elif inspect.isclass(value):
            with suppress(OSError, TypeError):  # its functions have compiled code in any case
                self._found.append(inspect.getsource(value))
            own = {name: each for name, each in vars(value).items() if name not in ("__dict__", "__weakref__")}
            self._found.append(self._plain(own))
            for name in sorted(own):
                self._visit(getattr(own[name], "__func__", own[name]) if self._own(value.__module__) else None)
        elif self._own(type(value).__module__):  # an object, which may be one that can be called
            self._found.append(self._plain(getattr(value, "__dict__", None)))
            self._visit(type(value))
        if (wrapped := getattr(value, "__wrapped__", None)) is not None:  # what a decorator has left
            self._visit(wrapped)

    def _uses(self, used: Mapping[str, Any], names: set[str]) -> None:
        """What a function names, and of the user's own modules among it what the function names of them."""
        for name in sorted(used):
            self._found.append(f"{name} = {self._plain(used[name])}")
            value = used[name]
            if inspect.ismodule(value):
                if self._own(value.__name__) and id(value) not in self._seen:
                    self._seen.add(id(value))
                    self._uses({key: vars(value)[key] for key in names & vars(value).keys()}, names)
            elif self._own(getattr(value, "__module__", None)):
                self._visit(value)

    def _own(self, module: Any) -> bool:
        """Whether a module is the user's own: of the function's package, or not where libraries are."""
        root = str(module or "").partition(".")[0]
        if root in ("", self.package, "fivesigma"):
            return root == self.package != ""
        file = getattr(sys.modules.get(root), "__file__", None)
        if file is None or PACKAGES & set(Path(file).parts):
            return False
        return not any(Path(file).is_relative_to(place) for place in LIBRARIES)

    def _plain(self, value: Any, depth: int = 0) -> str:
        """A value as a text that is the same in every process."""
        if value is None or (isinstance(value, Number | str | bytes) and not isinstance(value, enum.Enum)):
            return repr(value)
        if depth < DEEPEST and isinstance(value, Mapping):
            items = [f"{self._plain(k, depth + 1)}: {self._plain(item, depth + 1)}" for k, item in value.items()]
            return "{" + ", ".join(sorted(items)) + "}"
        if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
            items = [self._plain(item, depth + 1) for item in value]
            return f"[{', '.join(sorted(items) if isinstance(value, set | frozenset) else items)}]"
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        if name == "numpy.ndarray" and value.dtype != object:
            return f"<{name} {value.dtype.str} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}>"
        if depth < DEEPEST and not isinstance(value, NAMED):
            if dataclasses.is_dataclass(value):
                return (
                    f"<{name} {self._plain({f.name: getattr(value, f.name) for f in dataclasses.fields(value)}, depth + 1)}>"
                )
            known = isinstance(value, types.SimpleNamespace | enum.Enum) or self._own(type(value).__module__)
            if known and hasattr(value, "__dict__"):
                return f"<{name} {self._plain(vars(value), depth + 1)}>"
        return f"<{name}>"


def _text(function: Any) -> str:
    """The source of a function, or its compiled code where there is none, as for one that was typed in.

    Several lambdas may stand in one line, which is the source of each: their compiled code counts, too.
    """
    code = function.__code__
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        return _compiled(code)
    return f"{text} {_compiled(code)}" if function.__name__ == "<lambda>" else text


def _compiled(code: types.CodeType) -> str:
    """Instructions, constants and names of compiled code, and of the code within it."""
    constants = [
        _compiled(each) if inspect.iscode(each) else repr(sorted(each, key=repr) if isinstance(each, frozenset) else each)
        for each in code.co_consts
    ]
    return f"{code.co_code.hex()} [{', '.join(constants)}] {code.co_names} {code.co_freevars}"


def _names(function: Any) -> set[str]:
    """The names of variables and attributes in a function and in those within it."""
    names: set[str] = set()
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        names.update(code.co_names)
        waiting += [constant for constant in code.co_consts if inspect.iscode(constant)]
    return names


def _closure(function: Any) -> dict[str, Any]:
    """The variables of a function's closure that have a value."""
    return {
        name: cell.cell_contents
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        if cell != type(cell)()  # an empty cell has no contents
    }
