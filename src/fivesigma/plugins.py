"""What can be added: readers, models, losses, metrics, baselines and exporters, ours and other people's.

An analysis file names a kind, and can name only what is here: a built-in one, one that an installed package
declares as an entry point of the group `fivesigma.models` (`.readers`, `.losses`, `.metrics`, `.baselines`,
`.exporters`), or one that the running script has registered. No code is ever read from an analysis file.
"""

import importlib
from collections.abc import Iterator
from typing import Any, Protocol

from fivesigma.errors import PluginError, UnknownKind, did_you_mean


class Kind(Protocol):
    """What every registered object has."""

    @property
    def name(self) -> str:
        """How an analysis file calls it."""


class Registry:
    """The kinds of one group, by name.

    A built-in kind is imported when it is asked for; entry points are looked up only for a name that is not built in,
    or when all names are wanted, because reading the metadata of every installed package takes time.

    Args:
        group: such as `models`; the entry points are those of `fivesigma.models`.
        noun: what one of them is called in a message.
        builtin: name → `module:object`, in the order in which they are listed.
        needs: attributes that one of them must have, by which it differs from those of other groups.
    """

    def __init__(self, group: str, noun: str, builtin: dict[str, str], needs: tuple[str, ...]) -> None:
        self.group, self.noun, self._builtin, self._needs = group, noun, builtin, needs
        self._loaded: dict[str, Any] = {}
        self.registered: dict[str, Any] = {}
        self._entry_points: dict[str, Any] | None = None

    def register(self, kind: Kind) -> None:
        """Add a kind for the rest of this process; one that was registered before under its name is replaced.

        Raises:
            PluginError: if it is no such kind, or its name is that of a built-in kind or of an installed package's.
        """
        name = getattr(kind, "name", None)
        if not isinstance(name, str) or not name.isidentifier():
            raise PluginError(f"a {self.noun} needs a `name` of letters, digits and _, not {name!r}")
        if (missing := [each for each in self._needs if not hasattr(kind, each)]) or isinstance(kind, type):
            what = f"it has no `{missing[0]}`" if missing else "it is a class"
            raise PluginError(
                f"{getattr(kind, '__name__', type(kind).__name__)} cannot be registered as a {self.noun}: {what}",
                hint=f"docs/extending.md says what `fivesigma.register({self.group!r}, …)` takes",
            )
        if name in self._builtin or name in self._installed():
            raise PluginError(f"there is a {self.noun} {name!r} already", hint="choose another name")
        self.registered[name] = kind

    def names(self) -> list[str]:
        """Every name: built-in ones first, then those of installed packages, then those of this process."""
        return list(dict.fromkeys([*self._builtin, *self._installed(), *self.registered]))

    def get(self, name: str) -> Any:
        """The kind of that name.

        Raises:
            UnknownKind: if there is none, with the nearest name and how kinds are added.
            PluginError: if the package that declares it cannot be imported.
        """
        if name in self.registered:
            return self.registered[name]
        if name not in self._loaded:
            if name in self._builtin:
                self._loaded[name] = _imported(self._builtin[name])
            elif name in self._installed():
                self._loaded[name] = self._import(name)
            else:
                raise UnknownKind(
                    f"no {self.noun} {name!r}; {did_you_mean(name, self.names())}",
                    hint=f"a package can add one as an entry point of `fivesigma.{self.group}`, a script with "
                    f"fivesigma.register({self.group!r}, …); see docs/extending.md",
                )
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._builtin or name in self.registered or name in self._installed()

    def __iter__(self) -> Iterator[Any]:
        """Every kind; entry points are looked up only once the built-in ones have been seen."""
        yield from (self.get(name) for name in self._builtin)
        yield from (self.get(name) for name in self.names() if name not in self._builtin)

    def _installed(self) -> dict[str, Any]:
        if self._entry_points is None:
            from importlib.metadata import entry_points

            found = entry_points(group=f"fivesigma.{self.group}")
            self._entry_points = {point.name: point for point in found if point.name not in self._builtin}
        return self._entry_points

    def _import(self, name: str) -> Any:
        point = self._installed()[name]
        try:
            kind = point.load()
        except Exception as error:
            package = point.dist.name if point.dist else point.value
            raise PluginError(
                f"the {self.noun} {name!r} of the package {package!r} cannot be imported: {type(error).__name__}: {error}",
                hint="reinstall or remove the package",
            ) from error
        if getattr(kind, "name", None) != name:
            raise PluginError(
                f"the entry point {name!r} of `fivesigma.{self.group}` is {kind!r}, whose `name` is not {name!r}"
            )
        return kind


def _imported(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


readers = Registry(
    "readers",
    "file format",
    {
        "root": "fivesigma.data.readers.root:ROOT",
        "parquet": "fivesigma.data.readers.parquet:PARQUET",
        "csv": "fivesigma.data.readers.csv:CSV",
        "npz": "fivesigma.data.readers.npz:NPZ",
        "hdf5": "fivesigma.data.readers.hdf5:HDF5",
    },
    ("suffixes", "open"),
)
models = Registry(
    "models",
    "model kind",
    {
        "mlp": "fivesigma.models.mlp:MLP",
        "quantised": "fivesigma.models.quantised:QUANTISED",
        "custom": "fivesigma.models.custom:CUSTOM",
    },
    ("settings", "build"),
)
DEFAULT_MODEL = "mlp"
"""The kind of network where the section `model` names none."""

losses = Registry(
    "losses",
    "loss",
    {
        "auto": "fivesigma.training.losses.auto:AUTO",
        "cross_entropy": "fivesigma.training.losses.cross_entropy:CROSS_ENTROPY",
        "squared_error": "fivesigma.training.losses.squared_error:SQUARED_ERROR",
        "absolute_error": "fivesigma.training.losses.absolute_error:ABSOLUTE_ERROR",
        "huber": "fivesigma.training.losses.huber:HUBER",
        "log_cosh": "fivesigma.training.losses.log_cosh:LOG_COSH",
    },
    ("settings", "tasks", "make"),
)
metrics = Registry(
    "metrics",
    "metric",
    {
        name: f"fivesigma.metrics.standard:{name.upper()}"
        for name in (
            "auc",
            "accuracy",
            "log_loss",
            "balanced_accuracy",
            "f1_macro",
            "f1_weighted",
            "accuracy_of_constant",
            "rmse",
            "mae",
            "bias",
            "width_68",
            "r_squared",
            "rmse_of_constant",
            "calibration_error",
            "calibration_error_by_chance",
            "recalibrated_calibration_error",
            "recalibrated_log_loss",
            "trigger_rate",
        )
    },
    ("tasks", "larger_is_better", "meaning", "function"),
)
baselines = Registry(
    "baselines",
    "baseline kind",
    {
        "boosted_trees": "fivesigma.baselines.boosted_trees:BOOSTED_TREES",
        "lookup_table": "fivesigma.baselines.lookup_table:LOOKUP_TABLE",
        "network": "fivesigma.baselines.other_network:OTHER_NETWORK",
    },
    ("settings", "fit", "load"),
)
exporters = Registry(
    "exporters",
    "export format",
    {
        "onnx": "fivesigma.deployment.onnx:ONNX",
        "cpp": "fivesigma.deployment.cpp:CPP",
        "triton": "fivesigma.deployment.triton:TRITON",
        "rtl": "fivesigma.deployment.rtl:RTL",
        "hls": "fivesigma.deployment.hls:HLS",
    },
    ("settings", "ending", "write", "load"),
)

functions: dict[str, Any] = {}
"""`module:name` → a function of the calling script that builds a network; see `models/custom.py`."""

REGISTRIES = {each.group: each for each in (readers, models, losses, metrics, baselines, exporters)}


def register(group: str, kind: Kind) -> None:
    """Add a kind for the rest of this process, as an installed package would with an entry point.

    Tasks of `tune`, `scan` and folds then run in this process, because workers do not know the kind.

    Args:
        group: `readers`, `models`, `losses`, `metrics`, `baselines` or `exporters`.
        kind: such as a `fivesigma.metrics.MetricSpec`; see docs/extending.md for what each group needs.

    Raises:
        PluginError: if there is no such group, the object is no kind of it, or the name is that of a built-in kind or of
            an installed package's. A kind that was registered before is replaced, as when a cell of a notebook runs again.
    """
    if str(group) not in REGISTRIES:
        raise PluginError(f"nothing can be registered as {group!r}; {did_you_mean(str(group), REGISTRIES)}")
    REGISTRIES[group].register(kind)


def registered_here() -> list[str]:
    """Kinds that this process alone knows, such as `model kind 'mine'`."""
    own = [f"{each.noun} {name!r}" for each in REGISTRIES.values() for name in each.registered]
    return [*own, *(f"the function {name}" for name in functions)]
