"""Metrics as functions: one value for each sample from targets and predictions, and weighted sums of them."""

from __future__ import annotations

import torch
from torch import Tensor

from kcompat.tensor.loss import Axis, divide_or_zero, normalize


def accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where target and prediction are equal, else 0."""
    return (y_true == y_pred).to(torch.get_default_dtype())


def binary_hits(y_true: Tensor, y_pred: Tensor, threshold: float = 0.5, rounded: bool = False) -> Tensor:
    """1 where the target is met by `y_pred > threshold`, else 0; `rounded`: by the nearest integer (Keras 2.2, 2.3)."""
    hits = y_true == (y_pred.round() if rounded and threshold == 0.5 else y_pred > threshold)
    return hits.to(y_pred.dtype)


def categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the largest entries along the last axis stand at the same place (the first of equal ones)."""
    return (y_true.argmax(-1) == y_pred.argmax(-1)).to(y_pred.dtype)


def sparse_categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the class index is the place of the largest entry along the last axis; targets may have a last axis of 1."""
    return (without_last_one(y_true, y_pred) == y_pred.argmax(-1)).to(y_pred.dtype)


def without_last_one(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Class indices without the last axis of 1 that they may have."""
    return y_true.squeeze(-1) if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 else y_true


def sparse_top_k_accuracy(y_true: Tensor, y_pred: Tensor, k: int = 5) -> Tensor:
    """1 where fewer than k entries along the last axis are larger than that of the class index: a tie at the k-th place is in."""
    own = y_pred.gather(-1, y_true.to(torch.int64).unsqueeze(-1))
    return ((y_pred > own).sum(-1) < k).to(y_pred.dtype)


def sorted_top_k_accuracy(y_true: Tensor, ids: Tensor, k: int = 5) -> Tensor:
    """1 where the class index is among the first k of `ids`, class indices by falling score."""
    return (ids[..., :k] == y_true.unsqueeze(-1)).any(-1).to(ids.dtype if ids.is_floating_point() else torch.get_default_dtype())


def pearson_correlation(y_true: Tensor, y_pred: Tensor, axis: Axis = -1) -> Tensor:
    """Correlation coefficient along `axis`, nan where one of both does not vary."""
    target, output = y_true - y_true.mean(axis, keepdim=True), y_pred - y_pred.mean(axis, keepdim=True)
    return (normalize(target, axis, 0.0) * normalize(output, axis, 0.0)).sum(axis)


def concordance_correlation(y_true: Tensor, y_pred: Tensor, axis: Axis = -1, *, epsilon: float = 1e-7) -> Tensor:
    """`2 cov / (var + var + (difference of the means) ** 2)` along `axis`: 1 where both are equal."""
    target, output = y_true.mean(axis, keepdim=True), y_pred.mean(axis, keepdim=True)
    together = ((y_true - target) * (y_pred - output)).mean(axis)
    spread = ((y_true - target) ** 2).mean(axis) + ((y_pred - output) ** 2).mean(axis)
    apart = (target - output).squeeze(axis) ** 2
    return 2.0 * together / (spread + apart + epsilon)


def relative_error(y_true: Tensor, y_pred: Tensor, normalizer: Tensor) -> Tensor:
    """`|y_true - y_pred| / normalizer`, 0 where the normalizer is 0."""
    return divide_or_zero((y_true - y_pred).abs(), normalizer.expand_as(y_pred))


def weighted_sum(values: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor | float]:
    """`sum(w v)` and `sum(w)`; without weights the number of values. A weight of lower rank counts from the first axis."""
    if weight is None:
        return values.sum(), float(values.numel())
    weight = weight.to(values.dtype)
    if weight.ndim > values.ndim and weight.shape[-1] == 1:
        weight = weight.squeeze(-1)
    if 0 < weight.ndim < values.ndim:
        weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
    weight = weight.expand_as(values)
    return (values * weight).sum(), weight.sum()
