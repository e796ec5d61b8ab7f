"""The interface of a writer: take chunks of columns, then finish the file."""

import abc
from collections.abc import Mapping
from typing import Any

import numpy as np

Chunk = Mapping[str, np.ndarray[Any, Any]]
"""Columns by name, each [event]."""


class Writer(abc.ABC):
    """Writes chunks of columns; every chunk has the same names."""

    can_be_empty = False
    """Whether a file without rows can be written."""

    @abc.abstractmethod
    def write(self, columns: Chunk) -> None:
        """Append rows."""

    @abc.abstractmethod
    def close(self) -> None:
        """Finish the file."""
