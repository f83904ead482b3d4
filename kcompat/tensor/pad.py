"""Zeros around a batch, its edges cut, its cells repeated; any number of spatial axes, both data formats."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.layout import as_images, from_images
from kcompat.tensor.shapes import spatial_axes

Edges = Sequence[Sequence[int]]


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
    # Plain 'nearest' computes i / n in float and is one cell off for some n (49, 103, ...); halves have room.
    return from_images(F.interpolate(images, lengths, mode="nearest-exact"), rank, data_format)
