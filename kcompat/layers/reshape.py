"""Layers that move entries about: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor

from kcompat import config as settings
from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.layers.arguments import config_of, positive


class Flatten(Layer):
    """(batch, ...) -> (batch, everything else); 'channels_first' input is brought into channels_last order first.

    Source: https://keras.io/api/layers/reshaping_layers/flatten/
    """

    _passes_down = False

    def __init__(self, data_format: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.__dict__["data_format"] = settings.checked_data_format(data_format, "Flatten: ")
        self.input_spec = InputSpec(min_ndim=behaviour("flatten_least_rank"))

    def call(self, inputs: Tensor) -> Tensor:
        """The entries of each sample in one row."""
        if inputs.ndim == 1:
            return inputs.unsqueeze(1)
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = inputs.movedim(1, -1)
        return inputs.flatten(1) if inputs.ndim > 2 else inputs.view(inputs.shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, product of the other sizes)."""
        if len(input_shape) == 1:
            return (input_shape[0], 1)
        return (input_shape[0], None if None in input_shape[1:] else prod(input_shape[1:]))

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """(batch, ...) -> (batch, *target_shape); one entry may be -1 and takes what is left.

    Source: https://keras.io/api/layers/reshaping_layers/reshape/

        Reshape((3, -1))(x)  # (batch, 6) -> (batch, 3, 2)
    """

    _passes_down = False

    def __init__(self, target_shape: Any, **kwargs: Any):
        shape = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        if any(not isinstance(n, int) or n < -1 for n in shape) or shape.count(-1) > 1:
            raise ArgumentError(f"Reshape: `target_shape` must be a tuple of sizes with at most one -1, received {target_shape!r}.")
        super().__init__(**kwargs)
        self.__dict__["target_shape"] = shape
        self.__dict__["_known"] = prod(n for n in shape if n != -1)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The same entries in another shape."""
        sizes: Any = self._solve(inputs.shape[1:])
        return inputs.reshape([inputs.shape[0], *sizes])

    def _solve(self, sizes: Any) -> tuple[int | None, ...]:
        """The target sizes with -1 worked out, None where it cannot be."""
        known, total = self._known, 1
        for size in sizes:
            if size is None:
                return tuple([None if n == -1 else n for n in self.target_shape])
            total = total * size
        fits = total % known == 0 if -1 in self.target_shape and known else total == known
        if not fits:
            raise ShapeError(
                f"Reshape '{self.name}': `target_shape` {self.target_shape} cannot hold the {total} entries of an input of shape (batch, "
                f"{', '.join(map(str, sizes))})."
            )
        return tuple([total // known if n == -1 and known else n for n in self.target_shape])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, *target_shape)."""
        return (input_shape[0], *self._solve(tuple(input_shape[1:])))

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, "target_shape")}


class Permute(Layer):
    """The axes behind the batch axis in another order: `dims` counts them from 1.

    Source: https://keras.io/api/layers/reshaping_layers/permute/

        Permute((2, 1))(x)  # (batch, 10, 64) -> (batch, 64, 10)
    """

    _passes_down = False

    def __init__(self, dims: Any, **kwargs: Any):
        dims = tuple(dims)
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise ArgumentError(f"Permute: `dims` must hold the axes 1 to {len(dims)} once each, received {dims!r}.")
        super().__init__(**kwargs)
        self.__dict__["dims"] = dims
        self.input_spec = InputSpec(ndim=len(dims) + 1)

    def call(self, inputs: Tensor) -> Tensor:
        """A view with permuted axes."""
        return inputs.permute(0, *self.dims)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The sizes in the new order."""
        return (input_shape[0], *(input_shape[d] for d in self.dims))

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, "dims")}


class RepeatVector(Layer):
    """(batch, features) -> (batch, n, features), the same vector n times.

    Source: https://keras.io/api/layers/reshaping_layers/repeat_vector/
    """

    _passes_down = False

    def __init__(self, n: int, **kwargs: Any):
        n = positive("RepeatVector", "n", n, least=0)
        super().__init__(**kwargs)
        self.__dict__["n"] = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Tensor) -> Tensor:
        """The vector repeated."""
        return inputs.unsqueeze(1).expand(-1, self.n, -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, n, features)."""
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "n": self.n}


NAMES = {"Flatten": Flatten, "Reshape": Reshape, "Permute": Permute, "RepeatVector": RepeatVector}
registry.register("layer", NAMES)
