"""The loss classes: names and arguments; the functions compute."""

from __future__ import annotations

from typing import Any

from kcompat.errors import ArgumentError
from kcompat.generations import NOT_GIVEN, positional
from kcompat.losses.base import LossFunctionWrapper
from kcompat.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)


class MeanSquaredError(LossFunctionWrapper):
    """Mean of squared differences."""

    def __init__(self, reduction: Any = NOT_GIVEN, name: str | None = "mean_squared_error", dtype: Any = None):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """Mean of absolute differences."""

    def __init__(self, reduction: Any = NOT_GIVEN, name: str | None = "mean_absolute_error", dtype: Any = None):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross entropy of yes/no probabilities."""

    @positional("crossentropy_class_arguments")
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = NOT_GIVEN,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": _fraction(label_smoothing), "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **options)


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross entropy of one-hot targets."""

    @positional("crossentropy_class_arguments")
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = NOT_GIVEN,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": _fraction(label_smoothing), "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **options)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross entropy of class indices; entries whose index is `ignore_class` do not count."""

    @positional("sparse_crossentropy_class_arguments")
    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Any = NOT_GIVEN,
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class} | ({"axis": axis} if axis != -1 else {})
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **options)


def _fraction(smoothing: float) -> float:
    if not isinstance(smoothing, (int, float)) or not 0 <= smoothing <= 1:
        raise ArgumentError(f"`label_smoothing` must be a number from 0 to 1, received {smoothing!r}.")
    return smoothing
