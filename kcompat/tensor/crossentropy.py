"""Crossentropies as functions of targets and predictions, probabilities or logits: torch in, torch out.

What Keras' generations do differently is an argument: `log_epsilon`, `smoothing_axis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kcompat.tensor.loss import mean_last

#: an index that no label has, where torch asks for one to leave out
_NO_LABEL = -(2**60)


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
    """`-t log p - (1 - t) log(1 - p)`, mean over `axis`; see `binary_entropies`."""
    target = smooth_binary(y_true, label_smoothing)
    return mean_last(binary_entropies(target, y_pred, from_logits, epsilon=epsilon, log_epsilon=log_epsilon), axis)


def binary_entropies(
    target: Tensor, y_pred: Tensor, from_logits: bool = False, *, epsilon: float = 1e-7, log_epsilon: bool = False
) -> Tensor:
    """`-t log p - (1 - t) log(1 - p)` of each entry; p is clipped to [epsilon, 1 - epsilon].

    `log_epsilon` adds epsilon inside the logarithms as well (Keras 2.3 to 2.15). From logits, torch's fused form.
    """
    if from_logits:
        if target.shape != y_pred.shape:
            target, y_pred = torch.broadcast_tensors(target, y_pred)
        return F.binary_cross_entropy_with_logits(y_pred, target, reduction="none")
    p = y_pred.clamp(epsilon, 1.0 - epsilon)
    kept = (p + epsilon).log() if log_epsilon else p.log()
    missed = (1.0 - p + epsilon).log() if log_epsilon else (1.0 - p).log()
    return -(target * kept + (1.0 - target) * missed)


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
        return softmax_crossentropy(target, y_pred, axis)
    p = (y_pred / y_pred.sum(axis, keepdim=True)).clamp(epsilon, 1.0 - epsilon)
    return -(target * p.log()).sum(axis)


class _SoftmaxCrossentropy(torch.autograd.Function):
    """`-sum(t log softmax(z))` over an axis with the gradient `softmax(z) - t`."""

    @staticmethod
    def forward(ctx: Any, target: Tensor, logits: Tensor, axis: int) -> Tensor:
        """The values."""
        ctx.save_for_backward(target, logits)
        ctx.axis = axis
        return -(target * logits.log_softmax(axis)).sum(axis)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """Gradients to targets and logits."""
        target, logits = ctx.saved_tensors
        gradient = gradients[0].unsqueeze(ctx.axis)
        to_target = -logits.log_softmax(ctx.axis) * gradient if ctx.needs_input_grad[0] else None
        to_logits = (logits.softmax(ctx.axis) - target) * gradient if ctx.needs_input_grad[1] else None
        return to_target, to_logits, None


def softmax_crossentropy(target: Tensor, logits: Tensor, axis: int = -1) -> Tensor:
    """`-sum(t log softmax(z))` over `axis`, whose gradient to z is `softmax(z) - t` also where targets do not sum to 1.

    TensorFlow's kernel takes it for granted that they do, and so trains differently where they do not; the derivative would be
    `sum(t) softmax(z) - t`. An autograd.Function is the faster way, tensor operations the one that `torch.compile` and vmap follow.
    """
    if not (torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()):
        return _SoftmaxCrossentropy.apply(target, logits, axis)
    shifted = logits - logits.detach().amax(axis, keepdim=True)
    total = shifted.exp().sum(axis).log()
    return total - (target * shifted).sum(axis) + (target.sum(axis) - 1.0) * total.detach()


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


def binary_focal_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    crossentropy: Tensor,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    axis: int = -1,
) -> Tensor:
    """`(1 - q) ** gamma` times the `crossentropy` of each entry, q the probability of its target; mean over `axis`.

    `y_pred` are probabilities; balancing weighs positives by `alpha`, negatives by `1 - alpha`.
    """
    hit = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    values = (1.0 - hit) ** gamma * crossentropy
    if apply_class_balancing:
        values = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * values
    return mean_last(values, axis)


def categorical_focal_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    axis: int = -1,
    *,
    epsilon: float = 1e-7,
) -> Tensor:
    """`-sum(alpha (1 - p) ** gamma t log p)` over `axis`; probabilities are made to sum to 1, then clipped. `alpha` may be one a class."""
    p = (y_pred / y_pred.sum(axis, keepdim=True)).clamp(epsilon, 1.0 - epsilon)
    weight = torch.as_tensor(alpha, dtype=p.dtype, device=p.device)
    return (weight * (1.0 - p) ** gamma * -(y_true * p.log())).sum(axis)


def categorical_generalized_cross_entropy(y_true: Tensor, y_pred: Tensor, q: float, *, epsilon: float = 1e-7) -> Tensor:
    """`(1 - p[t] ** q) / q` for class indices t, p clipped from below. Source: https://arxiv.org/abs/1805.07836"""
    index = y_true.to(torch.int64)
    p = y_pred.clamp(min=epsilon).gather(-1, index.unsqueeze(-1)).squeeze(-1)
    return (1.0 - p**q) / q
