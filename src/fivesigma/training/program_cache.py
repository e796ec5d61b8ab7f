"""Keep compiled programs: networks of one shape, such as trials and folds, are traced once per process."""

import json
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 32
"""Programs that are kept; those that have not been asked for longest go first."""

_programs: OrderedDict[str, Any] = OrderedDict()
_lock = threading.RLock()
_OF_THE_START = ("seed", "kernel_initializer", "bias_initializer", "build_config")
"""What decides the first weights, not the program."""
_DESCRIBED = ("keras", "hgq")
"""Libraries whose layers describe all that they compute. The bits of HGQ2 and its penalty are variables."""


def cached_program(network: Any, depends: tuple[Any, ...], make: Callable[[], T]) -> T:
    """Return what `make` returns, or returned before for a network of the same shape.

    Weights are arguments of a program, so a program traced for one network serves all networks of the same shape.

    Args:
        network: the Keras model the program is for.
        depends: everything else the program depends on; compared as text.
        make: traces the program.
    """
    shape = shape_of(network)
    if shape is None:
        return make()
    key = f"{shape} {depends!r}"
    with _lock:
        if key in _programs:
            _programs.move_to_end(key)
        else:
            _programs[key] = make()
            while len(_programs) > MOST:
                _programs.popitem(last=False)
        found: T = _programs[key]
        return found


def shape_of(network: Any) -> str | None:
    """A network without its weights as text; None if it contains layers that do not say all about themselves."""
    try:
        with _lock, warnings.catch_warnings(record=True) as heard:  # not raised: other threads hear them as well
            warnings.simplefilter("always")
            tree = network.get_config()
        if heard:  # Keras warns of functions that it cannot describe
            return None
        return json.dumps([_described(value) for key, value in tree.items() if key != "name"])
    except (TypeError, ValueError, NotImplementedError, AttributeError, OSError):
        return None


def _described(tree: Any) -> Any:
    """A configuration without the entries that determine the initial weights.

    Raises:
        ValueError: if it contains code that comes neither from Keras nor from HGQ2.
    """
    if isinstance(tree, dict):
        library = str(tree.get("module", "keras")).partition(".")[0]
        if library not in _DESCRIBED or tree.get("class_name") == "Lambda":
            raise ValueError(f"{tree.get('class_name')} comes from {library}")
        return {key: _described(value) for key, value in tree.items() if key not in _OF_THE_START}
    if isinstance(tree, list | tuple):
        return [_described(value) for value in tree]
    return tree
