"""Metrics: numbers accumulated over batches.

`tensor/metric` has the formulas, `functions` the public functions, `base` the objects that accumulate, `classes` names and
arguments. A metric given as a name means a function, whose mean over all entries is accumulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kcompat import losses, registry
from kcompat.core.naming import snake_case
from kcompat.errors import ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from kcompat.metrics import classes, confusion, curves, functions, overlap, scores
from kcompat.metrics.base import Metric, TorchMetric
from kcompat.metrics.classes import (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    ConcordanceCorrelation,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanRelativeError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    PearsonCorrelation,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SquaredHinge,
    TopKCategoricalAccuracy,
)
from kcompat.metrics.confusion import FalseNegatives, FalsePositives, Precision, Recall, TrueNegatives, TruePositives
from kcompat.metrics.curves import AUC, PrecisionAtRecall, RecallAtPrecision, SensitivityAtSpecificity, SpecificityAtSensitivity
from kcompat.metrics.functions import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    concordance_correlation,
    cosine_similarity,
    pearson_correlation,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from kcompat.metrics.means import Mean, MeanMetricWrapper, MeanTensor, Sum
from kcompat.metrics.overlap import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from kcompat.metrics.scores import F1Score, FBetaScore, R2Score

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh
cosine = cosine_proximity = cosine_similarity

_SHARED: tuple[Any, ...] = tuple(fn for fn in losses.FUNCTIONS if fn is not losses.cosine_similarity)
registry.register("metric", {fn.__name__: fn for fn in functions.FUNCTIONS}, name_rows=functions.NAME_ROWS)
registry.register("metric", dict.fromkeys(("cosine", "cosine_proximity"), cosine_similarity))
registry.register("metric", {name: fn for fn in _SHARED for name in (fn.__name__, *losses.ALIASES.get(fn, ()))})
METRICS: tuple[type[Metric], ...] = (*classes.CLASSES, *confusion.CLASSES, *curves.CLASSES, *overlap.CLASSES, *scores.CLASSES)
_CLASSES: tuple[type[Metric], ...] = (Metric, Mean, Sum, MeanTensor, MeanMetricWrapper, *METRICS)
registry.register("metric", {cls.__name__: cls for cls in _CLASSES} | {"acc": accuracy})
#: names that mean classes in Keras 3: class names in snake case
_SNAKE: dict[str, type[Metric]] = {snake_case(cls.__name__): cls for cls in _CLASSES[1:3] + METRICS}
registry.register("metric", {name: cls for name, cls in _SNAKE.items() if registry.find("metric", name) is None})

#: names that mean one of several functions, chosen when shapes (or the loss) are known
CHOICES: dict[str, tuple[Any, Any, Any]] = {
    "accuracy": (binary_accuracy, sparse_categorical_accuracy, categorical_accuracy),
    "crossentropy": (binary_crossentropy, sparse_categorical_crossentropy, categorical_crossentropy),
}
CHOICES |= {"acc": CHOICES["accuracy"], "ce": CHOICES["crossentropy"]}


def get(identifier: Any) -> Any:
    """A metric from a name, config, class, function or object: names of functions mean the function (in Keras 3, an object)."""
    if isinstance(identifier, str) and behaviour("metric_strings") == "objects":
        return _object(identifier)
    return registry.get("metric", identifier)


def _object(name: str) -> Any:
    """What a name means in Keras 3: an object of the class, or the mean of the function."""
    found = registry.get("metric", name)
    if isinstance(found, Metric):
        return found
    own = _SNAKE.get(getattr(found, "__name__", ""))
    return own() if own is not None else MeanMetricWrapper(found)


def serialize(metric: Any, use_legacy_format: bool = False) -> Any:
    """What stands for a metric in a config; the legacy format names no module."""
    written = registry.serialize("metric", metric)
    return {k: written[k] for k in ("class_name", "config")} if use_legacy_format and isinstance(written, dict) else written


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The metric that `serialize` described; both formats are read, whatever `use_legacy_format` says."""
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
    "AUC", "KLD", "MAE", "MAPE", "MSE", "MSLE", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "CategoricalAccuracy",
    "CategoricalCrossentropy", "CategoricalHinge", "ConcordanceCorrelation", "CosineSimilarity", "F1Score", "FBetaScore",
    "FalseNegatives", "FalsePositives", "Hinge", "IoU", "KLDivergence", "LogCoshError", "Mean", "MeanAbsoluteError",
    "MeanAbsolutePercentageError", "MeanIoU", "MeanMetricWrapper", "MeanRelativeError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "MeanTensor", "Metric", "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation", "Poisson", "Precision",
    "PrecisionAtRecall", "R2Score", "Recall", "RecallAtPrecision", "RootMeanSquaredError", "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy", "SpecificityAtSensitivity",
    "SquaredHinge", "Sum", "TopKCategoricalAccuracy", "TorchMetric", "TrueNegatives", "TruePositives", "accuracy", "as_metric",
    "binary_accuracy", "binary_crossentropy", "binary_focal_crossentropy", "categorical_accuracy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "categorical_hinge", "concordance_correlation", "cosine", "cosine_proximity",
    "cosine_similarity", "deserialize", "get", "hinge", "huber", "kl_divergence", "kld", "kullback_leibler_divergence", "log_cosh",
    "logcosh", "mae", "mape", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "mse", "msle", "pearson_correlation", "poisson", "serialize", "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy", "sparse_top_k_categorical_accuracy", "squared_hinge", "top_k_categorical_accuracy",
]  # fmt: skip
