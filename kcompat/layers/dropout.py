"""Layers that drop entries or penalize activity while training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import config as settings
from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour, positional
from kcompat.layers.arguments import config_of
from kcompat.random import SeedGenerator, checked_seed, dropout
from kcompat.regularizers import L1L2


class Dropout(Layer):
    """Zeros a part `rate` of the entries in training and scales the rest by 1 / (1 - rate); same shape.

    `noise_shape` has 1 for axes along which all entries share their fate (None: the input's size). A `seed` makes the layer draw from a
    generator of its own. Source: https://keras.io/api/layers/regularization_layers/dropout/
    """

    supports_masking = True
    _training_in_config = False
    _passes_down = False
    _config = ("rate", "noise_shape", "seed")

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any):
        name = type(self).__name__
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            raise ArgumentTypeError(f"{name}: `rate` must be a number from 0 to 1, received {rate!r}.")
        if not 0 <= rate <= 1 and behaviour("dropout_rate_checked"):
            raise ArgumentError(f"{name}: `rate` must be a number from 0 to 1, received {rate!r}.")
        rate = min(1.0, max(0.0, rate))
        super().__init__(**kwargs)
        self.__dict__["rate"] = rate
        self.__dict__["noise_shape"] = None if noise_shape is None else tuple(noise_shape)
        self.__dict__["seed"] = seed = checked_seed(seed, name)
        self.seed_generator = SeedGenerator(seed) if isinstance(seed, int) else seed
        self._rate_one = behaviour("dropout_rate_one")
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The input with entries dropped in training, the input itself otherwise."""
        if self.rate == 0 or not self._in_training(training):
            return inputs
        if self.rate == 1:
            return self._drop_all(inputs)
        return dropout(inputs, self.rate, self._noise_shape(inputs), self.seed_generator)

    def _drop_all(self, inputs: Tensor) -> Tensor:
        if self._rate_one == "error":
            raise ArgumentError(f"{type(self).__name__} '{self.name}': `rate` must be below 1 in training, received {self.rate!r}.")
        return inputs if self._rate_one == "identity" else torch.zeros_like(inputs)

    def _noise_shape(self, inputs: Tensor) -> tuple[int, ...] | None:
        if self.noise_shape is None:
            return None
        if len(self.noise_shape) != inputs.ndim:
            raise ArgumentError(
                f"{type(self).__name__} '{self.name}': `noise_shape` {self.noise_shape} must have the rank {inputs.ndim} of the input."
            )
        return tuple(size if noise is None else noise for noise, size in zip(self.noise_shape, inputs.shape, strict=True))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, *self._config)}


class _SpatialDropout(Dropout):
    """Dropout of whole channels; `rank` spatial axes."""

    rank: int

    @positional("spatial_dropout_arguments")
    def __init__(self, rate: float, data_format: Any = None, seed: Any = None, **kwargs: Any):
        if self.rank == 1 and data_format is not None:
            raise ArgumentTypeError(f"SpatialDropout1D has no argument `data_format`, received {data_format!r}.")
        super().__init__(rate, noise_shape=kwargs.pop("noise_shape", None), seed=seed, **kwargs)
        self.__dict__["data_format"] = (
            settings.checked_data_format(data_format, f"{type(self).__name__}: ") if self.rank > 1 else "channels_last"
        )
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _noise_shape(self, inputs: Tensor) -> tuple[int, ...]:
        batch, last, first = inputs.shape[0], inputs.shape[-1], inputs.shape[1]
        ones = (1,) * self.rank
        return (batch, *ones, last) if self.data_format == "channels_last" else (batch, first, *ones)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data, with the keys that the generation writes."""
        config = super().get_config()
        if behaviour("config_spatial_dropout", self._keras_version) == "own":
            kept = {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}
            return kept if self.rank == 1 else {**kept, "data_format": self.data_format}
        return config


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of (batch, steps, channels). Source: https://keras.io/api/layers/regularization_layers/"""

    rank = 1

    @positional("spatial_dropout1d_arguments")
    def __init__(self, rate: float, seed: Any = None, **kwargs: Any):
        super().__init__(rate, seed=seed, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images. Source: https://keras.io/api/layers/regularization_layers/"""

    rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes. Source: https://keras.io/api/layers/regularization_layers/"""

    rank = 3


class ActivityRegularization(Layer):
    """The input itself, with `l1 * sum |x| + l2 * sum x^2` added to the losses.

    Source: https://keras.io/api/layers/regularization_layers/activity_regularization/
    """

    supports_masking = True
    _passes_down = False

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.activity_regularizer = L1L2(l1=l1, l2=l2)
        self.__dict__.update(l1=l1, l2=l2)
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {k: v for k, v in super().get_config().items() if k != "activity_regularizer"}
        return {**config, "l1": self.l1, "l2": self.l2}


NAMES = {
    "Dropout": Dropout, "SpatialDropout1D": SpatialDropout1D, "SpatialDropout2D": SpatialDropout2D,
    "SpatialDropout3D": SpatialDropout3D, "ActivityRegularization": ActivityRegularization,
}  # fmt: skip
registry.register("layer", NAMES)
