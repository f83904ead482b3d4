"""Map and flatten nested structures: tuples, lists and dicts of leaves; dicts in the order of their sorted keys, as Keras.

A shape is not a structure: pass `is_leaf` where tuples are leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Leaf = Callable[[Any], bool]


def _keys(structure: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(structure)
    except TypeError:
        return list(structure)


def _rebuild(structure: Any, items: Any) -> Any:
    kind = type(structure)
    return kind(*items) if hasattr(kind, "_fields") else kind(items)


def leaves(structure: Any, is_leaf: Leaf | None = None) -> Iterator[Any]:
    """The leaves from left to right, dict values by sorted key."""
    if is_leaf is not None and is_leaf(structure):
        yield structure
    elif isinstance(structure, dict):
        for key in _keys(structure):
            yield from leaves(structure[key], is_leaf)
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            yield from leaves(item, is_leaf)
    else:
        yield structure


def flatten(structure: Any, is_leaf: Leaf | None = None) -> list[Any]:
    """The leaves as a list."""
    return list(leaves(structure, is_leaf))


def map_structure(function: Callable[..., Any], structure: Any, *others: Any, is_leaf: Leaf | None = None) -> Any:
    """`function` of each leaf (and the things at the same places in `others`), in the structure of the first."""
    if is_leaf is not None and is_leaf(structure):
        return function(structure, *others)
    if isinstance(structure, dict):
        mapped = {k: map_structure(function, structure[k], *(o[k] for o in others), is_leaf=is_leaf) for k in _keys(structure)}
        return {k: mapped[k] for k in structure}
    if isinstance(structure, (list, tuple)):
        items = [map_structure(function, item, *(o[i] for o in others), is_leaf=is_leaf) for i, item in enumerate(structure)]
        return _rebuild(structure, items)
    return function(structure, *others)


def pack(structure: Any, flat: Any, is_leaf: Leaf | None = None) -> Any:
    """The values of `flat`, in flattening order, in the structure of the first argument."""
    values = iter(flat)
    return map_structure(lambda _: next(values), structure, is_leaf=is_leaf)


def is_nested(value: Any) -> bool:
    """Whether `value` is a list, tuple or dict."""
    return isinstance(value, (list, tuple, dict))
