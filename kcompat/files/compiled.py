"""What `compile` was given, and the optimizer's state: out of a file and into one.

A file of tf.keras 2.11 and later may hold one of two families of optimizers: the new ones (`Custom>Adam`) and those of 2.10 (`Adam`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from kcompat import optimizers, registry
from kcompat.errors import ArgumentError, ArgumentTypeError, FileError, ShapeError
from kcompat.files.hdf5 import H5Array, H5Group
from kcompat.files.upgrade import Context
from kcompat.generations import behaviour
from kcompat.tree import map_structure

#: arguments of `compile` that are written even where they are None
_ALWAYS = ("loss", "metrics", "weighted_metrics", "loss_weights", "sample_weight_mode")
#: arguments of `compile` that are objects, or lists and dicts of them -> their kind
_KINDS = {"loss": "loss", "metrics": "metric", "weighted_metrics": "metric"}


# -- reading -----------------------------------------------------------------------------------------------------------


def compile_arguments(training: dict[str, Any], context: Context) -> dict[str, Any]:
    """The arguments for `compile` from a file's training configuration; to be called under the file's generation."""
    config = training.get("optimizer_config")
    if config is None and isinstance(training.get("optimizer"), (dict, str)):
        config = training["optimizer"]
    if not isinstance(config, (dict, str)):
        raise FileError(f"The training configuration names no optimizer: its `optimizer_config` is {config!r}.")
    arguments = {"optimizer": optimizers.get(config, context.custom_objects)}
    for key, kind in _KINDS.items():
        arguments[key] = _each(partial(_object, kind, context), training.get(key))
    # `jit_compile` is left out: it tells what XLA did where the file was written
    plain = set(_compile_keys()) - {"jit_compile", *arguments}
    arguments |= {key: training[key] for key in plain if key in training}
    return {key: value for key, value in arguments.items() if value is not None}


def _compile_keys() -> list[str]:
    """The arguments of `compile` that a file of the generation holds, besides the optimizer."""
    return [key for key in behaviour("compile_arguments").split() if key not in ("self", "optimizer", "target_tensors")]


def _each(read: Callable[[Any], Any], config: Any) -> Any:
    """`read` of every object in a structure of lists and dicts by output."""
    if config is None or isinstance(config, str) or (isinstance(config, dict) and "class_name" in config):
        return None if config is None else read(config)
    if isinstance(config, dict):
        return {key: _each(read, item) for key, item in config.items()}
    if isinstance(config, list):
        return [_each(read, item) for item in config]
    raise FileError(f"The training configuration holds {config!r} where a loss or a metric should be.")


def _object(kind: str, context: Context, config: Any) -> Any:
    """A string stays a string, which `compile` understands, unless it names an object of the user's own."""
    if isinstance(config, str):
        return context.custom_objects.get(config, config)
    return registry.deserialize(kind, {**config, "class_name": config["class_name"].removeprefix("Custom>")}, context.custom_objects)


def optimizer_arrays(root: H5Group) -> list[H5Array]:
    """The arrays of the optimizer's state in the order of the file; none where the optimizer had made no step."""
    group = root.group("optimizer_weights")
    return [group.array(path) for path in group.texts("weight_names") or []] if group is not None else []


def restore_optimizer(model: Any, arrays: Sequence[np.ndarray]) -> None:
    """Give the compiled model's optimizer the state in a file; a state that does not fit is left out with a warning, as Keras does."""
    optimizer = model.optimizer
    if not arrays or not _of_keras(optimizer):
        return
    try:
        if len(arrays) > len(optimizer.variables):  # otherwise the head alone: there are no slots, or none yet
            optimizer.build(model.trainable_weights)
        optimizer.set_weights(arrays)
    except (ArgumentError, ShapeError) as error:
        warnings.warn(f"The state of the optimizer in the file is not restored, it starts anew: {error}", stacklevel=5)


# -- writing -----------------------------------------------------------------------------------------------------------


def training_config(model: Any) -> dict[str, Any] | None:
    """What `compile` was given, as the generation writes it; None for a model that is not compiled, or cannot be again from a file."""
    made = getattr(model, "_compiled", None)
    if made is None:
        return None
    if not _of_keras(made.optimizer):
        _warn_unsaved(model, f"a {type(made.optimizer).__name__} of torch has no Keras config; save its `state_dict()` too")
        return None
    written = {key: made.given[key] for key in _compile_keys() if key in made.given and (key in _ALWAYS or made.given[key] is not None)}
    try:
        for key, kind in _KINDS.items():
            if key in written:
                written[key] = _written(kind, written[key])
    except ArgumentTypeError as error:
        _warn_unsaved(model, str(error))
        return None
    return {**written, "optimizer_config": optimizer_config(made.optimizer)}


def archived_config(model: Any) -> dict[str, Any] | None:
    """What `compile` was given, as `.keras` files hold it, with the optimizer as it is now; None where there is nothing to write.

    A model class of the user's may say it itself: `get_compile_config`.
    """
    made = getattr(model, "_compiled", None)
    if made is None:
        return None
    if not _of_keras(made.optimizer):
        _warn_unsaved(model, f"a {type(made.optimizer).__name__} of torch has no Keras config; save its `state_dict()` too")
        return None
    try:
        return {**model.get_compile_config(), "optimizer": registry.serialize("optimizer", made.optimizer)}
    except ArgumentTypeError as error:
        _warn_unsaved(model, str(error))
        return None


#: what `.keras` files hold of the arguments of `compile`, in this order
_ARCHIVED = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution", "jit_compile")


def given_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """What `compile` was given, objects written as their names or configs."""
    kinds = {"optimizer": "optimizer", **_KINDS}
    return {
        key: map_structure(partial(registry.serialize, kinds[key]), given[key]) if key in kinds else given[key]
        for key in _ARCHIVED
        if key in given
    }


def _warn_unsaved(model: Any, why: str) -> None:
    warnings.warn(f"The file gets no training configuration of model '{model.name}': {why}.", stacklevel=7)


def _written(kind: str, value: Any) -> Any:
    """Objects in lists and dicts as names, or class names and configs."""
    if isinstance(value, (list, tuple)):
        return [_written(kind, item) for item in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _written(kind, item) for key, item in value.items()}
    written = registry.serialize(kind, value)
    if isinstance(written, dict) and behaviour("config_node_form") == "rows":
        return {"class_name": written.get("registered_name") or written["class_name"], "config": written["config"]}
    return written


def _of_keras(optimizer: Any) -> bool:
    """Whether an optimizer has a Keras config and Keras weights: not one of torch, nor one around such."""
    return isinstance(optimizer, optimizers.Optimizer) and not isinstance(optimizer, optimizers.TFOptimizer)


def optimizer_config(optimizer: Any) -> dict[str, Any]:
    """Class name and config of an optimizer as the generation writes it to HDF5."""
    name = registry.written_name(type(optimizer))
    if behaviour("optimizer_config", optimizer.release) == "full" and type(optimizer).__module__.startswith("kcompat."):
        name = f"Custom>{name}"
    return {"class_name": name, "config": optimizer.get_config()}


def optimizer_state(optimizer: Any) -> list[tuple[str, np.ndarray]]:
    """The names and arrays of an optimizer's state, in the order of the generation; none before it began."""
    if not _of_keras(optimizer) or not optimizer.built:
        return []
    arrays = optimizer.get_weights()
    head = "iteration" if behaviour("optimizer_config", optimizer.release) in ("full", "keras3") else "iterations"
    names = [f"{optimizer.name}/{head}:0", *(f"{optimizer.name}/Variable_{index}:0" for index in range(1, len(arrays)))]
    return list(zip(names, arrays, strict=True))
