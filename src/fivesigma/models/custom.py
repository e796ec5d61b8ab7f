"""A network that the calling script builds: `fivesigma.train(analysis, model=build)`."""

import functools
import hashlib
import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from numbers import Number
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from fivesigma import plugins
from fivesigma.analysis.section import Section
from fivesigma.errors import AnalysisError
from fivesigma.models.base import Inputs, ModelKind


class Custom(Section):
    """The origin of a network built by a script; the analysis file names the function and never runs it."""

    kind: Literal["custom"] = "custom"
    function: str = Field(description="module and name of the function that builds the network")
    file: str | None = Field(None, description="the script or notebook it stands in")
    sha256: str | None = Field(
        None,
        description="of the function's source, of the functions of its package that it calls, and of the numbers and texts "
        "that it uses",
    )


def custom(build: Callable[[Inputs], Any]) -> Custom:
    """Make settings for a function that builds a Keras model; only this process knows the function.

    Args:
        build: (inputs) → `keras.Model`; `inputs` is the number of inputs, an `int` that also has `outputs`, `link`,
            `parameters`, `names` and `seed`.

    Raises:
        AnalysisError: if it is not a function.
    """
    if hasattr(build, "layers"):  # a Keras model can be called, too; Keras itself is not imported for this
        raise AnalysisError(
            "model is a Keras model, and a function that builds one is needed: folds, tuning and scans build several",
            hint="put it into a function of the number of inputs, such as `def build(inputs): ... return model`",
        )
    if not callable(build):
        raise AnalysisError(f"model={build!r} is not a function", hint="give a function of the number of inputs")
    name = f"{getattr(build, '__module__', '?')}:{getattr(build, '__qualname__', type(build).__name__)}"
    file = source = None
    with suppress(OSError, TypeError):
        source = _source(build)
    with suppress(OSError, TypeError):
        file = inspect.getsourcefile(build)
    plugins.functions[name] = build
    return Custom(
        function=name,
        file=None if file is None or file.startswith("<") else str(Path(file).absolute()),
        sha256=None if source is None else hashlib.sha256(source.encode()).hexdigest(),
    )


def _source(build: Any) -> str:
    """The source of a function or class, and what it uses: functions of its package, and values of closures and modules.

    Of values, numbers, texts and collections of them count; of other objects, such as modules, the type alone, because
    they look different in every process.

    Raises:
        OSError, TypeError: if there is no source of it.
    """
    found: list[str] = []
    seen: set[int] = set()
    package = str(getattr(build, "__module__", "")).partition(".")[0]

    def visit(value: Any) -> None:
        if id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, functools.partial):
            found.append(_plain([value.args, value.keywords]))
            visit(value.func)
        elif inspect.ismethod(value):
            visit(value.__func__)
            found.append(_plain(getattr(value.__self__, "__dict__", None)))
        elif inspect.isfunction(value):
            found.extend([_text(value), _plain([value.__defaults__, value.__kwdefaults__])])
            used = _used(value)
            for name in sorted(used):
                found.append(f"{name} = {_plain(used[name])}")
                if str(getattr(used[name], "__module__", "")).partition(".")[0] == package:
                    visit(used[name])
        if (wrapped := getattr(value, "__wrapped__", None)) is not None:  # what a decorator has left
            visit(wrapped)

    visit(build)
    if not found:  # a class, or an object that can be called
        found.append(inspect.getsource(build if inspect.isclass(build) else type(build)))
        found.append(_plain({} if inspect.isclass(build) else vars(build)))
    return "\n".join(found)


def _text(function: Any) -> str:
    """The source of a function, or its compiled code where there is none, as for one that was typed in."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        code = function.__code__
        return f"{code.co_code.hex()} {_plain(code.co_consts)} {code.co_names}"


def _used(function: Any) -> dict[str, Any]:
    """What a function and those within it name: variables of its closure, and those of its module that there are."""
    names: set[str] = set()
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        names.update(code.co_names)
        waiting += [constant for constant in code.co_consts if inspect.iscode(constant)]
    closure = {
        name: cell.cell_contents
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        if cell != type(cell)()  # an empty cell has no contents
    }
    return {name: function.__globals__[name] for name in names if name in function.__globals__} | closure


def _plain(value: Any, depth: int = 0) -> str:
    """A value as a text that is the same in every process."""
    if value is None or isinstance(value, Number | str | bytes):
        return repr(value)
    if depth < DEEPEST and isinstance(value, Mapping):
        return (
            "{" + ", ".join(sorted(f"{_plain(k, depth + 1)}: {_plain(item, depth + 1)}" for k, item in value.items())) + "}"
        )
    if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
        items = [_plain(item, depth + 1) for item in value]
        return f"[{', '.join(sorted(items) if isinstance(value, set | frozenset) else items)}]"
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


DEEPEST = 10
"""Collections within collections that are looked into: one may contain itself."""


def _build(settings: Custom, inputs: Inputs) -> Any:
    from fivesigma.models.backend import keras

    if settings.function not in plugins.functions:
        place = f" of {settings.file}" if settings.file else ""
        raise AnalysisError(
            f"the network of this analysis is built by {settings.function}{place}, and only that script can call it",
            hint="run the script again: fivesigma.train(analysis, model=…) continues an unfinished run; "
            "fivesigma.scan(run, compare=True) trains networks of its own after such a call in the same script",
        )
    keras().utils.set_random_seed(inputs.seed)
    return plugins.functions[settings.function](inputs)


def _label(settings: Custom) -> str:
    return f"a network built by {settings.function}"


CUSTOM = ModelKind("custom", Custom, _build, _label)
