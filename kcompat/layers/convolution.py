"""Convolutions: plain and transposed ones of one to three spatial axes. Depthwise and separable ones are in `separable`."""

from __future__ import annotations

import functools
from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import NOT_GIVEN, behaviour, positional
from kcompat.layers.arguments import ActivatedLayer, config_of, positive, take
from kcompat.layers.windows import known_channels, known_output_padding, output_shape, sizes, theano_paddings, title, window_arguments
from kcompat.tensor.convolve import KERNEL_ORDER, convolve, convolve_transposed, known_padding
from kcompat.tensor.shapes import output_length, spatial_axes, transposed_length


class Windowed(ActivatedLayer):
    """What all convolutions have in common: a window, a bias, an activation."""

    rank: int
    _passes_down = False
    _casts_integers = True
    _paddings: tuple[str, ...] = ("valid", "same")
    _theano_paddings: tuple[str, ...] = ()
    _strides_and_dilation = False
    _config: tuple[str, ...] = ()

    def __init__(self, *, kernel_size: Any, strides: Any, padding: Any, data_format: Any, dilation_rate: Any, activation: Any,
                 use_bias: bool, activity_regularizer: Any, more: dict[str, Any], **arguments: Any):  # fmt: skip
        window = window_arguments(
            type(self).__name__, self.rank, kernel_size, strides, padding, data_format, dilation_rate,
            (*self._paddings, *theano_paddings(*self._theano_paddings)), self._strides_and_dilation,
        )  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **more)
        self.activation = activation
        take(self, use_bias=bool(use_bias), **window, **arguments)

    def _weight(self, name: str, shape: tuple[int, ...], order: tuple[int, ...] | None = None, kind: str | None = None) -> Any:
        """A weight made as the arguments `<kind>_initializer`, `_regularizer`, `_constraint` say."""
        kind = kind or name
        return self.add_weight(
            name,
            shape,
            initializer=getattr(self, f"{kind}_initializer"),
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
            memory_order=order,
        )

    def _finish(self, input_shape: Any, filters: int, channels: int) -> None:
        """Make the bias, and fix what inputs must look like from now on."""
        self.bias = self._weight("bias", (filters,)) if self.use_bias else None
        self.__dict__["_padding"] = known_padding(self.kernel_size, self.strides, self.padding, self.dilation_rate)
        axis = -1 if self.data_format == "channels_last" else -self.rank - 1
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        super().build(input_shape)

    def _computing(self, name: str) -> Any:
        """The weight of this name in the dtype that the layer computes in, or None."""
        weight = self._parameters.get(name)  # a third of the time of `self.kernel`, which is asked where that is no plain parameter
        if weight is None:
            weight = getattr(self, name)
        return weight if weight is None or weight.dtype is self._compute_dtype else weight.to(self._compute_dtype)

    def _length(self, axis: int, length: int | None) -> int | None:
        return output_length(length, self.kernel_size[axis], self.strides[axis], self.padding, self.dilation_rate[axis])

    def _filters(self, input_shape: Any) -> int:
        return self.filters

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, *new lengths, filters), or with the channels after the batch."""
        return output_shape(self, input_shape, self.rank, self.data_format, self._length, self._filters(input_shape))

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        names = list(self._config)
        if "groups" in names and self.groups == 1 and not behaviour("config_conv_groups", self._keras_version):
            names.remove("groups")
        config = {**super().get_config(), **config_of(self, *names)}
        if "groups" not in names and behaviour("config_conv_inherits", self._keras_version):
            config["groups"] = 1
        return config


def one_group(where: str, more: dict[str, Any]) -> None:
    """Take `groups` out of the keywords: files of tf.keras name it for layers that have none."""
    groups = more.pop("groups", 1)
    if groups != 1:
        raise ArgumentError(f"{where}: `groups` must be 1, received {groups!r}; Keras has no groups here.")


class _Conv(Windowed):
    """Convolution with `filters` windows: each output cell is a window of input cells times `kernel`, plus `bias`.

    Input (batch, *lengths, channels), or (batch, channels, *lengths) for 'channels_first'; kernel (*kernel_size, channels / groups,
    filters). `padding`: 'valid', 'same' (an odd cell is added behind), with one axis also 'causal'.
    Source: https://keras.io/api/layers/convolution_layers/
    """

    _config = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups", "activation", "use_bias",
        "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
        "bias_constraint",
    )  # fmt: skip

    _theano_paddings = ("full", "same_theano")

    @positional("conv_arguments")
    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: Any = NOT_GIVEN,
                 dilation_rate: Any = 1, groups: int = 1, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):  # fmt: skip
        where = type(self).__name__
        filters, groups = positive(where, "filters", filters), positive(where, "groups", groups)
        if filters % groups:
            raise ArgumentError(f"{where}: `filters` must be a multiple of `groups`, received filters={filters} and groups={groups}.")
        if data_format is NOT_GIVEN:
            data_format = behaviour("data_format_1d") if self.rank == 1 else None
        if str(padding).lower() == "causal" and data_format == "channels_first" and not behaviour("causal_channels_first"):
            raise ArgumentError(f"{where}: `padding='causal'` goes with `data_format='channels_last'` only, received {data_format!r}.")
        super().__init__(
            kernel_size=kernel_size, strides=strides, padding=padding, data_format=data_format, dilation_rate=dilation_rate,
            activation=activation, use_bias=use_bias, activity_regularizer=activity_regularizer, more=kwargs, filters=filters,
            groups=groups, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip
        self.__dict__["_more_batch_axes"] = behaviour("conv_more_batch_axes")
        least = self.rank + 2
        self.input_spec = InputSpec(min_ndim=least) if self._more_batch_axes else InputSpec(ndim=least)

    def build(self, input_shape: Any) -> None:
        """Make `kernel` and `bias`."""
        channels = known_channels(self, input_shape, self.rank, self.data_format)
        if channels % self.groups:
            raise ShapeError(
                f"{title(self)}: the number of input channels must be a multiple of `groups`={self.groups}, received {channels} "
                f"channels (input shape {tuple(input_shape)})."
            )
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self._weight("kernel", shape, KERNEL_ORDER[self.rank])
        self._finish(input_shape, self.filters, channels)
        if self._more_batch_axes:
            self.input_spec = InputSpec(min_ndim=self.rank + 2, axes=self.input_spec.axes)

    _makes_new = True

    def call(self, inputs: Tensor) -> Tensor:
        """The convolution, the bias, the activation."""
        more = inputs.ndim - self.rank - 1
        outputs = convolve(
            inputs if more == 1 else inputs.flatten(0, more - 1), self._computing("kernel"), self._computing("bias"),
            strides=self.strides, padding=self._padding, dilation=self.dilation_rate, groups=self.groups, data_format=self.data_format,
        )  # fmt: skip
        if more > 1:
            outputs = outputs.unflatten(0, inputs.shape[:more])
        return self._activated(outputs)


class Conv1D(_Conv):
    """Convolution over steps: (batch, steps, channels) -> (batch, new steps, filters)."""

    rank = 1
    _paddings = ("valid", "same", "causal")


class Conv2D(_Conv):
    """Convolution over images: (batch, rows, columns, channels) -> (batch, new rows, new columns, filters)."""

    rank = 2


class Conv3D(_Conv):
    """Convolution over volumes: (batch, *three lengths, channels) -> (batch, *new lengths, filters)."""

    rank = 3


class _ConvTranspose(Windowed):
    """Transposed convolution: each input cell adds its window of `kernel` to the output, windows `strides` apart.

    Input (batch, *lengths, channels); kernel (*kernel_size, filters, channels). 'same' makes `length * stride` cells; a given
    `output_padding` chooses among the lengths that a convolution would bring back to the input's.
    Source: https://keras.io/api/layers/convolution_layers/
    """

    _config = (
        "filters", "kernel_size", "strides", "padding", "output_padding", "data_format", "dilation_rate", "activation", "use_bias",
        "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
        "bias_constraint",
    )  # fmt: skip

    _theano_paddings = ("same_theano",)

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
                 data_format: Any = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):  # fmt: skip
        where = type(self).__name__
        one_group(where, kwargs)
        filters = positive(where, "filters", filters)
        if output_padding is not None:
            output_padding = known_output_padding(where, output_padding, self.rank, kernel_size, strides, padding, dilation_rate)
        super().__init__(
            kernel_size=kernel_size, strides=strides, padding=padding, data_format=data_format, dilation_rate=dilation_rate,
            activation=activation, use_bias=use_bias, activity_regularizer=activity_regularizer, more=kwargs, filters=filters,
            output_padding=output_padding, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        """Make `kernel` and `bias`."""
        channels = known_channels(self, input_shape, self.rank, self.data_format)
        if self.__dict__.get("_wanted_shape") is not None:
            self._reach(self._wanted_shape, input_shape)
        self.kernel = self._weight("kernel", (*self.kernel_size, self.filters, channels), KERNEL_ORDER[self.rank])
        self._finish(input_shape, self.filters, channels)

    def _reach(self, wanted: Any, input_shape: Any) -> None:
        """Choose `output_padding` so that the output is as long as Keras 1's `output_shape` says."""
        axes = spatial_axes(self.rank, self.data_format)
        if len(wanted) != self.rank + 2:
            raise ShapeError(f"{title(self)}: `output_shape` must have {self.rank + 2} entries, received {tuple(wanted)}.")
        usual = self.compute_output_shape(input_shape)
        if all(usual[a] == wanted[a] for a in axes):
            return
        self.output_padding = (0,) * self.rank
        shortest = self.compute_output_shape(input_shape)
        more = tuple(-1 if shortest[a] is None else wanted[a] - shortest[a] for a in axes)
        if any(not 0 <= n < step for n, step in zip(more, self.strides, strict=True)):
            raise ShapeError(f"{title(self)}: `output_shape` {tuple(wanted)} cannot come from an input of shape {tuple(input_shape)}.")
        self.output_padding = more

    _makes_new = True

    def call(self, inputs: Tensor) -> Tensor:
        """The transposed convolution, the bias, the activation."""
        outputs = convolve_transposed(
            inputs, self._computing("kernel"), self._computing("bias"), strides=self.strides, padding=self.padding,
            dilation=self.dilation_rate, output_padding=self.output_padding, data_format=self.data_format,
        )  # fmt: skip
        return self._activated(outputs)

    def _length(self, axis: int, length: int | None) -> int | None:
        beyond = None if self.output_padding is None else self.output_padding[axis]
        return transposed_length(length, self.kernel_size[axis], self.strides[axis], self.padding, self.dilation_rate[axis], beyond)


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution over steps: (batch, steps, channels) -> (batch, new steps, filters)."""

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over images: (batch, rows, columns, channels) -> (batch, new rows, new columns, filters)."""

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over volumes. Before Keras 3 a `dilation_rate` had no effect; it is refused there."""

    rank = 3

    @positional("conv3d_transpose_arguments")
    @functools.wraps(_ConvTranspose.__init__)
    def __init__(self, *args: Any, **kwargs: Any):
        rate = kwargs.get("dilation_rate", 1)
        if not behaviour("conv3d_transpose_dilation") and max(sizes("Conv3DTranspose", "dilation_rate", rate, 3)) > 1:
            raise ArgumentError(f"Conv3DTranspose: `dilation_rate` must be 1 before Keras 3, where it had no effect; received {rate!r}.")
        super().__init__(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = super().get_config()
        if not behaviour("conv3d_transpose_dilation", self._keras_version):
            del config["dilation_rate"]
        return config


NAMES = {
    "Conv1D": Conv1D, "Conv2D": Conv2D, "Conv3D": Conv3D, "Convolution1D": Conv1D, "Convolution2D": Conv2D, "Convolution3D": Conv3D,
    "Conv1DTranspose": Conv1DTranspose, "Conv2DTranspose": Conv2DTranspose, "Conv3DTranspose": Conv3DTranspose,
    "Convolution1DTranspose": Conv1DTranspose, "Convolution2DTranspose": Conv2DTranspose, "Convolution3DTranspose": Conv3DTranspose,
    "Deconvolution2D": Conv2DTranspose, "Deconv2D": Conv2DTranspose, "Deconvolution3D": Conv3DTranspose, "Deconv3D": Conv3DTranspose,
}  # fmt: skip
registry.register("layer", NAMES)
