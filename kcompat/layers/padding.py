"""Layers that put zeros around an input or cut its edges."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.layers.arguments import config_of
from kcompat.layers.windows import data_format_name, output_shape, sizes
from kcompat.tensor.pad import crop, zero_pad


class _Edges(Layer):
    """A layer with two numbers for each spatial axis: before and after."""

    rank: int
    argument: str
    _passes_down = False

    def __init__(self, edges: Any, data_format: Any, **kwargs: Any):
        edges = _pairs(type(self).__name__, self.argument, edges, self.rank)
        data_format = data_format_name(type(self).__name__, data_format)
        super().__init__(**kwargs)
        self.__dict__["_edges"] = edges
        self.__dict__[self.argument] = edges[0] if self.rank == 1 else edges
        self.__dict__["data_format"] = data_format
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        """Nothing to make; an input that is too small is refused."""
        self.compute_output_shape(input_shape)
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, *new lengths, channels)."""
        return output_shape(self, input_shape, self.rank, self.data_format, self._length)

    def _length(self, axis: int, length: int | None) -> int | None:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        names = [self.argument]
        if self.rank > 1 or (self.argument == "padding" and behaviour("config_1d_padding_data_format", self._keras_version)):
            names.append("data_format")
        return {**super().get_config(), **config_of(self, *names)}


def _pairs(where: str, argument: str, value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """One number for all edges, one for each axis, or a pair for each axis; with one axis also a bare pair."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = (value,) * rank
    if rank == 1 and isinstance(value, (list, tuple)) and len(value) == 2:
        value = (value,)
    if not isinstance(value, (list, tuple)) or len(value) != rank:
        raise ArgumentError(f"{where}: `{argument}` must be an integer, {rank} integers or {rank} pairs of integers, received {value!r}.")
    return tuple(sizes(where, argument, (edge, edge) if isinstance(edge, int) else edge, 2, 0) for edge in value)  # type: ignore[misc]


class _ZeroPadding(_Edges):
    """Zeros before and after each spatial axis. Source: https://keras.io/api/layers/reshaping_layers/zero_padding2d/"""

    argument = "padding"

    def __init__(self, padding: Any = 1, data_format: Any = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """The input with zeros around it."""
        return zero_pad(inputs, self._edges, self.data_format)

    def _length(self, axis: int, length: int | None) -> int | None:
        return None if length is None else length + sum(self._edges[axis])


class _Cropping(_Edges):
    """Each spatial axis without its first and last cells. Source: https://keras.io/api/layers/reshaping_layers/cropping2d/"""

    argument = "cropping"

    def __init__(self, cropping: Any = 1, data_format: Any = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """What is left of the input."""
        return crop(inputs, self._edges, self.data_format)

    def _length(self, axis: int, length: int | None) -> int | None:
        return None if length is None else length - sum(self._edges[axis])


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the steps."""

    rank = 1

    def __init__(self, padding: Any = 1, data_format: Any = "channels_last", **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around an image."""

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Zeros around a volume."""

    rank = 3


class Cropping1D(_Cropping):
    """Steps without the first and last ones."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    """An image without its edges."""

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: Any = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """A volume without its edges."""

    rank = 3


NAMES = {
    "ZeroPadding1D": ZeroPadding1D, "ZeroPadding2D": ZeroPadding2D, "ZeroPadding3D": ZeroPadding3D, "Cropping1D": Cropping1D,
    "Cropping2D": Cropping2D, "Cropping3D": Cropping3D,
}  # fmt: skip
registry.register("layer", NAMES)
