"""What a layer is called on: arrays become tensors, floats take the layer's dtype, what does not fit is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from kcompat import config
from kcompat.errors import ArgumentTypeError, ShapeError
from kcompat.tensor.dtypes import torch_dtype
from kcompat.tree import flatten, leaves, map_structure


def to_tensors(layer: Any, inputs: Any) -> Any:
    """Arrays and numbers as tensors on the layer's device."""
    if isinstance(inputs, torch.Tensor):
        return inputs
    if isinstance(inputs, (list, tuple)) and inputs and all(isinstance(leaf, (int, float)) for leaf in leaves(inputs)):
        inputs = np.asarray(inputs)
    return arrays_to_tensors(inputs, layer)


def device_of(layer: Any) -> torch.device:
    """The device of the layer's first weight, else the one weights would be made on."""
    for weight in layer.parameters():
        return weight.device
    return config.device()


def arrays_to_tensors(structure: Any, layer: Any = None) -> Any:
    """The structure with its numpy arrays as tensors, on the layer's device if one is given."""

    def tensor(leaf: Any) -> Any:
        if not isinstance(leaf, (np.ndarray, np.generic)):
            return leaf
        if leaf.dtype.kind not in "biufc":
            raise ArgumentTypeError(f"An array of dtype {leaf.dtype} cannot become a tensor; give numbers.")
        made = torch.as_tensor(leaf)
        made = made.to(torch_dtype(config.floatx())) if made.dtype is torch.float64 else made
        return made if layer is None else made.to(device_of(layer))

    return map_structure(tensor, structure)


def cast_inputs(layer: Any, inputs: Any) -> Any:
    """Floating inputs in the layer's compute dtype (Keras: autocast); torch's own autocast is left to do its work."""
    wanted = layer._compute_dtype
    if not layer._autocast:
        return inputs
    integers = layer._casts_integers
    if isinstance(inputs, torch.Tensor):
        return _cast_leaf(inputs, wanted, integers)
    return map_structure(lambda leaf: _cast_leaf(leaf, wanted, integers), inputs)


def _cast_leaf(leaf: Any, wanted: torch.dtype, integers: bool) -> Any:
    if not isinstance(leaf, torch.Tensor) or leaf.dtype is wanted:
        return leaf
    if not (leaf.is_floating_point() or integers) or torch.is_autocast_enabled(leaf.device.type):
        return leaf
    cast = leaf.to(wanted)
    mask = getattr(leaf, "_keras_mask", None)
    if mask is not None:
        cast._keras_mask = mask  # type: ignore[attr-defined]
    return cast


@contextlib.contextmanager
def cast_weights(layer: Any) -> Iterator[None]:
    """Inside, the layer sees its own weights in the compute dtype of its mixed policy; gradients go to the weights themselves."""
    held = dict(layer._parameters)
    try:
        for key, weight in held.items():
            if weight is not None and weight.is_floating_point():
                layer._parameters[key] = weight.to(layer._compute_dtype)
        yield
    finally:
        layer._parameters.update(held)


def check_inputs(layer: Any, inputs: Any) -> None:
    """Raise the error of the input spec that does not fit."""
    specs = layer.input_spec
    if specs is None:
        return
    where = f"layer '{layer.name}' ({type(layer).__name__})"
    tensors = flatten(inputs)
    if not isinstance(specs, (list, tuple, dict)):
        specs = [specs]
    specs = flatten(specs)
    if len(tensors) != len(specs):
        raise ShapeError(f"Input of {where}: expected {len(specs)} inputs, received {len(tensors)}.")
    for spec, tensor in zip(specs, tensors, strict=True):
        if spec is not None and not hasattr(tensor, "shape") and not isinstance(tensor, torch.fx.Proxy):
            raise ArgumentTypeError(f"Input of {where} must be a tensor or an array, received {type(tensor).__name__}.")
        if spec is not None:
            spec.check(tuple(tensor.shape), getattr(tensor, "dtype", None), where)
