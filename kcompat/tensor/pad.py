"""Zeros around a batch, its edges cut, its cells repeated; any number of spatial axes, both data formats."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.layout import as_images, from_images
from kcompat.tensor.shapes import spatial_axes

Edges = Sequence[Sequence[int]]
#: n whose 1 / n in float32 is not too small. For these torch's 'nearest' finds cell i / n; others may come out one cell too low, and
#: take 'nearest-exact', which is slower and has no rule for vmap.
_ROUNDED_UP = frozenset(n for n in range(1, 129) if Fraction(float(np.float32(1) / np.float32(n))) * n >= 1)


def zero_pad(x: Tensor, edges: Edges, data_format: str = "channels_last", value: float = 0.0) -> Tensor:
    """`edges[i]` zeros, or another `value`, before and after spatial axis `i`."""
    sides = [n for pair in reversed(edges) for n in pair]
    return F.pad(x, [0, 0, *sides] if data_format == "channels_last" else sides, value=value)


def crop(x: Tensor, edges: Edges, data_format: str = "channels_last") -> Tensor:
    """A view of `x` without the first and last `edges[i]` cells of spatial axis `i`."""
    for axis, (before, after) in zip(spatial_axes(len(edges), data_format), edges, strict=True):
        if before or after:
            x = x.narrow(axis, before, x.shape[axis] - before - after)
    return x


def repeat(x: Tensor, times: Sequence[int], data_format: str = "channels_last") -> Tensor:
    """Each cell `times[i]` times in a row along spatial axis `i`."""
    rank = len(times)
    images = as_images(x, data_format)
    if not x.is_floating_point():
        for axis, n in zip(spatial_axes(rank, data_format), times, strict=True):
            x = x.repeat_interleave(n, axis)
        return x
    lengths = [n * more for n, more in zip(images.shape[2:], (1, *times) if rank == 1 else times, strict=True)]
    mode = "nearest" if all(n in _ROUNDED_UP for n in times) else "nearest-exact"
    return from_images(F.interpolate(images, lengths, mode=mode), rank, data_format)
