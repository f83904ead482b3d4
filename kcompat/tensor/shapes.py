"""Sizes of what windows slide over: output lengths, and how much is padded or cut. Integers only; None is an unknown length.

A window of `kernel` taps, `dilation` apart, spans `(kernel - 1) * dilation + 1` cells.
Source: padding and lengths of real Keras 2.2 to 3, `parity/references`.
"""

from __future__ import annotations

from collections.abc import Sequence

#: paddings a sliding window knows; the last two are of Keras 1 on Theano, whose 'same' puts other amounts before and after
PADDINGS = ("valid", "same", "causal", "full", "same_theano")


def span(kernel: int, dilation: int = 1) -> int:
    """How many cells a dilated window covers."""
    return (kernel - 1) * dilation + 1


def output_length(length: int | None, kernel: int, stride: int, padding: str, dilation: int = 1) -> int | None:
    """How many windows there are along an axis of `length` cells; below 1 where a 'valid' window does not fit."""
    if length is None:
        return None
    if padding in ("same", "causal", "same_theano"):
        return -(-length // stride)
    grown = length + 2 * (span(kernel, dilation) - 1) if padding == "full" else length
    return (grown - span(kernel, dilation)) // stride + 1


def padding_amounts(length: int, kernel: int, stride: int, padding: str, dilation: int = 1) -> tuple[int, int]:
    """How many cells are added before and after an axis of `length` cells; 'same' puts the odd one after."""
    extra = span(kernel, dilation) - 1
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return extra, 0
    if padding == "full":
        return extra, extra
    if padding == "same_theano":
        return theano_amounts(length, extra + 1, stride, (extra + 1) // 2)
    total = extra if stride == 1 else max((-(-length // stride) - 1) * stride + extra + 1 - length, 0)
    return total // 2, total - total // 2


def theano_amounts(length: int, width: int, stride: int, before: int) -> tuple[int, int]:
    """`before`, and what the last of ceil(length / stride) windows of `width` cells needs behind the axis."""
    return before, max((-(-length // stride) - 1) * stride + width - before - length, 0)


def transposed_length(
    length: int | None, kernel: int, stride: int, padding: str, dilation: int = 1, output_padding: int | None = None
) -> int | None:
    """The length that a transposed convolution makes of `length`; an `output_padding` of 0 is not the same as None."""
    if length is None:
        return None
    width = span(kernel, dilation)
    if output_padding is not None:
        cut = width // 2 if padding in ("same", "same_theano") else 0
        return (length - 1) * stride + width - 2 * cut + output_padding
    if padding in ("same", "same_theano"):
        return length * stride
    if padding == "full":
        return length * stride - (stride + width - 2)
    return length * stride + max(width - stride, 0)


def transposed_cut(
    length: int, kernel: int, stride: int, padding: str, dilation: int = 1, output_padding: int | None = None
) -> tuple[int, int]:
    """Cells to cut before and after the full transposed result; a negative second number is how many zeros follow it."""
    full = (length - 1) * stride + span(kernel, dilation)
    wanted = transposed_length(length, kernel, stride, padding, dilation, output_padding)
    assert wanted is not None
    before = span(kernel, dilation) // 2 if padding == "same_theano" else max(full - wanted, 0) // 2
    return before, full - wanted - before


def spatial_axes(rank: int, data_format: str) -> range:
    """The axes of a batch that are neither batch nor channels, for `rank` spatial axes."""
    return range(1, 1 + rank) if data_format == "channels_last" else range(2, 2 + rank)


def channel_axis(data_format: str) -> int:
    """The axis of the channels: -1 or 1."""
    return -1 if data_format == "channels_last" else 1


def image_shape(batch: int | None, lengths: Sequence[int | None], channels: int | None, data_format: str) -> tuple[int | None, ...]:
    """The shape of a batch with these spatial lengths."""
    return (batch, *lengths, channels) if data_format == "channels_last" else (batch, channels, *lengths)
