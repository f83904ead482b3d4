"""TensorFlow's functions that choose, gather, scatter and order elements."""

from __future__ import annotations

from typing import Any

import torch

from kcompat.errors import ArgumentError
from kcompat.files.symbols.common import Function, as_dtype, both, integers, pick, size, tensor

_INT32 = torch.int32

_tensor = tensor  # where an argument has TensorFlow's name `tensor`


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


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> Any:
    """Lists of the slices whose partition is 0, 1, ...."""
    x, which = tensor(data), tensor(partitions)
    return [x[which == i] for i in range(num_partitions)]


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    """Flat places as coordinates."""
    x = tensor(indices)
    return torch.stack([c.to(x.dtype) for c in torch.unravel_index(x.long(), tuple(integers(dims)))])
