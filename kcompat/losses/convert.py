"""What stands before a loss formula: the generation's laws, tensors of one dtype, ranks brought together, hidden logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from kcompat import config
from kcompat.errors import ShapeError
from kcompat.generations import behaviour, keras_version
from kcompat.tensor.dtypes import torch_dtype

L = TypeVar("L")


@dataclass(frozen=True)
class Laws:
    """What a Keras generation does in losses, besides the formulas."""

    log_epsilon: bool
    logits_from: str
    integers: str
    function_rank: str
    object_rank: str
    smoothing_classes: str
    weighting: str
    weight_alignment: str
    hinge_signs: bool
    huber_mean: bool
    cosine_floor: float


#: (class, release) -> its laws, made once: a look-up can then be traced
_LAWS: dict[tuple[type, str], Any] = {}


def laws_of(cls: type[L], prefix: str) -> L:
    """The laws of the selected generation: each field of `cls` from the row `prefix` + its name."""
    key = cls, keras_version()
    if key not in _LAWS:
        _LAWS[key] = cls(**{name: behaviour(prefix + name, key[1]) for name in cls.__dataclass_fields__})  # type: ignore[attr-defined]
    return _LAWS[key]


@torch.compiler.assume_constant_result
def laws() -> Laws:
    """The laws of losses in the selected generation; compiled code keeps those it was compiled under."""
    return laws_of(Laws, "loss_")


def as_tensor(value: Any, device: torch.device | None = None) -> Tensor:
    """A tensor from a tensor, array, number or nested list; Python floats take the default float dtype."""
    if isinstance(value, Tensor):
        return value if device is None or value.device == device else value.to(device)
    if isinstance(value, (np.ndarray, np.generic)):
        return torch.as_tensor(value, device=device)
    array = np.asarray(value)
    if array.dtype == np.float64:
        return torch.as_tensor(array, dtype=torch_dtype(config.floatx()), device=device)
    return torch.as_tensor(array.astype(np.int32) if array.dtype == np.int64 else array, device=device)


def floating(tensor: Tensor) -> Tensor:
    """`tensor`, integers as the default float dtype."""
    return tensor if tensor.is_floating_point() else tensor.to(torch_dtype(config.floatx()))


def pair(law: Laws, y_true: Any, y_pred: Any, name: str = "") -> tuple[Tensor, Tensor]:
    """Both as tensors of one dtype, with ranks brought together as the generation's functions do.

    With the `name` of a loss, raises ShapeError for shapes that cannot stand side by side.
    """
    output = as_tensor(y_pred)
    if law.integers == "float":
        output = floating(output)
    target = as_tensor(y_true, output.device)
    if target.dtype != output.dtype:
        target = target.to(output.dtype)
    if law.function_rank == "expand":
        target, output = same_rank(target, output)
    if name and target.shape != output.shape:
        check_shapes(target, output, name)
    return target, output


def check_shapes(target: Tensor, output: Tensor, name: str) -> None:
    """Refuse targets and predictions whose shapes cannot be broadcast."""
    for a, b in zip(reversed(target.shape), reversed(output.shape), strict=False):
        if a != b and a != 1 and b != 1:
            got = f"{tuple(target.shape)} and {tuple(output.shape)}"
            raise ShapeError(f"{name}: `y_true` and `y_pred` must have shapes that fit each other, received {got}.")


def same_rank(target: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
    """Ranks that differ by one brought together: a rank of 1 gains a last axis, else a last axis of 1 goes (Keras 3)."""
    if target.ndim == output.ndim + 1 and target.shape[-1] == 1:
        return (target, output.unsqueeze(-1)) if output.ndim == 1 else (target.squeeze(-1), output)
    if output.ndim == target.ndim + 1 and output.shape[-1] == 1:
        return (target.unsqueeze(-1), output) if target.ndim == 1 else (target, output.squeeze(-1))
    return target, output


def squeeze_longer(target: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
    """The last axis of 1 dropped from whichever has one rank more (Keras 2.4 to 2.15)."""
    if target.ndim == output.ndim + 1 and target.shape[-1] == 1:
        return target.squeeze(-1), output
    if output.ndim == target.ndim + 1 and output.shape[-1] == 1:
        return target, output.squeeze(-1)
    return target, output


def logits_behind(law: Laws, y_pred: Any, from_logits: bool, activation: str) -> tuple[Any, bool]:
    """The logits behind predictions that come out of a sigmoid or softmax, where the generation looks for them."""
    hidden = getattr(y_pred, "_keras_logits", None)
    if hidden is None or law.logits_from == "none":
        return y_pred, from_logits
    if law.logits_from == "own" and (from_logits or getattr(y_pred, "_keras_logits_of", activation) != activation):
        return y_pred, from_logits
    return hidden, True


def carry_logits(before: Tensor, after: Tensor) -> None:
    """Let a reshaped or cast prediction know the logits of the one before."""
    hidden = getattr(before, "_keras_logits", None)
    if hidden is not None and after is not before:
        after._keras_logits = hidden.reshape(after.shape)  # type: ignore[attr-defined]
