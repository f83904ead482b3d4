"""Layers in lists and dicts that are attributes of a layer: Keras finds them there, so their modules are registered too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class _Container(torch.nn.Module):
    """Holds the modules found in a list or dict, so that torch lists them under the attribute's name."""


class TrackedList(list):
    """A list that tells its owner when it changes."""

    _changed: Callable[[], None] = staticmethod(lambda: None)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)


class TrackedDict(dict):
    """A dict that tells its owner when it changes."""

    _changed: Callable[[], None] = staticmethod(lambda: None)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)


def _reporting(method: Callable[..., Any]) -> Callable[..., Any]:
    def changed(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        self._changed()
        return result

    return changed


for _name in (
    "append",
    "extend",
    "insert",
    "pop",
    "remove",
    "clear",
    "reverse",
    "sort",
    "__setitem__",
    "__delitem__",
    "__iadd__",
    "__imul__",
):
    setattr(TrackedList, _name, _reporting(getattr(list, _name)))
for _name in ("pop", "popitem", "clear", "update", "setdefault", "__setitem__", "__delitem__", "__ior__"):
    setattr(TrackedDict, _name, _reporting(getattr(dict, _name)))


def modules_inside(structure: Any, prefix: str = "") -> dict[str, torch.nn.Module]:
    """The modules in nested lists, tuples and dicts, by a key that says where they stand ('0', 'encoder_1')."""
    items = structure.items() if isinstance(structure, dict) else enumerate(structure)
    found: dict[str, torch.nn.Module] = {}
    for key, item in items:
        name = f"{prefix}{key}".replace(".", "_")
        if isinstance(item, torch.nn.Module):
            found[name] = item
        elif isinstance(item, (list, tuple, dict)):
            found.update(modules_inside(item, f"{name}_"))
    return found


def forget(owner: torch.nn.Module, name: str) -> None:
    """Take back what `track` registered under `name`, before something else is put there."""
    modules = owner.__dict__.get("_modules")
    if modules and isinstance(modules.get(name), _Container):
        del modules[name]
        owner.__dict__.pop(name, None)


def track(owner: torch.nn.Module, name: str, value: list[Any] | tuple[Any, ...] | dict[Any, Any]) -> Any:
    """`value` as a container that keeps `owner._modules[name]` up to date (tuples stay what they are)."""

    def register() -> None:
        found = modules_inside(value)
        held = owner._modules.get(name)
        if not found and not isinstance(held, _Container):
            return
        container = _Container()
        container.training = owner.training
        owner._modules[name] = container
        for key, module in found.items():
            container.add_module(key, module)

    if type(value) is list:
        value = TrackedList(value)
    elif type(value) is dict:
        value = TrackedDict(value)
    if isinstance(value, (TrackedList, TrackedDict)):
        value._changed = register  # type: ignore[assignment,method-assign]
    register()
    return value
