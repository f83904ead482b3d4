"""Layers that add or multiply noise while training."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.layers.arguments import config_of, number
from kcompat.layers.windows import title
from kcompat.random import SeedGenerator, checked_seed
from kcompat.tensor import noise


class _Noise(Layer):
    """Base: the input itself in inference, `_disturbed` in training; one number, `_amount`, says how much."""

    supports_masking = True
    _training_in_config = False
    _passes_down = False
    _amount: str

    def __init__(self, amount: Any, seed: Any, **kwargs: Any):
        name = type(self).__name__
        bounds = (0, 1) if behaviour("noise_checked") else ()
        amount = number(name, self._amount, amount, *bounds)
        seed = checked_seed(seed, name)
        super().__init__(**kwargs)
        self.__dict__.update({self._amount: amount, "seed": seed})
        self.seed_generator = SeedGenerator(seed) if isinstance(seed, int) else seed
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The disturbed input in training, the input itself otherwise."""
        if not self._in_training(training) or not self._acts():
            return inputs
        return self._disturbed(inputs)

    def _acts(self) -> bool:
        return True

    def _disturbed(self, inputs: Tensor) -> Tensor:
        raise NotImplementedError

    def _key(self, inputs: Tensor) -> Tensor | None:
        return None if self.seed_generator is None else self.seed_generator.next().to(inputs.device)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data, with the keys that the generation writes."""
        config = {**super().get_config(), **config_of(self, self._amount)}
        return {**config, "seed": self.seed} if behaviour("config_noise_seed", self._keras_version) else config


class GaussianNoise(_Noise):
    """Adds noise of mean 0 and standard deviation `stddev` in training; same shape. Keras 1 says `sigma`.

    Source: https://keras.io/api/layers/regularization_layers/gaussian_noise/
    """

    _amount = "stddev"

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any):
        super().__init__(stddev, seed, **kwargs)

    def _disturbed(self, inputs: Tensor) -> Tensor:
        return noise.add_normal(inputs, self.stddev, self._key(inputs))


class _RateNoise(_Noise):
    """Noise by a rate, which does nothing where the rate is not between 0 and 1."""

    _amount = "rate"

    def _acts(self) -> bool:
        if self.rate == 1 and behaviour("noise_rate_one", self._keras_version) == "error":
            raise ArgumentError(f"{title(self)}: `rate` must be below 1 in training, received {self.rate!r}.")
        return 0 < self.rate < 1


class GaussianDropout(_RateNoise):
    """Multiplies by noise of mean 1 and standard deviation `sqrt(rate / (1 - rate))` in training; same shape. Keras 1 says `p`.

    Source: https://keras.io/api/layers/regularization_layers/gaussian_dropout/
    """

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any):
        super().__init__(rate, seed, **kwargs)

    def _disturbed(self, inputs: Tensor) -> Tensor:
        return noise.multiply_normal(inputs, (self.rate / (1 - self.rate)) ** 0.5, self._key(inputs))


class AlphaDropout(_RateNoise):
    """Sets a part `rate` of the entries to SELU's lower limit in training, then scales so that mean 0 and variance 1 stay so.

    `noise_shape` has 1 for axes along which all entries share their fate (None: the input's size); it broadcasts against the input.
    Source: https://keras.io/api/layers/regularization_layers/alpha_dropout/
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any):
        shape = None if noise_shape is None else tuple(noise_shape)
        if shape is not None and any(n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1) for n in shape):
            raise ArgumentError(f"AlphaDropout: `noise_shape` must hold sizes or None, received {noise_shape!r}.")
        super().__init__(rate, seed, **kwargs)
        self.__dict__["noise_shape"] = shape

    def _disturbed(self, inputs: Tensor) -> Tensor:
        return noise.alpha_dropout(inputs, self.rate, self._noise_shape(inputs), self._key(inputs))

    def _noise_shape(self, inputs: Tensor) -> tuple[int, ...]:
        if self.noise_shape is None:
            return tuple(inputs.shape)
        full = tuple(inputs.shape)[max(0, inputs.ndim - len(self.noise_shape)) :]
        if len(full) != len(self.noise_shape) or any(n not in (None, 1, m) for n, m in zip(self.noise_shape, full, strict=True)):
            raise ShapeError(
                f"{title(self)}: `noise_shape` {self.noise_shape} must broadcast against the input, received shape {tuple(inputs.shape)}."
            )
        return tuple(m if n is None else n for n, m in zip(self.noise_shape, full, strict=True))

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data, with the keys that the generation writes."""
        config = super().get_config()
        if behaviour("config_alpha_dropout_noise_shape", self._keras_version):
            config["noise_shape"] = self.noise_shape
        return config


NAMES = {c.__name__: c for c in (GaussianNoise, GaussianDropout, AlphaDropout)}
registry.register("layer", NAMES)
