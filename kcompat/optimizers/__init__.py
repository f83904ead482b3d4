"""Optimizers: each is a `torch.optim.Optimizer` with Keras' arguments and formulas.

`rules` and `layerwise` have the formulas (one function each, on lists of tensors), `classes`, `adaptive` and `large` the arguments
and slots, `legacy` those of tf.keras 2.10, `around`, `loss_scale` and `several` optimizers around others; `base`, `slots` and
`gradients` what all share, `own` what users find who write one, `options` the shared arguments, `config` what generations write,
`schedules` learning rates that change.
A new optimizer is a rule, a class of a few lines, and a row of positional names in `generations.TABLE`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch

from kcompat import registry
from kcompat.errors import ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.optimizers import experimental, legacy, schedules
from kcompat.optimizers.adaptive import Adadelta, Adagrad, Adamax, Ftrl, Lion, Nadam, RMSprop
from kcompat.optimizers.around import TFOptimizer
from kcompat.optimizers.base import Optimizer
from kcompat.optimizers.classes import SGD, Adam, AdamW
from kcompat.optimizers.gradients import clip_norm
from kcompat.optimizers.large import Adafactor, Lamb, Muon, ScheduleFreeAdamW
from kcompat.optimizers.loss_scale import LossScaleOptimizer
from kcompat.optimizers.several import MultiOptimizer, OptimizerMap

#: the spelling of Keras 1 to 2.3
sgd, rmsprop, adagrad, adadelta = SGD, RMSprop, Adagrad, Adadelta
adam, adamax, nadam = Adam, Adamax, Nadam

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer", "MultiOptimizer",
    "Muon", "Nadam", "Optimizer", "OptimizerMap", "RMSprop", "ScheduleFreeAdamW", "TFOptimizer", "clip_norm", "deserialize", "experimental",
    "get", "legacy", "schedules", "serialize",
]  # fmt: skip

_ALL = (
    Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, LossScaleOptimizer, MultiOptimizer, Muon, Nadam, RMSprop,
    ScheduleFreeAdamW, SGD,
)  # fmt: skip
registry.register("optimizer", {name: cls for cls in _ALL for name in (cls.__name__, cls.__name__.lower())})
registry.register("optimizer", {"LossScaleOptimizerV3": LossScaleOptimizer})  # tf.keras 2.11 to 2.15, around a new optimizer


def get(identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """An optimizer from a name (any case), a config, a class or an object.

    A `torch.optim` optimizer stays as it is; its class, or a `functools.partial` of it, is made when the weights are known.
    """
    if isinstance(identifier, torch.optim.Optimizer):
        return identifier
    made = identifier.func if isinstance(identifier, functools.partial) else identifier
    if isinstance(made, type) and issubclass(made, torch.optim.Optimizer) and not issubclass(made, Optimizer):
        return TFOptimizer(identifier)
    if isinstance(identifier, str):
        return registry.get("optimizer", _written(identifier), custom_objects)
    if isinstance(identifier, dict) and isinstance(identifier.get("class_name"), str):
        before = _legacy_class(identifier)
        if before is not None:
            return registry.build(before, identifier["config"], custom_objects)
        name = identifier["class_name"].removeprefix("Custom>")
        return registry.get("optimizer", {**identifier, "class_name": _written(name)}, custom_objects)
    found = registry.get("optimizer", identifier, custom_objects)
    if not hasattr(found, "step"):
        raise ArgumentTypeError(f"`optimizer` must be a name, a config, or an optimizer of kcompat or torch, received {identifier!r}.")
    return found


#: by name in small letters
_LEGACY = {name.lower(): getattr(legacy, name) for name in legacy.__all__ if name != "Optimizer"}


def _legacy_class(written: Mapping[str, Any]) -> type[Optimizer] | None:
    """The legacy class, where there are two families (tf.keras 2.11 to 2.15) and the config does not say that it is of the new one."""
    config = written.get("config")
    if behaviour("optimizer_config") != "full" or not isinstance(config, dict) or not config:
        return None
    return None if config.get("is_legacy_optimizer") is False else _LEGACY.get(written["class_name"].lower())


def _written(name: str) -> str:
    """The registered spelling of a name given in any case."""
    known = {n.lower(): n for n in registry.names("optimizer")}
    return name if registry.find("optimizer", name) is not None else known.get(name.lower(), name)


def serialize(optimizer: Any, use_legacy_format: bool = False) -> Any:
    """What stands for an optimizer in a config; the legacy format names no module."""
    written = registry.serialize("optimizer", optimizer)
    return {k: written[k] for k in ("class_name", "config")} if use_legacy_format and isinstance(written, dict) else written


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The optimizer that `serialize` described; both formats are read, whatever `use_legacy_format` says."""
    return get(config, custom_objects)
