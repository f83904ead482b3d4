"""Lists, dicts and tuples that are attributes of a layer: Keras finds the layers in them, so torch must too.

A list or dict tells the layer that holds it when it changes. Once there is a module in it, it is a `torch.nn.Module` as well, so that
`state_dict`, `functional_call`, exports and all else that walks modules find `blocks.0.kernel` where `ModuleList` would have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from kcompat.generations import behaviour


class _Tracked:
    """A list or dict with the functions to call when it has changed, by name of the attribute and owner."""

    def _changed(self) -> None:
        for tell in list(self.__dict__.get("_tellers", {}).values()):
            tell()


class TrackedList(_Tracked, list):
    """A list that tells its owners when it changes."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return TrackedList, (), None, list.__iter__(self)


class TrackedDict(_Tracked, dict):
    """A dict that tells its owners when it changes."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return TrackedDict, (), None, None, iter(dict.items(self))


class _Modules(torch.nn.Module):
    """Reading a container that is a module: `torch.compile` follows Python only there, so that it goes to the plain copy `_held`."""

    _held: Any

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._held)

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __getitem__(self, key: Any) -> Any:
        return self._held[key]

    def __contains__(self, item: Any) -> bool:
        return item in self._held

    def __add__(self, other: Any) -> Any:
        return self._held + (other._held if isinstance(other, _Modules) else other)

    def __radd__(self, other: Any) -> Any:
        return other + self._held


class ModulesList(_Modules, TrackedList):  # type: ignore[misc]
    """A list with modules in it."""


class ModulesDict(_Modules, TrackedDict):  # type: ignore[misc]
    """A dict with modules in it."""

    def keys(self) -> Any:
        """The keys."""
        return self._held.keys()

    def values(self) -> Any:
        """The values."""
        return self._held.values()

    def items(self) -> Any:
        """The pairs of key and value."""
        return self._held.items()

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of the key."""
        return self._held.get(key, default)


#: what may be put into a container without a module and leave it without one
_PLAIN = (type(None), bool, int, float, str, slice, torch.Tensor)


def _reporting(method: Callable[..., Any]) -> Callable[..., Any]:
    def changed(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        if kwargs or isinstance(self, _Modules) or not all(isinstance(arg, _PLAIN) for arg in args):
            _look_through(self)
        return self if result is not None and method.__name__ in ("__iadd__", "__imul__", "__ior__") else result

    return changed


for _name in (
    "append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort", "__setitem__", "__delitem__", "__iadd__", "__imul__",
):  # fmt: skip
    setattr(TrackedList, _name, _reporting(getattr(list, _name)))
for _name in ("pop", "popitem", "clear", "update", "setdefault", "__setitem__", "__delitem__", "__ior__"):
    setattr(TrackedDict, _name, _reporting(getattr(dict, _name)))


def _pairs(container: Any) -> list[tuple[Any, Any]]:
    """Key or place, and item, as the container itself has them."""
    return list(dict.items(container) if isinstance(container, dict) else enumerate(list.__iter__(container)))


def _parts(name: str, item: Any) -> Iterator[tuple[str, Any]]:
    """What is to be followed of an item, by name; torch cannot refer to a tuple, so that what is in one is named 'pair_0', 'pair_1'."""
    if isinstance(item, tuple):
        for index, inner in enumerate(item):
            yield from _parts(f"{name}_{index}", inner)
    elif isinstance(item, (torch.nn.Module, _Tracked)):
        yield name, item


def _followed(value: Any) -> Any:
    """A plain list or dict as one that is tracked, also in a tuple; anything else as it is."""
    if type(value) is tuple:
        items = tuple(_followed(item) for item in value)
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    if type(value) not in (list, dict):
        return value
    tracked = TrackedList(value) if type(value) is list else TrackedDict(value)
    _look_through(tracked)
    return tracked


def _look_through(container: Any) -> None:
    """Bring what torch knows of a container up to date, and tell its owners."""
    own: Any = dict if isinstance(container, dict) else list
    for key, item in _pairs(container):
        followed = _followed(item)
        if followed is not item:
            own.__setitem__(container, key, followed)
    pairs = _pairs(container)
    parts = [part for key, item in _in_order(pairs, container) for part in _parts(str(key).replace(".", "_"), item)]
    _listen(id(container), parts, lambda: _look_through(container))
    modules = [(name, part) for name, part in parts if isinstance(part, torch.nn.Module)]
    if modules and not isinstance(container, _Modules):
        tellers = container.__dict__.get("_tellers", {})
        container.__class__ = ModulesDict if own is dict else ModulesList
        torch.nn.Module.__init__(container)
        container.__dict__.update(_tellers=tellers, training=modules[0][1].training)
    if isinstance(container, _Modules):
        container.__dict__["_held"] = own(pairs if own is dict else (item for _, item in pairs))
        container._modules.clear()
        for name, module in modules:
            while hasattr(container, name):  # a word of torch's modules
                name += "_"
            container._modules[name] = module
    container._changed()


def _in_order(pairs: list[tuple[Any, Any]], container: Any) -> list[tuple[Any, Any]]:
    """The pairs as the generation orders the layers in them."""
    is_sorted = isinstance(container, dict) and behaviour("tracked_dict_order") == "sorted" and all(isinstance(k, str) for k, _ in pairs)
    return sorted(pairs, key=lambda pair: pair[0]) if is_sorted else pairs


def _listen(key: Any, parts: Iterable[tuple[str, Any]], tell: Callable[[], None]) -> None:
    for _, part in parts:
        if isinstance(part, _Tracked):
            part.__dict__.setdefault("_tellers", {})[key] = tell


def is_tracked(value: Any) -> bool:
    """Whether `track` takes this as the value of an attribute."""
    return type(value) in (list, dict) or isinstance(value, (tuple, _Tracked))


def track(owner: torch.nn.Module, name: str, value: Any) -> Any:
    """`value` such that the modules in it, now or later, stand in `owner._modules`."""
    value = _followed(value)
    parts = list(_parts(name, value))

    def register() -> None:
        for key, part in parts:
            if isinstance(part, torch.nn.Module):
                owner._modules[key] = part
                if any(module.training is not owner.training for module in part.modules()):
                    part.train(owner.training)

    _listen((id(owner), name), parts, register)
    register()
    return value


def forget(owner: torch.nn.Module, name: str) -> None:
    """Take back what `track` registered under `name`, before something else is put there."""
    held = owner.__dict__.get(name)
    if isinstance(held, (tuple, _Tracked)):
        for key, part in _parts(name, held):
            part.__dict__.get("_tellers", {}).pop((id(owner), name), None)
            if owner._modules.get(key) is part:
                del owner._modules[key]
        del owner.__dict__[name]
