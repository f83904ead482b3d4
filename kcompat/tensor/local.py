"""Locally connected layers: windows as in a convolution, but weights of their own at every place."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.pad import zero_pad
from kcompat.tensor.shapes import output_length

Ints = Sequence[int]


def local_convolve(
    x: Tensor, kernel: Tensor, size: Ints, strides: Ints, edges: Sequence[tuple[int, int]] | None = None, data_format: str = "channels_last"
) -> Tensor:
    """Each window of `size` cells, `strides` apart, times the weights of its place.

    x (n, *lengths, c) or (n, c, *lengths); kernel (places, window, filters), a window in the order of the input's own axes:
    (*size, c) or (c, *size). `edges` are numbers of zeros before and after each axis. Gives (n, *places, filters) or (n, filters, *places).
    """
    rank, last = len(size), data_format == "channels_last"
    if edges is not None:
        x = zero_pad(x, edges, data_format)
    for axis, (window, step) in enumerate(zip(size, strides, strict=True)):
        x = x.unfold(axis + (1 if last else 2), window, step)
    places = tuple(range(1, rank + 1) if last else range(2, rank + 2))
    taps = tuple(range(rank + 2, 2 * rank + 2))
    lengths = [x.shape[axis] for axis in places]
    inner = (*taps, rank + 1) if last else (1, *taps)
    windows = x.permute(*places, 0, *inner).reshape(math.prod(lengths), -1, kernel.shape[1])
    y = torch.bmm(windows, kernel).unflatten(0, lengths)
    return y.movedim(rank, 0) if last else y.movedim((rank, rank + 1), (0, 1))


def local_edges(lengths: Ints, size: Ints, strides: Ints, padding: str) -> list[tuple[int, int]]:
    """Zeros before and after each axis; 'same' puts the middle of each window (cell `size // 2`) on every `strides`-th cell."""
    if padding == "valid":
        return [(0, 0)] * len(lengths)
    found = []
    for length, window, step in zip(lengths, size, strides, strict=True):
        places = output_length(length, window, step, padding)
        assert places is not None
        found.append((window // 2, max((places - 1) * step + window - window // 2 - length, 0)))
    return found


def local_index(
    lengths: Ints, channels: int, filters: int, size: Ints, strides: Ints, padding: str, data_format: str, packed: bool
) -> tuple[Tensor, int]:
    """Where the weights of `local_convolve` lie in another layout: integers (places, window, filters), and how many weights it has.

    The layout is the flattened matrix of all input cells times all output cells, or, `packed`, only what is connected: by output cell, then
    by input cell. Connections to the zeros around the input point to the entry after the last.
    """
    last = data_format == "channels_last"
    places = [output_length(n, k, s, padding) for n, k, s in zip(lengths, size, strides, strict=True)]
    counts = [n for n in places if n is not None]
    edges = local_edges(lengths, size, strides, padding)
    at = np.indices(counts).reshape(len(size), -1, 1)  # (axis, place, 1)
    tap = np.indices(size).reshape(len(size), 1, -1)  # (axis, 1, tap)
    before = np.array([b for b, _ in edges])[:, None, None]
    cells = at * np.array(strides)[:, None, None] - before + tap
    inside = ((cells >= 0) & (cells < np.array(lengths)[:, None, None])).all(0)  # (place, tap)
    cell = np.ravel_multi_index(tuple(cells), tuple(lengths), mode="clip")
    place = np.arange(math.prod(counts))
    channel, output = np.arange(channels), np.arange(filters)
    size_in, size_out = math.prod(lengths) * channels, len(place) * filters
    if last:
        source = (cell[:, :, None] * channels + channel).reshape(len(place), -1)
        target = place[:, None] * filters + output
        valid = np.repeat(inside, channels, axis=1)
    else:
        source = (channel[:, None] * math.prod(lengths) + cell[:, None, :]).reshape(len(place), -1)
        target = output * len(place) + place[:, None]
        valid = np.tile(inside, (1, channels))
    by_output = target[:, None, :] * size_in + source[:, :, None]
    valid = np.broadcast_to(valid[:, :, None], by_output.shape)
    if packed:
        order = np.sort(by_output[valid])
        found, beyond = np.searchsorted(order, by_output), len(order)
    else:
        found, beyond = source[:, :, None] * size_out + target[:, None, :], size_in * size_out
    return torch.from_numpy(np.where(valid, found, beyond)), beyond


def local_kernel(stored: Tensor, index: Tensor) -> Tensor:
    """The weights of `local_convolve` out of a layout that `local_index` describes."""
    return F.pad(stored.flatten(), (0, 1))[index]
