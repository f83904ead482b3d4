"""Maxima and averages over sliding windows, and over whole images, with Keras' padding and data formats.

'same' windows that reach over an edge take only the cells there are: padding is -inf in maxima and not counted in averages.
Of several equal maxima in a window the first gets the gradient; over a whole image they share it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.layout import as_images, from_images
from kcompat.tensor.shapes import padding_amounts, spatial_axes


def max_pool(
    x: Tensor, size: tuple[int, ...], strides: tuple[int, ...], padding: str = "valid", data_format: str = "channels_last"
) -> Tensor:
    """The maximum of each window of `size` cells, `strides` apart; integers stay integers."""
    if not x.is_floating_point():  # torch has no kernel for them; below 2^53 doubles hold them exactly
        return max_pool(x.double(), size, strides, padding, data_format).to(x.dtype)
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
        return _average_of_padded(x, size, strides, padding, data_format)
    images, size, strides, both, surplus = _windows(x, size, strides, padding, data_format)
    pool = F.avg_pool2d if images.ndim == 4 else F.avg_pool3d
    return _settled(pool(images, size, strides, both, padding == "same", False), x.ndim - 2, surplus, data_format)


def _average_of_padded(x: Tensor, size: tuple[int, ...], strides: tuple[int, ...], padding: str, data_format: str) -> Tensor:
    """`average_pool` of volumes smaller than the window, which torch's kernel refuses: means with zeros over the share of real cells."""
    images = as_images(x, data_format)
    amounts = [padding_amounts(n, k, s, padding) for n, k, s in zip(images.shape[2:], size, strides, strict=True)]
    sides = [n for pair in reversed(amounts) for n in pair]
    means, shares = (F.avg_pool3d(F.pad(t, sides), size, strides) for t in (images, torch.ones_like(images[:1, :1])))
    return from_images(means / shares, 3, data_format)


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
    if mask is None:
        return x.mean(axes, keepdim=keepdims)
    kept = mask.bool().unsqueeze(-1 if data_format == "channels_last" else 1)
    weights = kept.to(x.dtype)
    values = torch.where(kept, x, torch.zeros((), dtype=x.dtype, device=x.device)) if select else x * weights
    return values.sum(axes, keepdim=keepdims) / weights.sum(axes, keepdim=keepdims)
