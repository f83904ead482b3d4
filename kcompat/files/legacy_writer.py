"""Write Keras' HDF5 layout into an open file: groups, datasets and attributes as Keras 2 and tf.keras lay them out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
import torch

from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.files import compiled
from kcompat.files.lambdas import with_stored_functions
from kcompat.files.weights import TOP_LEVEL, in_file_order, own_weights
from kcompat.generations import behaviour, keras_version_scope

#: An attribute must fit into an object header of HDF5, 64 kB with its description; longer lists are split.
_LIMIT = 64512
_BACKEND = "tensorflow"


def write_model(model: Any, file: h5py.Group, include_optimizer: bool) -> None:
    """The whole model into an empty file."""
    with keras_version_scope(model._keras_version), registry.sharing_written():
        config = registry.serialize("layer", model)
    with keras_version_scope(model._keras_version):
        config = with_stored_functions(_plain_entry(config))
        _text(file, "model_config", as_json(config, f"The config of model '{model.name}'"))
        training = compiled.training_config(model) if include_optimizer else None
        if training is not None:
            _text(file, "training_config", as_json(training, f"What model '{model.name}' was compiled with"))
        state = compiled.optimizer_state(model.optimizer) if training is not None else []
    write_weights(model, file.create_group("model_weights"))
    _text(file, "keras_version", _release(model))
    _text(file, "backend", _BACKEND)
    if state:
        _write_arrays(file, "optimizer_weights", state)


def _release(model: Any) -> str:
    """The release whose form the file has: the model's own, and for a model of Keras 1 the last that still has all of its layers."""
    return behaviour("file_written_as", model._keras_version) or model._keras_version


def _plain_entry(entry: Any) -> Any:
    """A serialized layer as Keras writes it to HDF5: layers, at any depth, have a class name and a config, but name no module."""
    config = entry["config"]
    if isinstance(config, list):
        config = [_plain_entry(item) for item in config]
    elif isinstance(config.get("layers"), list):
        config = {**config, "layers": [_plain_entry(item) for item in config["layers"]]}
    rest = {key: value for key, value in entry.items() if key in ("name", "inbound_nodes", "shared_object_id")}
    return {"class_name": entry.get("registered_name") or entry["class_name"], "config": config, **rest}


def write_weights(model: Any, group: h5py.Group) -> None:
    """The weights of all layers, and of the model itself, into an empty group."""
    _texts(group, "layer_names", [layer.name for layer in model.flattened_layers])
    _text(group, "backend", _BACKEND)
    _text(group, "keras_version", _release(model))
    for layer in model.flattened_layers:
        _write_arrays(group, layer.name, _named(in_file_order(layer), model._keras_version))
    own = own_weights(model)
    if own or behaviour("file_top_level_weights", model._keras_version):
        _write_arrays(group, TOP_LEVEL, _named(own, model._keras_version))


def _named(weights: Sequence[Any], version: str) -> list[tuple[str, np.ndarray]]:
    """The arrays of weights under the names Keras gives them; equal names get a number."""
    ending = ":0" if behaviour("variable_name", version) == "path" else ""
    taken: set[str] = set()
    named = []
    for weight in weights:
        base = str(getattr(weight, "path", None) or "weight")
        name, number = f"{base}{ending}", 1
        while name in taken:
            name, number = f"{base}_{number}{ending}", number + 1
        taken.add(name)
        named.append((name, _array(weight)))
    return named


def _array(weight: Any) -> np.ndarray:
    tensor = weight.detach().cpu()
    return np.asarray((tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy(), order="C")  # keeps scalars scalars


def _write_arrays(parent: h5py.Group, path: str, arrays: Sequence[tuple[str, np.ndarray]]) -> None:
    parts = path.split("/")
    if not path or any(part in ("", ".", "..") for part in parts):
        raise ArgumentError(f"A layer called '{path}' cannot be written to an HDF5 file: rename it.")
    group = parent.require_group(path)
    _texts(group, "weight_names", [name for name, _ in arrays])
    for name, array in arrays:
        group.create_dataset(name, data=array)


def _text(group: h5py.Group, name: str, value: str) -> None:
    """A text attribute: of fixed length where it fits, as Keras reads both."""
    encoded = value.encode("utf-8")
    group.attrs[name] = np.bytes_(encoded) if 0 < len(encoded) <= _LIMIT else value


def _texts(group: h5py.Group, name: str, values: Sequence[str]) -> None:
    """A list of texts, split into `name0`, `name1`, ... where it is too long."""
    encoded = [value.encode("utf-8") for value in values]
    longest = max(map(len, encoded), default=0)
    if longest > _LIMIT:
        raise ArgumentError(f"A name of {longest} bytes cannot be written to an HDF5 file; at most {_LIMIT} fit.")
    if not encoded:
        group.attrs[name] = np.zeros(0)
    elif longest * len(encoded) <= _LIMIT:
        group.attrs[name] = np.array(encoded, dtype=f"S{longest}")
    else:
        size = _LIMIT // longest
        for index, start in enumerate(range(0, len(encoded), size)):
            group.attrs[f"{name}{index}"] = np.array(encoded[start : start + size], dtype=f"S{longest}")


def as_json(value: Any, what: str) -> str:
    """`value` as JSON text; numbers of numpy and torch become plain ones, anything else is an error that names it."""

    def plain(item: Any) -> Any:
        if isinstance(item, (np.generic, np.ndarray)):
            return item.tolist()
        if isinstance(item, torch.Tensor):
            return item.detach().cpu().tolist()
        if isinstance(item, torch.dtype):
            return str(item).removeprefix("torch.")
        raise ArgumentTypeError(f"{what} holds {item!r}, which a file cannot hold; give the object a `get_config`, or register it by name.")

    return json.dumps(value, default=plain)
