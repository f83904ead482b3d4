"""Losses as functions of targets and predictions: one value for each entry, and the ways to make one number of them.

Torch in, torch out. What Keras' generations do differently is an argument: `signs`, `mean`, `weighting`, `alignment`. A function
returns the mean over the last axis (or `axis`), so a batch of shape (n, ..., d) gives (n, ...).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

#: one axis or several
Axis = int | tuple[int, ...]


def mean_last(values: Tensor, axis: int = -1) -> Tensor:
    """The mean over one axis; integers stay integers and are rounded towards zero, as TensorFlow does."""
    if values.ndim == 0:
        return values
    if values.is_floating_point() or values.is_complex():
        return values.squeeze(axis) if isinstance(axis, int) and values.shape[axis] == 1 else values.mean(axis)
    return torch.div(values.sum(axis, dtype=values.dtype), values.shape[axis], rounding_mode="trunc")


def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean over the last axis of `(y_pred - y_true) ** 2`."""
    return mean_last((y_pred - y_true) ** 2)


def mean_absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean over the last axis of `|y_pred - y_true|`."""
    return mean_last((y_pred - y_true).abs())


def mean_absolute_percentage_error(y_true: Tensor, y_pred: Tensor, *, epsilon: float = 1e-7) -> Tensor:
    """Mean over the last axis of `100 |y_true - y_pred| / max(|y_true|, epsilon)`."""
    return 100.0 * mean_last(((y_true - y_pred) / y_true.abs().clamp(min=epsilon)).abs())


def mean_squared_logarithmic_error(y_true: Tensor, y_pred: Tensor, *, epsilon: float = 1e-7) -> Tensor:
    """Mean over the last axis of the squared differences of `log(1 + max(x, epsilon))`."""
    return mean_last(((y_pred.clamp(min=epsilon) + 1.0).log() - (y_true.clamp(min=epsilon) + 1.0).log()) ** 2)


def log_cosh(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean over the last axis of `log(cosh(y_pred - y_true))`."""
    error = y_pred - y_true
    return mean_last(error + F.softplus(-2.0 * error) - math.log(2.0))


def huber(y_true: Tensor, y_pred: Tensor, delta: float = 1.0, *, mean: bool = True) -> Tensor:
    """Mean over the last axis of `e ** 2 / 2` where `|e| <= delta`, else `delta |e| - delta ** 2 / 2`, e the difference.

    Without `mean` the values themselves (Keras 2.3).
    """
    size = (y_pred - y_true).abs()
    values = torch.where(size <= delta, 0.5 * size**2, delta * size - 0.5 * delta**2)
    return mean_last(values) if mean else values


def poisson(y_true: Tensor, y_pred: Tensor, *, epsilon: float = 1e-7) -> Tensor:
    """Mean over the last axis of `y_pred - y_true log(y_pred + epsilon)`."""
    return mean_last(y_pred - y_true * (y_pred + epsilon).log())


def kl_divergence(y_true: Tensor, y_pred: Tensor, *, epsilon: float = 1e-7) -> Tensor:
    """Sum over the last axis of `t log(t / p)`, both clipped to [epsilon, 1]."""
    target, output = y_true.clamp(epsilon, 1.0), y_pred.clamp(epsilon, 1.0)
    return (target * (target / output).log()).sum(-1)


def as_signs(y_true: Tensor) -> Tensor:
    """Targets that are all 0 or 1 as -1 or 1; others as they are."""
    zeros, ones = y_true == 0, y_true == 1
    return torch.where((zeros | ones).all(), 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Tensor, y_pred: Tensor, *, signs: bool = True, power: int = 1) -> Tensor:
    """Mean over the last axis of `max(1 - t p, 0) ** power`; `signs` takes targets of 0 and 1 as -1 and 1 (from Keras 2.3 on)."""
    target = as_signs(y_true) if signs else y_true
    missed = (1.0 - target * y_pred).clamp(min=0.0)
    return mean_last(missed if power == 1 else missed**power)


def categorical_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """`max(0, 1 + max((1 - t) p) - sum(t p))` over the last axis."""
    wrong = ((1.0 - y_true) * y_pred).amax(-1)
    return (wrong - (y_true * y_pred).sum(-1) + 1.0).clamp(min=0.0)


def cosine(y_true: Tensor, y_pred: Tensor, axis: Axis = -1, *, floor: float = 1e-12) -> Tensor:
    """Cosine of the angle between both along `axis`; no squared length counts for less than `floor`."""
    return (normalize(y_true, axis, floor) * normalize(y_pred, axis, floor)).sum(axis)


def normalize(values: Tensor, axis: Axis = -1, floor: float = 1e-12) -> Tensor:
    """`values` with length 1 along `axis`; no squared length counts for less than `floor`."""
    return values * (values**2).sum(axis, keepdim=True).clamp(min=floor).rsqrt()


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
