"""Numbers that an optimizer owns and Keras shows as variables: they behave as numbers, and `assign` writes them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Rate(float):
    """The learning rate of an optimizer: a float with `.numpy()`, `.assign(value)`."""

    _write: Callable[[Any], None]

    def __new__(cls, value: float, write: Callable[[Any], None]) -> Rate:  # noqa: D102
        rate = super().__new__(cls, value)
        rate._write = write
        return rate

    def assign(self, value: Any) -> None:
        """Set the optimizer's value."""
        self._write(value)

    def numpy(self) -> np.float32:
        """The value as a numpy number."""
        return np.float32(self)

    def __reduce__(self) -> Any:
        return float, (float(self),)


class Count(int):
    """The number of steps an optimizer has made: an int with `.numpy()`, `.assign(value)`, `.assign_add(value)`."""

    _write: Callable[[Any], None]

    def __new__(cls, value: int, write: Callable[[Any], None]) -> Count:  # noqa: D102
        count = super().__new__(cls, value)
        count._write = write
        return count

    def assign(self, value: Any) -> None:
        """Set the optimizer's value."""
        self._write(value)

    def assign_add(self, value: Any) -> None:
        """Add to the optimizer's value."""
        self._write(int(self) + int(value))

    def numpy(self) -> np.int64:
        """The value as a numpy number."""
        return np.int64(self)

    def __reduce__(self) -> Any:
        return int, (int(self),)
