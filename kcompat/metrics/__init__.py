"""Metrics: numbers accumulated over batches.

`tensor/metric` has the formulas, `functions` the public functions, `base` the objects that accumulate, `classes` names and
arguments. A metric given as a name means a function, whose mean over all entries is accumulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kcompat import losses, registry
from kcompat.errors import ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.losses import (
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from kcompat.metrics.base import Mean, MeanMetricWrapper, Metric, Sum, TorchMetric
from kcompat.metrics.classes import (
    METRICS,
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
)
from kcompat.metrics.functions import accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error

_FUNCTIONS: tuple[Any, ...] = (accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy)
registry.register("metric", {fn.__name__: fn for fn in _FUNCTIONS})
_SHARED: tuple[Any, ...] = losses._FUNCTIONS
registry.register("metric", {name: fn for fn in _SHARED for name in (fn.__name__, *losses.ALIASES.get(fn, ()))})
_CLASSES: tuple[type[Metric], ...] = (Metric, Mean, Sum, MeanMetricWrapper, *METRICS)
registry.register("metric", {cls.__name__: cls for cls in _CLASSES} | {"acc": accuracy})

#: names that mean one of several functions, chosen when shapes (or the loss) are known
CHOICES: dict[str, tuple[Any, Any, Any]] = {
    "accuracy": (binary_accuracy, sparse_categorical_accuracy, categorical_accuracy),
    "crossentropy": (binary_crossentropy, sparse_categorical_crossentropy, categorical_crossentropy),
}
CHOICES |= {"acc": CHOICES["accuracy"], "ce": CHOICES["crossentropy"]}


def get(identifier: Any) -> Any:
    """A metric from a name, config, class, function or object: names of functions mean the function (in Keras 3, its mean)."""
    found = registry.get("metric", identifier)
    if isinstance(identifier, str) and not isinstance(found, Metric) and behaviour("metric_strings") == "objects":
        classes = {registry.written_name(cls): cls for cls in METRICS}
        camel = "".join(part.capitalize() for part in getattr(found, "__name__", "").split("_"))
        return classes[camel]() if camel in classes else MeanMetricWrapper(found)
    return found


def serialize(metric: Any) -> Any:
    """What stands for a metric in a config."""
    return registry.serialize("metric", metric)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The metric that `serialize` described."""
    return registry.get("metric", config, custom_objects)


def as_metric(identifier: Any, name: str | None = None) -> Any:
    """What `compile` makes of a metric: an object that accumulates. `name` is used where the metric has none of its own."""
    if all(hasattr(identifier, method) for method in ("update_state", "result")) and not isinstance(identifier, type):
        return identifier
    if all(hasattr(identifier, method) for method in ("update", "compute", "reset")):
        return TorchMetric(identifier)
    found = registry.get("metric", identifier)
    if isinstance(found, Metric):
        return found
    if not callable(found):
        raise ArgumentTypeError(f"A metric is given as a name, a function or an object, received {identifier!r}.")
    return MeanMetricWrapper(found, name=name)


__all__ = [
    "MAE", "MSE", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "CategoricalAccuracy", "CategoricalCrossentropy", "Mean",
    "MeanAbsoluteError", "MeanMetricWrapper", "MeanSquaredError", "Metric", "RootMeanSquaredError", "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy", "Sum", "accuracy", "binary_accuracy", "binary_crossentropy", "categorical_accuracy",
    "categorical_crossentropy", "deserialize", "get", "mae", "mean_absolute_error", "mean_squared_error", "mse", "serialize",
    "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
]  # fmt: skip
