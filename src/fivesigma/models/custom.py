"""A network that the calling script builds: `fivesigma.train(analysis, model=build)`."""

import hashlib
import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from fivesigma import plugins
from fivesigma.analysis.section import Section
from fivesigma.errors import AnalysisError
from fivesigma.models.base import Inputs, ModelKind
from fivesigma.models.origin import source_of


class Custom(Section):
    """The origin of a network built by a script; the analysis file names the function and never runs it."""

    kind: Literal["custom"] = "custom"
    function: str = Field(description="module and name of the function that builds the network")
    file: str | None = Field(None, description="the script or notebook it stands in")
    sha256: str | None = Field(
        None,
        description="of the function's source and of what it uses of your own modules: functions, classes and values",
    )


def custom(build: Callable[[Inputs], Any]) -> Custom:
    """Make settings for a function that builds a Keras model; only this process knows the function.

    Args:
        build: (inputs) → `keras.Model`; `inputs` is the number of inputs, an `int` that also has `outputs`, `link`,
            `parameters`, `names` and `seed`.

    Raises:
        AnalysisError: if it is not a function.
    """
    # A Keras model can be called, too. Where there is one, Keras is imported.
    if "keras" in sys.modules and isinstance(build, sys.modules["keras"].Model):
        raise AnalysisError(
            "model is a Keras model, and a function that builds one is needed: folds, tuning and scans build several",
            hint="put it into a function of the number of inputs, such as `def build(inputs): ... return model`",
        )
    if not callable(build):
        raise AnalysisError(f"model={build!r} is not a function", hint="give a function of the number of inputs")
    name = f"{getattr(build, '__module__', '?')}:{getattr(build, '__qualname__', type(build).__name__)}"
    file = source = None
    with suppress(Exception):  # objects that a function uses may be of any kind
        source = source_of(build)
    with suppress(OSError, TypeError):
        file = inspect.getsourcefile(build)
    plugins.functions[name] = build
    return Custom(
        function=name,
        file=None if file is None or file.startswith("<") else str(Path(file).absolute()),
        sha256=None if source is None else hashlib.sha256(source.encode()).hexdigest(),
    )


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
