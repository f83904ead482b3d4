"""The one gate to code inside a file: the bytecode of a `Lambda` layer runs only with `safe_mode=False`.

Written are names of functions that have one, and bytecode for a `lambda`, as there is nothing else to write.
"""

from __future__ import annotations

import base64
import binascii
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from kcompat import registry
from kcompat.errors import ArgumentTypeError, FileError, UnsafeFileError


def refuse(layer: str) -> UnsafeFileError:
    """The error for code that nobody has allowed to run."""
    return UnsafeFileError(
        f"Lambda '{layer}': the file holds the function as Python bytecode, which would run in this process. Give the function yourself, "
        f"`custom_objects={{'{layer}': function}}`, or, for a file whose author you trust, pass `safe_mode=False`."
    )


def from_bytecode(
    layer: str, code: Any, defaults: Any, closure: Any, custom_objects: Mapping[str, Any], safe_mode: bool
) -> Callable[..., Any]:
    """The function whose marshalled code is in a file; `safe_mode` refuses it.

    Bytecode fits only the Python release that wrote it. It sees builtins, numpy, torch, and what `custom_objects` names.
    """
    if safe_mode is not False:
        raise refuse(layer)
    try:
        loaded = _marshalled(base64.b64decode(code.encode("ascii")))
    except (AttributeError, UnicodeEncodeError, binascii.Error, EOFError, ValueError, TypeError) as error:
        raise FileError(
            f"Lambda '{layer}': Python {sys.version_info.major}.{sys.version_info.minor} cannot read its bytecode, which fits only "
            f"the Python that wrote the file ({error}). Give the function yourself: `custom_objects={{'{layer}': function}}`."
        ) from error
    if not isinstance(loaded, types.CodeType):
        raise FileError(f"Lambda '{layer}': the file holds a {type(loaded).__name__} where the code of a function should be.")
    cells = tuple(types.CellType(value) for value in closure or ())
    if len(cells) != len(loaded.co_freevars):
        raise FileError(f"Lambda '{layer}': its code needs {len(loaded.co_freevars)} captured values, the file has {len(cells)}.")
    names = {**_function_globals(), **custom_objects}
    return types.FunctionType(loaded, names, loaded.co_name, tuple(defaults) if defaults else None, cells or None)


def _marshalled(value: bytes | types.CodeType) -> Any:
    """Code from bytes, or bytes from code: the only place that knows `marshal`. Bytes of a file get here through `from_bytecode` alone."""
    import marshal

    return marshal.loads(value) if isinstance(value, bytes) else marshal.dumps(value)


def _function_globals() -> dict[str, Any]:
    """What the code of a Lambda can name besides `custom_objects`."""
    import numpy
    import torch

    return {"__builtins__": __builtins__, "np": numpy, "numpy": numpy, "torch": torch}


def function_for(layer: str, stored: Any, custom_objects: Mapping[str, Any], safe_mode: bool) -> Any:
    """The function that a stored entry of a Lambda stands for: a name, bytecode of Keras 2, or bytecode of Keras 3.

    The user's `custom_objects` may give the function under the name of the layer; then the file's is not looked at.
    """
    if callable(custom_objects.get(layer)):
        return custom_objects[layer]
    if isinstance(stored, str):
        return registry.lookup("activation", stored, custom_objects)
    if isinstance(stored, list) and len(stored) == 3:
        code, defaults, closure = stored
        return from_bytecode(layer, code, defaults, closure, custom_objects, safe_mode)
    if isinstance(stored, dict) and stored.get("class_name") == "__lambda__" and isinstance(stored.get("config"), dict):
        inner = stored["config"]
        return from_bytecode(layer, inner.get("code"), inner.get("defaults"), inner.get("closure"), custom_objects, safe_mode)
    if isinstance(stored, dict) and stored.get("class_name") == "function" and isinstance(stored.get("config"), str):
        return registry.lookup("activation", stored["config"], custom_objects)
    raise FileError(f"Lambda '{layer}': its function is stored in an unknown form: {stored!r}.")


# -- writing -----------------------------------------------------------------------------------------------------------


def with_stored_functions(config: Any) -> Any:
    """A config in which the functions of Lambda layers, at any depth, are what a file can hold."""
    if isinstance(config, (list, tuple)):
        return [with_stored_functions(item) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "Lambda" and isinstance(config.get("config"), dict):
        return {**config, "config": _stored_lambda(config["config"])}
    return {key: with_stored_functions(value) for key, value in config.items()}


def _stored_lambda(config: dict[str, Any]) -> dict[str, Any]:
    stored = dict(config)
    for key in ("function", "output_shape", "mask"):
        if callable(stored.get(key)):
            stored[key] = _stored_function(str(config.get("name")), stored[key], objects=f"{key}_type" not in config)
    return stored


def _stored_function(layer: str, function: Callable[..., Any], objects: bool) -> Any:
    """The name of a function, or the code of a lambda; Keras 3 (`objects`) writes both as objects."""
    if getattr(function, "__name__", "<lambda>") != "<lambda>":
        name = registry.written_name(function)
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"} if objects else name
    if not isinstance(function, types.FunctionType):
        raise ArgumentTypeError(f"Lambda '{layer}': {function!r} is no Python function and has no name, so it cannot be written to a file.")
    code = base64.b64encode(_marshalled(function.__code__)).decode("ascii")
    closure = [cell.cell_contents for cell in function.__closure__] if function.__closure__ else None
    defaults = list(function.__defaults__) if function.__defaults__ else None
    if objects:
        return {"class_name": "__lambda__", "config": {"code": code, "defaults": defaults, "closure": closure}}
    return [code, defaults, closure]
