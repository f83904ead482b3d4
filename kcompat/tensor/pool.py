"""Maxima and averages over sliding windows, and over whole images, with Keras' padding and data formats.

'same' windows that reach over an edge take only the cells there are: padding is -inf in maxima and not counted in averages.
Of several equal maxima in a window the first gets the gradient; over a whole image they share it.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.layout import as_images, from_images
from kcompat.tensor.shapes import padding_amounts, spatial_axes, theano_amounts


def max_pool(
    x: Tensor, size: tuple[int, ...], strides: tuple[int, ...], padding: str = "valid", data_format: str = "channels_last"
) -> Tensor:
    """The maximum of each window of `size` cells, `strides` apart; integers stay integers."""
    if not x.is_floating_point():  # torch has no kernel for them; below 2^53 doubles hold them exactly
        return max_pool(x.double(), size, strides, padding, data_format).to(x.dtype)
    if padding == "same_theano":
        images = F.pad(as_images(x, data_format), _theano_sides(x, size, strides, data_format), value=-math.inf)
        return from_images(torch.max_pool2d(images, size, strides), len(size), data_format)
    images, size, strides, both, surplus = _windows(x, size, strides, padding, data_format)
    pool = torch.max_pool2d if images.ndim == 4 else torch.max_pool3d
    return _settled(pool(images, size, strides, both, (1,) * len(size), padding == "same"), x.ndim - 2, surplus, data_format)


def average_pool(
    x: Tensor, size: tuple[int, ...], strides: tuple[int, ...], padding: str = "valid", data_format: str = "channels_last"
) -> Tensor:
    """The mean of the real cells of each window of `size` cells, `strides` apart."""
    if x.ndim == 5 and x.device.type == "cpu" and x.element_size() < 4:  # torch has no such kernel for half precision
        return average_pool(x.float(), size, strides, padding, data_format).to(x.dtype)
    if x.ndim == 5 and any(x.shape[axis] < k for axis, k in zip(spatial_axes(3, data_format), size)):  # noqa: B905
        amounts = [
            padding_amounts(x.shape[axis], k, s, padding) for axis, k, s in zip(spatial_axes(3, data_format), size, strides, strict=True)
        ]
        return _average_of_padded(x, size, strides, _sides(amounts), data_format)
    if padding == "same_theano":
        return _average_of_padded(x, size, strides, _theano_sides(x, size, strides, data_format), data_format)
    images, size, strides, both, surplus = _windows(x, size, strides, padding, data_format)
    pool = F.avg_pool2d if images.ndim == 4 else F.avg_pool3d
    return _settled(pool(images, size, strides, both, padding == "same", False), x.ndim - 2, surplus, data_format)


def _average_of_padded(x: Tensor, size: tuple[int, ...], strides: tuple[int, ...], sides: list[int], data_format: str) -> Tensor:
    """Means with zeros on `sides` over the share of real cells, where torch's kernel refuses small volumes or wide padding."""
    images = as_images(x, data_format)
    pool = F.avg_pool3d if len(size) == 3 else F.avg_pool2d
    means, shares = (pool(F.pad(t, sides), size, strides) for t in (images, torch.ones_like(images[:1, :1])))
    return from_images(means / shares, len(size), data_format)


def _sides(amounts: list[tuple[int, int]]) -> list[int]:
    """Amounts before and after each axis in the order of `F.pad`."""
    return [n for pair in reversed(amounts) for n in pair]


def _theano_sides(x: Tensor, size: tuple[int, ...], strides: tuple[int, ...], data_format: str) -> list[int]:
    """What 'same' of Keras 1 on Theano put around images before pooling: k - 2 cells in front for an odd window, k - 1 for an even one."""
    lengths = [x.shape[axis] for axis in spatial_axes(len(size), data_format)]
    return _sides([theano_amounts(n, k, s, k - 2 if k % 2 else k - 1) for n, k, s in zip(lengths, size, strides, strict=True)])


def _windows(x: Tensor, size: tuple[int, ...], strides: tuple[int, ...], padding: str, data_format: str) -> tuple[Any, ...]:
    """What torch's kernels take: images, window, strides, padding of both sides; and the windows too many in front of each axis.

    The odd cell that 'same' puts behind comes from `ceil_mode`, but not for stride 1: there both sides get it, and the window too many
    in front is cut away.
    """
    images = as_images(x, data_format)
    rank = len(size)
    both, surplus = (0,) * rank, None
    if padding == "same":
        amounts = [padding_amounts(n, k, s, padding) for n, k, s in zip(images.shape[-rank:], size, strides)]  # noqa: B905
        more = [after - before if s == 1 else 0 for (before, after), s in zip(amounts, strides)]  # noqa: B905
        both = tuple(before + extra for (before, _), extra in zip(amounts, more))  # noqa: B905
        surplus = more if any(more) else None
    if rank == 1:
        size, strides, both = (1, *size), (1, *strides), (0, *both)
    return images, size, strides, both, surplus


def _settled(y: Tensor, rank: int, surplus: list[int] | None, data_format: str) -> Tensor:
    for axis, extra in enumerate(reversed(surplus or ()), 1):
        if extra:
            y = y.narrow(-axis, extra, y.shape[-axis] - extra)
    return from_images(y, rank, data_format)


def global_max(x: Tensor, data_format: str = "channels_last", keepdims: bool = False) -> Tensor:
    """The maximum over all spatial axes: (n, c), or with sizes of 1 kept."""
    return x.amax(tuple(spatial_axes(x.ndim - 2, data_format)), keepdim=keepdims)


def global_average(
    x: Tensor, data_format: str = "channels_last", keepdims: bool = False, mask: Tensor | None = None, select: bool = False
) -> Tensor:
    """The mean over all spatial axes; with a `mask` (n, steps) over the kept steps of one axis, nan where none is kept.

    Steps left out count times 0, so that a nan there shows; with `select` nothing of them does.
    """
    axes = tuple(spatial_axes(x.ndim - 2, data_format))
    if mask is None and not x.is_floating_point():  # whole numbers, cut off towards zero
        count = math.prod(x.shape[axis] for axis in axes)
        return torch.div(x.sum(axes, keepdim=keepdims), count, rounding_mode="trunc").to(x.dtype)
    if mask is None:
        return x.mean(axes, keepdim=keepdims)
    kept = mask.bool().unsqueeze(-1 if data_format == "channels_last" else 1)
    weights = kept.to(x.dtype)
    values = torch.where(kept, x, torch.zeros((), dtype=x.dtype, device=x.device)) if select else x * weights
    return values.sum(axes, keepdim=keepdims) / weights.sum(axes, keepdim=keepdims)
