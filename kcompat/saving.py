"""`keras.saving`: models and objects as files and as plain data; names of the user's own classes and functions.

    @register_keras_serializable(package="mine")
    class Scale(Layer): ...

`serialize_keras_object` and `deserialize_keras_object` take any object: layers, losses, functions, and lists, tuples, dicts, arrays,
tensors, slices around them. A name in a config is looked up among the library's objects and the user's registered ones, never imported.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from kcompat import (  # noqa: F401 - each registers its objects
    activations,
    constraints,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    registry,
    regularizers,
)
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownNameError, UnsafeFileError
from kcompat.files.lambdas import function_for, stored_lambda
from kcompat.files.upgrade import Context, upgraded
from kcompat.generations import behaviour, keras_version
from kcompat.graph import KerasTensor
from kcompat.models import Model, load_model
from kcompat.models.saving import save_model
from kcompat.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from kcompat.tensor.dtypes import torch_dtype

CustomObjectScope = custom_object_scope

#: where a name of no known module is looked for
_KINDS = ("layer", "loss", "metric", "optimizer", "schedule", "initializer", "regularizer", "constraint", "dtype_policy", "activation")
_OF_MODULE = {
    "keras.activations": "activation", "keras.constraints": "constraint", "keras.initializers": "initializer", "keras.layers": "layer",
    "keras.losses": "loss", "keras.metrics": "metric", "keras.optimizers": "optimizer", "keras.optimizers.schedules": "schedule",
    "keras.regularizers": "regularizer", "keras.mixed_precision": "dtype_policy",
}  # fmt: skip


def save_weights(model: Model, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None, **options: Any) -> None:
    """Write the weights of a model (Keras 3: saving.save_weights)."""
    model.save_weights(filepath, overwrite=overwrite, max_shard_size=max_shard_size, **options)


def load_weights(model: Model, filepath: Any, skip_mismatch: bool = False, **options: Any) -> None:
    """Read the weights of a model (Keras 3: saving.load_weights)."""
    model.load_weights(filepath, skip_mismatch=skip_mismatch, **options)


# -- writing -----------------------------------------------------------------------------------------------------------


def serialize_keras_object(obj: Any) -> Any:
    """`obj` as plain data, in the form of the selected generation."""
    if obj is None or isinstance(obj, (str, bool, int, float)):
        return obj
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, torch.Size):
        return list(obj)
    if isinstance(obj, (list, tuple)):
        return type(obj)(serialize_keras_object(item) for item in obj) if type(obj) in (list, tuple) else _named_tuple(obj)
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, torch.dtype):
        return str(obj).removeprefix("torch.")
    if isinstance(obj, torch.Tensor) and not hasattr(obj, "get_config"):
        values = obj.detach().cpu()
        plain = values.float() if values.dtype is torch.bfloat16 else values
        return {"class_name": "__tensor__", "config": {"value": plain.tolist(), "dtype": str(obj.dtype).removeprefix("torch.")}}
    if behaviour("config_node_form") == "arguments":
        special = _only_keras3(obj)
        if special is not None:
            return special
    return _object(obj)


def _named_tuple(obj: Any) -> list[Any]:
    return [serialize_keras_object(item) for item in obj]


def _only_keras3(obj: Any) -> dict[str, Any] | None:
    """What Keras 3 alone can write: slices, `...`, symbolic tensors."""
    if isinstance(obj, slice):
        return {"class_name": "__slice__", "config": {key: serialize_keras_object(getattr(obj, key)) for key in ("start", "stop", "step")}}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, KerasTensor):
        history = [obj._node.operation.name, 0, obj._index] if obj._node is not None else None
        config = {"shape": obj.shape, "dtype": str(obj.dtype).removeprefix("torch.")}
        return {"class_name": "__keras_tensor__", "config": config if history is None else {**config, "keras_history": history}}
    return None


def _object(obj: Any) -> dict[str, Any]:
    if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        return {"class_name": "__lambda__", "config": {"value": stored_lambda("function", obj)}}
    if inspect.isclass(obj):
        raise ArgumentTypeError(f"`serialize_keras_object` takes objects and functions, received the class {obj.__name__}.")
    if hasattr(obj, "get_config"):
        kind = next((k for k in _KINDS if registry.find(k, registry.written_name(type(obj)).rsplit(">", 1)[-1]) is type(obj)), "layer")
        with registry.sharing_written():
            written = registry.serialize(kind, obj)
        if isinstance(written, dict) and "module" in written:
            return written
        own = registry.find(kind, written["class_name"]) is not type(obj)
        return {"module": None if own else registry.MODULES[kind], **written, "registered_name": written["class_name"] if own else None}
    if callable(obj) and hasattr(obj, "__name__"):
        return {"module": "builtins", "class_name": "function", "config": registry.written_name(obj), "registered_name": "function"}
    raise ArgumentTypeError(f"{obj!r} cannot be written as plain data: it has no `get_config` method.")


# -- reading -----------------------------------------------------------------------------------------------------------


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """The object that `serialize_keras_object` described; a Python lambda only with `safe_mode=False`.

    `module_objects` names more objects that may be meant, as in Keras 2.
    """
    custom = {**(module_objects or {}), **(custom_objects or {})}
    with registry.sharing_read():
        return _read(config, custom, safe_mode)


def _read(config: Any, custom: Mapping[str, Any], safe_mode: bool) -> Any:
    if config is None or isinstance(config, (bool, int, float)):
        return config
    if isinstance(config, str):
        return custom.get(config, config)
    if isinstance(config, (list, tuple)):
        return [_read(item, custom, safe_mode) for item in config]
    if not isinstance(config, dict):
        raise ArgumentTypeError(f"A config is plain data, received {config!r}.")
    name = config.get("class_name")
    if name is None or "config" not in config:
        return {key: _read(value, custom, safe_mode) for key, value in config.items()}
    if not isinstance(name, str):
        raise ArgumentTypeError(f"`class_name` must be a string, received {name!r}.")
    if name in _SPECIAL:
        return _SPECIAL[name](config["config"], custom, safe_mode)
    if name == "function":
        return _function(config, custom)
    kind = _kind_of(config, name, custom)
    described = upgraded(config, Context(keras_version(), custom, safe_mode))
    made = optimizers.get(described, custom) if kind == "optimizer" else registry.deserialize(kind, described, custom)
    if isinstance(made, Model) and isinstance(config.get("compile_config"), dict) and config["compile_config"]:
        made.compile_from_config(config["compile_config"])
    return made


def _kind_of(config: Mapping[str, Any], name: str, custom: Mapping[str, Any]) -> str:
    """The table that a class is looked up in: that of its module, else the first that has it."""
    module = config.get("module")
    if isinstance(module, str):
        plain = module.replace("tf_keras.src", "keras").replace("keras.src", "keras").removeprefix("tf_")
        found = next((kind for prefix, kind in _OF_MODULE.items() if plain == prefix or plain.startswith(f"{prefix}.")), None)
        if found is not None:
            return found
    registered = config.get("registered_name")
    for kind in _KINDS:
        if any(isinstance(n, str) and registry.find(kind, n, custom) is not None for n in (registered, name)):
            return kind
    raise UnknownNameError(
        f"Unknown class '{name}'. An object of your own is found when it is passed in `custom_objects`, or registered with "
        "`register_keras_serializable`."
    )


def _function(config: Mapping[str, Any], custom: Mapping[str, Any]) -> Any:
    name = config["config"]
    if not isinstance(name, str):
        raise ArgumentTypeError(f"A function is described by its name, received {name!r}.")
    for kind in ("activation", "loss", "metric"):
        found = registry.find(kind, name, custom)
        if found is not None and not inspect.isclass(found):
            return found
    raise UnknownNameError(
        f"Unknown function '{name}'. One of your own is found when it is passed in `custom_objects`, or registered with "
        "`register_keras_serializable`."
    )


def _array(config: Any, custom: Mapping[str, Any], safe_mode: bool) -> np.ndarray:
    try:
        return np.asarray(config["value"], dtype=np.dtype(config["dtype"]))
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise ArgumentError(f"An array is described by `value` and `dtype`, received {config!r}: {error}") from error


def _tensor(config: Any, custom: Mapping[str, Any], safe_mode: bool) -> torch.Tensor:
    try:
        return torch.tensor(config["value"], dtype=torch_dtype(config["dtype"]))
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise ArgumentError(f"A tensor is described by `value` and `dtype`, received {config!r}: {error}") from error


def _bytes(config: Any, custom: Mapping[str, Any], safe_mode: bool) -> bytes:
    return str(config["value"]).encode("utf-8")


def _slice(config: Any, custom: Mapping[str, Any], safe_mode: bool) -> slice:
    return slice(*(_read(config.get(key), custom, safe_mode) for key in ("start", "stop", "step")))


def _lambda(config: Any, custom: Mapping[str, Any], safe_mode: bool) -> Any:
    if safe_mode is not False:
        raise UnsafeFileError("The config holds a Python lambda as bytecode, which would run in this process; `safe_mode=False` allows it.")
    code = config["value"] if isinstance(config, dict) and "value" in config else config
    stored = list(code) if isinstance(code, (list, tuple)) else {"class_name": "__lambda__", "config": code}
    return function_for("function", stored, custom, safe_mode)


def _symbol(config: Any, custom: Mapping[str, Any], safe_mode: bool) -> KerasTensor:
    return KerasTensor(tuple(config["shape"]), torch_dtype(config["dtype"]))


#: kinds of values that JSON does not have -> how they are read
_SPECIAL: dict[str, Callable[[Any, Mapping[str, Any], bool], Any]] = {
    "__bytes__": _bytes,
    "__numpy__": _array,
    "__tensor__": _tensor,
    "__slice__": _slice,
    "__ellipsis__": lambda config, custom, safe_mode: Ellipsis,
    "__tuple__": lambda config, custom, safe_mode: tuple(_read(config.get("value", config.get("items", [])), custom, safe_mode)),
    "__lambda__": _lambda,
    "__keras_tensor__": _symbol,
}

__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects", "get_registered_name",
    "get_registered_object", "load_model", "load_weights", "register_keras_serializable", "save_model", "save_weights",
    "serialize_keras_object",
]  # fmt: skip
