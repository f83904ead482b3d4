"""An activation function as a layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.layers.arguments import ActivatedLayer, config_of


class Activation(ActivatedLayer):
    """`activation(x)`, same shape. Source: https://keras.io/api/layers/core_layers/activation/"""

    supports_masking = True
    _passes_down = False

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activation
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return inputs if self._activate is None else self._activate(inputs)

    def _call_in_place(self, inputs: Tensor) -> Tensor:
        return inputs if self._activate is None else self._activate_in_place(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, "activation")}


NAMES = {"Activation": Activation}
registry.register("layer", NAMES)
