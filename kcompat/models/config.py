"""Architectures as plain data: written in the form of the model's generation, read in the form of any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from kcompat import registry
from kcompat.core.input import InputLayer
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor
from kcompat.graph.symbol import Node
from kcompat.tree import flatten, map_structure

_RELEASES = {"1": "1.2.2", "2": "2.15.0", "2.2": "2.2.4", "2.3": "2.3.1", "2.15": "2.15.0", "3": "3.15.1"}


# -- writing --------------------------------------------------------------------------------------------------------------


def model_to_config(model: Any) -> dict[str, Any]:
    """Class name and config of a model, with the Keras version it is written for."""
    config = registry.serialize("layer", model)
    if behaviour("config_node_form", model._keras_version) == "arguments":
        return config
    version = model._keras_version
    return {
        "class_name": config["class_name"],
        "config": config["config"],
        "keras_version": _RELEASES.get(version, version),
        "backend": "tensorflow",
    }


def functional_config(model: Any) -> dict[str, Any]:
    """The config of a graph: its layers, the calls of each, its inputs and outputs."""
    version = model._keras_version
    rows = behaviour("config_node_form", version) == "rows"
    network = model._network
    shift = {id(op): int(rows and getattr(op, "_network", None) is not None) for op in network.operations}
    index = {id(node): i + shift[id(op)] for op in network.operations for i, node in enumerate(network.calls_of(op))}

    def place(tensor: KerasTensor) -> list[Any]:
        node = tensor._node
        assert node is not None
        return [node.operation.name, index[id(node)], tensor._index]

    layers = []
    for operation in network.operations:
        if not isinstance(operation, Layer):
            raise ArgumentError(
                f"Model '{model.name}' applies the function `{getattr(operation, '__name__', operation)}` to symbolic tensors; a config "
                "cannot name it. Put it into a layer: `Lambda(...)` or a class of your own with `get_config`."
            )
        calls = [node for node in network.calls_of(operation) if node.parents]
        write = _row_node if rows else _argument_node
        layers.append({**registry.serialize("layer", operation), "name": operation.name, "inbound_nodes": [write(n, place) for n in calls]})
    ends = {"input_layers": model.__dict__["_inputs_structure"], "output_layers": model.__dict__["_outputs_structure"]}
    written: dict[str, Any] = {"name": model.name}
    if behaviour("config_names_module", version):
        written["trainable"] = model._trainable
    written["layers"] = layers
    for key, structure in ends.items():
        single = isinstance(structure, KerasTensor)
        written[key] = map_structure(place, [structure] if single and rows else structure)
    return written


def _row_node(node: Node, place: Any) -> Any:
    """Keras 1 and 2: one row [layer, node, tensor, keywords] for each tensor of the first argument."""
    names = node.operation._call_spec.names
    keywords = {**dict(zip(names[1:], node.args[1:], strict=False)), **node.kwargs}
    written = map_structure(lambda v: place(v) if isinstance(v, KerasTensor) else plain(v), keywords)
    first = node.args[0]
    return [[*place(tensor), written] for tensor in flatten(first)]


def _argument_node(node: Node, place: Any) -> dict[str, Any]:
    """Keras 3: arguments as they were given, tensors as `__keras_tensor__`."""

    def write(value: Any) -> Any:
        if not isinstance(value, KerasTensor):
            return plain(value)
        config = {"shape": value.shape, "dtype": str(value.dtype).removeprefix("torch."), "keras_history": place(value)}
        return {"class_name": "__keras_tensor__", "config": config}

    keywords = {"mask": None, **node.kwargs} if node.operation._call_spec.takes_mask and node.operation.supports_masking else node.kwargs
    return {"args": list(map_structure(write, node.args)), "kwargs": map_structure(write, keywords)}


def sequential_config(model: Any) -> Any:
    """The config of a stack of layers."""
    version = model._keras_version
    layers = [registry.serialize("layer", layer) for layer in model.layers]
    if behaviour("config_sequential_form", version) == "list":
        return layers
    if behaviour("config_sequential_input_layer", version) and model._begin is not None:
        layers.insert(0, registry.serialize("layer", model._begin))
    written: dict[str, Any] = {"name": model.name, "layers": layers}
    if behaviour("config_node_form", version) == "arguments":
        written = {
            "name": model.name,
            "trainable": model._trainable,
            "dtype": registry.serialize("dtype_policy", model.dtype_policy),
            "layers": layers,
        }
        if model._begin is not None:
            written["build_input_shape"] = model._begin.batch_shape
    elif not behaviour("config_sequential_input_layer", version) and "_deferred_shape" in model.__dict__:
        written["build_input_shape"] = model._deferred_shape
    return written


def compile_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """What `compile` was given, objects written as their configs."""
    kinds = {"optimizer": "optimizer", "loss": "loss", "metrics": "metric", "weighted_metrics": "metric"}
    written = {"optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution", "jit_compile"}
    config = {}
    for key in written & set(given):
        kind = kinds.get(key)
        config[key] = given[key] if kind is None else map_structure(partial(registry.serialize, kind), given[key])
    return config


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value).tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (torch.dtype, torch.Size)):
        return list(value) if isinstance(value, torch.Size) else str(value).removeprefix("torch.")
    if value is None or isinstance(value, (str, int, float, bool, list, tuple, dict)):
        return value
    raise ArgumentTypeError(f"{value!r} cannot be written to a config: it is no plain data and has no `get_config`.")


# -- reading --------------------------------------------------------------------------------------------------------------


def model_from_config(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model that a config of class name and inner config describes."""
    name, inner = registry.split_config("layer", config)
    cls = registry.lookup("layer", name, custom_objects)
    if not (isinstance(cls, type) and issubclass(cls, Layer) and getattr(cls, "_is_model", False)):
        raise ArgumentTypeError(f"The config describes '{name}', which is no model.")
    return registry.build(cls, inner, custom_objects)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model whose architecture `to_json` wrote; its weights are new."""
    return model_from_config(json.loads(json_string), custom_objects)


def _layer_entries(config: dict[str, Any]) -> list[dict[str, Any]]:
    entries = config.get("layers")
    if not isinstance(entries, (list, tuple)) or not all(isinstance(e, dict) and "class_name" in e for e in entries):
        raise ArgumentTypeError(
            f"`layers` of a model's config must be a list of layers with `class_name` and `config`, received {entries!r}."
        )
    return list(entries)


def sequential_from_config(cls: type, config: Any, custom_objects: Mapping[str, Any] | None) -> Any:
    """A stack from a list of layers, or from a dict with their list."""
    if isinstance(config, (list, tuple)):
        config = {"layers": list(config)}
    entries = _layer_entries(config)
    layers = [registry.deserialize("layer", entry, custom_objects) for entry in entries]
    model = cls(name=config.get("name"))
    for layer in layers:
        model._push(layer)
    model._rebuild()
    shape = config.get("build_input_shape")
    if model._network is None and shape and model._stack:
        model.build(tuple(shape))
    if config.get("trainable") is False:
        model.trainable = False
    return model


def functional_from_config(cls: type, config: dict[str, Any], custom_objects: Mapping[str, Any] | None) -> Any:
    """A graph from its config."""
    graph = _GraphReader(_layer_entries(config), custom_objects, [config.get("input_layers"), config.get("output_layers")])
    graph.connect()
    inputs, outputs = graph.ends(config.get("input_layers")), graph.ends(config.get("output_layers"))
    model = cls(inputs=inputs, outputs=outputs, name=config.get("name"))
    if config.get("trainable") is False:
        model.trainable = False
    return model


class _GraphReader:
    """Layers by name, and for each the outputs of its calls so far; a call waits until its tensors are there."""

    def __init__(self, entries: list[dict[str, Any]], custom_objects: Mapping[str, Any] | None, ends: list[Any]):
        self.layers: dict[str, Layer] = {}
        self.outputs: dict[str, list[Any]] = {}
        self.waiting: list[tuple[str, Any]] = []
        for entry in entries:
            layer = registry.deserialize("layer", {k: v for k, v in entry.items() if k != "name"}, custom_objects)
            name = entry.get("name") or layer.name
            if name in self.layers:
                raise ArgumentError(f"The config has two layers called '{name}'.")
            self.layers[name] = layer
            self.outputs[name] = [layer._inbound_nodes[0].outputs] if isinstance(layer, InputLayer) else []
            self.waiting += [(name, node) for node in entry.get("inbound_nodes") or ()]
        self.first = self._first_indices(ends)

    def _first_indices(self, ends: list[Any]) -> dict[str, int]:
        """Where the numbers of a layer's calls begin: at 1 for a nested model of Keras 1 and 2, whose own graph is call 0."""
        used: dict[str, list[int]] = {}
        for node in [*(node for _, node in self.waiting), ends]:
            for name, index, _ in _references(node, self.layers):
                used.setdefault(name, []).append(index)
        calls = {name: sum(1 for n, _ in self.waiting if n == name) for name in self.layers}
        nested = {name for name, layer in self.layers.items() if getattr(layer, "_is_model", False)}
        return {
            name: int(name in nested and bool(used.get(name)) and min(used[name]) >= 1 and max(used[name]) >= calls[name])
            for name in self.layers
        }

    def connect(self) -> None:
        """Make all calls, each as soon as what it needs is there."""
        while self.waiting:
            later: list[tuple[str, Any]] = []
            for name, node in self.waiting:
                blocked = any(n == name for n, _ in later)  # the calls of one layer are numbered in order
                if blocked or not self._call(name, node):
                    later.append((name, node))
            if len(later) == len(self.waiting):
                raise ArgumentError(
                    f"The calls of the layers {sorted({n for n, _ in later})} need each other's outputs: the config is no graph."
                )
            self.waiting = later

    def _call(self, name: str, node: Any) -> bool:
        references = list(_references(node, self.layers))
        unknown = [r for r in _rows(node) if r[0] not in self.layers]
        if unknown:  # a call in another graph, where the layer is used too
            self.outputs[name].append(None)
            return True
        if any(self.find(r) is None for r in references):
            return False
        args, kwargs = self._arguments(node)
        kwargs = {k: v for k, v in kwargs.items() if v is not None}
        self.outputs[name].append(self.layers[name](*args, **kwargs))
        return True

    def _arguments(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        if isinstance(node, dict):
            return [self._value(a) for a in node.get("args", ())], {k: self._value(v) for k, v in (node.get("kwargs") or {}).items()}
        rows = _rows(node)
        tensors = [self.find(row[:3]) for row in rows]
        keywords = rows[0][3] if rows and len(rows[0]) > 3 and isinstance(rows[0][3], dict) else {}
        first = tensors[0] if len(tensors) == 1 else tensors
        return [first], {k: self._value(v) for k, v in keywords.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            return self.find(value["config"]["keras_history"])
        if _is_place(value, self.layers):
            return self.find(value)
        if isinstance(value, dict) and value.get("class_name") == "__numpy__":
            return np.asarray(value["config"]["value"], dtype=value["config"]["dtype"])
        if isinstance(value, dict):
            return {k: self._value(v) for k, v in value.items()}
        return [self._value(v) for v in value] if isinstance(value, (list, tuple)) else value

    def find(self, place: Any) -> Any:
        """The tensor at [layer, call, tensor], or None if that call has not been made yet."""
        name, index, tensor = place[:3]
        made = self.outputs.get(name, [])
        index -= self.first[name]
        if not 0 <= index < len(made) or made[index] is None:
            return None
        flat = flatten(made[index])
        if not 0 <= tensor < len(flat):
            raise ArgumentError(f"The config asks for output {tensor} of layer '{name}', which has {len(flat)}.")
        return flat[tensor]

    def ends(self, places: Any) -> Any:
        """The tensors named as inputs or outputs of the model, in their structure."""
        if _is_place(places, self.layers):
            return self._end(places)
        if isinstance(places, dict):
            return {k: self.ends(v) for k, v in places.items()}
        if not isinstance(places, (list, tuple)) or not places:
            raise ArgumentTypeError(f"`input_layers` and `output_layers` must name tensors as [layer, call, tensor], received {places!r}.")
        return [self.ends(p) for p in places]

    def _end(self, place: Any) -> Any:
        found = self.find(place)
        if found is None:
            raise ArgumentError(f"The config names {place!r} as an end of the model, but there is no such call.")
        return found


def _rows(node: Any) -> list[Any]:
    """The rows of a Keras 1 or 2 call; a flat row stands for a list of one."""
    if isinstance(node, dict):
        return []
    if node and isinstance(node[0], str):
        return [node]
    return [row for row in node if isinstance(row, (list, tuple))]


def _references(node: Any, layers: Mapping[str, Any]) -> list[Any]:
    """Every [layer, call, tensor] in a call."""
    found: list[Any] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if value.get("class_name") == "__keras_tensor__":
                found.append(value["config"]["keras_history"])
                return
            for inner in value.values():
                look(inner)
        elif _is_place(value, layers):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            if len(value) == 4 and isinstance(value[0], str) and value[0] in layers and isinstance(value[3], dict):
                found.append(value[:3])
                look(value[3])
                return
            for inner in value:
                look(inner)

    look(node)
    return found


def _is_place(value: Any, layers: Mapping[str, Any]) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 3
        and isinstance(value[0], str)
        and value[0] in layers
        and all(isinstance(n, int) and not isinstance(n, bool) for n in value[1:])
    )


def output_shape_of_graph(model: Any, input_shape: Any) -> Any:
    """The output shapes of a graph for inputs of other shapes."""
    sources = flatten(model.__dict__["_inputs_structure"])
    shapes = flatten(input_shape, is_leaf=lambda s: isinstance(s, (tuple, list)) and all(n is None or isinstance(n, int) for n in s))
    symbols = [KerasTensor(tuple(shape), source.dtype) for shape, source in zip(shapes, sources, strict=True)]
    spec = model._graph_output_spec(symbols if len(symbols) > 1 else symbols[0])
    return map_structure(lambda t: t.shape, spec)
