"""Architectures as plain data: written in the form of the model's generation, read in the form of any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from kcompat import registry
from kcompat.core.input import InputLayer
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.files import building, json_text
from kcompat.files.symbols.layers import as_layer_entry, read_index, write_index
from kcompat.files.upgrade import Context
from kcompat.generations import behaviour, keras_version, keras_version_scope, released
from kcompat.graph import KerasTensor
from kcompat.graph.symbol import Node
from kcompat.models.operations import (
    FunctionCalls,
    flat_rows,
    is_operation,
    keywords_of,
    operation_rows,
    read_first,
    tensor_argument,
)
from kcompat.tree import flatten, map_structure

# -- writing --------------------------------------------------------------------------------------------------------------


def model_to_config(model: Any) -> dict[str, Any]:
    """Class name and config of a model, with the Keras version it is written for."""
    with registry.sharing_written():
        config = registry.serialize("layer", model)
    if behaviour("config_node_form", model._keras_version) == "arguments":
        return config
    version = model._keras_version
    return {
        "class_name": config["class_name"],
        "config": config["config"],
        "keras_version": released(version),
        "backend": "tensorflow",
    }


def functional_config(model: Any) -> dict[str, Any]:
    """The config of a graph: its layers, the calls of each, its inputs and outputs."""
    version = model._keras_version
    rows = behaviour("config_node_form", version) == "rows"
    network = model._network
    shift = {id(op): int(rows and getattr(op, "_network", None) is not None) for op in network.operations}
    index = {id(node): i + shift[id(op)] for op in network.operations for i, node in enumerate(network.calls_of(op))}

    functions = FunctionCalls(network, model.name, rows)

    def place(tensor: KerasTensor) -> list[Any]:
        node = tensor._node
        assert node is not None
        if id(node) in functions.named:
            return [functions.named[id(node)][0], 0, tensor._index]
        return [node.operation.name, index[id(node)], tensor._index]

    layers: list[dict[str, Any]] = []
    for operation in network.operations:
        if not isinstance(operation, Layer):
            layers += functions.entries(network.calls_of(operation), place, plain)
            continue
        calls = [node for node in network.calls_of(operation) if node.parents]
        write = _row_node if rows else _argument_node
        entry = registry.serialize("layer", operation)
        entry.update(name=operation.name, inbound_nodes=[write(n, place) for n in calls])  # in place: a shared layer may still be marked
        layers.append(entry)
    ends = {"input_layers": model.__dict__["_inputs_structure"], "output_layers": model.__dict__["_outputs_structure"]}
    written: dict[str, Any] = {"name": model.name}
    if behaviour("config_names_module", version):
        written["trainable"] = model._trainable
    written["layers"] = layers

    def end(tensor: KerasTensor) -> list[Any]:
        name, call, part = place(tensor)
        return [name, call + int(not rows and counts_own_graph(tensor._node.operation)), part]  # type: ignore[union-attr]

    for key, structure in ends.items():
        single = isinstance(structure, KerasTensor)
        written[key] = map_structure(end, [structure] if single and rows else structure)
    return written


def counts_own_graph(layer: Any) -> bool:
    """Whether Keras 3 begins to count the calls of a nested model at 1 in the ends of the outer one: for graphs, not for stacks."""
    return getattr(layer, "_network", None) is not None and not hasattr(layer, "_stack")


def _row_node(node: Node, place: Any) -> Any:
    """Keras 1 and 2: one row [layer, node, tensor, keywords] for each tensor of the first argument."""
    if is_operation(node.operation):
        return operation_rows(node, place, plain)
    names = node.operation._call_spec.names
    keywords = {**dict(zip(names[1:], node.args[1:], strict=False)), **node.kwargs}
    written = map_structure(lambda v: place(v) if isinstance(v, KerasTensor) else plain(v), keywords)
    first = node.args[0]
    return [[*place(tensor), written] for tensor in flatten(first)]


def _argument_node(node: Node, place: Any) -> dict[str, Any]:
    """Keras 3: arguments as they were given, tensors as `__keras_tensor__`."""

    def write(value: Any) -> Any:
        if isinstance(value, KerasTensor):
            return tensor_argument(value, place)
        return write_index(value, wrapped=True) if value is Ellipsis or isinstance(value, slice) else plain(value)

    given = {key: value for key, value in node.kwargs.items() if value is not None or key != "constants"}
    layer = node.operation
    takes_mask = layer._call_spec.takes_mask and layer.supports_masking if layer._mask_in_config is None else layer._mask_in_config
    keywords = {"mask": None, **given} if takes_mask and isinstance(node.args[0], KerasTensor) else given
    if layer._training_in_config is not None:
        keywords = {"training": layer._training_in_config, **keywords}
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
    with registry.sharing_read():
        return registry.build(cls, inner, custom_objects)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model whose architecture `to_json` wrote, here or in any Keras; its weights are new.

    A text that names the Keras release that wrote it is read as that release would. A Lambda's bytecode does not run: `custom_objects`
    can give its function. Raises `FileError` where the text describes no model.
    """
    described = json_text.parse_dict(json_string, "The JSON text of a model")
    written = described.get("keras_version")
    version = keras_version() if written is None else building.version_of(written, "the JSON text of a model")
    with keras_version_scope(version):
        return building.built(model_from_config, described, Context(version, dict(custom_objects or {})))


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
    taken: set[str] = set()
    for layer in layers:
        model._push(layer, taken)
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
            told = as_layer_entry({k: v for k, v in entry.items() if k != "name"})
            layer = registry.deserialize("layer", told, custom_objects)
            name = entry.get("name") or layer.name
            if name in self.layers:
                raise ArgumentError(f"The config has two layers called '{name}'.")
            self.layers[name] = layer
            self.outputs[name] = [layer._inbound_nodes[0].outputs] if isinstance(layer, InputLayer) else []
            self.waiting += [(name, node) for node in entry.get("inbound_nodes") or ()]
        nodes = [node for _, node in self.waiting]
        if any(isinstance(node, dict) for node in nodes):  # Keras 3 counts so where it names the ends of a model, and nowhere else
            self.first, self.first_of_ends = dict.fromkeys(self.layers, 0), self._graphs_from_1(ends)
        else:
            self.first = self.first_of_ends = self._first_indices([*nodes, ends])

    def _graphs_from_1(self, ends: list[Any]) -> dict[str, int]:
        """The numbers at which the calls begin: 1 for nested graphs, unless one is called 0."""
        zero = {name for name, index, _ in _references(ends, self.layers) if index == 0}
        return {name: int(name not in zero and counts_own_graph(layer)) for name, layer in self.layers.items()}

    def _first_indices(self, places: list[Any]) -> dict[str, int]:
        """Where the numbers of a layer's calls begin: at 1 for a nested model of Keras 1 and 2, whose own graph is call 0."""
        used: dict[str, list[int]] = {}
        for node in places:
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
        unknown = [r for r in flat_rows(node) if r[0] not in self.layers]
        if unknown:  # a call in another graph, where the layer is used too
            self.outputs[name].append(None)
            return True
        if any(self.find(r) is None for r in references):
            return False
        operation = is_operation(self.layers[name])
        args, kwargs = self._arguments(node, operation)
        if isinstance(node, dict) and kwargs.get("training") is False:  # Keras 3 writes its default so; what the model is called with wins
            del kwargs["training"]
        kwargs = {k: v for k, v in kwargs.items() if v is not None or (operation and k == "slice_spec")}
        self.outputs[name].append(self.layers[name](*args, **kwargs))
        return True

    def _arguments(self, node: Any, operation: bool) -> tuple[list[Any], dict[str, Any]]:
        if isinstance(node, dict):
            return [self._value(a) for a in node.get("args", ())], {k: self._value(v) for k, v in (node.get("kwargs") or {}).items()}
        if operation:
            return [read_first(node, self.find)], {k: self._value(v) for k, v in keywords_of(node).items()}
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
        if isinstance(value, dict) and value.get("class_name") in ("__slice__", "__ellipsis__"):
            return read_index({k: self._value(v) for k, v in value.items()})
        if isinstance(value, dict):
            return {k: self._value(v) for k, v in value.items()}
        return [self._value(v) for v in value] if isinstance(value, (list, tuple)) else value

    def find(self, place: Any, first: dict[str, int] | None = None) -> Any:
        """The tensor at [layer, call, tensor], or None if that call has not been made yet."""
        name, index, tensor = place[:3]
        made = self.outputs.get(name, [])
        index -= (self.first if first is None else first)[name]
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
        found = self.find(place, self.first_of_ends)
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
