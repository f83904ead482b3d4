"""TensorFlow's functions over axes, by the names after `tf.`: reductions, cumulations, segments, places of extremes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.files.symbols.common import Function, as_dtype, axes, size, sizes_of, tensor, with_sizes
from kcompat.tensor.dtypes import torch_dtype


def _over(function: Callable[[Tensor, list[int], bool], Tensor]) -> Function:
    """A reduction with TensorFlow's arguments, those of TensorFlow 1 too; no axes reduce nothing."""

    def call(
        input_tensor: Any,
        axis: Any = None,
        keepdims: Any = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: Any = None,
    ) -> Any:
        x = tensor(input_tensor)
        chosen = axes(axis if axis is not None else reduction_indices, x.ndim)
        return function(x, chosen, bool(keepdims or keep_dims))

    return call


def _sum(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    return torch.sum(x, chosen, keep, dtype=x.dtype) if chosen else x


def _mean(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    if not chosen:
        return x
    if x.is_floating_point() or x.is_complex():
        return torch.mean(x, chosen, keep)
    count = 1
    for axis in chosen:
        count *= x.shape[axis]
    return torch.div(_sum(x, chosen, keep), count, rounding_mode="trunc")


def _prod(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    known = sizes_of(x)
    if isinstance(known, list) and not keep:
        return with_sizes(torch.prod(x, dtype=x.dtype), math.prod(known))
    for axis in sorted(chosen, reverse=True):
        x = torch.prod(x, axis, keep, dtype=x.dtype)
    return x


def _max(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    return torch.amax(x, chosen, keep) if chosen else x


def _min(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    return torch.amin(x, chosen, keep) if chosen else x


def _all(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    return torch.all(x.bool(), tuple(chosen), keep) if chosen else x.bool()


def _any(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    return torch.any(x.bool(), tuple(chosen), keep) if chosen else x.bool()


def _logsumexp(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    return torch.logsumexp(x, chosen, keep) if chosen else x


def _variance(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    middle = x.mean(chosen, True)
    return ((x - middle) * (x - middle)).mean(chosen, keep)


def _std(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    return torch.sqrt(_variance(x, chosen, keep))


def _euclidean_norm(x: Tensor, chosen: list[int], keep: bool) -> Tensor:
    return torch.sqrt(_sum(x * x, chosen, keep))


def count_nonzero(
    input: Any, axis: Any = None, keepdims: Any = None, dtype: Any = "int64", name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Any:  # fmt: skip
    """How many elements are not zero, over axes."""
    x = tensor(input)
    chosen = axes(axis if axis is not None else reduction_indices, x.ndim)
    return torch.sum((x != 0).to(as_dtype(dtype)), chosen, bool(keepdims or keep_dims))


def _extreme(largest: bool) -> Function:
    def call(input: Any, axis: Any = None, output_type: Any = "int64", name: str | None = None, dimension: Any = None) -> Any:
        """The place of the first extreme element along an axis (default 0)."""
        x = tensor(input)
        along = size(axis if axis is not None else dimension if dimension is not None else 0)
        x = x.to(torch.uint8) if x.dtype is torch.bool else x
        return (torch.argmax if largest else torch.argmin)(x, along).to(as_dtype(output_type))

    return call


def _cumulated(function: Callable[[Tensor, int], Tensor], neutral: float) -> Function:
    def call(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
        """What has come so far along an axis: with (or, `exclusive`, without) the element itself; from the end with `reverse`."""
        x, along = tensor(x), size(axis)
        x = x.flip(along) if reverse else x
        y = function(x, along).to(x.dtype)
        if exclusive:
            first = torch.full_like(y.narrow(along, 0, 1), neutral)
            y = torch.cat([first, y.narrow(along, 0, y.shape[along] - 1)], along)
        return y.flip(along) if reverse else y

    return call


def _segments(kind: str, is_sorted: bool) -> Function:
    def call(data: Any, segment_ids: Any, num_segments: Any = None, name: str | None = None) -> Any:
        """Rows of one id put together; empty segments hold 0 (sum, mean, sorted ones) or the operation's own neutral element."""
        x, ids = tensor(data), tensor(segment_ids).long()
        count = size(num_segments) if num_segments is not None else int(ids.max()) + 1
        if not is_sorted and num_segments is None:
            raise ArgumentError("`num_segments` of an unsorted segment reduction must be given.")
        flat = x.reshape(-1, *x.shape[ids.ndim :])
        flat_ids = ids.reshape(-1)
        flat_ids = torch.where(flat_ids < 0, count, flat_ids)  # negative ones go into a place of their own
        index = flat_ids.reshape(-1, *(1,) * (flat.ndim - 1)).expand(flat.shape)
        shape = (count + 1, *flat.shape[1:])
        if kind in ("sum", "mean", "sqrt_n"):
            total = torch.zeros(shape, dtype=x.dtype, device=x.device).scatter_add(0, index, flat)
            if kind == "sum":
                return total[:count]
            sizes = torch.zeros(count + 1, dtype=x.dtype, device=x.device).scatter_add(
                0, flat_ids, torch.ones_like(flat_ids, dtype=x.dtype)
            )
            sizes = sizes.clamp(min=1).reshape(-1, *(1,) * (flat.ndim - 1))
            return (total / (sizes if kind == "mean" else torch.sqrt(sizes)))[:count]
        limits = torch.finfo(x.dtype) if x.is_floating_point() else torch.iinfo(x.dtype)
        neutral = {"max": limits.min, "min": limits.max, "prod": 1}[kind]
        start = torch.full(shape, neutral, dtype=x.dtype, device=x.device)
        y = start.scatter_reduce(0, index, flat, {"max": "amax", "min": "amin", "prod": "prod"}[kind])[:count]
        if not is_sorted:
            return y
        there = torch.zeros(count + 1, dtype=torch.bool, device=x.device).index_fill(0, flat_ids, True)[:count]
        other = torch.ones_like(y) if kind == "prod" else torch.zeros_like(y)
        return torch.where(there.reshape(-1, *(1,) * (y.ndim - 1)), y, other)

    return call


def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = "int32", name: str | None = None,
    axis: Any = None, binary_output: bool = False,
) -> Any:  # fmt: skip
    """How often 0, 1, ... occur (or the sum of their weights); with `axis=-1` row by row."""
    x = tensor(arr).long()
    if axis not in (None, 0, -1):
        raise ArgumentError(f"`axis` of `bincount` must be None, 0 or -1, received {axis!r}.")
    rows = x.reshape(1, -1) if axis in (None, 0) or x.ndim == 1 else x
    length = max(int(x.max()) + 1 if x.numel() else 0, size(minlength) or 0)
    length = min(length, size(maxlength)) if maxlength is not None else length
    hits = rows.unsqueeze(-1) == torch.arange(length, device=x.device)
    if binary_output:
        y = hits.any(1).to(as_dtype(dtype))
    elif weights is None:
        y = hits.sum(1).to(as_dtype(dtype))
    else:
        y = (hits * tensor(weights).reshape(rows.shape).unsqueeze(-1)).sum(1)
    return y[0] if axis in (None, 0) or x.ndim == 1 else y


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, weights: Any = None, dtype: Any = "int32", name: str | None = None
) -> Any:
    """How often class i was taken for class j."""
    a, b = tensor(labels).long().reshape(-1), tensor(predictions).long().reshape(-1)
    count = size(num_classes) if num_classes is not None else int(torch.maximum(a.max(), b.max())) + 1
    kind = torch_dtype(dtype)
    values = torch.ones_like(a, dtype=kind) if weights is None else tensor(weights).reshape(-1).to(kind)
    return torch.zeros(count * count, dtype=kind, device=a.device).scatter_add(0, a * count + b, values).reshape(count, count)


def cumulative_logsumexp(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """The logarithm of the cumulated sum of exponentials."""
    return _cumulated(torch.logcumsumexp, torch.finfo(tensor(x).dtype).min)(x, axis, exclusive, reverse)


def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Any:
    """Whether fewer than `k` predictions are larger than the target's."""
    targets, predictions = tensor(targets).long(), tensor(predictions)
    own = predictions.gather(-1, targets.unsqueeze(-1))
    return ((predictions > own).sum(-1) < size(k)) & torch.isfinite(own.squeeze(-1))


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The share of elements that are zero."""
    return (tensor(value) == 0).float().mean()


_REDUCTIONS = {
    "sum": _sum, "mean": _mean, "prod": _prod, "max": _max, "min": _min, "all": _all, "any": _any, "logsumexp": _logsumexp,
    "variance": _variance, "std": _std, "euclidean_norm": _euclidean_norm,
}  # fmt: skip

TABLE: dict[str, Function] = {
    **{f"math.reduce_{name}": _over(function) for name, function in _REDUCTIONS.items()},
    **{f"compat.v1.reduce_{name}": _over(_REDUCTIONS[name]) for name in ("sum", "mean", "prod", "max", "min", "all", "any", "logsumexp")},
    **{f"math.segment_{kind}": _segments(kind, True) for kind in ("sum", "mean", "max", "min", "prod")},
    **{f"math.unsorted_segment_{kind}": _segments(kind, False) for kind in ("sum", "mean", "max", "min", "prod", "sqrt_n")},
    "math.count_nonzero": count_nonzero, "compat.v1.count_nonzero": count_nonzero, "math.argmax": _extreme(True),
    "math.argmin": _extreme(False), "compat.v1.argmax": _extreme(True), "compat.v1.argmin": _extreme(False),
    "math.cumsum": _cumulated(torch.cumsum, 0), "math.cumprod": _cumulated(torch.cumprod, 1),
    "math.cumulative_logsumexp": cumulative_logsumexp, "math.bincount": bincount, "math.confusion_matrix": confusion_matrix,
    "math.in_top_k": in_top_k, "nn.in_top_k": in_top_k,
    "compat.v1.math.in_top_k": lambda predictions, targets, k, name=None: in_top_k(targets, predictions, k),
    "math.zero_fraction": zero_fraction, "nn.zero_fraction": zero_fraction,
}  # fmt: skip
