"""Where each object of a model stands in a `.keras` or `.weights.h5` file: Keras' walk over attributes, as each generation does it.

An object's variables lie in `<path>/vars`. A path joins Python attribute names; inside lists and dicts an object is called by its class in
snake case with a number (`layers/dense_1`). An object reached twice stands where the walk met it first, so that the order of the walk
counts: tf.keras goes through attributes backwards, Keras 3 forwards with private ones last and `layers` of a graph first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.naming import snake_case
from kcompat.core.weights import _plain_parameters
from kcompat.generations import behaviour

#: (class, our attribute) -> what tf.keras calls it
_OTHER_NAMES = {
    ("MultiHeadAttention", name): f"_{name}" for name in ("query_dense", "key_dense", "value_dense", "output_dense")
}  # fmt: skip

Found = tuple[str, Any]


def walk(root: Any, version: str, skip: Iterable[Any] = ()) -> Iterator[Found]:
    """(path, layer) of every layer of a model, the model itself first with the path ''."""
    yield from _visit("", root, behaviour("file_objects", version), {id(thing) for thing in skip})


def _visit(path: str, thing: Any, form: str, seen: set[int]) -> Iterator[Found]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield path, thing
    for name, child in _attributes(thing, form):
        below = f"{path}/{name}" if path else name
        if isinstance(child, Layer):
            yield from _visit(below, child, form, seen)
        elif isinstance(child, (list, tuple, dict)):
            yield from _contents(below, child, form, seen)


def _contents(path: str, container: Any, form: str, seen: set[int]) -> Iterator[Found]:
    """The layers in a list or dict; Keras 3 counts those met before too when it numbers them, and goes into lists in lists."""
    taken: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        is_layer = isinstance(item, Layer)
        if not is_layer and not (form == "forwards" and isinstance(item, (list, tuple, dict))):
            continue
        if form == "backwards" and id(item) in seen:
            continue
        name = snake_case(_class_name(item)) if is_layer else "container"
        taken[name] = taken.get(name, -1) + 1
        below = f"{path}/{name}_{taken[name]}" if taken[name] else f"{path}/{name}"
        yield from _visit(below, item, form, seen) if is_layer else _contents(below, item, form, seen)


def _class_name(layer: Any) -> str:
    own = type(layer).__module__.startswith("kcompat.")
    if own and getattr(layer, "_config_class_name", None) in ("Model", "Functional"):
        return "Functional"
    named = getattr(layer, "_class_in_files", None)
    return named or (registry.written_name(type(layer)).rsplit(">", 1)[-1] if own else type(layer).__name__)


def _attributes(thing: Any, form: str) -> list[tuple[str, Any]]:
    """The attributes that hold layers, or lists and dicts of them, in the order of the walk."""
    state = thing.__dict__
    graph = set(state.get("_graph_keys", ()))
    found: dict[str, Any] = {}
    for name, held in thing._modules.items():
        if name in graph or held is None:
            continue
        if isinstance(held, torch.nn.ModuleList):
            found[name] = list(held)
        elif isinstance(held, torch.nn.ModuleDict):
            found[name] = dict(held.items())
        else:
            found[name] = state.get(name, held)
    if form == "backwards":
        found = {_OTHER_NAMES.get((type(thing).__name__, name), name): held for name, held in found.items()}
    is_model = getattr(thing, "_is_model", False)
    if is_model:
        found["layers"] = thing.layers
    if form == "backwards":
        return sorted(found.items(), reverse=True)
    first = "layers" if is_model and (graph or state.get("_network") is not None) else None
    return sorted(found.items(), key=lambda pair: (pair[0] != first, pair[0].startswith("_"), pair[0]))


def own_variables(layer: Any) -> list[Any]:
    """The variables an object itself has, trainable ones first, as `vars/0`, `vars/1`, ... hold them.

    A layer that holds a weight of another one as its own besides says so by `_variables_in_files()`.
    """
    told = getattr(layer, "_variables_in_files", None)
    if told is not None:
        return told()
    own = sorted(layer._own(), key=lambda pair: not pair[0].trainable)
    return [*(weight for _, weight in own), *_plain_parameters(layer)]


def overrides(thing: Any, method: str) -> Callable[..., Any] | None:
    """The method of a class of the user's that replaces the one of `Layer`, None where there is none."""
    found = getattr(type(thing), method, None)
    return None if found is None or found is getattr(Layer, method, None) else getattr(thing, method)
