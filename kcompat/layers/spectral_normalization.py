"""A wrapper that keeps the largest singular value of a layer's kernel at 1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.initializers import TruncatedNormal
from kcompat.layers.arguments import positive
from kcompat.layers.windows import title
from kcompat.layers.wrapper import Wrapper
from kcompat.tensor.spectral import spectral_step


class SpectralNormalization(Wrapper):
    """Calls `layer`; in training its kernel (or embeddings) is first divided, in place, by its largest singular value.

    The value is estimated by `power_iterations` steps from `vector_u` (1, n), which is kept from call to call. Source:
    https://keras.io/api/layers/normalization_layers/spectral_normalization/

        SpectralNormalization(Dense(10))(x)
    """

    _training_in_config = False

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any):
        power_iterations = positive("SpectralNormalization", "power_iterations", power_iterations)
        super().__init__(layer, **kwargs)
        self.__dict__["power_iterations"] = power_iterations

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside and make `vector_u`."""
        super().build(input_shape)
        kernel = self._kernel()
        self.vector_u = self.add_weight(
            "vector_u", (1, kernel.shape[-1]), initializer=TruncatedNormal(stddev=0.02), trainable=False, dtype=kernel.dtype
        )
        self.input_spec = InputSpec(shape=(None, *input_shape[1:]))

    def _kernel(self) -> Any:
        for name in ("kernel", "embeddings"):
            if getattr(self.layer, name, None) is not None:
                return getattr(self.layer, name)
        raise ArgumentError(f"{title(self)}: `layer` must have a `kernel` or `embeddings`, a {type(self.layer).__name__} has neither.")

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """What the layer gives; in training after a step of normalization."""
        if self._in_training(training):
            self._normalize()
        return self.layer(inputs)

    def _normalize(self) -> None:
        kernel = self._kernel()
        with torch.no_grad():
            scaled, vector = spectral_step(kernel, self.vector_u, self.power_iterations)
            kernel.copy_(scaled)
            self.vector_u.copy_(vector)

    def normalize_weights(self) -> tuple[Tensor, Tensor]:
        """The normalized kernel and the next `vector_u`, without setting them."""
        return spectral_step(self._kernel(), self.vector_u, self.power_iterations)

    def _split_weights(self) -> tuple[list[Any], list[Any]]:
        trainable, others = super()._split_weights()
        return self._kernel_first(trainable), self._kernel_first(others)

    @property
    def weights(self) -> list[Any]:
        """All weights; the kernel, which Keras counts as the wrapper's own, comes first, in Keras 3 with `vector_u` behind it."""
        return self._kernel_first(super().weights) if behaviour("layer_weights", self._keras_version) == "by_layer" else super().weights

    def _variables_in_files(self) -> list[Any]:
        """Keras holds the kernel as the wrapper's own variable too, and writes it twice."""
        return [self._kernel(), self.vector_u] if self.built else []

    def _kernel_first(self, weights: list[Any]) -> list[Any]:
        if not self.built:
            return weights
        own = [w for w in (self._kernel(), self.vector_u) if any(w is found for found in weights)]
        return [*own, *(w for w in weights if all(w is not o for o in own))]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The layer's."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "power_iterations": self.power_iterations}


NAMES = {"SpectralNormalization": SpectralNormalization}
registry.register("layer", NAMES)
