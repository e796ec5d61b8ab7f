"""The source of a function that builds a network, and what it uses, as one text: where it differs, the network does."""

import dataclasses
import enum
import functools
import hashlib
import inspect
import sys
import sysconfig
import types
from collections import deque
from contextlib import suppress
from numbers import Number
from pathlib import Path, PurePath
from typing import Any

LARGEST = 100_000
"""Values of a collection that are looked at; of a larger one its length counts."""
LIBRARIES = tuple({Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")})
"""Where Python is."""
PACKAGES = {"site-packages", "dist-packages"}
"""Names of folders of installed packages; what lies elsewhere is the user's own."""
SET_BY_PYTHON = {
    *("__dict__", "__weakref__", "__doc__", "__annotations__", "__firstlineno__", "__static_attributes__"),
    *("__annotations_cache__", "__annotate_func__"),
}
"""Attributes of classes that Python sets, some of them by the place in the file."""
MEMBERS = {staticmethod: "__func__", classmethod: "__func__", functools.cached_property: "func"}
"""Type of an object that holds a function of a class → the attribute with the function."""


def source_of(build: Any) -> str:
    """The source of a function or class, and what it uses of the user's own modules: functions, classes, and values.

    Of values, numbers, texts, paths, arrays, collections of them and objects of the user's own classes count; of other
    objects the type alone, because they look different in every process.

    Args:
        build: the function, class, or object that can be called.

    Raises:
        TypeError: if there is no source of it.
    """
    inner = build
    while isinstance(inner, functools.partial):
        inner = inner.func
    return _Visit(str(getattr(inner, "__module__", "")).partition(".")[0]).all_of(build)


class _Visit:
    """Follows a function to everything that it uses, and visits each function, class and object once.

    Attributes:
        package: the first part of the name of the function's module, which is the user's own in any case.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self._found: list[str] = []
        self._waiting: deque[Any] = deque()
        self._seen: dict[int, Any] = {}  # also keeps the objects, so that no other one gets the same id
        self._of_modules: set[tuple[str, str]] = set()
        self._shown: dict[int, tuple[int, Any]] = {}

    def all_of(self, build: Any) -> str:
        self._later(build)
        while self._waiting:
            self._look(self._waiting.popleft())
        if not self._found:
            raise TypeError(f"{build!r} is no function of Python")
        return "\n".join(self._found)

    def _later(self, value: Any) -> None:
        if id(value) not in self._seen:
            self._seen[id(value)] = value
            self._waiting.append(value)

    def _look(self, value: Any) -> None:
        if isinstance(value, functools.partial):
            self._found.append(self._plain([value.args, value.keywords]))
            self._later(value.func)
        elif inspect.ismethod(value):
            self._found.append(self._plain(value.__self__))
            self._later(value.__func__)
        elif inspect.isfunction(value):
            self._found.extend([_text(value), self._plain([value.__defaults__, value.__kwdefaults__])])
            self._uses(value)
        elif inspect.isclass(value):
            self._class(value)
        elif self._own(type(value).__module__):  # an object, which may be one that can be called
            self._found.append(self._plain(value))
        if not inspect.isclass(value):
            wrapped = inspect.getattr_static(value, "__wrapped__", None)  # the function that a decorator was given
            if callable(wrapped) and self._own(getattr(wrapped, "__module__", None)):
                self._later(wrapped)

    def _uses(self, function: Any) -> None:
        """The values of the names in a function; of the user's own modules, those attributes whose names are in it."""
        names = _names(function)
        used = {name: function.__globals__[name] for name in names & function.__globals__.keys()} | _closure(function)
        for name in sorted(used):
            self._found.append(f"{name} = {self._plain(used[name])}")
            self._of_module(used[name], names)

    def _of_module(self, module: Any, names: set[str]) -> None:
        if not inspect.ismodule(module) or not self._own(module.__name__):
            return
        for name in sorted(names & vars(module).keys()):
            if (module.__name__, name) not in self._of_modules:
                self._of_modules.add((module.__name__, name))
                self._found.append(f"{module.__name__}.{name} = {self._plain(vars(module)[name])}")
                self._of_module(vars(module)[name], names)

    def _class(self, value: Any) -> None:
        with suppress(OSError, TypeError):  # its functions have compiled code in any case
            self._found.append(inspect.getsource(value))
        own = {name: each for name, each in vars(value).items() if name not in SET_BY_PYTHON}
        for name, each in own.items():
            self._found.append(f"{name} = {self._plain(each)}")
            parts = (
                [each.fget, each.fset] if isinstance(each, property) else [getattr(each, MEMBERS.get(type(each), ""), None)]
            )
            for part in parts:
                if inspect.isfunction(part):
                    self._later(part)
        for base in value.__bases__:
            self._plain(base)

    def _own(self, module: Any) -> bool:
        """Whether a module is the user's own: of the function's package, or not where libraries are."""
        name = str(module or "")
        root = name.partition(".")[0]
        if root in ("", "__main__", self.package, "fivesigma"):
            return root not in ("", "fivesigma") or root == self.package != ""
        for known in (sys.modules.get(name), sys.modules.get(root)):
            places = [getattr(known, "__file__", None), *(getattr(known, "__path__", None) or [])]
            for place in places:
                if isinstance(place, str):
                    inside = PACKAGES & set(Path(place).parts) or any(Path(place).is_relative_to(each) for each in LIBRARIES)
                    return not inside
        return False

    def _plain(self, value: Any) -> str:
        """A value as a text that is the same in every process; the user's functions and classes in it are visited later."""
        if value is None or (isinstance(value, Number | str | bytes | PurePath) and not isinstance(value, enum.Enum)):
            return repr(value)
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        if isinstance(value, types.ModuleType):
            return f"<{name} {value.__name__}>"
        if isinstance(value, type | types.FunctionType):
            if self._own(value.__module__):
                self._later(value)
            return f"<{name} {value.__module__}.{value.__qualname__}>"
        if not isinstance(value, tuple | frozenset):  # equal ones may be one object or two
            if id(value) in self._shown:
                return f"<as {self._shown[id(value)][0]}>"
            self._shown[id(value)] = (len(self._shown), value)
        return self._inside(value, name)

    def _inside(self, value: Any, name: str) -> str:
        """The text of a value that holds other values."""
        if isinstance(value, functools.partial):
            return f"<{name} {self._plain(value.func)} {self._plain(value.args)} {self._plain(value.keywords)}>"
        if isinstance(value, types.MethodType):
            return f"<{name} {self._plain(value.__func__)} {self._plain(value.__self__)}>"
        if isinstance(value, dict | list | tuple | set | frozenset):
            if len(value) > LARGEST:
                return f"<{name} of {len(value)}>"
            if isinstance(value, dict):
                return "{" + ", ".join(f"{self._plain(k)}: {self._plain(item)}" for k, item in value.items()) + "}"
            items = [self._plain(item) for item in value]
            return f"[{', '.join(sorted(items) if isinstance(value, set | frozenset) else items)}]"
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.ndarray) and not value.dtype.hasobject:
            digest = hashlib.sha256(numpy.ascontiguousarray(value).data.cast("B") if value.size else b"").hexdigest()
            return f"<{name} {value.dtype.str} {value.shape} {digest}>"
        own = self._own(type(value).__module__)
        if not (own or dataclasses.is_dataclass(value) or isinstance(value, types.SimpleNamespace | enum.Enum)):
            self._later(value)
            return f"<{name}>"
        if own:
            self._later(type(value))
        return f"<{name} {self._plain(_attributes(value))}>"


def _attributes(value: Any) -> dict[str, Any]:
    """The attributes that an object holds, found without a call of its code."""
    found = inspect.getattr_static(value, "__dict__", None)
    held = dict(object.__getattribute__(value, "__dict__")) if found is not None else {}
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            with suppress(AttributeError):
                held[slot] = object.__getattribute__(value, slot)
    return held


def _text(function: Any) -> str:
    """The source of a function, or its compiled code where there is none, as for one that was typed in.

    Several lambdas may stand in one line, which is the source of each: their compiled code counts, too.
    """
    code = function.__code__
    try:
        text = inspect.getsource(code)  # that of a decorator, not of what it decorates
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
