"""TensorFlow's functions that join, split and make tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.files.symbols.common import as_dtype, both, integers, pick, size, sizes_of, tensor, with_sizes
from kcompat.files.symbols.slices import size_or_float

_INT32 = torch.int32

_tensor = tensor  # where an argument has TensorFlow's name `tensor`


def concat(values: Any, axis: Any, name: str = "concat") -> Any:
    """Tensors one behind the other along an axis."""
    values = values if isinstance(values, (list, tuple)) else [values]
    first = next((v for v in values if isinstance(v, Tensor)), None)
    made = torch.cat([tensor(v, first) for v in values], dim=size(axis))
    known = [sizes_of(v) for v in values]
    return with_sizes(made, [n for part in known for n in part]) if all(isinstance(part, list) for part in known) else made


def stack(values: Any, axis: int = 0, name: str = "stack") -> Any:
    """Tensors of one shape along a new axis."""
    values = values if isinstance(values, (list, tuple)) else [values]
    first = next((v for v in values if isinstance(v, Tensor)), None)
    made, known = torch.stack([tensor(v, first) for v in values], dim=axis), sizes_of(values)
    return with_sizes(made, known) if known is not None else made


def unstack(value: Any, num: Any = None, axis: int = 0, name: str = "unstack") -> Any:
    """The list of slices along an axis."""
    known = sizes_of(value) if isinstance(value, Tensor) else None
    parts = list(tensor(value).unbind(axis))
    return [with_sizes(part, n) for part, n in zip(parts, known, strict=True)] if isinstance(known, list) else parts


def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: str = "split") -> Any:
    """Parts along an axis: so many equal ones, or of these sizes (one may be -1)."""
    x, axis = tensor(value), size(axis)
    if isinstance(num_or_size_splits, (int,)):
        if x.shape[axis] % num_or_size_splits:
            raise ArgumentError(f"`split` cannot cut axis {axis} of {tuple(x.shape)} into {num_or_size_splits} equal parts.")
        return list(x.split(x.shape[axis] // num_or_size_splits, axis))
    sizes = integers(num_or_size_splits)
    rest = x.shape[axis] - sum(n for n in sizes if n >= 0)
    return list(x.split([rest if n < 0 else n for n in sizes], axis))


def meshgrid(*args: Any, **kwargs: Any) -> Any:
    """Coordinates of a grid; 'xy' exchanges the first two axes."""
    return list(torch.meshgrid(*[tensor(a) for a in args], indexing=kwargs.get("indexing", "xy")))


def fill(dims: Any, value: Any, name: str | None = None) -> Any:
    """A tensor full of one value."""
    value = tensor(value)
    return value.expand(integers(dims)).clone()


def zeros(shape: Any, dtype: Any = "float32", name: str | None = None, layout: Any = None) -> Any:
    """A tensor of zeros."""
    return torch.zeros(integers(shape), dtype=as_dtype(dtype), device=shape.device if isinstance(shape, Tensor) else None)


def ones(shape: Any, dtype: Any = "float32", name: str | None = None, layout: Any = None) -> Any:
    """A tensor of ones."""
    return torch.ones(integers(shape), dtype=as_dtype(dtype), device=shape.device if isinstance(shape, Tensor) else None)


def zeros_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None, optimize: bool = True) -> Any:
    """Zeros in the shape of a tensor."""
    return torch.zeros_like(tensor(input), dtype=None if dtype is None else as_dtype(dtype))


def ones_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None, optimize: bool = True) -> Any:
    """Ones in the shape of a tensor."""
    return torch.ones_like(tensor(input), dtype=None if dtype is None else as_dtype(dtype))


def range_(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Any:
    """Numbers from `start` (or 0) to before `limit`."""
    first, last = (0, start) if limit is None else (start, limit)
    device = next((v.device for v in (start, limit, delta) if isinstance(v, Tensor)), None)
    kind = next((v.dtype for v in (start, limit, delta) if isinstance(v, Tensor)), None)
    numbers = [size_or_float(v) for v in (first, last, delta)]
    kind = kind or (torch.float32 if any(isinstance(n, float) for n in numbers) else _INT32)
    return torch.arange(*numbers, dtype=kind if dtype is None else as_dtype(dtype), device=device)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Any:
    """`num` numbers from `start` to `stop`, both included, along a new axis."""
    start, stop = both(start, stop)
    count = size(num)
    steps = torch.linspace(0, 1, count, dtype=start.dtype, device=start.device)
    steps = steps.reshape(-1, *(1,) * start.ndim)
    return torch.movedim(start * (1 - steps) + stop * steps if count > 1 else start.expand(1, *start.shape), 0, axis)


def eye(num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = "float32", name: str | None = None) -> Any:
    """The unit matrix, repeated to a batch."""
    made = torch.eye(size(num_rows), size(num_columns if num_columns is not None else num_rows), dtype=as_dtype(dtype))
    return made.expand(*integers(batch_shape), *made.shape).clone() if batch_shape is not None else made


def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, dtype: Any = None, name: str | None = None
) -> Any:
    """`on_value` at the place of each index along a new axis, `off_value` elsewhere; an index outside has no place."""
    x = tensor(indices).long()
    hits = x.unsqueeze(-1) == torch.arange(size(depth), device=x.device)
    given = next((v for v in (on_value, off_value) if isinstance(v, Tensor)), None)
    number = next((v for v in (on_value, off_value) if v is not None and not isinstance(v, Tensor)), 1.0)
    kind = as_dtype(dtype) if dtype is not None else given.dtype if given is not None else _dtype_of(number)
    on, off = (torch.as_tensor(default if v is None else v, dtype=kind, device=x.device) for v, default in ((on_value, 1), (off_value, 0)))
    return torch.movedim(torch.where(hits, on, off), -1, -1 if axis is None else axis)


def _dtype_of(number: Any) -> torch.dtype:
    return torch.bool if isinstance(number, bool) else _INT32 if isinstance(number, int) else torch.float32


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None) -> Any:
    """Cells added around: of a constant, or the tensor mirrored with its edge (SYMMETRIC) or without (REFLECT)."""
    x = _tensor(tensor)
    pairs = [tuple(integers(pair)) for pair in (paddings.tolist() if isinstance(paddings, Tensor) else paddings)]
    kind = pick(mode, ("constant", "reflect", "symmetric"), "mode")
    if kind == "constant":
        flat = [n for pair in reversed(pairs) for n in pair]
        return torch.nn.functional.pad(x, flat, value=size_or_float(constant_values))
    for axis, (before, after) in enumerate(pairs):
        length = x.shape[axis]
        places = torch.arange(-before, length + after, device=x.device)
        if kind == "reflect":
            places = places.abs()
            places = torch.where(places >= length, 2 * (length - 1) - places, places)
        else:
            places = torch.where(places < 0, -1 - places, places)
            places = torch.where(places >= length, 2 * length - 1 - places, places)
        x = x.index_select(axis, places)
    return x
