"""`Input`: where a graph begins."""

from __future__ import annotations

from typing import Any

import torch

from kcompat import config, registry
from kcompat.core.layer import Layer
from kcompat.core.naming import unique_name
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor, record
from kcompat.tensor.dtypes import dtype_name, torch_dtype


class InputLayer(Layer):
    """A placeholder for the data a model is fed; made by `Input`, or put first into a `Sequential`.

    `shape` leaves out the batch, `batch_shape` has it. Keras 1 and 2 call them `input_shape` and `batch_input_shape`.
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = False,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        input_shape: Any = None,
        batch_input_shape: Any = None,
        ragged: bool | None = False,
        type_spec: Any = None,
        **kwargs: Any,
    ):
        if ragged:
            raise ArgumentError("`ragged` inputs do not exist in torch; pad the sequences and use a `Masking` layer.")
        if type_spec is not None:
            raise ArgumentError(f"`type_spec` is TensorFlow's; give `shape` and `dtype` instead of {type_spec!r}.")
        tensor = input_tensor
        if tensor is not None and not isinstance(tensor, KerasTensor):
            raise ArgumentTypeError(
                f"`input_tensor` of an InputLayer must be a symbolic tensor, received {type(tensor).__name__}; a tensor with values can "
                "be used as a constant."
            )
        full = batch_shape if batch_shape is not None else batch_input_shape
        inner = shape if shape is not None else input_shape
        if full is None and inner is None and tensor is None:
            raise ArgumentError("An Input needs `shape` (without the batch) or `batch_shape`, received neither.")
        if full is not None and inner is not None:
            raise ArgumentError(f"An Input takes `shape` or `batch_shape`, received both: {inner!r} and {full!r}.")
        if full is None:
            full = (batch_size, *_sizes(inner)) if inner is not None or tensor is None else tensor.shape
        dtype = kwargs.pop("input_dtype", None) if dtype is None else dtype
        if dtype is None:
            dtype = dtype_name(tensor.dtype) if tensor is not None else config.floatx()
        kind = torch_dtype(getattr(dtype, "compute_dtype", None) or (dtype["config"]["name"] if isinstance(dtype, dict) else dtype))
        if name is None:
            name = unique_name(behaviour("input_name"), behaviour("input_name_first_index"))
        super().__init__(name=name, dtype=dtype_name(kind) if kind.is_floating_point else None, **kwargs)
        self.__dict__["_autocast"] = False
        self.batch_shape = _sizes(full)
        self.sparse = bool(sparse)
        self.optional = bool(optional)
        self._input_dtype = kind
        self.built = True
        symbol = tensor if tensor is not None else KerasTensor(self.batch_shape, kind, name=name, sparse=self.sparse)
        record(self, (), {}, symbol)

    @property
    def dtype(self) -> str:
        """The dtype of the data, by name."""
        return dtype_name(self._input_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal input, in the words of the generation."""
        if behaviour("config_node_form", self._keras_version) == "arguments":
            return {
                "batch_shape": self.batch_shape,
                "dtype": self.dtype,
                "sparse": self.sparse,
                "ragged": False,
                "name": self.name,
                "optional": self.optional,
            }
        written = {"batch_input_shape": self.batch_shape, "dtype": self.dtype, "sparse": self.sparse, "name": self.name}
        if behaviour("config_input_optional", self._keras_version):
            written["optional"] = self.optional
        if behaviour("config_names_module", self._keras_version):
            written["ragged"] = False
        return written

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        record(self, (), {}, KerasTensor(self.batch_shape, self._input_dtype, name=self.name, sparse=self.sparse))


def _sizes(shape: Any) -> tuple[int | None, ...]:
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(shape, (tuple, list, torch.Size)) or any(not (n is None or (isinstance(n, int) and n >= 0)) for n in shape):
        raise ArgumentError(f"`shape` of an Input must be a tuple of sizes, None where one varies, received {shape!r}.")
    return tuple(shape)


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    name: str | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    tensor: Any = None,
    ragged: bool | None = None,
    type_spec: Any = None,
    batch_shape: Any = None,
    batch_input_shape: Any = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor that stands for data fed to a model: `x = Input((28, 28, 1))` (Keras: Input)."""
    if isinstance(batch_size, (tuple, list)):  # Keras 2.0-2.3: Input(shape, batch_shape, ...)
        batch_size, batch_shape = None, batch_size
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        batch_shape=batch_shape if batch_shape is not None else batch_input_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
        ragged=ragged,
        type_spec=type_spec,
    )
    return layer._inbound_nodes[0].outputs


registry.register("layer", {"InputLayer": InputLayer})
