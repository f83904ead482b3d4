"""Losses: functions of targets and predictions, and `Loss` objects that weigh, mask and average what a function gives.

`tensor/loss` has the formulas; `functions` convert, bring ranks together and call them; `base` has the objects; `classes`
name arguments. What differs between generations (`convert.Laws`) an object keeps from its construction; a function
called directly takes it from the selected generation. Names are registered here.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from kcompat import registry
from kcompat.errors import ArgumentTypeError
from kcompat.losses.base import Loss, LossFunctionWrapper, TorchLoss
from kcompat.losses.classes import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from kcompat.losses.functions import (
    ALIASES,
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
bce = BCE = binary_crossentropy

_FUNCTIONS: tuple[Any, ...] = (
    mean_squared_error, mean_absolute_error, binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy,
)  # fmt: skip
_CLASSES = (
    Loss, LossFunctionWrapper, MeanSquaredError, MeanAbsoluteError, BinaryCrossentropy, CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)  # fmt: skip
registry.register("loss", {name: fn for fn in _FUNCTIONS for name in (fn.__name__, *ALIASES.get(fn, ()))})
registry.register("loss", {cls.__name__: cls for cls in _CLASSES})


def get(identifier: Any) -> Any:
    """A loss from a name, config, class, function or object; None stays None."""
    return registry.get("loss", identifier)


def serialize(loss: Any, use_legacy_format: bool = False) -> Any:
    """What stands for a loss in a config; the legacy format names no module."""
    written = registry.serialize("loss", loss)
    return {k: written[k] for k in ("class_name", "config")} if use_legacy_format and isinstance(written, dict) else written


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The loss that `serialize` described; both formats are read, whatever `use_legacy_format` says."""
    return registry.get("loss", name, custom_objects)


def as_loss(identifier: Any) -> Loss | None:
    """What `compile` makes of a loss: an object that weighs and averages."""
    if identifier is None:
        return None
    found = identifier if isinstance(identifier, (Loss, torch.nn.Module)) else get(identifier)
    if isinstance(found, Loss):
        return found
    if isinstance(found, torch.nn.Module):
        return TorchLoss(found)
    if not callable(found) or inspect.isclass(found):
        raise ArgumentTypeError(f"`loss` must be a name, a function, a Loss or a torch loss module, received {identifier!r}.")
    return LossFunctionWrapper(found)
