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
        name = _written(identifier["class_name"].removeprefix("Custom>"))
        if _is_legacy(identifier, name):
            return registry.build(getattr(legacy, name), identifier["config"], custom_objects)
        return registry.get("optimizer", {**identifier, "class_name": name}, custom_objects)
    found = registry.get("optimizer", identifier, custom_objects)
    if not hasattr(found, "step"):
        raise ArgumentTypeError(f"`optimizer` must be a name, a config, or an optimizer of kcompat or torch, received {identifier!r}.")
    return found


def _is_legacy(written: Mapping[str, Any], name: str) -> bool:
    """Whether a config of a generation that has two families of optimizers (tf.keras 2.11 to 2.15) means the one of before."""
    if behaviour("optimizer_config") != "full" or name not in legacy.__all__ or written["class_name"].startswith("Custom>"):
        return False
    config = written.get("config")
    return isinstance(config, dict) and bool(config) and config.get("is_legacy_optimizer") is not False


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
