"""Maxima and averages over sliding windows, and over whole images, with Keras' padding and data formats.

'same' windows that reach over an edge take only the cells there are: padding is -inf in maxima and not counted in averages.
Of several equal maxima in a window the first gets the gradient; over a whole image they share it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.layout import as_images, from_images
from kcompat.tensor.shapes import padding_amounts, spatial_axes

_MAXIMUM: dict[int, Callable[..., Any]] = {2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE: dict[int, Callable[..., Any]] = {2: F.avg_pool2d, 3: F.avg_pool3d}


def max_pool(x: Tensor, size: Sequence[int], strides: Sequence[int], padding: str = "valid", data_format: str = "channels_last") -> Tensor:
    """The maximum of each window of `size` cells, `strides` apart; integers stay integers."""
    if not x.is_floating_point():  # torch has no kernel for them; below 2^53 doubles hold them exactly
        return _pool(_MAXIMUM, x.double(), size, strides, padding, data_format, {}).to(x.dtype)
    return _pool(_MAXIMUM, x, size, strides, padding, data_format, {})


def average_pool(
    x: Tensor, size: Sequence[int], strides: Sequence[int], padding: str = "valid", data_format: str = "channels_last"
) -> Tensor:
    """The mean of the real cells of each window of `size` cells, `strides` apart."""
    if x.ndim == 5 and x.device.type == "cpu" and x.element_size() < 4:  # torch has no such kernel for half precision
        return _pool(_AVERAGE, x.float(), size, strides, padding, data_format, {"count_include_pad": False}).to(x.dtype)
    return _pool(_AVERAGE, x, size, strides, padding, data_format, {"count_include_pad": False})


def _pool(
    kernels: dict[int, Callable[..., Any]],
    x: Tensor,
    size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
    options: dict[str, Any],
) -> Tensor:
    rank = len(size)
    images = as_images(x, data_format)
    lengths = images.shape[-rank:]
    both, surplus = (0,) * rank, (0,) * rank
    if padding == "same":
        amounts = [padding_amounts(n, k, s, padding) for n, k, s in zip(lengths, size, strides, strict=True)]
        # An odd cell behind comes from `ceil_mode`, but for stride 1: there one window too many is made in front, and cut.
        surplus = tuple(after - before if s == 1 else 0 for (before, after), s in zip(amounts, strides, strict=True))
        both = tuple(before + more for (before, _), more in zip(amounts, surplus, strict=True))
    if rank == 1:
        size, strides, both = (1, *size), (1, *strides), (0, *both)
    y = kernels[images.ndim - 2](images, tuple(size), tuple(strides), both, ceil_mode=padding == "same", **options)
    for axis, more in enumerate(reversed(surplus), 1):
        if more:
            y = y.narrow(-axis, more, y.shape[-axis] - more)
    return from_images(y, rank, data_format)


def global_max(x: Tensor, data_format: str = "channels_last", keepdims: bool = False) -> Tensor:
    """The maximum over all spatial axes: (n, c), or with sizes of 1 kept."""
    return x.amax(tuple(spatial_axes(x.ndim - 2, data_format)), keepdim=keepdims)


def global_average(x: Tensor, data_format: str = "channels_last", keepdims: bool = False, mask: Tensor | None = None) -> Tensor:
    """The mean over all spatial axes; with a `mask` (n, steps) over the kept steps of one axis, nan where none is kept."""
    axes = tuple(spatial_axes(x.ndim - 2, data_format))
    if mask is None:
        return x.mean(axes, keepdim=keepdims)
    weights = mask.to(x.dtype).unsqueeze(-1 if data_format == "channels_last" else 1)
    return (x * weights).sum(axes, keepdim=keepdims) / weights.sum(axes, keepdim=keepdims)
