"""Images at another size, with TensorFlow's numbers: a matrix of weights (new length, length) for each of the two axes.

The methods are TensorFlow's: a new cell lies at (i + 1/2) * length / new length, measured from the edge of the image, and
takes the cells around it as its method weighs their distance. `F.interpolate` agrees with it for 'bilinear' only.
Source: https://www.tensorflow.org/api_docs/python/tf/image/resize, and `parity/references`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.pad import repeat


def _triangle(x: Tensor) -> Tensor:
    return (1 - x).clamp(min=0)


def _keys(x: Tensor) -> Tensor:
    near = (1.5 * x - 2.5) * x * x + 1
    return torch.where(x < 1, near, ((-0.5 * x + 2.5) * x - 4) * x + 2) * (x < 2)


def _mitchell(x: Tensor) -> Tensor:
    near = (7 / 6 * x - 2) * x * x + 8 / 9
    return torch.where(x < 1, near, ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9) * (x < 2)


def _gaussian(x: Tensor) -> Tensor:
    return torch.exp(-2 * x * x) * (x < 1.5)


def _lanczos(lobes: int) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.sinc(x) * torch.sinc(x / lobes) * (x <= lobes)


#: method -> weight of a cell at a distance, in cells
_KERNELS: dict[str, Callable[[Tensor], Tensor]] = {
    "bilinear": _triangle,
    "bicubic": _keys,
    "gaussian": _gaussian,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
    "mitchellcubic": _mitchell,
}
METHODS = ("nearest", "area", *_KERNELS)

#: (lengths, method, ..., dtype, device) -> the matrix, for eager calls
_kept: dict[tuple[Any, ...], Tensor] = {}


def resize(
    x: Tensor,
    size: tuple[int, int],
    method: str = "bilinear",
    *,
    antialias: bool = False,
    half_pixels: bool = True,
    data_format: str = "channels_last",
) -> Tensor:
    """Images (..., rows, columns, channels), or (..., channels, rows, columns), with `size` rows and columns.

    `antialias` widens the kernel where an image shrinks. Without `half_pixels` ('bilinear' and 'nearest' only) cell i lies at
    i * length / new length, as in TensorFlow 1. 'nearest' keeps the dtype, the others give floats for integers.
    """
    axes = (-3, -2) if data_format == "channels_last" else (-2, -1)
    if method == "nearest":
        for axis, new in zip(axes, size, strict=True):
            x = _nearest(x, axis, new, half_pixels)
        return x
    dtype = x.dtype if x.is_floating_point() else torch.float32
    if method == "bilinear" and half_pixels and not antialias:
        return _bilinear(x.to(dtype), size, data_format)
    y = x.to(torch.float32 if dtype.itemsize < 4 else dtype)
    for axis, new in zip(axes, size, strict=True):
        y = _along(y, axis, _matrix(y.shape[axis], new, method, antialias, half_pixels, y.dtype, y.device))
    return y.to(dtype)


def enlarge(x: Tensor, times: tuple[int, int], method: str, *, half_pixels: bool = True, data_format: str = "channels_last") -> Tensor:
    """A batch of images with its rows and columns `times` as many."""
    if method == "nearest":
        return repeat(x, times, data_format)
    first = 1 if data_format == "channels_last" else 2
    size = (x.shape[first] * times[0], x.shape[first + 1] * times[1])
    return resize(x, size, method, half_pixels=half_pixels, data_format=data_format)


def rounded(x: Tensor, dtype: torch.dtype) -> Tensor:
    """`x` in a dtype; for an integer one rounded, and cut off at its largest and smallest number."""
    if dtype.is_floating_point or not x.is_floating_point():
        return x.to(dtype)
    return x.round().clamp(torch.iinfo(dtype).min, torch.iinfo(dtype).max).to(dtype)


def _nearest(x: Tensor, axis: int, new: int, half_pixels: bool) -> Tensor:
    length = x.shape[axis]
    # In float32, as TensorFlow counts: at the border of two cells its rounding decides.
    cells = torch.arange(new, dtype=torch.float32, device=x.device)
    cells = (cells + 0.5 if half_pixels else cells) * (length / new)
    return x.index_select(axis, cells.floor().long().clamp(max=length - 1))


def _bilinear(x: Tensor, size: tuple[int, int], data_format: str) -> Tensor:
    lead = x.shape[:-3]
    images = x.reshape(-1, *x.shape[-3:]) if len(lead) != 1 else x
    last = data_format == "channels_last"
    y = F.interpolate(images.permute(0, 3, 1, 2) if last else images, size, mode="bilinear", align_corners=False)
    y = y.permute(0, 2, 3, 1) if last else y
    return y if len(lead) == 1 else y.reshape(*lead, *y.shape[1:])


def _along(x: Tensor, axis: int, matrix: Tensor) -> Tensor:
    """The matrix times each line of cells along a (negative) axis."""
    if axis == -1:
        return x @ matrix.T
    tail = x.shape[axis + 1 :]
    y = matrix @ (x if len(tail) == 1 else x.flatten(axis + 1))
    return y if len(tail) == 1 else y.unflatten(-1, tail)


def _matrix(length: int, new: int, method: str, antialias: bool, half_pixels: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    arguments = (length, new, method, antialias, half_pixels)
    if torch.compiler.is_compiling():
        return weights(*arguments, device=device).to(dtype)
    key = (*arguments, dtype, device)
    found = _kept.get(key)
    if found is None:
        with torch.inference_mode(False):
            found = weights(*arguments, device=device).to(dtype)
        if type(found) is Tensor and not torch._C._functorch.is_functorch_wrapped_tensor(found):
            if len(_kept) >= 128:
                _kept.clear()
            _kept[key] = found
    return found


def weights(
    length: int, new: int, method: str, antialias: bool = False, half_pixels: bool = True, device: torch.device | str | None = None
) -> Tensor:
    """(new, length): with which weight each cell goes into each new one; rows add up to 1. In float64, but on Apple's GPUs."""
    exact = torch.float32 if torch.device(device or "cpu").type == "mps" else torch.float64
    scale = length / new
    cells = torch.arange(length, dtype=exact, device=device)
    places = torch.arange(new, dtype=exact, device=device)[:, None]
    if method == "area":
        ends = torch.minimum((places + 1) * scale, cells + 1) - torch.maximum(places * scale, cells)
        return ends.clamp(min=0) / scale
    places = (places + 0.5) * scale - 0.5 if half_pixels else places * scale
    wide = 1.0
    if antialias:
        wide = max(scale, 1.0)
    elif method == "bilinear":
        places = places.clamp(0, length - 1)
    elif method == "bicubic":  # TensorFlow looks the weights up in a table with 1024 entries a cell
        below = places.floor()
        places = below + ((places - below) * 1024).round() / 1024
    found = _KERNELS[method]((cells - places).abs() / wide)
    return found / found.sum(1, keepdim=True)  # cells beyond the edges are left out, not repeated


def aspect_window(lengths: tuple[int, int], size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """(first, count) of the rows and of the columns of the largest central window in the proportions of `size`."""
    (rows, columns), (high, wide) = lengths, size
    kept = max(min(rows, columns * high // wide), 1), max(min(columns, rows * wide // high), 1)
    return ((rows - kept[0]) // 2, kept[0]), ((columns - kept[1]) // 2, kept[1])


def aspect_padding(lengths: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """How many rows go above and below, how many columns left and right, to give an image the proportions of `size`."""
    (rows, columns), (high, wide) = lengths, size
    return max(columns * high // wide - rows, 0) // 2, max(rows * wide // high - columns, 0) // 2
