"""A network that the calling script builds: `fivesigma.train(analysis, model=build)`."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
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
        None, description="of the function's source, and of the functions of its module and the plain values that it uses"
    )


def custom(build: Callable[[Inputs], Any]) -> Custom:
    """Make settings for a function that builds a Keras model; only this process knows the function.

    Args:
        build: (inputs) → `keras.Model`; `inputs` is the number of inputs, an `int` that also has `outputs`, `link`,
            `parameters`, `names` and `seed`.

    Raises:
        AnalysisError: if it is not a function.
    """
    if not callable(build):
        raise AnalysisError(f"model={build!r} is not a function", hint="give a function of the number of inputs")
    name = f"{getattr(build, '__module__', '?')}:{getattr(build, '__qualname__', type(build).__name__)}"
    try:
        file, source = inspect.getsourcefile(build), _source(build)
    except (OSError, TypeError):
        file, source = None, None
    plugins.functions[name] = build
    return Custom(
        function=name,
        file=None if file is None or file.startswith("<") else str(Path(file).absolute()),
        sha256=None if source is None else hashlib.sha256(source.encode()).hexdigest(),
    )


def _source(function: Any) -> str:
    """The source of a function, and what it uses: functions of its module, and values of its closure and its module.

    Of values, numbers, texts and collections of them count; of other objects, such as modules, the type alone, because
    they look different in every process.
    """
    found: dict[str, str] = {}

    def visit(function: Any) -> None:
        key = f"{function.__module__}:{function.__qualname__}"
        if key in found:
            return
        found[key] = ""
        defaults = _plain([function.__defaults__, function.__kwdefaults__])
        values = {}
        for name, value in _used(function).items():
            if inspect.isfunction(value):
                values[name] = f"function {value.__qualname__}"
                if value.__module__ == function.__module__:
                    visit(value)
            else:
                values[name] = _plain(value)
        found[key] = "\n".join(
            [inspect.getsource(function), defaults, *(f"{name} = {values[name]}" for name in sorted(values))]
        )

    visit(function)
    return "\n".join(found.values())


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


def _plain(value: Any) -> str:
    """A value as a text that is the same in every process."""
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(sorted(f"{_plain(key)}: {_plain(item)}" for key, item in value.items())) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_plain, value)))}}}"
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


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
