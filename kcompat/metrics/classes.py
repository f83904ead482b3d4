"""The metric classes: names and arguments; functions compute."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import losses
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.metrics import functions
from kcompat.metrics.base import MeanMetricWrapper, Metric


def mean_of(function: Any, name: str, class_name: str, doc: str) -> type[MeanMetricWrapper]:
    """A class for the mean of a function without options."""

    def init(self: MeanMetricWrapper, name: str | None = name, dtype: Any = None) -> None:
        MeanMetricWrapper.__init__(self, function, name, dtype)

    body = {"__init__": init, "__doc__": doc, "__module__": __name__}
    return type(class_name, (MeanMetricWrapper,), body)


Accuracy = mean_of(functions.accuracy, "accuracy", "Accuracy", "Share of predictions equal to their targets.")
CategoricalAccuracy = mean_of(
    functions.categorical_accuracy, "categorical_accuracy", "CategoricalAccuracy", "Share of one-hot targets met by the largest prediction."
)
SparseCategoricalAccuracy = mean_of(
    functions.sparse_categorical_accuracy,
    "sparse_categorical_accuracy",
    "SparseCategoricalAccuracy",
    "Share of class indices met by the largest prediction.",
)
MeanSquaredError = mean_of(losses.mean_squared_error, "mean_squared_error", "MeanSquaredError", "Mean of squared differences.")
MeanAbsoluteError = mean_of(losses.mean_absolute_error, "mean_absolute_error", "MeanAbsoluteError", "Mean of absolute differences.")


class BinaryAccuracy(MeanMetricWrapper):
    """Share of targets met by `y_pred > threshold`."""

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        if not 0 < threshold < 1:
            raise ArgumentError(f"BinaryAccuracy: `threshold` must lie between 0 and 1, received {threshold!r}.")
        super().__init__(functions.binary_hits, name, dtype, threshold=threshold)


class _Crossentropy(MeanMetricWrapper):
    """Crossentropies, whose options became more over the generations."""

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that the generation knows."""
        absent = behaviour("config_metric_without").get(type(self).__name__, {})
        return {key: value for key, value in super().get_config().items() if key not in absent or value != absent[key]}


class BinaryCrossentropy(MeanMetricWrapper):
    """Mean cross entropy of yes/no probabilities."""

    def __init__(self, name: str | None = "binary_crossentropy", dtype: Any = None, from_logits: bool = False, label_smoothing: float = 0):
        super().__init__(losses.binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(_Crossentropy):
    """Mean cross entropy of one-hot targets."""

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **options)


class SparseCategoricalCrossentropy(_Crossentropy):
    """Mean cross entropy of class indices."""

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **options)


class RootMeanSquaredError(MeanMetricWrapper):
    """Root of the mean squared difference over all batches."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(_squared_difference, name, dtype)

    def result(self) -> Tensor:
        """The root of the mean."""
        return torch.sqrt(super().result())


def _squared_difference(y_true: Any, y_pred: Any) -> Tensor:
    return losses.mean_squared_error(y_true, y_pred)


METRICS: tuple[type[Metric], ...] = (
    Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, MeanSquaredError, MeanAbsoluteError,
    RootMeanSquaredError, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy,
)  # fmt: skip
