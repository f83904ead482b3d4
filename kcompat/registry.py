"""Names to objects and back: the only place where a name from a config or a file becomes a class or function.

Each room puts its public objects into the table of its kind ("layer", "activation", "initializer", ...). A name that is
in no table of its kind, in no `custom_objects` and was not registered by the user is an error: nothing is ever
imported or evaluated because a config names it, and a config for one kind cannot reach the objects of another.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from kcompat.errors import ArgumentError, ArgumentTypeError, KcompatError, UnknownNameError, nearest
from kcompat.generations import behaviour, keras_version, keras_version_scope

#: kind -> name -> class or function
_tables: dict[str, dict[str, Any]] = {}
#: objects of the user, by name; `register_keras_serializable` adds "package>name"
_custom: dict[str, Any] = {}
#: class or function -> (name it is written with, kind)
_names: dict[Any, tuple[str, str]] = {}
#: class or function whose written name depends on the generation -> the row that tells it
_name_rows: dict[Any, str] = {}

#: how Keras calls the module of each kind in configs
MODULES = {
    "activation": "keras.activations", "callback": "keras.callbacks", "constraint": "keras.constraints",
    "dtype_policy": "keras", "initializer": "keras.initializers", "layer": "keras.layers", "loss": "keras.losses",
    "metric": "keras.metrics", "optimizer": "keras.optimizers", "regularizer": "keras.regularizers",
    "schedule": "keras.optimizers.schedules",
}  # fmt: skip


def register(kind: str, table: Mapping[str, Any], name_rows: Mapping[Any, str] | None = None) -> None:
    """Add `name -> object` rows to the table of `kind`; several names may mean one object.

    The first name of an object is the one configs are written with, unless `name_rows` has a row of the generation table
    that tells its name.
    """
    _name_rows.update(name_rows or {})
    rows = _tables.setdefault(kind, {})
    for name, thing in table.items():
        rows[name] = thing
        with contextlib.suppress(TypeError):
            _names.setdefault(thing, (name, kind))


def names(kind: str) -> list[str]:
    """All names registered for `kind`."""
    return sorted(_tables.get(kind, {}))


def written_name(thing: Any) -> str:
    """The name a class or function is written with in configs: 'pkg>Name' for the user's registered ones."""
    for name, registered in _custom.items():
        if registered is thing:
            return name
    if thing in _name_rows:
        return behaviour(_name_rows[thing])
    if thing in _names:
        return _names[thing][0]
    return getattr(thing, "__name__", type(thing).__name__)


def function_name(function: Any) -> str:
    """The name of a function: that of the generation where it has several, else its own."""
    return behaviour(_name_rows[function]) if function in _name_rows else getattr(function, "__name__", type(function).__name__)


def lookup(kind: str, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The class or function called `name`: from `custom_objects`, the user's registrations, then the table of `kind`."""
    if not isinstance(name, str):
        raise ArgumentTypeError(f"The name of a {kind} must be a string, received {name!r}.")
    found = find(kind, name, custom_objects)
    if found is None:
        known = [*_tables.get(kind, {}), *_custom, *(custom_objects or {})]
        raise UnknownNameError(
            f"Unknown {kind}: '{name}'. {nearest(name, known)} An object of your own is found when it is passed in "
            "`custom_objects`, or registered with `register_keras_serializable`."
        )
    return found


def find(kind: str, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any | None:
    """Like `lookup`, None where nothing has the name."""
    for table in (custom_objects or {}, _custom, _tables.get(kind, {})):
        if name in table:
            return table[name]
    bare = name.rsplit(">", 1)[-1]
    for table in (custom_objects or {}, _custom):
        if bare in table:
            return table[bare]
    return _tables.get(kind, {}).get(bare) if name.count(">") == 0 else None


# -- the user's own objects -------------------------------------------------------------------------------------------


def get_custom_objects() -> dict[str, Any]:
    """The global table of the user's own objects; a change to it is seen by every later look-up."""
    return _custom


@contextlib.contextmanager
def custom_object_scope(*tables: Mapping[str, Any]) -> Iterator[None]:
    """Make the user's own objects known inside a `with` block (Keras: `CustomObjectScope`, `custom_object_scope`)."""
    before = dict(_custom)
    try:
        for table in tables:
            _custom.update(table)
        yield
    finally:
        _custom.clear()
        _custom.update(before)


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """Decorator that lets configs name the user's class or function as 'package>name'."""

    def note(thing: Any) -> Any:
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ArgumentError(f"`{thing.__name__}` cannot be registered: it has no `get_config` method.")
        _custom[f"{package}>{name or thing.__name__}"] = thing
        return thing

    return note


def get_registered_name(thing: Any) -> str:
    """The name under which a class or function is registered, else its own name."""
    return written_name(thing)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """The user's class or function registered as `name`, or None."""
    for table in (custom_objects or {}, _custom, module_objects or {}):
        if name in table:
            return table[name]
    return None


# -- layers that stand in several places -----------------------------------------------------------------------------

#: while models are read: `shared_object_id` -> the layer made of it
_read: ContextVar[dict[int, Any] | None] = ContextVar("read", default=None)
#: while models are written: identity -> the layer, and what was written of it
_written: ContextVar[dict[int, tuple[Any, list[dict[str, Any]]]] | None] = ContextVar("written", default=None)


@contextlib.contextmanager
def sharing_read() -> Iterator[None]:
    """Inside the outermost such block, layers described with the same `shared_object_id` are one layer."""
    token = _read.set({}) if _read.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _read.reset(token)


@contextlib.contextmanager
def sharing_written() -> Iterator[None]:
    """When the outermost such block ends, layers that were written more than once inside it carry a `shared_object_id`."""
    if _written.get() is not None:
        yield
        return
    token = _written.set({})
    try:
        yield
        for number, (_, places) in enumerate((_written.get() or {}).values()):
            for place in places if len(places) > 1 else ():
                place["shared_object_id"] = number
    finally:
        _written.reset(token)


# -- configs ------------------------------------------------------------------------------------------------------------


def serialize(kind: str, thing: Any, legacy: bool = False) -> Any:
    """What stands for `thing` in a config: None, a function's name, or class name and config of an object.

    With `legacy` the module is left out in every generation (tf.keras: `use_legacy_format`).
    """
    if thing is None or isinstance(thing, (str, dict)):
        return thing
    if not hasattr(thing, "get_config"):
        if callable(thing):
            return written_name(thing)
        raise ArgumentTypeError(f"{thing!r} cannot be written as a {kind}: it has neither a name nor `get_config`.")
    with keras_version_scope(getattr(thing, "_keras_version", None) or keras_version()):
        described = _described(kind, thing, legacy)
    places = _written.get()
    if kind == "layer" and places is not None:
        places.setdefault(id(thing), (thing, []))[1].append(described)
    return described


def _described(kind: str, thing: Any, legacy: bool) -> dict[str, Any]:
    config = thing.get_config()
    name = getattr(thing, "_config_class_name", None) or written_name(type(thing))
    if legacy or not behaviour("config_names_module"):
        return {"class_name": name, "config": config}
    own = _tables.get(kind, {}).get(name) is not type(thing) and not hasattr(thing, "_config_class_name")
    described = {
        "module": None if own else getattr(thing, "_config_module", MODULES.get(kind)),
        "class_name": name.rsplit(">", 1)[-1],
        "config": config,
        "registered_name": name if own else getattr(thing, "_config_registered_name", None),
    }
    built_for = thing.get_build_config() if hasattr(thing, "get_build_config") else None
    if built_for is not None:
        described["build_config"] = built_for
    if hasattr(thing, "get_compile_config") and behaviour("config_node_form") == "arguments":
        described["compile_config"] = thing.get_compile_config()
    return described


def split_config(kind: str, config: Any) -> tuple[str, Any]:
    """Class name and inner config of a serialized object, checked for form."""
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise ArgumentTypeError(f"A {kind} is described by a dict with `class_name` and `config`, received {config!r}.")
    registered = config.get("registered_name")
    if registered is not None and not isinstance(registered, str):
        raise ArgumentTypeError(f"`registered_name` must be a string or None, received {registered!r}.")
    name = config["class_name"]
    if registered and find(kind, registered) is not None:
        name = registered
    return name, config.get("config", {})


def deserialize(kind: str, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The object that `serialize` described; unknown names and keys are errors that name them."""
    if config is None:
        return None
    if isinstance(config, str):
        found = lookup(kind, config, custom_objects)
        return found() if inspect.isclass(found) else found
    name, inner = split_config(kind, config)
    if name == "function" and isinstance(inner, str):
        return lookup(kind, inner, custom_objects)
    found = lookup(kind, name, custom_objects)
    if not inspect.isclass(found):
        return found
    if not isinstance(inner, getattr(found, "_config_types", dict)):
        raise ArgumentTypeError(f"The `config` of the {kind} '{name}' must be a dict, received {inner!r}.")
    shared, number = _read.get() if kind == "layer" else None, config.get("shared_object_id")
    if shared is None or not isinstance(number, int):
        return _built_as_written(found, inner, custom_objects, config)
    if number not in shared or type(shared[number]) is not found:
        shared[number] = _built_as_written(found, inner, custom_objects, config)
    return shared[number]


def _built_as_written(cls: type, inner: Any, custom_objects: Mapping[str, Any] | None, config: Mapping[str, Any]) -> Any:
    """The object; a class of the user's also gets the shapes it was built for, as Keras does with every layer."""
    made = build(cls, inner, custom_objects)
    shapes = config.get("build_config")
    if isinstance(shapes, dict) and shapes and not cls.__module__.startswith("kcompat.") and getattr(made, "built", None) is False:
        made.build_from_config(shapes)
    return made


def build(cls: type, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """An object of `cls` from its config, through `from_config` where the class has one."""
    make = getattr(cls, "from_config", None)
    try:
        if make is None:
            return cls(**config)
        if custom_objects and "custom_objects" in inspect.signature(make).parameters:
            return make(config, custom_objects=custom_objects)
        with custom_object_scope(custom_objects or {}):
            return make(config)
    except KcompatError:
        raise
    except TypeError as error:
        raise ArgumentTypeError(f"{cls.__name__} cannot be made from the config {config!r}: {error}") from error


def get(kind: str, identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """An object of `kind` from None, a name, a config, a class, a function or an object."""
    if identifier is None:
        return None
    if isinstance(identifier, (str, dict)):
        return deserialize(kind, identifier, custom_objects)
    if inspect.isclass(identifier):
        return identifier()
    if callable(identifier):
        return identifier
    raise ArgumentTypeError(f"A {kind} is given as a name, a config, a function or an object, received {identifier!r}.")
