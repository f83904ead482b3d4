"""What the functions of the table share: constants that become tensors, axes, dtypes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.tensor.dtypes import torch_dtype

Function = Callable[..., Any]


def tensor(value: Any, like: Any = None, dtype: Any = None) -> Tensor:
    """A constant from a config as a tensor: of `dtype`, of the dtype of `like`, or of TensorFlow's own choice (int32, float32)."""
    if isinstance(value, Tensor):
        return value if dtype is None else value.to(as_dtype(dtype))
    device = like.device if isinstance(like, Tensor) else None
    if isinstance(value, (list, tuple)) and any(isinstance(item, Tensor) for item in value):
        first = next(item for item in value if isinstance(item, Tensor))
        return torch.stack([tensor(item, first) for item in value])
    if dtype is not None:
        return torch.as_tensor(value, dtype=as_dtype(dtype), device=device)
    if isinstance(like, Tensor):
        return torch.as_tensor(value, dtype=like.dtype, device=device)
    array = np.asarray(value)
    narrow = {"i": np.int32, "f": np.float32}.get(array.dtype.kind) if not isinstance(value, (np.ndarray, np.generic)) else None
    return torch.as_tensor(array.astype(narrow) if narrow is not None else array, device=device)


def both(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Two operands as tensors; a constant takes the other's dtype."""
    if isinstance(x, Tensor):
        return x, y if isinstance(y, Tensor) else tensor(y, x)
    if isinstance(y, Tensor):
        return tensor(x, y), y
    first = tensor(x)
    return first, tensor(y, first)


def with_sizes(made: Tensor, sizes: Any) -> Tensor:
    """A tensor that holds sizes of axes, and the numbers themselves riding on it: nothing needs to read it back, traced or not."""
    made._keras_sizes = sizes  # type: ignore[attr-defined]
    return made


def sizes_of(value: Any) -> Any:
    """The sizes that ride on a tensor (a number or a list), a plain number or list itself, or None."""
    if isinstance(value, Tensor):
        return getattr(value, "_keras_sizes", None)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (list, tuple)):
        found = [sizes_of(item) for item in value]
        return None if any(not isinstance(item, (int, torch.SymInt)) for item in found) else found
    return value if isinstance(value, (int, torch.SymInt)) else None


def integers(value: Any) -> list[Any]:
    """A shape or list of sizes as plain numbers."""
    found = sizes_of(value)
    if found is not None:
        return list(found) if isinstance(found, list) else [found]
    if isinstance(value, Tensor):
        return value.reshape(-1).tolist()
    if isinstance(value, np.ndarray):
        return value.reshape(-1).tolist()
    return [size(n) for n in value] if isinstance(value, (list, tuple)) else [size(value)]


def size(value: Any) -> Any:
    """One size: a number, also from a tensor of one element."""
    found = sizes_of(value)
    if found is not None:
        return found[0] if isinstance(found, list) else found
    if isinstance(value, Tensor):
        return value.item()
    return None if value is None else int(value)


def axes(axis: Any, rank: int) -> list[int]:
    """The axes as a list of numbers from 0; None is all of them."""
    if axis is None:
        return list(range(rank))
    given = integers(axis) if isinstance(axis, (list, tuple, Tensor, np.ndarray)) else [int(axis)]
    for number in given:
        if not -rank <= number < rank:
            raise ArgumentError(f"`axis` {number} is none of a tensor of rank {rank}.")
    return [number % rank if rank else 0 for number in given]


def as_dtype(dtype: Any) -> torch.dtype:
    """The torch dtype of a name; TensorFlow's names of types too ('DT_FLOAT')."""
    if isinstance(dtype, str) and dtype.startswith("DT_"):
        name = dtype[3:].lower()
        return torch_dtype({"float": "float32", "half": "float16", "double": "float64"}.get(name, name))
    if isinstance(dtype, dict) and isinstance(dtype.get("config"), dict):
        dtype = dtype["config"].get("name")
    return torch_dtype(dtype)


def same(*names: str, function: Function) -> dict[str, Function]:
    """One function under several names."""
    return dict.fromkeys(names, function)


def unsupported(**given: Any) -> None:
    """Refuse arguments that are not honoured, by name, unless they have the value that changes nothing (None, False)."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise ArgumentError(f"`{name}={value!r}` of a TensorFlow function in the model is not supported here.")


def pick(value: Any, choices: Sequence[str], name: str) -> str:
    """A word that must be one of a few, in any case of letters."""
    if not isinstance(value, str) or value.lower() not in choices:
        raise ArgumentError(f"`{name}` must be one of {list(choices)}, received {value!r}.")
    return value.lower()
