"""Maxima and averages over windows that divide an axis into a given number of about equal, overlapping parts.

Along an axis of n cells, window i of m goes from floor(i n / m) to ceil((i + 1) n / m).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.layout import as_images, from_images

_MAXIMUM: dict[int, Callable[..., Any]] = {2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
_AVERAGE: dict[int, Callable[..., Any]] = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def adaptive_max_pool(x: Tensor, size: Sequence[int], data_format: str = "channels_last") -> Tensor:
    """The maximum of each of `size` windows; integers stay integers."""
    if not x.is_floating_point():  # torch has no kernel for them; below 2^53 doubles hold them exactly
        return _pool(_MAXIMUM, x.double(), size, data_format).to(x.dtype)
    return _pool(_MAXIMUM, x, size, data_format)


def adaptive_average_pool(x: Tensor, size: Sequence[int], data_format: str = "channels_last") -> Tensor:
    """The mean of each of `size` windows."""
    return _pool(_AVERAGE, x, size, data_format)


def _pool(kernels: dict[int, Callable[..., Any]], x: Tensor, size: Sequence[int], data_format: str) -> Tensor:
    images, wanted = as_images(x, data_format), (1, *size) if len(size) == 1 else tuple(size)
    return from_images(kernels[images.ndim - 2](images, wanted), len(size), data_format)
