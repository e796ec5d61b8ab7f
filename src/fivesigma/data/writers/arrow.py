"""Columns as arrays of Arrow."""

from functools import cache
from typing import Any

from numpy.typing import NDArray

from fivesigma import extras


def array(values: NDArray[Any]) -> Any:
    """Values as an array of Arrow."""
    import pyarrow as pa

    _look_for_pandas()
    return pa.array(values)


@cache
def _look_for_pandas() -> None:
    """Let Arrow look for pandas, which it does once and which takes half a second where pandas is installed.

    It only wants to know whether the values are a column of pandas. In a command none are, so it need not find pandas.
    """
    import pyarrow as pa

    with extras.alone():
        pa.array([0.0])
