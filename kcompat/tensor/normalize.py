"""Normalization: by statistics of a batch, by moving averages, by statistics of each sample.

`gamma` and `beta` may be None. Statistics are computed in the dtype of the parameters, so that half precision inputs lose
nothing; all variances are biased (divided by n). Torch's fused kernels are used wherever they compute the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.layout import as_images, from_images


def _channels_second(x: Tensor, axis: int) -> Tensor:
    """`x` with `axis` as axis 1, in the layout for which torch has fast kernels; nothing moves."""
    if axis == 3 and x.ndim == 4:
        return x.permute(0, 3, 1, 2)
    if axis == 1 or x.ndim == 1:
        return x
    return as_images(x, "channels_last") if axis == x.ndim - 1 and 3 <= x.ndim <= 5 else x.movedim(axis, 1)


def _channels_back(y: Tensor, axis: int, ndim: int) -> Tensor:
    if axis == 3 and ndim == 4:
        return y.permute(0, 2, 3, 1)
    if axis == 1:
        return y
    return from_images(y, ndim - 2, "channels_last") if axis == ndim - 1 and 3 <= ndim <= 5 else y.movedim(1, axis)


def batch_norm(
    x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None, *, axis: int, epsilon: float
) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta` with parameters of shape (size of `axis`,)."""
    y = torch.batch_norm(_channels_second(x, axis), gamma, beta, mean, variance, False, 0.0, epsilon, torch.backends.cudnn.enabled)
    return _channels_back(y, axis, x.ndim)


def batch_norm_moving(
    x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None, *, axis: int, epsilon: float, momentum: float
) -> Tensor:
    """Normalize by the batch and move `mean` and `variance` in place, the latter by the batch variance times n / (n - 1), n > 1."""
    y = torch.batch_norm(_channels_second(x, axis), gamma, beta, mean, variance, True, 1 - momentum, epsilon, torch.backends.cudnn.enabled)
    return _channels_back(y, axis, x.ndim)


def batch_norm_by_batch(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, *, axis: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`x` normalized by the batch, the batch's mean and its variance; no gradient flows into the latter two."""
    y, mean, inverse = torch.native_batch_norm(_channels_second(x, axis), gamma, beta, None, None, True, 0.0, epsilon)
    return _channels_back(y, axis, x.ndim), mean, (inverse.pow(-2) - epsilon).clamp(min=0)


def moments(x: Tensor, axes: Sequence[int], mask: Tensor | None = None, everywhere: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and variance over `axes`, kept with size 1.

    With a `mask` (of the shape of `x` without its last axis) only kept entries count; where none is, both are 0. `everywhere` takes the
    entries of all processes of torch.distributed, if it is initialized.
    """
    everywhere = everywhere and torch.distributed.is_available() and torch.distributed.is_initialized()
    if mask is None and not everywhere:
        variance, mean = torch.var_mean(x, tuple(axes), correction=0, keepdim=True)
        return mean, variance
    kept = torch.ones_like(x) if mask is None else mask.to(x.dtype).unsqueeze(-1).expand_as(x)

    def total(values: Tensor) -> Tensor:
        summed = values.sum(tuple(axes), keepdim=True)
        return _SumOfProcesses.apply(summed) if everywhere else summed

    count = total(kept).clamp(min=1)
    mean = total(x * kept) / count
    return mean, total((x - mean).square() * kept) / count


class _SumOfProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; each process's gradient is the sum of all processes' too."""

    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        summed = values.clone()
        torch.distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        return _SumOfProcesses.forward(_, gradients[0])


def standardize(x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, all of shapes that broadcast against `x`."""
    scale = torch.rsqrt(variance + epsilon)
    scale = scale if gamma is None else scale * gamma
    shift = -mean * scale if beta is None else beta - mean * scale
    return x * scale + shift


def standardize_vectors(x: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float) -> Tensor:
    """Each vector of the last axis less its mean, over its deviation; as in Keras 1 `epsilon` is added to variance and root."""
    variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
    y = (x - mean) / ((variance + epsilon).sqrt() + epsilon)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


def corrected(variance: Tensor, count: int, corrections: Sequence[float]) -> Tensor:
    """`variance` times n / (n - c) for each c in `corrections`, where n is `count`; a single value has no variance to correct."""
    factor = 1.0
    for correction in corrections if count > 1 else ():
        factor = factor * count / (count - correction)
    return variance * factor if corrections else variance


def move(moving: Tensor, value: Tensor, momentum: float) -> None:
    """`moving * momentum + value * (1 - momentum)`, in place."""
    moving.lerp_(value.detach().to(moving.dtype).reshape(moving.shape), 1 - momentum)


def move_debiased(moving: Tensor, biased: Tensor, value: Tensor, momentum: float, steps: Tensor) -> None:
    """`moving` becomes the average of the values since step 1: `biased`, which starts from 0, over 1 - momentum^steps."""
    move(biased, value, momentum)
    moving.copy_(biased / (1 - momentum**steps))


def layer_norm(x: Tensor, gamma: Tensor | None, beta: Tensor | None, *, axes: Sequence[int], epsilon: float) -> Tensor:
    """Each sample normalized by its mean and variance over `axes` (ascending); `gamma` and `beta` have the sizes of `axes`."""
    sizes = [x.shape[axis] for axis in axes]
    if list(axes) == list(range(x.ndim - len(axes), x.ndim)):
        return F.layer_norm(x, sizes, gamma, beta, epsilon)
    mean, variance = moments(x, axes)
    shape = [n if axis in axes else 1 for axis, n in enumerate(x.shape)]
    return standardize(x, mean, variance, None if gamma is None else gamma.view(shape), None if beta is None else beta.view(shape), epsilon)


def variance_scaled(x: Tensor, gamma: Tensor | None, *, axes: Sequence[int], epsilon: float) -> Tensor:
    """`x / sqrt(variance + epsilon) * gamma` with the variance of each sample over `axes`; the mean stays in."""
    _, variance = moments(x, axes)
    y = x * torch.rsqrt(variance + epsilon)
    return y if gamma is None else y * gamma.view([n if axis in axes else 1 for axis, n in enumerate(x.shape)])
