"""Pooling to a given size (Keras 3): cell i of m covers the cells from floor(i n / m) to ceil((i + 1) n / m) of n."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.layers.arguments import config_of
from kcompat.layers.windows import data_format_name, output_shape, sizes
from kcompat.tensor.adaptive_pool import adaptive_average_pool, adaptive_max_pool


class _AdaptivePooling(Layer):
    """One number for each of `output_size` windows of about equal size: (batch, *lengths, channels) -> (batch, *output_size, channels).

    Windows overlap where the sizes do not divide. Source: https://keras.io/api/layers/pooling_layers/adaptive_average_pooling2d/
    """

    rank: int
    _pool: Callable[..., Tensor]
    _passes_down = False

    def __init__(self, output_size: Any, data_format: Any = None, **kwargs: Any):
        try:
            output_size = sizes(type(self).__name__, "output_size", output_size, self.rank)
        except ArgumentError as error:
            kind = ArgumentError if self.rank == 1 and isinstance(output_size, (list, tuple)) else ArgumentTypeError
            raise kind(str(error)) from None
        data_format = data_format_name(type(self).__name__, data_format)
        super().__init__(**kwargs)
        self.__dict__.update(output_size=output_size, data_format=data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Tensor) -> Tensor:
        """The maxima or means."""
        return type(self)._pool(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, *output_size, channels)."""
        return output_shape(self, input_shape, self.rank, self.data_format, lambda axis, length: self.output_size[axis])

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, "output_size", "data_format")}


class _AdaptiveAveragePooling(_AdaptivePooling):
    _pool = staticmethod(adaptive_average_pool)


class _AdaptiveMaxPooling(_AdaptivePooling):
    _pool = staticmethod(adaptive_max_pool)


class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """Means of steps."""

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """Means of parts of an image."""

    rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """Means of parts of a volume."""

    rank = 3


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """Maxima of steps."""

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """Maxima of parts of an image."""

    rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """Maxima of parts of a volume."""

    rank = 3


_CLASSES: tuple[type[Layer], ...] = (
    AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D, AdaptiveMaxPooling1D, AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)  # fmt: skip
NAMES = {c.__name__: c for c in _CLASSES}
registry.register("layer", NAMES)
