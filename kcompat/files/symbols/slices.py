"""Parts of tensors: slices and indices as TensorFlow takes them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat.files.symbols.common import integers, size, sizes_of, tensor, with_sizes

_INT32 = torch.int32


def size_or_float(value: Any) -> Any:
    """A number, also from a tensor of one element."""
    return value.item() if isinstance(value, Tensor) else value


def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """A block from `begin`; a size of -1 goes to the end."""
    x = tensor(input_)
    for axis, (start, length) in enumerate(zip(integers(begin), integers(size), strict=True)):
        x = x.narrow(axis, start, x.shape[axis] - start if length == -1 else length)
    return x


def getitem(x: Any, index: Any) -> Any:
    """Python's indexing: numbers, slices (with negative steps too), Ellipsis, None, tensors of one number, masks."""
    x = tensor(x)
    items = list(index) if isinstance(index, (tuple, list)) else [index]
    known = sizes_of(x)
    if isinstance(known, list) and len(items) == 1 and isinstance(items[0], (int, slice)):
        part = slice(*(size(v) for v in (items[0].start, items[0].stop, items[0].step))) if isinstance(items[0], slice) else items[0]
        return with_sizes(_sliced(x, items), known[part])
    if len(items) == 1 and isinstance(items[0], Tensor) and (items[0].dtype is torch.bool or items[0].ndim):
        return x[items[0]] if items[0].dtype is torch.bool else x[items[0].long()]
    return _sliced(x, items)


def _sliced(x: Tensor, items: list[Any]) -> Tensor:
    plain: list[Any] = []
    flips: list[int] = []
    taken = sum(1 for item in items if item is not None and item is not Ellipsis)
    axis = kept = 0
    for item in items:
        if item is Ellipsis:
            skipped = x.ndim - taken
            axis, kept = axis + skipped, kept + skipped
            plain.append(item)
        elif item is None:
            plain.append(None)
            kept += 1
        elif isinstance(item, slice):
            found, flip = _forward(item, x.shape[axis])
            plain.append(found)
            if flip:
                flips.append(kept)
            axis, kept = axis + 1, kept + 1
        elif isinstance(item, Tensor) and item.ndim == 0:
            plain.append(item.long())
            axis += 1
        else:
            plain.append(item if isinstance(item, Tensor) else int(item))
            axis += 1
    y = x[tuple(plain)]
    return y.flip(flips) if flips else y


def _forward(part: slice, length: int) -> tuple[slice, bool]:
    """A slice with a positive step, and whether its result must be turned round."""
    start, stop, step = (size(v) for v in (part.start, part.stop, part.step))
    if step is None or step > 0:
        return slice(start, stop, step), False
    places = range(length)[slice(start, stop, step)]
    return (slice(places[-1], places[0] + 1, -step) if len(places) else slice(0, 0)), True


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0, ellipsis_mask: int = 0,
    new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Slicing as TensorFlow's graph has it: bit i of a mask is about item i (open begin, open end, `...`, new axis, one index)."""
    begin, end = integers(begin), integers(end)
    strides = [1] * len(begin) if strides is None else integers(strides)
    items: list[Any] = []
    for i, (first, last, step) in enumerate(zip(begin, end, strides, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            items.append(Ellipsis)
        elif new_axis_mask & bit:
            items.append(None)
        elif shrink_axis_mask & bit:
            items.append(first)
        else:
            items.append(slice(None if begin_mask & bit else first, None if end_mask & bit else last, step))
    return getitem(input_, tuple(items))
