"""The one gate to code inside a file: the bytecode of a `Lambda` layer is looked at only with `safe_mode=False`.

Written are names of functions that have one, and bytecode for a `lambda`, as there is nothing else to write.
"""

from __future__ import annotations

import base64
import binascii
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
    """The function whose marshalled code is in a file, of whatever Python; `safe_mode` refuses it.

    Python never runs that code: `bytecode` interprets it, bounded, and lets it reach numbers, containers, tensors, the functions of
    `K`, `tf`, `keras`, `np`, `torch`, `math` in its tables, and what `custom_objects` names.
    """
    if safe_mode is not False:
        raise refuse(layer)
    from kcompat.files.bytecode.frames import Cell
    from kcompat.files.bytecode.machine import Program, StoredFunction
    from kcompat.files.bytecode.marshalled import read_code

    loaded = read_code(_bytes(layer, code), layer)
    cells = tuple(Cell(value) for value in closure or ())
    if len(cells) != len(loaded.captured):
        raise FileError(f"Lambda '{layer}': its code needs {len(loaded.captured)} captured values, the file has {len(cells)}.")
    program = Program(layer, dict(custom_objects))
    return StoredFunction(program, loaded, _defaults(layer, defaults), None, cells, stored=(code, defaults, closure))


def _bytes(layer: str, code: Any) -> bytes:
    """The bytes of stored code: base64, or, before Keras 2.0.9, text of one character for each byte."""
    if not isinstance(code, str) or not code:
        raise FileError(
            f"Lambda '{layer}': the code of its function should be text, the file has {type(code).__name__} {str(code)[:40]!r}."
        )
    try:
        return base64.b64decode(code.encode("ascii"), validate=False)
    except (UnicodeEncodeError, binascii.Error):
        return code.encode("raw_unicode_escape")


def _defaults(layer: str, defaults: Any) -> tuple[Any, ...]:
    if defaults is not None and not isinstance(defaults, (list, tuple)):
        raise FileError(f"Lambda '{layer}': the defaults of its function should be a list, the file has {defaults!r}.")
    return tuple(defaults or ())


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
        if isinstance(inner.get("value"), (list, tuple)) and len(inner["value"]) == 3:
            code, defaults, closure = inner["value"]
            return from_bytecode(layer, code, defaults, closure, custom_objects, safe_mode)
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
    if getattr(function, "__name__", "<lambda>") != "<lambda>" and getattr(function, "stored", None) is None:
        name = registry.written_name(function)
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"} if objects else name
    code, defaults, closure = stored_lambda(layer, function)
    if objects:
        return {"class_name": "__lambda__", "config": {"code": code, "defaults": defaults, "closure": closure}}
    return [code, defaults, closure]


def stored_lambda(layer: str, function: Callable[..., Any]) -> tuple[str, list[Any] | None, list[Any] | None]:
    """Bytecode as base64 text, defaults and captured values of a function without a name."""
    if getattr(function, "stored", None) is not None:  # it came from a file, and goes back as it was
        return function.stored  # type: ignore[attr-defined, no-any-return]
    if not isinstance(function, types.FunctionType):
        raise ArgumentTypeError(f"Lambda '{layer}': {function!r} is no Python function and has no name, so it cannot be written to a file.")
    import marshal

    code = base64.b64encode(marshal.dumps(function.__code__)).decode("ascii")
    closure = [cell.cell_contents for cell in function.__closure__] if function.__closure__ else None
    defaults = list(function.__defaults__) if function.__defaults__ else None
    return code, defaults, closure
