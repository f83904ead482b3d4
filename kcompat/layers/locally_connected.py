"""Locally connected layers (until tf.keras): convolutions whose weights differ from place to place."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ShapeError, UnknownArgumentError
from kcompat.generations import behaviour
from kcompat.layers.arguments import config_of, positive
from kcompat.layers.convolution import Windowed
from kcompat.layers.windows import title
from kcompat.tensor.local import local_convolve, local_edges, local_index, local_kernel
from kcompat.tensor.shapes import channel_axis, spatial_axes


class _LocallyConnected(Windowed):
    """A convolution with a kernel of its own at every place, plus a bias of its own.

    (batch, *lengths, channels) -> (batch, *places, filters). `implementation` says how the kernel is stored, on which files depend:
    1: (places, window, filters); 2: (*lengths, channels, *places, filters), channels before lengths for 'channels_first', of which only
    what is connected counts; 3: one number for each connection. 2 and 3 also know `padding='same'`. The bias is (*places, filters).
    Source: https://www.tensorflow.org/versions/r2.15/api_docs/python/tf/keras/layers/LocallyConnected2D
    """

    _config = (
        "filters", "kernel_size", "strides", "padding", "data_format", "activation", "use_bias", "kernel_initializer", "bias_initializer",
        "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint", "implementation",
    )  # fmt: skip

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
                 activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, implementation: int = 1, **kwargs: Any):  # fmt: skip
        where, known = type(self).__name__, behaviour("locally_connected_implementations")
        filters = positive(where, "filters", filters)
        if implementation not in known:
            kind = UnknownArgumentError if len(known) == 1 else ArgumentError
            raise kind(f"{where}: `implementation` must be {' or '.join(map(str, known))}, received {implementation!r}.")
        if isinstance(padding, str) and padding.lower() == "same" and implementation == 1:
            raise ArgumentError(f"{where}: `padding` must be 'valid' with `implementation=1`, received {padding!r}; 2 and 3 know 'same'.")
        super().__init__(
            kernel_size=kernel_size, strides=strides, padding=padding, data_format=self._format(data_format), dilation_rate=1,
            activation=activation, use_bias=use_bias, activity_regularizer=activity_regularizer, more=kwargs, filters=filters,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
            implementation=int(implementation),
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _format(self, data_format: Any) -> Any:
        return data_format

    def build(self, input_shape: Any) -> None:
        """Make `kernel` and `bias`; all sizes but the batch's must be known."""
        shape = self.compute_output_shape(input_shape)
        if None in input_shape[1:]:
            raise ShapeError(f"{title(self)}: lengths and channels of the input must be known, received shape {tuple(input_shape)}.")
        inner, last = spatial_axes(self.rank, self.data_format), self.data_format == "channels_last"
        lengths, places = [input_shape[axis] for axis in inner], [shape[axis] for axis in inner]
        channels = input_shape[channel_axis(self.data_format)]
        window, index = math.prod(self.kernel_size) * channels, None
        kernel_shape: tuple[int, ...] = (math.prod(places), window, self.filters)
        if self.implementation != 1:
            index, count = local_index(
                lengths, channels, self.filters, self.kernel_size, self.strides, self.padding, self.data_format, self.implementation == 3
            )
            kernel_shape = (count,) if self.implementation == 3 else (*input_shape[1:], *shape[1:])
        self.kernel = self._weight("kernel", kernel_shape)
        self.bias = self._weight("bias", (*places, self.filters)) if self.use_bias else None
        self.register_buffer("_index", index, persistent=False)
        edges = local_edges(lengths, self.kernel_size, self.strides, self.padding)
        self.__dict__.update(
            _edges=None if self.padding == "valid" else edges,
            # Keras does not turn the bias for 'channels_first', it reads its numbers in another order.
            _bias_shape=(*places, self.filters) if last else (self.filters, *places),
        )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={channel_axis(self.data_format): channels})
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The windows times their weights, the bias, the activation."""
        kernel, bias = self._computing("kernel"), self._computing("bias")
        if self._index is not None:
            kernel = local_kernel(kernel, self._index)
        outputs = local_convolve(inputs, kernel, self.kernel_size, self.strides, self._edges, self.data_format)
        if bias is not None:
            outputs = outputs + bias.reshape(self._bias_shape)
        return outputs if self._activate is None else self._activate(outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        names = list(self._config)
        if len(behaviour("locally_connected_implementations", self._keras_version)) == 1:
            names.remove("implementation")
            if self.rank == 1:
                names.remove("data_format")
        return {**super(Windowed, self).get_config(), **config_of(self, *names)}


class LocallyConnected1D(_LocallyConnected):
    """Unshared convolution over steps. Before tf.keras it knew 'channels_last' only, whatever was asked for; that is refused here."""

    rank = 1

    def _format(self, data_format: Any) -> Any:
        if behaviour("locally_connected_1d_data_format"):
            return data_format
        if data_format in (None, "channels_last"):
            return "channels_last"
        raise ArgumentError(
            "LocallyConnected1D: `data_format` must be 'channels_last' before tf.keras, where another one had no effect; received "
            f"{data_format!r}."
        )


class LocallyConnected2D(_LocallyConnected):
    """Unshared convolution over images."""

    rank = 2


NAMES = {"LocallyConnected1D": LocallyConnected1D, "LocallyConnected2D": LocallyConnected2D}
registry.register("layer", NAMES)
