"""Space to depth and to batches, and back."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat.files.symbols.common import integers, pick, tensor
from kcompat.files.symbols.making import pad


def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Blocks of pixels as channels."""
    x = _channels_last(tensor(input), data_format)
    n, h, w, c = x.shape
    b = block_size
    y = x.reshape(n, h // b, b, w // b, b, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h // b, w // b, b * b * c)
    return _back(y, data_format)


def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Channels as blocks of pixels."""
    x = _channels_last(tensor(input), data_format)
    n, h, w, c = x.shape
    b = block_size
    y = x.reshape(n, h, w, b, b, c // (b * b)).permute(0, 1, 3, 2, 4, 5).reshape(n, h * b, w * b, c // (b * b))
    return _back(y, data_format)


def _channels_last(x: Tensor, data_format: str) -> Tensor:
    return x.permute(0, 2, 3, 1) if pick(data_format, ("nhwc", "nchw"), "data_format") == "nchw" else x


def _back(x: Tensor, data_format: str) -> Tensor:
    return x.permute(0, 3, 1, 2) if data_format.lower() == "nchw" else x


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """Blocks along the axes behind the first moved into the batch, the blocks' cells outermost."""
    x, blocks = tensor(input), integers(block_shape)
    pairs = [tuple(integers(p)) for p in (paddings.tolist() if isinstance(paddings, Tensor) else paddings)]
    x = pad(x, [(0, 0), *pairs, *[(0, 0)] * (x.ndim - 1 - len(blocks))])
    count, rest = len(blocks), x.shape[1 + len(blocks) :]
    split_shape = [x.shape[0]]
    for block, length in zip(blocks, x.shape[1:], strict=False):
        split_shape += [length // block, block]
    y = x.reshape(*split_shape, *rest)
    order = [*range(2, 2 * count + 1, 2), 0, *range(1, 2 * count, 2), *range(2 * count + 1, y.ndim)]
    y = y.permute(order)
    return y.reshape(-1, *y.shape[count + 1 :])


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """The way back of `space_to_batch_nd`, with cells cut off."""
    x, blocks = tensor(input), integers(block_shape)
    count, batch = len(blocks), x.shape[0]
    for block in blocks:
        batch //= block
    y = x.reshape(*blocks, batch, *x.shape[1:])
    order = [count]
    for i in range(count):
        order += [count + 1 + i, i]
    y = y.permute(*order, *range(2 * count + 1, y.ndim))
    lengths = [n * b for n, b in zip(x.shape[1:], blocks, strict=False)]
    y = y.reshape(batch, *lengths, *x.shape[1 + count :])
    for axis, pair in enumerate(crops.tolist() if isinstance(crops, Tensor) else crops):
        before, after = integers(pair)
        y = y.narrow(axis + 1, before, y.shape[axis + 1] - before - after)
    return y
