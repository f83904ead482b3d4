"""Layers around a layer or a torch module."""

from __future__ import annotations

from typing import Any

import torch

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError


class Wrapper(Layer):
    """Base of layers that hold another one as `layer`. Source: https://keras.io/api/layers/core_layers/"""

    def __init__(self, layer: Any, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise ArgumentTypeError(f"{type(self).__name__}: `layer` must be a Keras layer, received {layer!r}.")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside."""
        if not self.layer.built and input_shape is not None:
            self.layer._build_once(input_shape)
        super().build(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "layer": registry.serialize("layer", self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A wrapper from its config."""
        inner = registry.deserialize("layer", config["layer"], custom_objects)
        return cls(inner, **{k: v for k, v in config.items() if k != "layer"})


class TorchModuleWrapper(Layer):
    """A torch module as a Keras layer, so that it can stand in a graph or a Sequential.

    `output_shape` says the shape of the output where it cannot be found by running the module on tensors without storage. Source:
    https://keras.io/api/layers/backend_specific_layers/torch_module_wrapper/
    """

    def __init__(self, module: torch.nn.Module, name: str | None = None, output_shape: Any = None, **kwargs: Any):
        if not isinstance(module, torch.nn.Module):
            raise ArgumentTypeError(f"TorchModuleWrapper: `module` must be a torch.nn.Module, received {module!r}.")
        super().__init__(name=name, **kwargs)
        self.module = module
        self.__dict__["_given_output_shape"] = output_shape
        self.__dict__["_autocast"] = False
        self.built = True

    def call(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Call the module, in training mode if the call says so."""
        wanted = self._in_training(training)
        if self.module.training is not wanted:
            self.module.train(wanted)
        return self.module(*args, **kwargs)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The given `output_shape`, or what running the module finds."""
        if self._given_output_shape is None:
            return super().compute_output_spec(inputs, *args, **kwargs)
        return (tuple(self._given_output_shape), self._compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """A torch module has no config; the error says what to do."""
        raise ArgumentError(
            f"TorchModuleWrapper '{self.name}' cannot be written to a config: a torch module is code. Save the `state_dict()` of the model."
        )


NAMES = {"Wrapper": Wrapper, "TorchModuleWrapper": TorchModuleWrapper}
registry.register("layer", {"Wrapper": Wrapper})
