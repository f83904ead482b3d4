"""What users give as data, as structures of tensors: conversion, lengths, sample and class weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat import config
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, nearest
from kcompat.generations import behaviour
from kcompat.tensor.dtypes import torch_dtype
from kcompat.tree import flatten, map_structure, pack

Batch = tuple[Any, Any, Any]
_WIDER = {np.dtype(np.uint16): np.int32, np.dtype(np.uint32): np.int64, np.dtype(np.uint64): np.int64}


# -- leaves -------------------------------------------------------------------------------------------------------------


def as_leaf(value: Any) -> Any:
    """A tensor from an array, table column or list of numbers; floats of arrays take the default float dtype."""
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "toarray") and hasattr(value, "tocsr"):
        value = value.toarray()
    elif hasattr(value, "to_numpy"):
        value = value.to_numpy()
    array = np.asarray(value)
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):  # what torch warns of, and what it cannot hold
        array = array.copy()
    if array.dtype.kind == "f":
        return torch.as_tensor(array, dtype=torch_dtype(config.floatx()))
    if array.dtype.kind in "USO":
        return array
    if array.dtype in _WIDER:
        array = array.astype(_WIDER[array.dtype])
    return torch.as_tensor(array)


def is_plain_list(value: Any) -> bool:
    """Whether a list or tuple holds numbers (or lists of them), so that it is one array and no structure."""
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(v, (int, float, str)) or is_plain_list(v) for v in value)


def is_array(value: Any) -> bool:
    """Whether `value` is one array-like: something with a shape or a plain list."""
    return isinstance(value, (Tensor, np.ndarray)) or (hasattr(value, "shape") and hasattr(value, "__array__")) or is_plain_list(value)


def convert(structure: Any) -> Any:
    """The structure with every array-like as a tensor."""
    return None if structure is None else map_structure(lambda v: None if v is None else as_leaf(v), structure, is_leaf=_is_leaf)


def _is_leaf(value: Any) -> bool:
    return is_array(value) or hasattr(value, "tocsr")


def move(structure: Any, device: torch.device) -> Any:
    """The structure with its tensors on `device`."""
    return map_structure(lambda v: v.to(device, non_blocking=True) if isinstance(v, Tensor) and v.device != device else v, structure)


def length(structure: Any) -> int | None:
    """The number of samples in a batch: the first size of its first array."""
    for leaf in flatten(structure):
        if hasattr(leaf, "shape") and len(leaf.shape):
            return int(leaf.shape[0])
    return None


def unpack(data: Any) -> Batch:
    """x, y and sample weights of a batch: a tuple or list of one to three, or x alone."""
    if isinstance(data, (tuple, list)) and not is_plain_list(data):
        if not 1 <= len(data) <= 3:
            raise ArgumentError(f"A batch must be (x,), (x, y) or (x, y, sample_weight), received {len(data)} items.")
        return (*data, *(None,) * (3 - len(data)))  # type: ignore[return-value]
    return data, None, None


def packed(x: Any, y: Any, weight: Any) -> tuple[Any, ...]:
    """A batch as a user's step takes it."""
    return (x,) if y is None and weight is None else (x, y) if weight is None else (x, y, weight)


def is_structure_of_arrays(x: Any) -> bool:
    """Whether `x` is an array-like, or lists, tuples and dicts of them."""
    if _is_leaf(x) or hasattr(x, "to_numpy"):
        return True
    if isinstance(x, Mapping):
        return all(is_structure_of_arrays(v) for v in x.values())
    return isinstance(x, (list, tuple)) and all(is_structure_of_arrays(v) for v in x)


# -- checks and weights ----------------------------------------------------------------------------------------------------------


def same_length(parts: Mapping[str, Any]) -> int:
    """The number of samples all arrays have, or an error that lists them."""
    sizes = {
        name: [int(leaf.shape[0]) if len(leaf.shape) else 0 for leaf in flatten(part) if leaf is not None] for name, part in parts.items()
    }
    sizes = {name: found for name, found in sizes.items() if found}
    different = {size for found in sizes.values() for size in found}
    if len(different) > 1:
        listed = "; ".join(f"`{name}`: {', '.join(map(str, found))}" for name, found in sizes.items())
        raise ShapeError(f"Data cardinality is ambiguous: all arrays must hold the same number of samples, received {listed}.")
    if different in (set(), {0}):
        raise ArgumentError("Expected input data to be non-empty, received 0 samples in `x`.")
    return different.pop()


def checked_batch_size(batch_size: Any) -> int:
    """The batch size, 32 by default."""
    if batch_size is None:
        return 32
    if not isinstance(batch_size, (int, np.integer)) or isinstance(batch_size, bool) or batch_size < 1:
        raise ArgumentError(f"`batch_size` must be an integer of at least 1, received {batch_size!r}.")
    return int(batch_size)


def weigh_classes(class_weight: Any, names: Sequence[str] | None, y: Any, sample: Any) -> Any:
    """Sample weights with those of the classes in them: a table {class: weight}, or one for each output where the generation has that."""
    if not isinstance(class_weight, (Mapping, list, tuple)):
        text = f"`class_weight` must be a table {{class: weight}}, received {class_weight!r}"
        if behaviour("class_weight_without_table") == "refuse":
            raise ArgumentTypeError(f"{text}.")
        warnings.warn(f"{text}: this generation of Keras takes no notice of it.", UserWarning, stacklevel=2)
        return sample
    flat = [y] if isinstance(y, Tensor) or y is None else flatten(y)
    by_output = isinstance(class_weight, (list, tuple)) or (
        isinstance(class_weight, Mapping) and any(isinstance(k, str) for k in class_weight)
    )
    if len(flat) == 1 and not by_output:
        return combine_weights(sample, class_weights(flat[0], class_weight))
    if not by_output or behaviour("class_weight_outputs") == "one":
        raise ArgumentError(f"`class_weight` is only supported for models with one output in this generation, received {class_weight!r}.")
    names = list(names or (f"output_{i + 1}" for i in range(len(flat))))
    targets = [y.get(name) for name in names] if isinstance(y, Mapping) else flat
    given = _tables(class_weight, names)
    if sample is None or isinstance(sample, Tensor):
        samples = [sample] * len(names)
    else:
        samples = [sample.get(name) for name in names] if isinstance(sample, Mapping) else list(sample)
    pairs = zip(targets, samples, given, strict=True)
    made = [s if table is None else combine_weights(s, class_weights(t, table)) for t, s, table in pairs]
    return made[0] if len(made) == 1 else made


def _tables(class_weight: Any, names: Sequence[str]) -> list[Any]:
    """The table of each output, from a list in their order or a dict by their names."""
    if isinstance(class_weight, Mapping):
        unknown = [key for key in class_weight if key not in names]
        if unknown:
            raise ArgumentError(f"`class_weight` names the output {unknown[0]!r}, the model has {names}. {nearest(str(unknown[0]), names)}")
        return [class_weight.get(name) for name in names]
    if len(class_weight) != len(names):
        raise ArgumentError(f"`class_weight` must hold one table for each of {len(names)} outputs, received {len(class_weight)}.")
    return list(class_weight)


def class_weights(y: Any, table: Any) -> Tensor:
    """The weight of each sample, from its class: an index, or the place of the largest entry of one-hot targets."""
    if not isinstance(y, Tensor):
        raise ArgumentError("`class_weight` is only supported for models with one output.")
    classes = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(y.shape[0], -1)[:, 0]
    classes = classes.reshape(classes.shape[0], -1)[:, 0]
    table = {int(k): float(v) for k, v in table.items()}
    if classes.is_floating_point():
        nearest = classes.round()
        if behaviour("class_of_fraction") == "none" and not torch.equal(nearest, classes):
            fractions = sorted(set(classes[nearest != classes].tolist()))
            raise ArgumentError(f"`class_weight` needs targets that are classes, `y` has {fractions}.")
        classes = nearest
    classes = classes.to(torch.int64)
    law, present = behaviour("class_weight_gaps"), sorted(set(classes.unique().tolist()))
    missing = [c for c in present if c not in table]
    if law == "refuse" and sorted(table) != list(range(len(table))):
        raise ArgumentError(f"`class_weight` must have the keys 0 to {len(table) - 1} without gaps, received {sorted(table)}.")
    if law != "one" and missing:
        raise ArgumentError(f"`class_weight` has no weight for the classes {missing} of the targets, received {table}.")
    size = max([*present, *table], default=0) + 1
    weights = torch.ones(size, dtype=torch_dtype(config.floatx()))
    for index, value in table.items():
        weights[index] = value
    return weights.to(classes.device)[classes]


def combine_weights(sample: Any, by_class: Tensor) -> Any:
    """Sample and class weights together, as the generation takes them."""
    if sample is None:
        return by_class
    law = behaviour("class_and_sample_weight")
    if law == "refuse":
        raise ArgumentError("`class_weight` and `sample_weight` cannot be given together in Keras 3.")
    if law == "sample":
        return sample
    return pack(sample, [s * by_class.reshape(by_class.shape + (1,) * (s.ndim - 1)) for s in flatten(sample)])
