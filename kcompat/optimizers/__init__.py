"""Optimizers: each is a `torch.optim.Optimizer` with Keras' arguments and formulas.

`rules` has the formulas (one function each, on lists of tensors), `classes` the arguments and slots, `base` what all share,
`options` the shared arguments, `config` what generations write, `schedules` learning rates that change.
A new optimizer is a rule, a class of a few lines, and a row of positional names in `generations.TABLE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from kcompat import registry
from kcompat.errors import ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.optimizers import legacy, schedules
from kcompat.optimizers.base import Optimizer
from kcompat.optimizers.classes import SGD, Adam

__all__ = ["SGD", "Adam", "Optimizer", "deserialize", "get", "legacy", "schedules", "serialize"]

registry.register("optimizer", {name: cls for cls in (SGD, Adam) for name in (cls.__name__, cls.__name__.lower())})


def get(identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """An optimizer from a name (any case), a config, a class or an object; a `torch.optim` optimizer stays as it is."""
    if isinstance(identifier, torch.optim.Optimizer):
        return identifier
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
