"""Normalization of each sample by groups of channels, by its norm, by the root of its mean square."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def group_norm(x: Tensor, groups: int, gamma: Tensor | None, beta: Tensor | None, *, axis: int, epsilon: float) -> Tensor:
    """Each sample normalized by the mean and variance of each of `groups` groups of channels along `axis` (not 0)."""
    first = x if axis == 1 else x.movedim(axis, 1)
    alone = gamma is None and beta is not None  # torch's kernel takes no bias without a weight
    y = torch.group_norm(first, groups, gamma, None if alone else beta, epsilon, torch.backends.cudnn.enabled)
    y = y + beta.view(-1, *[1] * (x.ndim - 2)) if alone else y  # type: ignore[union-attr]
    return y if axis == 1 else y.movedim(1, axis)


def masked_group_norm(
    x: Tensor, mask: Tensor, groups: int, gamma: Tensor | None, beta: Tensor | None, *, axis: int, epsilon: float
) -> Tensor:
    """The same with statistics over the entries that `mask`, which broadcasts against `x`, keeps; a group without any gives nan."""
    grouped = x.unflatten(axis, (groups, -1))
    weights = mask.to(x.dtype).expand_as(x).unflatten(axis, (groups, -1))
    reduced = [a for a in range(1, grouped.ndim) if a != axis]
    count = weights.sum(reduced, keepdim=True)
    mean = (grouped * weights).sum(reduced, keepdim=True) / count
    variance = ((grouped - mean).square() * weights).sum(reduced, keepdim=True) / count
    y = ((grouped - mean) * torch.rsqrt(variance + epsilon)).flatten(axis, axis + 1)
    shape = [n if a == axis else 1 for a, n in enumerate(x.shape)]
    y = y if gamma is None else y * gamma.view(shape)
    return y if beta is None else y + beta.view(shape)


def unit_norm(x: Tensor, axes: Sequence[int], epsilon: float = 1e-12) -> Tensor:
    """`x / sqrt(max(sum x^2, epsilon))` with the sum over `axes`; half precision is computed in float32, which knows such an epsilon."""
    wide = x.float() if x.dtype.itemsize < 4 else x
    return (wide * torch.rsqrt(wide.square().sum(tuple(axes), keepdim=True).clamp(min=epsilon))).to(x.dtype)


def rms_norm(x: Tensor, scale: Tensor, *, axes: Sequence[int], epsilon: float) -> Tensor:
    """`x / sqrt(mean x^2 + epsilon) * scale` with the mean over `axes`; `scale` broadcasts against the last axes."""
    if list(axes) == list(range(x.ndim - len(axes), x.ndim)):
        return F.rms_norm(x, [x.shape[a] for a in axes], scale, epsilon)
    return x * torch.rsqrt(x.square().mean(tuple(axes), keepdim=True) + epsilon) * scale
