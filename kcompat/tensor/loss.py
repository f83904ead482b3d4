"""Losses as functions of targets and predictions: one value for each entry, and the ways to make one number of them.

Torch in, torch out. What Keras' generations do differently is an argument: `log_epsilon`, `smoothing_classes`, `weighting`,
`alignment`. A function returns the mean over the last axis (or `axis`), so a batch of shape (n, ..., d) gives (n, ...).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: an index that no label has, where torch asks for one to leave out
_NO_LABEL = -(2**60)


def mean_last(values: Tensor, axis: int = -1) -> Tensor:
    """The mean over one axis; integers stay integers and are rounded towards zero, as TensorFlow does."""
    if values.ndim == 0:
        return values
    if values.is_floating_point() or values.is_complex():
        return values.mean(axis)
    return torch.div(values.sum(axis, dtype=values.dtype), values.shape[axis], rounding_mode="trunc")


def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean over the last axis of `(y_pred - y_true) ** 2`."""
    return mean_last((y_pred - y_true) ** 2)


def mean_absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean over the last axis of `|y_pred - y_true|`."""
    return mean_last((y_pred - y_true).abs())


def smooth_binary(y_true: Tensor, smoothing: float) -> Tensor:
    """Targets moved towards one half: `t (1 - s) + s / 2`."""
    return y_true * (1.0 - smoothing) + 0.5 * smoothing if smoothing else y_true


def smooth_classes(y_true: Tensor, smoothing: float, axis: int = -1) -> Tensor:
    """One-hot targets moved towards the uniform distribution: `t (1 - s) + s / n`, n the size of `axis`."""
    return y_true * (1.0 - smoothing) + smoothing / y_true.shape[axis] if smoothing else y_true


def binary_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    *,
    epsilon: float = 1e-7,
    log_epsilon: bool = False,
) -> Tensor:
    """`-t log p - (1 - t) log(1 - p)`, mean over `axis`; p is clipped to [epsilon, 1 - epsilon].

    `log_epsilon` adds epsilon inside the logarithms as well (Keras 2.3 to 2.15). From logits, torch's fused form.
    """
    target = smooth_binary(y_true, label_smoothing)
    if from_logits:
        if target.shape != y_pred.shape:
            target, y_pred = torch.broadcast_tensors(target, y_pred)
        return mean_last(F.binary_cross_entropy_with_logits(y_pred, target, reduction="none"), axis)
    p = y_pred.clamp(epsilon, 1.0 - epsilon)
    extra = epsilon if log_epsilon else 0.0
    kept = (p + extra).log() if log_epsilon else p.log()
    missed = (1.0 - p + extra).log() if log_epsilon else (1.0 - p).log()
    return mean_last(-(target * kept + (1.0 - target) * missed), axis)


def categorical_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    *,
    epsilon: float = 1e-7,
    smoothing_axis: int | None = None,
) -> Tensor:
    """`-sum(t log p)` over `axis`, targets of the predictions' shape; probabilities are made to sum to 1, then clipped."""
    target = smooth_classes(y_true, label_smoothing, axis if smoothing_axis is None else smoothing_axis)
    if from_logits:
        if y_pred.ndim == 2 and axis in (-1, 1):
            return F.cross_entropy(y_pred, target, reduction="none")
        return -(target * y_pred.log_softmax(axis)).sum(axis)
    p = (y_pred / y_pred.sum(axis, keepdim=True)).clamp(epsilon, 1.0 - epsilon)
    return -(target * p.log()).sum(axis)


def sparse_categorical_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
    *,
    epsilon: float = 1e-7,
    reduction: str = "none",
) -> Tensor:
    """`-log p[t]` for class indices t of the predictions' shape without `axis` (or with 1 there); 0 where t is `ignore_class`.

    Probabilities are clipped first; the softmax of their logarithms then makes them sum to 1 (so does Keras).
    `reduction="mean"` gives the mean of all values from one kernel. Raises IndexError (CPU) for an index outside [0, n).
    """
    logits = y_pred if from_logits else y_pred.clamp(epsilon, 1.0 - epsilon).log()
    if axis not in (-1, logits.ndim - 1):
        logits = logits.movedim(axis, -1)
    target = y_true.to(torch.int64)
    if target.ndim == logits.ndim and target.shape[axis] == 1:
        target = target.squeeze(axis)
    left_out = _NO_LABEL if ignore_class is None else ignore_class
    if logits.ndim == 2:
        return F.cross_entropy(logits, target, reduction=reduction, ignore_index=left_out)
    flat = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), target.reshape(-1), reduction="none", ignore_index=left_out)
    return flat.reshape(target.shape) if reduction == "none" else flat.mean()


# -- one number ---------------------------------------------------------------------------------------------------------


def align(weight: Tensor, values: Tensor, alignment: str = "samples") -> Tensor:
    """`weight` ready to be multiplied with `values`.

    "samples": a weight of lower rank counts from the first axis (one for each sample, or sample and step);
    "trailing": as numpy does. A last axis of 1 that `values` do not have is dropped.
    """
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = weight.squeeze(-1)
    if alignment == "samples" and 0 < weight.ndim < values.ndim:
        weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
    return weight


def reduce_weighted(
    values: Tensor,
    weight: Tensor | None = None,
    mask: Tensor | None = None,
    reduction: str = "mean",
    weighting: str = "kept",
    alignment: str = "samples",
) -> Tensor:
    """Loss `values` times `weight`, 0 where `mask` is False, as one number ("mean", "sum", "weighted_mean") or as they are ("none").

    What the mean is taken over is `weighting`: "nonzero" divides by the kept entries and again by the share of weights
    that are not 0 (Keras 2.2); "plain" by the number of entries (2.3); "kept" by the kept entries (2.4 and later);
    "kept_or_zero" is the same and 0 where nothing is kept (3).
    """
    if weight is None and mask is None:
        return _reduce(values, reduction)
    if weighting == "nonzero":
        return _reduce(_weigh_nonzero(values, weight, mask), reduction)
    factor = None if weight is None else align(weight.to(values.dtype), values, alignment)
    kept = None
    if mask is not None:
        kept = align(mask.to(values.dtype), values, "samples").expand_as(values)
        factor = kept if factor is None else factor * kept
    assert factor is not None
    weighted = values * factor
    if reduction == "weighted_mean":
        return divide_or_zero(weighted.sum(), factor.expand_as(values).sum())
    if reduction == "mean" and kept is not None and weighting != "plain":
        return divide_or_zero(weighted.sum(), kept.sum()) if weighting == "kept_or_zero" else weighted.sum() / kept.sum()
    return _reduce(weighted, reduction)


def _weigh_nonzero(values: Tensor, weight: Tensor | None, mask: Tensor | None) -> Tensor:
    if mask is not None:
        kept = align(mask.to(values.dtype), values)
        values = values * kept / kept.mean()
    if weight is not None:
        weight = align(weight.to(values.dtype), values) if weight.ndim > values.ndim else weight.to(values.dtype)
        if values.ndim > weight.ndim:
            values = values.mean(tuple(range(weight.ndim, values.ndim)))
        values = values * weight / (weight != 0).to(values.dtype).mean()
    return values


def _reduce(values: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if values.is_floating_point():
        return values.mean()
    return torch.div(values.sum(dtype=values.dtype), values.numel(), rounding_mode="trunc")


def divide_or_zero(total: Tensor, count: Tensor) -> Tensor:
    """`total / count`, 0 where the count is 0."""
    return torch.where(count == 0, torch.zeros_like(total), total / torch.where(count == 0, torch.ones_like(count), count))
