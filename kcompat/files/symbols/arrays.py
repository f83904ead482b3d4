"""TensorFlow's functions that move elements about, by the names after `tf.`: shapes, slices, gathering, joining, ordering."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.files.symbols.common import Function, as_dtype, axes, both, integers, pick, size, sizes_of, tensor, with_sizes

_INT32 = torch.int32


# -- shape ---------------------------------------------------------------------------------------------------------------


def shape(input: Any, out_type: Any = None, name: str | None = None, optimize: bool = True) -> Any:
    """The sizes of the axes as a tensor, int32 unless `out_type` says otherwise."""
    sizes = list(tensor(input).shape)
    return with_sizes(torch.tensor(sizes, dtype=_INT32 if out_type is None else as_dtype(out_type)), sizes)


def size_(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """The number of elements as a tensor."""
    count = tensor(input).numel()
    return with_sizes(torch.tensor(count, dtype=_INT32 if out_type is None else as_dtype(out_type)), count)


def rank(input: Any, name: str | None = None) -> Any:
    """The number of axes as a tensor."""
    x = tensor(input)
    return with_sizes(torch.tensor(x.ndim, dtype=_INT32), x.ndim)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """The same elements in another shape; -1 is what is left over."""
    return _tensor(tensor).reshape(integers(shape))


_tensor = tensor


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """A new axis of size 1."""
    return tensor(input).unsqueeze(size(axis if axis is not None else dim))


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Any:
    """Without axes of size 1; one that is named and larger is an error."""
    x, axis = tensor(input), axis if axis is not None else squeeze_dims
    if axis is None or axis == []:
        return x.squeeze()
    chosen = axes(axis, x.ndim)
    wrong = [a for a in chosen if x.shape[a] != 1]
    if wrong:
        raise ArgumentError(f"`squeeze` cannot remove axis {wrong[0]} of a tensor of shape {tuple(x.shape)}: its size is not 1.")
    return x.squeeze(tuple(chosen))


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str = "transpose") -> Any:
    """Axes in another order; without `perm` reversed."""
    x = tensor(a)
    y = x.permute(integers(perm) if perm is not None else list(reversed(range(x.ndim))))
    return y.conj().resolve_conj() if conjugate and y.is_complex() else y


def matrix_transpose(a: Any, name: str | None = None, conjugate: bool = False) -> Any:
    """The last two axes exchanged."""
    y = tensor(a).transpose(-1, -2)
    return y.conj().resolve_conj() if conjugate and y.is_complex() else y


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """Repeated along axes of size 1 to a shape."""
    return tensor(input).expand(integers(shape))


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """The whole repeated along each axis."""
    return tensor(input).repeat(integers(multiples))


def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Any:
    """Each element repeated along an axis; without one, of the flattened tensor."""
    x = tensor(input)
    if isinstance(repeats, int):
        return torch.repeat_interleave(x, repeats, dim=axis)
    total = sum(repeats) if isinstance(repeats, (list, tuple)) and len(repeats) > 1 else None
    return torch.repeat_interleave(x, tensor(repeats).to(x.device, torch.int64), dim=axis, output_size=total)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """The order of the elements reversed along axes."""
    x = _tensor(tensor)
    return x.flip(axes(axis, x.ndim))


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: Any = None,
    batch_axis: Any = None,
    name: str | None = None,
    seq_dim: Any = None,
    batch_dim: Any = None,
) -> Any:
    """The first `seq_lengths` steps of each sample in reverse order."""
    x = tensor(input)
    steps, batch = (
        size(seq_axis if seq_axis is not None else seq_dim) % x.ndim,
        size(batch_axis if batch_axis is not None else batch_dim or 0),
    )
    lengths = tensor(seq_lengths).to(x.device, torch.int64)
    places = torch.arange(x.shape[steps], device=x.device)
    order = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    view = [1] * x.ndim
    view[batch], view[steps] = order.shape
    order = order if batch < steps else order.T
    return torch.gather(x, steps, order.reshape(view).expand(x.shape))


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Any:
    """Elements moved along axes, round the end."""
    return torch.roll(tensor(input), integers(shift), integers(axis))


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


# -- joining and splitting --------------------------------------------------------------------------------------------------


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


# -- making -----------------------------------------------------------------------------------------------------------------


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


# -- choosing -----------------------------------------------------------------------------------------------------------------


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """`x` where the condition holds, `y` elsewhere (all broadcast); with neither, the places where it holds as int64 rows."""
    condition = tensor(condition)
    if x is None and y is None:
        return torch.nonzero(condition)
    return torch.where(condition.bool(), *both(x, y))


def where_v1(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """TensorFlow 1: a condition of one axis chooses whole rows."""
    condition = tensor(condition)
    if x is not None and condition.ndim == 1 and tensor(x).ndim > 1:
        condition = condition.reshape(-1, *(1,) * (tensor(x).ndim - 1))
    return where(condition, x, y)


def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str = "boolean_mask") -> Any:
    """The elements (or slices) where the mask holds."""
    x, mask, axis = _tensor(tensor), _tensor(mask).bool(), size(axis) or 0
    return x[(slice(None),) * axis + (mask,)]


def gather(params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: Any = 0, name: str | None = None) -> Any:
    """Slices of `params` along an axis, in the shape of `indices`; the first `batch_dims` axes of both go together."""
    x, index = tensor(params), tensor(indices).long()
    batch = size(batch_dims or 0)
    batch += index.ndim if batch < 0 else 0
    axis = batch if axis is None else size(axis) % x.ndim
    index = index.to(x.device)
    if batch == 0:
        return x.index_select(axis, index.reshape(-1)).reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    lead = x.shape[:batch]
    flat, picked = x.movedim(axis, batch).flatten(0, batch - 1), index.flatten(0, batch - 1)
    rows = torch.arange(flat.shape[0], device=x.device).reshape(-1, *(1,) * (picked.ndim - 1))
    taken = flat[rows, picked]  # (batch, *indices, *rest), rest without `axis`
    inner, moved = index.ndim - batch, axis - batch
    taken = taken.reshape(*lead, *taken.shape[1:])
    order = [
        *range(batch),
        *range(batch + inner, batch + inner + moved),
        *range(batch, batch + inner),
        *range(batch + inner + moved, taken.ndim),
    ]
    return taken.permute(order)


def gather_nd(params: Any, indices: Any, batch_dims: Any = 0, name: str | None = None, bad_indices_policy: str = "") -> Any:
    """The elements (or slices) at the places in the last axis of `indices`."""
    x, index, batch = tensor(params), tensor(indices).long(), size(batch_dims or 0)
    if batch == 0:
        return x[tuple(index.unbind(-1))] if index.shape[-1] else x.expand(*index.shape[:-1], *x.shape)
    grids = [
        torch.arange(n, device=x.device).reshape((1,) * i + (-1,) + (1,) * (index.ndim - 2 - i)) for i, n in enumerate(x.shape[:batch])
    ]
    return x[(*grids, *index.unbind(-1))]


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None, bad_indices_policy: str = "") -> Any:
    """Updates added into zeros at the places in the last axis of `indices`."""
    updates, index = tensor(updates), tensor(indices).long()
    made = torch.zeros(integers(shape), dtype=updates.dtype, device=updates.device)
    return made.index_put(tuple(index.unbind(-1)), updates, accumulate=True)


def _scattered(accumulate: bool, sign: int = 1) -> Function:
    def call(tensor: Any, indices: Any, updates: Any, name: str | None = None, bad_indices_policy: str = "") -> Any:
        x, index = _tensor(tensor), _tensor(indices).long()
        return x.index_put(tuple(index.unbind(-1)), sign * _tensor(updates, x), accumulate=accumulate)

    return call


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """In order along an axis."""
    return torch.sort(tensor(values), dim=axis, descending=_falling(direction), stable=True).values


def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None) -> Any:
    """The places (int32) that put the elements in order; equal ones keep theirs."""
    return torch.argsort(tensor(values), dim=axis, descending=_falling(direction), stable=True).to(_INT32)


def _falling(direction: str) -> bool:
    return pick(direction, ("ascending", "descending"), "direction") == "descending"


def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = None, name: str | None = None) -> Any:
    """The `k` largest along the last axis and their places (int32), of equal ones the first."""
    found = torch.sort(tensor(input), dim=-1, descending=True, stable=True)
    count = size(k)
    return [found.values[..., :count], found.indices[..., :count].to(_INT32 if index_type is None else as_dtype(index_type))]


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = "int32", name: str | None = None) -> Any:
    """Where values would be put into sorted rows."""
    rows, found = both(sorted_sequence, values)
    return torch.searchsorted(rows.contiguous(), found.contiguous(), right=side == "right").to(as_dtype(out_type))


def unique(x: Any, out_idx: Any = "int32", name: str | None = None) -> Any:
    """The different values in the order in which they first come, and for each element which it is."""
    x = tensor(x)
    values, inverse = torch.unique(x, return_inverse=True)
    first = torch.full((len(values),), len(x), device=x.device).scatter_reduce(0, inverse, torch.arange(len(x), device=x.device), "amin")
    order = torch.argsort(first)
    return [values[order], torch.argsort(order)[inverse].to(as_dtype(out_idx))]


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None) -> Any:
    """True for the first `lengths` of `maxlen` places."""
    x = tensor(lengths)
    longest = int(x.max()) if maxlen is None else size(maxlen)
    return (torch.arange(longest, device=x.device) < x.unsqueeze(-1)).to(as_dtype(dtype))


def identity(input: Any, name: str | None = None) -> Any:
    """The tensor itself."""
    return tensor(input)


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """The tensor, as a constant for gradients."""
    return tensor(input).detach()


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Any:
    """A constant or list of tensors as one tensor."""
    return tensor(value, dtype=dtype)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Any:
    """A constant, filled up to a shape."""
    made = tensor(value, dtype=dtype)
    return made if shape is None else made.expand(integers(shape)) if made.ndim == 0 else made.reshape(integers(shape))


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """The tensor, if its shape is this one (None: any size)."""
    x = tensor(x)
    if shape is not None and (len(shape) != x.ndim or any(n is not None and n != m for n, m in zip(shape, x.shape, strict=True))):
        raise ArgumentError(f"`ensure_shape`: the tensor has the shape {tuple(x.shape)}, not {list(shape)}.")
    return x


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


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> Any:
    """Lists of the slices whose partition is 0, 1, ...."""
    x, which = tensor(data), tensor(partitions)
    return [x[which == i] for i in range(num_partitions)]


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    """Flat places as coordinates."""
    x = tensor(indices)
    return torch.stack([c.to(x.dtype) for c in torch.unravel_index(x.long(), tuple(integers(dims)))])


def shape_n(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """The shapes of several tensors."""
    return [shape(x, out_type) for x in input]


TABLE: dict[str, Function] = {
    "shape": shape, "compat.v1.shape": shape, "size": size_, "compat.v1.size": size_, "rank": rank, "reshape": reshape,
    "expand_dims": expand_dims, "compat.v1.expand_dims": expand_dims, "squeeze": squeeze, "compat.v1.squeeze": squeeze,
    "transpose": transpose, "compat.v1.transpose": transpose, "linalg.matrix_transpose": matrix_transpose, "broadcast_to": broadcast_to,
    "tile": tile, "repeat": repeat, "reverse": reverse, "reverse_sequence": reverse_sequence,
    "compat.v1.reverse_sequence": reverse_sequence,
    "roll": roll, "pad": pad, "compat.v1.pad": pad, "slice": slice_, "strided_slice": strided_slice, "__operators__.getitem": getitem,
    "concat": concat, "stack": stack, "unstack": unstack, "split": split, "meshgrid": meshgrid, "parallel_stack": stack, "fill": fill,
    "zeros": zeros, "ones": ones, "zeros_like": zeros_like, "ones_like": ones_like, "compat.v1.zeros_like": zeros_like,
    "compat.v1.ones_like": ones_like, "range": range_, "linspace": linspace, "eye": eye, "linalg.eye": eye, "one_hot": one_hot,
    "where": where, "compat.v1.where": where_v1, "boolean_mask": boolean_mask, "compat.v1.boolean_mask": boolean_mask, "gather": gather,
    "compat.v1.gather": gather, "gather_nd": gather_nd, "compat.v1.gather_nd": gather_nd, "scatter_nd": scatter_nd,
    "tensor_scatter_nd_add": _scattered(True), "tensor_scatter_nd_sub": _scattered(True, -1), "tensor_scatter_nd_update": _scattered(False),
    "sort": sort, "argsort": argsort, "math.top_k": top_k, "nn.top_k": top_k, "searchsorted": searchsorted, "unique": unique,
    "sequence_mask": sequence_mask, "identity": identity, "compat.v1.identity": identity, "stop_gradient": stop_gradient,
    "grad_pass_through": identity, "convert_to_tensor": convert_to_tensor, "constant": constant, "ensure_shape": ensure_shape,
    "nn.space_to_depth": space_to_depth, "nn.depth_to_space": depth_to_space, "compat.v1.space_to_depth": space_to_depth,
    "compat.v1.depth_to_space": depth_to_space, "space_to_batch_nd": space_to_batch_nd, "space_to_batch": space_to_batch_nd,
    "batch_to_space": batch_to_space,
    "compat.v1.batch_to_space_nd": batch_to_space, "dynamic_partition": dynamic_partition, "unravel_index": unravel_index,
    "shape_n": shape_n,
}  # fmt: skip
