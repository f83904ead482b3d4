"""A layer as plain data, and back."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from kcompat import registry, regularizers
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.tree import leaves


class ConfigMixin:
    """The part of a layer that is written to configs and made from them."""

    if TYPE_CHECKING:  # what the other parts of a layer bring

        def __getattr__(self, name: str) -> Any: ...

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as plain data."""
        settings: dict[str, Any] = {"name": self.name, "trainable": self._trainable}
        form = behaviour("config_dtype", self._keras_version)
        if form == "policy":
            settings["dtype"] = registry.serialize("dtype_policy", self.dtype_policy)
        elif form == "name" or self._batch_input_shape is not None:
            plain = self.dtype_policy.compute_dtype == self.dtype_policy.variable_dtype
            settings["dtype"] = self.variable_dtype if plain else registry.serialize("dtype_policy", self.dtype_policy)
        if self.activity_regularizer is not None and behaviour("config_activity", self._keras_version) == "base":
            settings["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if self._batch_input_shape is not None and behaviour("config_first_layer_shape", self._keras_version):
            settings["batch_input_shape"] = self._batch_input_shape
        if type(self).get_config is ConfigMixin.get_config and type(self).__init__.__module__ != "kcompat.core.layer":
            settings.update(self._own_arguments())
        return settings

    def _own_arguments(self) -> dict[str, Any]:
        """The constructor's arguments, for a user's layer that writes no `get_config`."""
        args, kwargs = self.__dict__.get("_init_arguments", ((), {}))
        bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs)
        given = {k: v for k, v in list(bound.arguments.items())[1:] if k not in ("args", "kwargs")}
        odd = [k for k, v in given.items() if not all(isinstance(x, (str, int, float, bool, type(None))) for x in leaves(v))]
        if odd or "args" in bound.arguments:
            raise ArgumentError(
                f"Layer '{self.name}' ({type(self).__name__}) cannot be written as a config: its argument `{(odd or ['args'])[0]}` is no "
                "plain data. Write a `get_config` method."
            )
        return given

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from its config."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any] | None:
        """The input shape the layer was built with."""
        shape = self.__dict__.get("_build_shape")
        if shape is None or not self.built:
            return None
        if not self._writes_build_shape and behaviour("config_build_shape", self._keras_version) == "built":
            return None
        return {"shapes_dict": shape} if isinstance(shape, dict) and self._call_spec.build_shapes else {"input_shape": shape}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build for the shape in a config of `get_build_config`."""
        if config and not self.built:
            shapes = _as_shapes(config)
            self._build_once(**shapes["shapes_dict"]) if "shapes_dict" in shapes else self._build_once(shapes["input_shape"])


def _as_shapes(value: Any) -> Any:
    """Shapes are tuples again where a file has lists."""
    if isinstance(value, dict):
        return {key: _as_shapes(v) for key, v in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    one = all(n is None or isinstance(n, int) for n in value)
    return tuple(value) if one else [_as_shapes(v) for v in value]
