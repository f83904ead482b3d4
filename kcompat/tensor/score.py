"""Scores from class counts and from sums of squares: intersection over union, F-scores, R2. Torch in, torch out."""

from __future__ import annotations

import torch
from torch import Tensor

from kcompat.tensor.loss import divide_or_zero


def add_pairs(matrix: Tensor, y_true: Tensor, y_pred: Tensor, weight: Tensor | None) -> None:
    """Add (weights of) pairs of class indices to a confusion matrix (true, predicted), in place. Raises IndexError (CPU) beyond it."""
    classes = matrix.shape[0]
    index = y_true.to(torch.int64).reshape(-1) * classes + y_pred.to(torch.int64).reshape(-1)
    added = torch.ones_like(index, dtype=matrix.dtype) if weight is None else weight.to(matrix.dtype).reshape(-1)
    matrix.view(-1).index_add_(0, index, added)


def intersection_over_union(matrix: Tensor, classes: Tensor | None = None) -> Tensor:
    """Mean over `classes` (None: all) that occur of `i / (t + p - i)`, from a confusion matrix (true, predicted)."""
    both = matrix.diagonal()
    union = matrix.sum(0) + matrix.sum(1) - both
    if classes is not None:
        both, union = both[classes], union[classes]
    return divide_or_zero(divide_or_zero(both, union).sum(), (union != 0).to(matrix.dtype).sum())


def f_score(hit: Tensor, false: Tensor, missed: Tensor, beta: float, average: str | None, share: Tensor) -> Tensor:
    """`(1 + b^2) P R / (b^2 P + R)` from counts by class; `average`: None, "micro", "macro", "weighted" (by `share`)."""
    precision, recall = divide_or_zero(hit, hit + false), divide_or_zero(hit, hit + missed)
    scores = divide_or_zero(precision * recall * (1.0 + beta**2), precision * beta**2 + recall)
    if average == "weighted":
        return (scores * divide_or_zero(share, share.sum().expand_as(share))).sum()
    return scores.mean() if average is not None else scores


def r2(squared: Tensor, total: Tensor, residual: Tensor, count: Tensor, way: str | None) -> Tensor:
    """`1 - residual / spread` by column, from sums of w t^2, w t, w e^2, w; `way`: None, "uniform_average", "variance_weighted_average"."""
    mean = total / count
    spread = squared - total * mean
    raw = torch.where(spread == 0, torch.zeros_like(spread), 1.0 - residual / torch.where(spread == 0, 1.0, spread))
    if way == "uniform_average":
        return raw.mean()
    if way == "variance_weighted_average":
        return (raw * spread).sum() / spread.sum()
    return raw
