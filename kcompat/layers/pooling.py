"""Maxima and averages over windows and over whole images, of one to three spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentTypeError
from kcompat.generations import NOT_GIVEN, behaviour, given
from kcompat.layers.arguments import config_of
from kcompat.layers.windows import data_format_name, output_shape, padding_name, sizes, theano_paddings
from kcompat.tensor.pool import average_pool, global_average, global_max, max_pool
from kcompat.tensor.shapes import channel_axis, output_length, spatial_axes


class _Pooling(Layer):
    """One number for each window of `pool_size` cells, windows `strides` apart (None: side by side), each channel by itself.

    (batch, *lengths, channels) -> (batch, *new lengths, channels), or with the channels after the batch. 'same' windows that reach over
    an edge take the cells there are. Source: https://keras.io/api/layers/pooling_layers/
    """

    rank: int
    _pool: Callable[..., Tensor]
    _passes_down = False
    _writes_build_shape = False

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", data_format: Any = NOT_GIVEN, name: Any = None, **kwargs: Any
    ):
        where = type(self).__name__
        pool_size = sizes(where, "pool_size", pool_size, self.rank)
        strides = pool_size if strides is None else sizes(where, "strides", strides, self.rank)
        padding = padding_name(where, padding, ("valid", "same", *(theano_paddings("same_theano") if self.rank == 2 else ())))
        if data_format is NOT_GIVEN:
            data_format = behaviour("data_format_1d") if self.rank == 1 else None
        data_format = data_format_name(where, data_format)
        super().__init__(name=name, **kwargs)
        self.__dict__.update(pool_size=pool_size, strides=strides, padding=padding, data_format=data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        """Nothing to make; a window that does not fit is refused."""
        self.compute_output_shape(input_shape)
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The maxima or means."""
        return type(self)._pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, *new lengths, channels)."""
        return output_shape(self, input_shape, self.rank, self.data_format, self._length)

    def _length(self, axis: int, length: int | None) -> int | None:
        return output_length(length, self.pool_size[axis], self.strides[axis], self.padding)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, "pool_size", "padding", "strides", "data_format")}


class _MaxPooling(_Pooling):
    _pool = staticmethod(max_pool)


class _AveragePooling(_Pooling):
    _pool = staticmethod(average_pool)

    def __init__(self, pool_size: Any = NOT_GIVEN, *args: Any, **kwargs: Any):
        pool_size = given(pool_size, "average_pool_size")
        if pool_size is None:
            raise ArgumentTypeError(f"{type(self).__name__}: `pool_size` must be given in Keras 3, nothing was received.")
        super().__init__(pool_size, *args, **kwargs)


class _GlobalPooling(Layer):
    """One number for each channel of the whole input: (batch, *lengths, channels) -> (batch, channels).

    With `keepdims` the spatial axes stay with size 1. Source: https://keras.io/api/layers/pooling_layers/
    """

    rank: int
    _passes_down = False

    def __init__(self, data_format: Any = NOT_GIVEN, keepdims: bool = False, **kwargs: Any):
        if data_format is NOT_GIVEN:
            data_format = behaviour("data_format_1d") if self.rank == 1 else None
        data_format = data_format_name(type(self).__name__, data_format)
        super().__init__(**kwargs)
        self.__dict__.update(data_format=data_format, keepdims=bool(keepdims))
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, channels), or with spatial axes of size 1."""
        if self.keepdims:
            inner = spatial_axes(self.rank, self.data_format)
            return tuple(1 if axis in inner else n for axis, n in enumerate(input_shape))
        return (input_shape[0], input_shape[channel_axis(self.data_format)])

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        names = ["data_format", *(["keepdims"] if self.keepdims or behaviour("global_pool_keepdims", self._keras_version) else [])]
        return {**super().get_config(), **config_of(self, *names)}


class _GlobalMaxPooling(_GlobalPooling):
    def call(self, inputs: Tensor) -> Tensor:
        """The maximum of each channel."""
        return global_max(inputs, self.data_format, self.keepdims)


class _GlobalAveragePooling(_GlobalPooling):
    """Means; of integers whole numbers, and in Keras 3 floats."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.__dict__["_casts_integers"] = behaviour("integer_means") == "floats"

    def call(self, inputs: Tensor) -> Tensor:
        """The mean of each channel."""
        return global_average(inputs, self.data_format, self.keepdims)


class MaxPooling1D(_MaxPooling):
    """Maxima over windows of steps."""

    rank = 1


class MaxPooling2D(_MaxPooling):
    """Maxima over windows of an image."""

    rank = 2


class MaxPooling3D(_MaxPooling):
    """Maxima over windows of a volume."""

    rank = 3


class AveragePooling1D(_AveragePooling):
    """Means over windows of steps."""

    rank = 1


class AveragePooling2D(_AveragePooling):
    """Means over windows of an image."""

    rank = 2


class AveragePooling3D(_AveragePooling):
    """Means over windows of a volume."""

    rank = 3


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The maximum over all steps; a mask is ignored."""

    rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The maximum over an image."""

    rank = 2


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The maximum over a volume."""

    rank = 3


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean over all steps, over the kept ones if there is a mask; nan where none is kept."""

    rank = 1
    supports_masking = True

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """The mean of each channel."""
        select = mask is not None and behaviour("masked_mean", self._keras_version) == "select"
        return global_average(inputs, self.data_format, self.keepdims, mask, select)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: there are no steps left."""
        return None


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean over an image."""

    rank = 2


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean over a volume."""

    rank = 3


_FAMILIES: dict[str, tuple[type[Any], ...]] = {
    "MaxPool": (MaxPooling1D, MaxPooling2D, MaxPooling3D),
    "AvgPool": (AveragePooling1D, AveragePooling2D, AveragePooling3D),
    "GlobalMaxPool": (GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D),
    "GlobalAvgPool": (GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D),
}
NAMES: dict[str, type[Layer]] = {}
for _short, _classes in _FAMILIES.items():
    for _class in _classes:
        NAMES.update({_class.__name__: _class, f"{_short}{_class.rank}D": _class})
registry.register("layer", NAMES)
