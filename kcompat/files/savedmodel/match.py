"""Which variable of a checkpoint belongs to which weight of a model, by the names of the attributes that lead to both.

Keras gives the layers of a graph the names `layer_with_weights-0`, ...; what a layer holds itself has the names of Python's attributes,
and what Keras 2 held in an inner object that is none here (the cell of an LSTM) is found below the layer by the weight's own name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from kcompat.errors import ArgumentError, ShapeError
from kcompat.files.savedmodel.bundle import Bundle
from kcompat.files.savedmodel.objects import DERIVED, Objects
from kcompat.files.weights import in_file_order

_LAYER, _WEIGHTED = "layer-", "layer_with_weights-"
_TRAINING = frozenset({"optimizer", "keras_api", "loss_tracker", "compiled_metrics", "train_function", "test_function", "predict_function"})
#: more levels than any model has
_DEPTH = 60


class Match:
    """The weights of a model and the numbers of their variables, as `pairs`."""

    def __init__(self, objects: Objects, bundle: Bundle):
        self.objects = objects
        self.bundle = bundle
        self.pairs: list[tuple[Any, int]] = []
        self._done: set[int] = set()
        self._used: set[int] = set()

    def model(self, model: Any, index: int = 0, depth: int = 0) -> None:
        """Pair what a model (or layer) holds with object `index`; an error says which layer does not fit."""
        if depth > _DEPTH:
            raise ArgumentError(f"'{_name(model)}' is nested more than {_DEPTH} levels deep.")
        if getattr(model, "_is_model", False) and self.objects.listed(index, _WEIGHTED):
            self._layers(model, index, depth)
        elif not self._listed(model, index):
            self._attributes(model, index, depth)
        self._rest(model, index)

    def _layers(self, model: Any, index: int, depth: int) -> None:
        layers = [layer for layer in model.layers if in_file_order(layer)]
        nodes = list(self.objects.listed(index, _WEIGHTED))
        if len(layers) != len(nodes):
            raise ArgumentError(
                f"The checkpoint has {len(nodes)} layers with weights where model '{_name(model)}' has {len(layers)}: "
                f"{', '.join(layer.name for layer in layers[:8])}{', ...' if len(layers) > 8 else ''}."
            )
        for layer, node in zip(layers, nodes, strict=True):
            self.model(layer, node, depth + 1)

    def _listed(self, layer: Any, index: int) -> bool:
        """Pair by the list of a layer's variables that a SavedModel has, in the order of `get_weights`; False where there is none."""
        found = self.objects.child(index, "variables")
        if found is None or getattr(layer, "_is_model", False):
            return False
        variables = self.objects.listed(found)
        weights = in_file_order(layer)
        if len(variables) != len(weights) or any(self._shape(v) != tuple(w.shape) for w, v in zip(weights, variables, strict=True)):
            return False
        for weight, variable in zip(weights, variables, strict=True):
            self._pair(weight, variable)
        return True

    def _attributes(self, owner: Any, index: int, depth: int) -> None:
        for name, node in self.objects.nodes[index].children.items():
            if name in DERIVED or name in _TRAINING or name.startswith((_LAYER, _WEIGHTED, "__")):
                continue
            for part, target in _parts(_attribute(owner, name), node, self.objects):
                if hasattr(part, "_infos"):  # a layer
                    self.model(part, target, depth + 1)
                elif any(part is weight for weight in in_file_order(owner)) and self.objects.value_key(target) is not None:
                    self._pair(part, target)

    def _rest(self, layer: Any, index: int) -> None:
        """Weights not paired yet with variables not used yet: those of one name in order, or all in order where names differ."""
        weights = [w for w in in_file_order(layer) if id(w) not in self._done]
        if not weights:
            return
        skip = DERIVED | _TRAINING
        free = [(path, v) for path, v in self.objects.variables(index, skip) if v not in self._used and self._is_number(v)]
        ours, theirs = defaultdict(list), defaultdict(list)
        for weight in weights:
            ours[_last(weight)].append(weight)
        for path, variable in free:
            theirs[path[-1] if path else ""].append(variable)
        if all(len(theirs[name]) == len(ours[name]) for name in list(ours)):
            for name, same in ours.items():
                for weight, variable in zip(same, theirs[name], strict=True):
                    self._pair(weight, variable, layer)
        elif len(free) == len(weights):
            for weight, (_, variable) in zip(weights, free, strict=True):
                self._pair(weight, variable, layer)
        else:
            raise ArgumentError(
                f"Layer '{_name(layer)}' has {len(weights)} weights ({', '.join(map(_last, weights[:6]))}), the checkpoint has {len(free)} "
                f"variables for it ({', '.join('/'.join(path) for path, _ in free[:6])})."
            )

    def _pair(self, weight: Any, variable: int, layer: Any = None) -> None:
        shape = self._shape(variable)
        if shape != tuple(weight.shape):
            stored = self.objects.nodes[variable].full_name or self.objects.value_key(variable)
            raise ShapeError(
                f"Layer '{_name(layer)}': the weight '{getattr(weight, 'path', '?')}' has shape {tuple(weight.shape)}, "
                f"the checkpoint's '{stored}' has {shape}."
            )
        self._used.add(variable)
        if id(weight) not in self._done:
            self._done.add(id(weight))
            self.pairs.append((weight, variable))

    def _shape(self, variable: int) -> tuple[int, ...] | None:
        key = self.objects.value_key(variable)
        return None if key is None else self.bundle.entry(key).shape

    def _is_number(self, variable: int) -> bool:
        key = self.objects.value_key(variable)
        return key is not None and self.bundle.entry(key).dtype != 7


def _attribute(owner: Any, name: str) -> Any:
    """The part of a layer that Keras has under this name; Keras 3 has no underscore before some."""
    held = getattr(owner, "__dict__", {})
    modules = getattr(owner, "_modules", None) or {}
    for word in (name, name.lstrip("_"), f"_{name}"):
        for table in (held, modules, getattr(owner, "_parameters", None) or {}, getattr(owner, "_buffers", None) or {}):
            if table.get(word) is not None:
                return table[word]
    return None


def _parts(value: Any, node: int, objects: Objects) -> Iterator[tuple[Any, int]]:
    """(part, object) of a layer, or of the layers and weights in a list or dict."""
    if isinstance(value, (list, tuple)):
        for item, target in zip(value, objects.listed(node), strict=False):
            yield from _parts(item, target, objects)
    elif isinstance(value, Mapping):
        for key, target in objects.nodes[node].children.items():
            if key in value:
                yield from _parts(value[key], target, objects)
    elif value is not None:
        yield value, node


def _last(weight: Any) -> str:
    return str(getattr(weight, "path", "") or "").rsplit("/", 1)[-1].removesuffix(":0")


def _name(layer: Any) -> str:
    return str(getattr(layer, "name", None) or type(layer).__name__)
