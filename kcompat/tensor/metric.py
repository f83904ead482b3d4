"""Metrics as functions: one value for each sample from targets and predictions, and weighted sums of them."""

from __future__ import annotations

import torch
from torch import Tensor


def accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where target and prediction are equal, else 0."""
    return (y_true == y_pred).to(torch.get_default_dtype())


def binary_hits(y_true: Tensor, y_pred: Tensor, threshold: float = 0.5, rounded: bool = False) -> Tensor:
    """1 where the target is met by `y_pred > threshold`, else 0; `rounded`: by the nearest integer (Keras 2.2, 2.3)."""
    hits = y_true == (y_pred.round() if rounded and threshold == 0.5 else (y_pred > threshold).to(y_pred.dtype))
    return hits.to(y_pred.dtype)


def categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the largest entries along the last axis stand at the same place (the first of equal ones)."""
    return (y_true.argmax(-1) == y_pred.argmax(-1)).to(y_pred.dtype)


def sparse_categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the class index is the place of the largest entry along the last axis; targets may have a last axis of 1."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    return (y_true == y_pred.argmax(-1)).to(y_pred.dtype)


def weighted_sum(values: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor | float]:
    """`sum(w v)` and `sum(w)`; without weights the number of values. A weight of lower rank weighs means over the rest."""
    if weight is None:
        return values.sum(), float(values.numel())
    weight = weight.to(values.dtype)
    if weight.ndim > values.ndim and weight.shape[-1] == 1:
        weight = weight.squeeze(-1)
    if 0 < weight.ndim < values.ndim:
        values = values.mean(tuple(range(weight.ndim, values.ndim)))
    weight = weight.expand_as(values)
    return (values * weight).sum(), weight.sum()
