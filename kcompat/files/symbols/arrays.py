"""TensorFlow's functions that move elements about, by the names after `tf.`: shapes, slices, gathering, joining, ordering."""

from __future__ import annotations

from typing import Any

import torch

from kcompat.errors import ArgumentError
from kcompat.files.symbols.blocks import batch_to_space, depth_to_space, space_to_batch_nd, space_to_depth
from kcompat.files.symbols.choosing import (
    _scattered,
    argsort,
    boolean_mask,
    constant,
    convert_to_tensor,
    dynamic_partition,
    ensure_shape,
    gather,
    gather_nd,
    identity,
    scatter_nd,
    searchsorted,
    sequence_mask,
    sort,
    stop_gradient,
    top_k,
    unique,
    unravel_index,
    where,
    where_v1,
)
from kcompat.files.symbols.common import Function, as_dtype, axes, integers, size, tensor, with_sizes
from kcompat.files.symbols.making import (
    concat,
    eye,
    fill,
    linspace,
    meshgrid,
    one_hot,
    ones,
    ones_like,
    pad,
    range_,
    split,
    stack,
    unstack,
    zeros,
    zeros_like,
)
from kcompat.files.symbols.slices import getitem, slice_, strided_slice

_INT32 = torch.int32

_tensor = tensor  # where an argument has TensorFlow's name `tensor`


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
