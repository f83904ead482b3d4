"""Convolution of one to three spatial axes with Keras' kernels, padding and data formats.

A kernel has Keras' shape (*window, in / groups, out); `KERNEL_ORDER` is the order of its axes in memory (slowest first) with
which torch takes it without a copy. The result is the same for any strides. What torch can pad itself (the same on both
sides) it pads inside the convolution; only what is left is added to the input first.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat.tensor.layout import as_images, from_images
from kcompat.tensor.shapes import padding_amounts, transposed_cut

#: rank -> order of a kernel's axes in memory: (out, *window, in), and (in, *window, out) for a transposed one
KERNEL_ORDER = {1: (2, 0, 1), 2: (3, 0, 1, 2), 3: (4, 0, 1, 2, 3)}
#: rank -> order of a depthwise kernel's axes in memory: (in, multiplier, *window)
DEPTHWISE_ORDER = {1: (1, 2, 0), 2: (2, 3, 0, 1)}

_TO_TORCH = {1: (2, 1, 0), 2: (3, 2, 0, 1), 3: (4, 3, 0, 1, 2)}

#: what both sides of each axis are padded with; in the order of `F.pad` what is left for single sides, or None; and the strides, if this
#: holds only for lengths that are multiples of them
Padding = tuple[tuple[int, ...], list[int] | None, tuple[int, ...] | None]

_NONE: dict[int, Padding] = {rank: ((0,) * rank, None, None) for rank in (1, 2, 3)}


def known_padding(window: Sequence[int], strides: Sequence[int], padding: str, dilation: Sequence[int]) -> Padding | str:
    """The amounts of a `padding` as far as the length of the input does not matter, so that calls need not find them."""
    if padding == "same_theano":
        return padding
    both, rest, _ = _shared_padding(strides, window, strides, padding, dilation)
    return both, rest, tuple(strides) if padding == "same" and max(strides) > 1 else None


def convolve(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    padding: str | Padding,
    dilation: Sequence[int],
    groups: int = 1,
    data_format: str = "channels_last",
) -> Tensor:
    """The convolution of `x` with `kernel` (*window, in / groups, out), plus `bias` (out,)."""
    return _slide(x, kernel.permute(_TO_TORCH[len(strides)]), bias, strides, padding, dilation, groups, data_format)


def depthwise(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    padding: str | Padding,
    dilation: Sequence[int],
    data_format: str = "channels_last",
) -> Tensor:
    """Every channel convolved with its own `kernel[..., channel, :]` (*window, in, multiplier): output channel `c * multiplier + m`."""
    weight = kernel.permute(DEPTHWISE_ORDER[len(strides)])
    channels, multiplier = weight.shape[0], weight.shape[1]
    weight = weight.reshape(channels * multiplier, 1, *weight.shape[2:])
    return _slide(x, weight, bias, strides, padding, dilation, channels, data_format)


def separable(
    x: Tensor,
    depthwise_kernel: Tensor,
    pointwise_kernel: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    padding: str | Padding,
    dilation: Sequence[int],
    data_format: str = "channels_last",
) -> Tensor:
    """A depthwise convolution, then one with windows of one cell: `pointwise_kernel` (1.., in * multiplier, out)."""
    y = depthwise(x, depthwise_kernel, strides=strides, padding=padding, dilation=dilation, data_format=data_format)
    ones = (1,) * len(strides)
    return convolve(y, pointwise_kernel, bias, strides=ones, padding=_NONE[len(ones)], dilation=ones, data_format=data_format)


def _slide(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    strides: Sequence[int],
    padding: str | Padding,
    dilation: Sequence[int],
    groups: int,
    data_format: str,
) -> Tensor:
    """Torch's convolution with `weight` (out, in / groups, *window) and Keras' padding."""
    rank = len(strides)
    images = as_images(x, data_format)
    if isinstance(padding, str):
        padding = _shared_padding(images.shape[-rank:], weight.shape[2:], strides, padding, dilation)
    both, rest, multiples = padding
    if multiples is not None and any([n % s for n, s in zip(images.shape[-rank:], multiples)]):  # noqa: B905, C419
        both, rest, _ = _shared_padding(images.shape[-rank:], weight.shape[2:], strides, "same", dilation)
    if rest is not None:
        images = F.pad(images, rest)
    if rank == 1:
        weight, both, strides, dilation = weight.unsqueeze(2), (0, *both), (1, *strides), (1, *dilation)
    y = (torch.conv3d if rank == 3 else torch.conv2d)(images, weight, bias, strides, both, dilation, groups)
    return from_images(y, rank, data_format)


def _shared_padding(
    lengths: Sequence[int], window: Sequence[int], strides: Sequence[int], padding: str, dilation: Sequence[int]
) -> Padding:
    both: list[int] = []
    rest: list[int] = []
    for n, k, s, d in zip(lengths, window, strides, dilation):  # noqa: B905 (on the path of every call)
        before, after = padding_amounts(n, k, s, padding, d)
        shared = min(before, after)
        both.append(shared)
        rest[:0] = (before - shared, after - shared)
    return tuple(both), rest if any(rest) else None, None


def convolve_transposed(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    padding: str,
    dilation: Sequence[int],
    output_padding: Sequence[int | None] | None = None,
    data_format: str = "channels_last",
) -> Tensor:
    """The transposed convolution of `x` with `kernel` (*window, out, in), cut to Keras' length, plus `bias` (out,)."""
    rank = len(strides)
    images = as_images(x, data_format)
    weight = kernel.permute(_TO_TORCH[rank])
    lengths = images.shape[-rank:]
    cuts = [
        transposed_cut(n, k, s, padding, d, p)
        for n, k, s, d, p in zip(lengths, kernel.shape, strides, dilation, output_padding or (None,) * rank, strict=False)
    ]
    before = tuple(front for front, _ in cuts)
    beyond = tuple(max(front - back, 0) for front, back in cuts)
    if rank == 1:
        weight, before, beyond = weight.unsqueeze(2), (0, *before), (0, *beyond)
        strides, dilation = (1, *strides), (1, *dilation)
    y = (F.conv_transpose3d if rank == 3 else F.conv_transpose2d)(images, weight, bias, strides, before, beyond, 1, dilation)
    for axis, (front, back) in enumerate(reversed(cuts), 1):
        if back > front:  # torch cuts both ends by the same amount
            y = y.narrow(-axis, 0, y.shape[-axis] - (back - front))
    return from_images(y, rank, data_format)
