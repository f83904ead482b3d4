"""Models out of SavedModel folders of tf.keras, and weights out of TensorFlow's checkpoints.

The architecture comes from Keras' own description, the values from the bundle; the traced functions are never run, so a model whose
class has no config, or is unknown here, cannot be had.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from kcompat import optimizers, registry
from kcompat.core.context import weight_budget
from kcompat.errors import ArgumentError, FileError, NotBuiltError
from kcompat.files import building, compiled
from kcompat.files.savedmodel.bundle import Bundle
from kcompat.files.savedmodel.match import Match
from kcompat.files.savedmodel.metadata import Described, is_saved_model, read_metadata
from kcompat.files.savedmodel.objects import KEY, Objects, read_objects
from kcompat.files.upgrade import Context
from kcompat.files.weights import in_file_order
from kcompat.generations import keras_version_scope

Path = str | os.PathLike[str]
_VARIABLES = os.path.join("variables", "variables")


def load_model(
    folder: Path,
    build: Callable[[dict[str, Any], Mapping[str, Any] | None], Any],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model in a SavedModel folder of tf.keras (TF 1.15 to 2.21), compiled as it was where `compile` is true.

    `build(config, custom_objects)` makes a model from a config. Raises `FileError` for what cannot be read.
    """
    folder = os.fspath(folder)
    metadata = read_metadata(folder)
    root = metadata.objects[0]
    custom = dict(custom_objects or {})
    version = keras_of(metadata.tensorflow)
    context = Context(version, custom, safe_mode)
    with Bundle(os.path.join(folder, _VARIABLES)) as bundle, keras_version_scope(version):
        objects = read_objects(bundle)
        config = _model_config(root, custom)
        with weight_budget(2 * bundle.nbytes + 65536):
            model = _built(build, config, context, root)
        match = Match(objects, bundle)
        with building.errors_of_the_file("The weights in the folder do not fit its model"):
            match.model(model)
        _assign(match)
        if compile:
            _compile(model, root, context, match)
    return model


def keras_of(tensorflow: str) -> str:
    """The Keras release inside a TensorFlow release; tf.keras before 2.4 counts as 2.4."""
    found = re.match(r"(\d+)\.(\d+)", tensorflow)
    if found is None:
        return "2.15"
    return f"2.{max(int(found.group(2)), 4)}" if found.group(1) == "2" else "2.4"


def _model_config(root: Described, custom: Mapping[str, Any]) -> dict[str, Any]:
    name, config = root.config.get("class_name"), root.config.get("config")
    if not isinstance(name, str):
        raise FileError("The SavedModel does not say of which class its model is: its metadata is damaged.")
    if registry.find("layer", name, custom) is None or not isinstance(config, (dict, list)):
        lacks = "has no config in the file" if not isinstance(config, (dict, list)) else "is not known here"
        raise FileError(
            f"The SavedModel holds a model of the class '{name}', which {lacks}: what its `call` does is stored only as TensorFlow's own "
            f"graph. Pass the class in `custom_objects={{'{name}': ...}}` if it has `get_config`, or make the model in code and "
            "`load_weights` from the folder."
        )
    return {"class_name": name, "config": config}


def _built(build: Any, config: dict[str, Any], context: Context, root: Described) -> Any:
    """The model with all its weights."""
    model = building.built(build, config, context)
    shape = root.config.get("build_input_shape") or root.config.get("batch_input_shape")
    if not (model.built and model.weights) and shape is not None:
        with building.errors_of_the_file("The model in the folder cannot be built"):
            model.build(_shapes(shape))
    return model


def _shapes(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shapes(item) for key, item in value.items()}
    if isinstance(value, list) and any(isinstance(item, (list, dict)) for item in value):
        return [_shapes(item) for item in value]
    return tuple(value)


def _assign(match: Match) -> None:
    """Give all weights their values, once all could be read. The arrays lie in the mapped file: no second copy is made."""
    values = []
    for weight, variable in match.pairs:
        key = match.objects.value_key(variable)
        assert key is not None
        values.append((weight, match.bundle.array(key)))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch warns of arrays that must not be written to; they are only read
        for weight, value in values:
            weight.copy_(_tensor(value))


def _tensor(array: np.ndarray) -> torch.Tensor:
    """The array as a tensor, in the machine's byte order."""
    return torch.from_numpy(array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("=")))


# -- compiled state ----------------------------------------------------------------------------------------------------


def _compile(model: Any, root: Described, context: Context, match: Match) -> None:
    training = root.config.get("training_config")
    if not isinstance(training, dict):
        warnings.warn("The file has no training configuration: the model is not compiled. Call `compile` before training it.", stacklevel=4)
        return
    building.compile_as_stored(model, training, context)
    compiled.restore_optimizer(model, _optimizer_arrays(model, match))


def _optimizer_arrays(model: Any, match: Match) -> list[np.ndarray]:
    """The state of the optimizer in the order of `get_weights`; empty where the checkpoint has none."""
    objects, bundle = match.objects, match.bundle
    optimizer = objects.child(0, "optimizer")
    if optimizer is None:
        return []

    def value(index: int) -> np.ndarray:
        key = objects.value_key(index)
        return np.array(bundle.array(key)) if key is not None else np.zeros(0, np.float32)

    listed = objects.child(optimizer, "_variables")
    if listed is not None:  # the optimizers of TF 2.11 and later
        return [value(index) for index in objects.listed(listed)]
    head = [objects.child(optimizer, name) for name in ("iter", "momentum_cache")]
    of_variable = {id(weight): variable for weight, variable in match.pairs}
    slots = {(variable, name): slot for variable, name, slot in objects.nodes[optimizer].slots}
    names = list(dict.fromkeys(name for _, name, _ in objects.nodes[optimizer].slots))
    order = [slots.get((of_variable.get(id(weight), -1), name)) for name in names for weight in model.trainable_weights]
    return [value(index) for index in [*head, *order] if index is not None]


# -- weights alone -----------------------------------------------------------------------------------------------------


def checkpoint_prefix(path: Any) -> str | None:
    """The prefix of the checkpoint that a path names: `w` for `w.index`, the variables of a SavedModel; None where there is none."""
    if not isinstance(path, (str, os.PathLike)):
        return None
    name = os.fspath(path)
    if not isinstance(name, str):
        return None
    for prefix in (name, name.removesuffix(".index"), os.path.join(name, _VARIABLES)):
        if os.path.isfile(f"{prefix}.index"):
            return prefix
    return None


def load_weights(model: Any, prefix: str, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Give `model` the weights of a TensorFlow checkpoint; when this raises, the model is as it was.

    A checkpoint of TensorFlow 2 is matched by the structure of objects, one of TensorFlow 1 by the names of its variables in order. A
    compiled model's optimizer takes its state too, as in tf.keras.
    """
    if by_name or skip_mismatch:
        word = "by_name" if by_name else "skip_mismatch"
        raise ArgumentError(
            f"`{word}` of `load_weights` is for HDF5 files; a TensorFlow checkpoint is matched by its structure of objects."
        )
    if not model.built:
        raise NotBuiltError(f"Model '{model.name}' has no weights yet, so none can be loaded. Call it on data, or `build(input_shape)`.")
    with Bundle(prefix) as bundle:
        if KEY not in bundle.entries:
            _load_by_variable_names(model, bundle)
            return
        match = Match(read_objects(bundle), bundle)
        match.model(model)
        arrays = _optimizer_arrays(model, match) if isinstance(getattr(model, "optimizer", None), optimizers.Optimizer) else []
        _assign(match)
        if arrays:
            with keras_version_scope(model._keras_version):
                compiled.restore_optimizer(model, arrays)


def _load_by_variable_names(model: Any, bundle: Bundle) -> None:
    """TensorFlow 1: a table from names ("dense/kernel") to tensors. Optimizer slots ("dense/kernel/Adam") are left out."""
    weights = [w for layer in model.layers for w in in_file_order(layer)] or in_file_order(model)
    named = {name: entry for name, entry in bundle.entries.items() if entry.dtype != 7 and not name.startswith("\x00")}
    pairs = []
    for weight in weights:
        path = str(getattr(weight, "path", "") or "").removesuffix(":0")
        found = path if path in named else next((n for n in named if n.endswith(f"/{path}")), None)
        if found is None or named[found].shape != tuple(weight.shape):
            have = ", ".join(f"{n} {e.shape}" for n, e in list(named.items())[:8])
            raise ArgumentError(
                f"The checkpoint of TensorFlow 1 has no variable '{path}' of shape {tuple(weight.shape)}, which model "
                f"'{model.name}' needs. It has: {have}."
            )
        pairs.append((weight, found))
    values = [np.array(bundle.array(name)) for _, name in pairs]
    with torch.no_grad():
        for (weight, _), value in zip(pairs, values, strict=True):
            weight.copy_(_tensor(value))


__all__ = ["Objects", "checkpoint_prefix", "is_saved_model", "keras_of", "load_model", "load_weights"]
