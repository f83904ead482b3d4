"""Checking layers' arguments, and writing them to configs."""

from __future__ import annotations

from typing import Any

from kcompat import activations, constraints, initializers, regularizers
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour, keras_version_scope

#: the last word of an argument's name -> how its object is read and written
_KINDS: dict[str, Any] = {
    "activation": activations,
    "constraint": constraints,
    "initializer": initializers,
    "regularizer": regularizers,
}


def _kind(name: str) -> Any:
    return _KINDS.get(name.rsplit("_", 1)[-1])


def take(layer: Layer, **values: Any) -> None:
    """Set arguments as attributes; activations, initializers, regularizers and constraints become objects."""
    for name, value in values.items():
        kind = _kind(name)
        layer.__dict__[name] = value if kind is None else kind.get(value)


def config_of(layer: Layer, *names: str) -> dict[str, Any]:
    """The named arguments as plain data, in the words of the layer's generation."""
    with keras_version_scope(layer._keras_version):
        return {n: getattr(layer, n) if _kind(n) is None else _kind(n).serialize(getattr(layer, n)) for n in names}


def activity_argument(layer: Layer) -> tuple[str, ...]:
    """The name of the activity regularizer's key, where layers that take one write it themselves."""
    return ("activity_regularizer",) if behaviour("config_activity", layer._keras_version) == "own" else ()


def positive(layer_class: str, argument: str, value: Any, least: int = 1) -> int:
    """`value` as an integer not below `least`."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer()) or hasattr(value, "__index__")
    if not whole or isinstance(value, bool):
        raise ArgumentTypeError(f"{layer_class}: `{argument}` must be an integer not below {least}, received {value!r}.")
    if int(value) < least:
        raise ArgumentError(f"{layer_class}: `{argument}` must be an integer not below {least}, received {value!r}.")
    return int(value)


class ActivatedLayer(Layer):
    """A layer that ends with an activation. Assigning `layer.activation` changes what it computes."""

    @property
    def activation(self) -> Any:
        """The activation function; linear if there is none."""
        return self.__dict__["activation"]

    @activation.setter
    def activation(self, value: Any) -> None:
        self.__dict__["activation"] = found = activations.get(value)
        self.__dict__["_activate"] = activations.direct(found)
