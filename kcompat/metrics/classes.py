"""The metric classes that are the mean of a function: one table of names, functions and options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kcompat import losses
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.losses.bind import by_name
from kcompat.losses.convert import as_tensor, floating, same_rank
from kcompat.metrics import functions
from kcompat.metrics.base import Metric
from kcompat.metrics.means import Mean, MeanMetricWrapper
from kcompat.tensor import metric as rules


class FunctionMetric(MeanMetricWrapper):
    """A metric class of the table below: a function, and its options as arguments before or after `name` and `dtype`."""

    function: Callable[..., Any]
    options: dict[str, Any]
    #: the name of objects that are given none, or the row of generations that has it
    told: str
    order: tuple[str, ...]
    #: the row of generations with the order of positional arguments, where it changed
    order_row: str | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        cls = type(self)
        order = behaviour(cls.order_row).split() if cls.order_row else cls.order
        given = by_name(cls.__name__, order, cls.order, args, kwargs)
        options = {key: given.pop(key, default) for key, default in cls.options.items()}
        for key, check in _CHECKS.items():
            if key in options:
                check(f"{cls.__name__}: `{key}`", options[key])
        super().__init__(cls.function, given.pop("name", _default_name(cls.told)), given.pop("dtype", None), **options)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that the generation knows."""
        absent = behaviour("config_metric_without").get(type(self).__name__, {})
        return {key: value for key, value in super().get_config().items() if key not in absent or value != absent[key]}


def _default_name(told: str) -> str:
    return behaviour(told) if told.endswith("_metric_name") else told


def _probability(what: str, value: Any) -> None:
    if not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ArgumentError(f"{what} must lie between 0 and 1, received {value!r}.")


def _count(what: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"{what} must be an integer of at least 1, received {value!r}.")


_CHECKS = {"threshold": _probability, "k": _count}


def _made(
    name: str, told: str, function: Callable[..., Any], doc: str, first: dict[str, Any] | None = None, row: str | None = None, **last: Any
) -> type[FunctionMetric]:
    options = {**(first or {}), **last}
    order = (*(first or {}), "name", "dtype", *last)
    defaults = {**options, "name": told, "dtype": None}
    signature = inspect.Signature([inspect.Parameter(w, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=defaults[w]) for w in order])
    body = {
        "function": staticmethod(function), "options": options, "told": told, "order": order, "order_row": row, "__doc__": doc,
        "__module__": __name__, "__signature__": signature,
    }  # fmt: skip
    return type(name, (FunctionMetric,), body)


Accuracy = _made("Accuracy", "accuracy", functions.accuracy, "Share of predictions equal to their targets.")
BinaryAccuracy = _made(
    "BinaryAccuracy", "binary_accuracy", functions.binary_hits, "Share of targets met by `y_pred > threshold`.", threshold=0.5
)
CategoricalAccuracy = _made(
    "CategoricalAccuracy", "categorical_accuracy", functions.categorical_accuracy, "Share of one-hot targets met by the largest prediction."
)
SparseCategoricalAccuracy = _made(
    "SparseCategoricalAccuracy",
    "sparse_categorical_accuracy",
    functions.sparse_categorical_accuracy,
    "Share of class indices met by the largest prediction.",
)
TopKCategoricalAccuracy = _made(
    "TopKCategoricalAccuracy",
    "top_k_categorical_accuracy",
    functions.top_k_categorical_accuracy,
    "Share of one-hot targets among the `k` largest predictions.",
    {"k": 5},
)
SparseTopKCategoricalAccuracy = _made(
    "SparseTopKCategoricalAccuracy",
    "sparse_top_k_categorical_accuracy",
    functions.sparse_top_k_categorical_accuracy,
    "Share of class indices among the `k` largest predictions, or among the first of indices by falling score (`from_sorted_ids`).",
    {"k": 5},
    from_sorted_ids=False,
)
MeanSquaredError = _made("MeanSquaredError", "mean_squared_error", losses.mean_squared_error, "Mean of squared differences.")
MeanAbsoluteError = _made("MeanAbsoluteError", "mean_absolute_error", losses.mean_absolute_error, "Mean of absolute differences.")
MeanAbsolutePercentageError = _made(
    "MeanAbsolutePercentageError",
    "mean_absolute_percentage_error",
    losses.mean_absolute_percentage_error,
    "Mean of absolute differences as percentages of the targets.",
)
MeanSquaredLogarithmicError = _made(
    "MeanSquaredLogarithmicError",
    "mean_squared_logarithmic_error",
    losses.mean_squared_logarithmic_error,
    "Mean of squared differences of `log(1 + x)`.",
)
LogCoshError = _made("LogCoshError", "logcosh", losses.log_cosh, "Mean of `log(cosh(difference))`.")
CosineSimilarity = _made(
    "CosineSimilarity", "cosine_similarity", functions.cosine_similarity, "Mean cosine of the angle along `axis`.", axis=-1
)
Poisson = _made("Poisson", "poisson", losses.poisson, "Mean of `y_pred - y_true log(y_pred)`.")
KLDivergence = _made("KLDivergence", "kl_divergence_metric_name", losses.kl_divergence, "Mean Kullback-Leibler divergence.")
Hinge = _made("Hinge", "hinge", losses.hinge, "Mean of `max(1 - y_true y_pred, 0)`.")
SquaredHinge = _made("SquaredHinge", "squared_hinge", losses.squared_hinge, "Mean of `max(1 - y_true y_pred, 0) ** 2`.")
CategoricalHinge = _made("CategoricalHinge", "categorical_hinge", losses.categorical_hinge, "Mean categorical hinge loss.")
BinaryCrossentropy = _made(
    "BinaryCrossentropy",
    "binary_crossentropy",
    losses.binary_crossentropy,
    "Mean cross entropy of yes/no probabilities.",
    from_logits=False,
    label_smoothing=0,
)
CategoricalCrossentropy = _made(
    "CategoricalCrossentropy",
    "categorical_crossentropy",
    losses.categorical_crossentropy,
    "Mean cross entropy of one-hot targets.",
    from_logits=False,
    label_smoothing=0,
    axis=-1,
)
SparseCategoricalCrossentropy = _made(
    "SparseCategoricalCrossentropy",
    "sparse_categorical_crossentropy",
    losses.sparse_categorical_crossentropy,
    "Mean cross entropy of class indices.",
    row="sparse_crossentropy_metric_arguments",
    from_logits=False,
    ignore_class=None,
    axis=-1,
)
PearsonCorrelation = _made(
    "PearsonCorrelation", "pearson_correlation", functions.pearson_correlation, "Mean correlation coefficient along `axis`.", axis=-1
)
ConcordanceCorrelation = _made(
    "ConcordanceCorrelation",
    "concordance_correlation",
    functions.concordance_correlation,
    "Mean concordance correlation coefficient along `axis`.",
    axis=-1,
)


def _squared_difference(y_true: Any, y_pred: Any) -> Tensor:
    output = floating(as_tensor(y_pred))
    target, output = same_rank(as_tensor(y_true, output.device).to(output.dtype), output)
    return (target - output) ** 2


class RootMeanSquaredError(MeanMetricWrapper):
    """Root of the mean squared difference over all batches."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(_squared_difference, name, dtype)

    def result(self) -> Tensor:
        """The root of the mean."""
        return torch.sqrt(super().result())


class MeanRelativeError(Mean):
    """Mean of `|y_true - y_pred| / normalizer`, the normalizer broadcast to the predictions; 0 where it is 0."""

    def __init__(self, normalizer: Any, name: str | None = "mean_relative_error", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.normalizer = as_tensor(normalizer).to(self._dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in a batch."""
        output = as_tensor(y_pred).to(self._dtype)
        self.normalizer = self.normalizer.to(output.device)
        with torch.no_grad():
            target, output = same_rank(as_tensor(y_true, output.device).to(self._dtype), output)
            super().update_state(rules.relative_error(target, output, self.normalizer), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "normalizer": self.normalizer.tolist()}


CLASSES: tuple[type[Metric], ...] = (
    Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy,
    MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, RootMeanSquaredError, LogCoshError,
    CosineSimilarity, MeanRelativeError, Poisson, KLDivergence, Hinge, SquaredHinge, CategoricalHinge, BinaryCrossentropy,
    CategoricalCrossentropy, SparseCategoricalCrossentropy, PearsonCorrelation, ConcordanceCorrelation,
)  # fmt: skip
