"""Masks: which steps of a sequence count. A mask rides on an eager tensor as the attribute `_keras_mask`."""

from __future__ import annotations

from typing import Any

import torch

from kcompat.errors import MaskError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor
from kcompat.tree import flatten, is_nested, leaves, map_structure


def mask_of(value: Any) -> Any:
    """The mask of a tensor, or the masks of a structure of tensors; None where there is none."""
    return map_structure(_mask, value)


def _mask(tensor: Any) -> Any:
    # Only tensors are asked: an `torch.fx.Proxy` would answer with a proxy of whatever it is asked for.
    return getattr(tensor, "_keras_mask", None) if isinstance(tensor, (torch.Tensor, KerasTensor)) else None


def any_mask(value: Any) -> bool:
    """Whether any tensor in the structure has a mask."""
    if type(value) is torch.Tensor:
        return getattr(value, "_keras_mask", None) is not None
    return any(_mask(t) is not None for t in leaves(value))


def is_absent(mask: Any) -> bool:
    """Whether a mask, or structure of masks, holds none at all."""
    return all(m is None for m in leaves(mask))


def attach(outputs: Any, masks: Any, inputs: Any) -> Any:
    """The outputs with their masks; an output that is an input object under another mask becomes a view of it."""
    flat = flatten(outputs)
    given = flatten(masks) if is_nested(masks) else [masks] * len(flat)
    received = {id(t) for t in leaves(inputs)}
    position = iter(range(len(flat)))

    def mark(tensor: Any) -> Any:
        index = next(position)
        mask = given[index] if index < len(given) else None
        held = _mask(tensor)
        if mask is held or not isinstance(tensor, torch.Tensor):
            return tensor
        if id(tensor) in received:
            tensor = tensor.view_as(tensor)
        tensor._keras_mask = mask
        return tensor

    return map_structure(mark, outputs)


def refuse_mask(layer: Any) -> None:
    """Keras 1 and 2.0-2.3 raise where a mask reaches a layer that cannot handle one; later the mask is dropped."""
    if behaviour("unsupported_mask", layer._keras_version) == "raise":
        raise MaskError(
            f"Layer '{layer.name}' ({type(layer).__name__}) does not support masking, but its input has a mask. "
            "Put the layer before the mask is made, or set `supports_masking = True` in a layer of your own."
        )
