"""States of recurrent layers: how many there are and of which shapes, in the structure of a cell's `state_size`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.graph import KerasTensor
from kcompat.tree import flatten, pack


class Lengths(tuple):
    """One size of several axes, None where it is unknown."""


def is_size(value: Any) -> bool:
    """Whether this is one size of a `state_size`, and no structure of sizes."""
    return isinstance(value, (int, torch.Size, Lengths))


def listed(value: Any) -> list[Any]:
    """A list of states or sizes as it is, one thing as a list of it."""
    return list(value) if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size) else [value]


def sizes_of(size: Any) -> tuple[int, ...]:
    """A size as a shape without the batch."""
    return tuple(size) if isinstance(size, (tuple, list)) else (size,)


def zero_states(state_size: Any, batch: int, dtype: torch.dtype, device: torch.device) -> Any:
    """Zeros of shape (batch, size) for every size in the structure `state_size`; a `torch.Size` is one shape."""
    if isinstance(state_size, int):
        return torch.zeros(batch, state_size, dtype=dtype, device=device)
    if isinstance(state_size, torch.Size):
        return torch.zeros(batch, *state_size, dtype=dtype, device=device)
    if isinstance(state_size, dict):
        return {key: zero_states(size, batch, dtype, device) for key, size in state_size.items()}
    if not isinstance(state_size, (list, tuple)):
        raise ArgumentTypeError(f"`state_size` of a cell must be an integer, or a list of such, received {state_size!r}.")
    return [zero_states(size, batch, dtype, device) for size in state_size]


def pack_states(state_size: Any, states: list[Any], layer: Any) -> list[Any]:
    """Given states in the structure of `state_size`, as many as it asks for."""
    _check_number(flatten(listed(state_size), is_leaf=is_size), states, layer)
    return pack(listed(state_size), states, is_leaf=is_size)


def _check_number(sizes: list[Any], states: list[Any], layer: Any) -> None:
    if len(states) != len(sizes):
        told = [n if isinstance(n, int) else tuple(n) for n in sizes]
        raise ArgumentError(
            f"{type(layer).__name__} '{layer.name}': `initial_state` must hold {len(sizes)} tensors, of sizes {told}; received "
            f"{len(states)}."
        )


def check_states(state_size: Any, states: list[Any], layer: Any, batch: Any) -> None:
    """Refuse start states of the wrong number, kind or shape; what is None in a shape fits all."""
    sizes = flatten(listed(state_size), is_leaf=is_size)
    where = f"{type(layer).__name__} '{layer.name}'"
    _check_number(sizes, states, layer)
    other = next((s for s in states if not isinstance(s, (Tensor, KerasTensor))), None)
    if other is not None:
        raise ArgumentTypeError(f"{where}: `initial_state` must hold tensors, received {other!r} ({type(other).__name__}).")
    wanted = [(batch, *sizes_of(n)) for n in sizes]
    if not all(_fits(tuple(s.shape), w) for s, w in zip(states, wanted, strict=True)):
        raise ShapeError(f"{where}: `initial_state` must have the shapes {wanted}, received {[tuple(s.shape) for s in states]}.")


def _fits(shape: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    return len(shape) == len(wanted) and all(a is None or b is None or a == b for a, b in zip(shape, wanted, strict=True))


def as_state(value: Any, layer: Any) -> Tensor:
    """What a user gives as a state, as a tensor."""
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentTypeError(
            f"{type(layer).__name__} '{layer.name}': `states` must hold arrays or tensors, received {value!r} ({type(value).__name__})."
        ) from error
