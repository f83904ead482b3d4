"""Metric functions that are no losses: accuracies, correlations, the metric's cosine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError, ShapeError
from kcompat.losses.bind import under_laws
from kcompat.losses.convert import as_tensor, floating, laws, laws_of, pair, same_rank
from kcompat.tensor import metric as rules
from kcompat.tensor.loss import cosine, mean_last


@dataclass(frozen=True)
class Laws:
    """What a Keras generation does in metric functions, besides the formulas."""

    binary_accuracy: str
    binary_accuracy_mean: bool
    top_k_mean: bool
    top_k_column: bool
    cosine_sign: int


@torch.compiler.assume_constant_result
def metric_laws() -> Laws:
    """The laws of metrics in the selected generation; compiled code keeps those it was compiled under."""
    return laws_of(Laws, "metric_")


def _public(body: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return under_laws(body, of=metric_laws)


def _both(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    output = as_tensor(y_pred)
    return as_tensor(y_true, output.device), output


@_public
def accuracy(law: Laws, y_true: Any, y_pred: Any) -> Tensor:
    """1 where prediction and target are equal, else 0."""
    return rules.accuracy(*_both(y_true, y_pred))


@_public
def binary_hits(law: Laws, y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where a target is met by `y_pred > threshold`, else 0."""
    return rules.binary_hits(*_both(y_true, y_pred), threshold, rounded=law.binary_accuracy == "round")


@_public
def binary_accuracy(law: Laws, y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Share of targets met by `y_pred > threshold`, along the last axis; in Keras 3 the hits themselves."""
    target, output = _both(y_true, y_pred)
    if not law.binary_accuracy_mean:
        target, output = same_rank(target, output)
    hits = rules.binary_hits(target, output, threshold, rounded=law.binary_accuracy == "round")
    return mean_last(hits) if law.binary_accuracy_mean else hits


@_public
def categorical_accuracy(law: Laws, y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction stands at the one-hot target's class."""
    target, output = _both(y_true, y_pred)
    _same_classes("categorical_accuracy", target, output)
    return rules.categorical_accuracy(target, output)


@_public
def sparse_categorical_accuracy(law: Laws, y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction stands at the target's class index."""
    target, output = _both(y_true, y_pred)
    return rules.sparse_categorical_accuracy(_indices("sparse_categorical_accuracy", target, output), output)


@_public
def top_k_categorical_accuracy(law: Laws, y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the one-hot target's class is among the `k` largest predictions; in Keras 2.2 the mean of that."""
    target, output = _both(y_true, y_pred)
    _same_classes("top_k_categorical_accuracy", target, output)
    hits = rules.sparse_top_k_accuracy(target.argmax(-1), output, k)
    return hits.mean(-1) if law.top_k_mean else hits


@_public
def sparse_top_k_categorical_accuracy(law: Laws, y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Tensor:
    """1 where the target's class index is among the `k` largest predictions; in Keras 2.2 the mean of that.

    `from_sorted_ids`: `y_pred` are class indices by falling score.
    """
    target, output = _both(y_true, y_pred)
    column = law.top_k_column and target.ndim == output.ndim
    target = _indices("sparse_top_k_categorical_accuracy", target, output)
    hits = rules.sorted_top_k_accuracy(target, output, k) if from_sorted_ids else rules.sparse_top_k_accuracy(target, output, k)
    if column:
        return hits.unsqueeze(-1)
    return hits.mean(-1) if law.top_k_mean else hits


def _same_classes(name: str, target: Tensor, output: Tensor) -> None:
    if target.shape[-1:] != output.shape[-1:]:
        raise ShapeError(
            f"{name}: `y_true` must be one-hot, of the predictions' shape {tuple(output.shape)}, received {tuple(target.shape)}."
        )


def _indices(name: str, target: Tensor, output: Tensor) -> Tensor:
    found = rules.without_last_one(target, output)
    if found.ndim != output.ndim - 1:
        raise ShapeError(
            f"{name}: `y_true` must hold class indices of shape {tuple(output.shape[:-1])} for predictions of shape "
            f"{tuple(output.shape)}, received {tuple(target.shape)}."
        )
    return found


@_public
def cosine_similarity(law: Laws, y_true: Any, y_pred: Any, axis: Any = -1) -> Tensor:
    """Cosine of the angle between targets and predictions along `axis`; in Keras 2.2 minus that, as the loss."""
    both = laws()
    target, output = pair(both, y_true, y_pred, "cosine_similarity")
    return law.cosine_sign * cosine(floating(target), floating(output), axis, floor=both.cosine_floor)


@_public
def pearson_correlation(law: Laws, y_true: Any, y_pred: Any, axis: Any = -1) -> Tensor:
    """Pearson's correlation coefficient of targets and predictions along `axis` (one or several)."""
    return rules.pearson_correlation(*_correlated("pearson_correlation", y_true, y_pred, axis))


@_public
def concordance_correlation(law: Laws, y_true: Any, y_pred: Any, axis: Any = -1) -> Tensor:
    """Lin's concordance correlation coefficient of targets and predictions along `axis` (one or several)."""
    return rules.concordance_correlation(*_correlated("concordance_correlation", y_true, y_pred, axis))


def _correlated(name: str, y_true: Any, y_pred: Any, axis: Any) -> tuple[Tensor, Tensor, Any]:
    output = floating(as_tensor(y_pred))
    target, output = same_rank(as_tensor(y_true, output.device).to(output.dtype), output)
    if target.shape != output.shape:
        got = f"{tuple(target.shape)} and {tuple(output.shape)}"
        raise ShapeError(f"{name}: `y_true` and `y_pred` must have one shape, received {got}.")
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    if any(not -output.ndim <= a < output.ndim for a in (axes if isinstance(axes, tuple) else (axes,))):
        raise ArgumentError(f"{name}: `axis` must name axes of predictions of shape {tuple(output.shape)}, received {axis!r}.")
    return target, output, axes


FUNCTIONS: tuple[Callable[..., Tensor], ...] = (
    accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, top_k_categorical_accuracy,
    sparse_top_k_categorical_accuracy, cosine_similarity, pearson_correlation, concordance_correlation,
)  # fmt: skip
#: functions whose name in configs and logs depends on the generation -> the row that tells it
NAME_ROWS: dict[Callable[..., Tensor], str] = {cosine_similarity: "cosine_name"}
