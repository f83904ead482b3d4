"""Checking layers' arguments, and writing them to configs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

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


def number(where: str, argument: str, value: Any, least: float | None = None, most: float | None = None) -> float:
    """`value` as a number within the bounds."""
    told = "a number" if least is None else f"a number not below {least:g}" if most is None else f"a number from {least:g} to {most:g}"
    plain = value.item() if hasattr(value, "item") and getattr(value, "shape", ()) == () else value
    fits = isinstance(plain, (int, float)) and not isinstance(plain, bool)
    if not fits or (least is not None and not plain >= least) or (most is not None and not plain <= most):
        raise ArgumentError(f"{where}: `{argument}` must be {told}, received {value!r}.")
    return plain


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
        self.__dict__["_activate_in_place"] = activations.in_place(found)

    def _activated(self, made: Tensor) -> Tensor:
        """The activation of a tensor that this call has made: in place where no gradient is recorded (a third less memory traffic)."""
        if self._activate is None:
            return made
        return self._activate(made) if torch.is_grad_enabled() else self._activate_in_place(made)
