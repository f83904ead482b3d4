"""Convolutions that keep channels apart: depthwise ones, and separable ones, which then mix channels cell by cell."""

from __future__ import annotations

import warnings
from typing import Any

from torch import Tensor

from kcompat import initializers, registry
from kcompat.core.spec import InputSpec
from kcompat.errors import ShapeError
from kcompat.generations import NOT_GIVEN, behaviour, keras_version_scope, positional
from kcompat.layers.arguments import positive
from kcompat.layers.convolution import Windowed, one_group
from kcompat.layers.windows import known_channels, title
from kcompat.tensor.convolve import DEPTHWISE_ORDER, KERNEL_ORDER, depthwise, separable
from kcompat.tensor.shapes import channel_axis


class _DepthwiseConv(Windowed):
    """Each channel convolved by itself with `depth_multiplier` windows: output channel `c * depth_multiplier + m`.

    Input (batch, *lengths, channels); kernel (*kernel_size, channels, depth_multiplier); output (batch, *new lengths,
    channels * depth_multiplier). Source: https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/
    """

    _config = (
        "kernel_size", "strides", "padding", "depth_multiplier", "data_format", "dilation_rate", "activation", "use_bias",
        "depthwise_initializer", "bias_initializer", "depthwise_regularizer", "bias_regularizer", "activity_regularizer",
        "depthwise_constraint", "bias_constraint",
    )  # fmt: skip

    @positional("depthwise_conv_arguments")
    def __init__(self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1, data_format: Any = None,
                 dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", depthwise_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, depthwise_constraint: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):  # fmt: skip
        where = type(self).__name__
        one_group(where, kwargs)
        _drop_kernel_arguments(where, kwargs)
        depth_multiplier = positive(where, "depth_multiplier", depth_multiplier)
        self.__dict__["_strides_and_dilation"] = behaviour("depthwise_strides_and_dilation")
        super().__init__(
            kernel_size=kernel_size, strides=strides, padding=padding, data_format=data_format, dilation_rate=dilation_rate,
            activation=activation, use_bias=use_bias, activity_regularizer=activity_regularizer, more=kwargs,
            depth_multiplier=depth_multiplier, depthwise_initializer=depthwise_initializer, bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer, bias_regularizer=bias_regularizer, depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        """Make `depthwise_kernel` and `bias`."""
        channels = known_channels(self, input_shape, self.rank, self.data_format)
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        name = behaviour("depthwise_kernel_name", self._keras_version)
        self.depthwise_kernel = self._weight(name, shape, DEPTHWISE_ORDER[self.rank], "depthwise")
        self._finish(input_shape, channels * self.depth_multiplier, channels)

    @property
    def kernel(self) -> Any:
        """Keras 3's name for `depthwise_kernel`."""
        return self.depthwise_kernel

    _makes_new = True

    def call(self, inputs: Tensor) -> Tensor:
        """The convolution, the bias, the activation."""
        outputs = depthwise(
            inputs, self._computing("depthwise_kernel"), self._computing("bias"), strides=self.strides, padding=self._padding,
            dilation=self.dilation_rate, data_format=self.data_format,
        )  # fmt: skip
        return self._activated(outputs)

    def _filters(self, input_shape: Any) -> int:
        channels = input_shape[channel_axis(self.data_format)]
        if channels is None:
            raise ShapeError(f"{title(self)}: the channels of the input must be known, received shape {tuple(input_shape)}.")
        return channels * self.depth_multiplier


class DepthwiseConv1D(_DepthwiseConv):
    """Depthwise convolution over steps."""

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """Depthwise convolution over images."""

    rank = 2


class _SeparableConv(Windowed):
    """A depthwise convolution, then a convolution of single cells to `filters` channels.

    Input (batch, *lengths, channels); depthwise kernel (*kernel_size, channels, depth_multiplier), pointwise kernel
    (1.., channels * depth_multiplier, filters); output (batch, *new lengths, filters).
    Source: https://keras.io/api/layers/convolution_layers/separable_convolution2d/
    """

    _config = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "depth_multiplier", "activation", "use_bias",
        "depthwise_initializer", "pointwise_initializer", "bias_initializer", "depthwise_regularizer", "pointwise_regularizer",
        "bias_regularizer", "activity_regularizer", "depthwise_constraint", "pointwise_constraint", "bias_constraint",
    )  # fmt: skip

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: Any = NOT_GIVEN,
                 dilation_rate: Any = 1, depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = "glorot_uniform", pointwise_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", depthwise_regularizer: Any = None, pointwise_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None,
                 pointwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any):  # fmt: skip
        where = type(self).__name__
        one_group(where, kwargs)
        _drop_kernel_arguments(where, kwargs)
        filters, depth_multiplier = positive(where, "filters", filters), positive(where, "depth_multiplier", depth_multiplier)
        if data_format is NOT_GIVEN:
            data_format = behaviour("separable_1d_data_format") if self.rank == 1 else None
        if self.rank == 1 and behaviour("separable_causal"):
            self.__dict__["_paddings"] = ("valid", "same", "causal")
        self.__dict__["_strides_and_dilation"] = behaviour("depthwise_strides_and_dilation")
        super().__init__(
            kernel_size=kernel_size, strides=strides, padding=padding, data_format=data_format, dilation_rate=dilation_rate,
            activation=activation, use_bias=use_bias, activity_regularizer=activity_regularizer, more=kwargs, filters=filters,
            depth_multiplier=depth_multiplier, depthwise_initializer=depthwise_initializer, pointwise_initializer=pointwise_initializer,
            bias_initializer=bias_initializer, depthwise_regularizer=depthwise_regularizer, pointwise_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer, depthwise_constraint=depthwise_constraint, pointwise_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        """Make `depthwise_kernel`, `pointwise_kernel` and `bias`."""
        channels = known_channels(self, input_shape, self.rank, self.data_format)
        self.compute_output_shape(input_shape)
        apart = (*self.kernel_size, channels, self.depth_multiplier)
        mixing = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.depthwise_kernel = self._weight("depthwise_kernel", apart, DEPTHWISE_ORDER[self.rank], "depthwise")
        self.pointwise_kernel = self._weight("pointwise_kernel", mixing, KERNEL_ORDER[self.rank], "pointwise")
        self._finish(input_shape, self.filters, channels)

    _makes_new = True

    def call(self, inputs: Tensor) -> Tensor:
        """Both convolutions, the bias, the activation."""
        outputs = separable(
            inputs, self._computing("depthwise_kernel"), self._computing("pointwise_kernel"), self._computing("bias"),
            strides=self.strides, padding=self._padding, dilation=self.dilation_rate, data_format=self.data_format,
        )  # fmt: skip
        return self._activated(outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data; tf.keras also writes those of a kernel that there is not."""
        config = super().get_config()
        if behaviour("config_conv_inherits", self._keras_version):
            with keras_version_scope(self._keras_version):
                start = initializers.serialize(initializers.get("glorot_uniform"))
            config.update(kernel_initializer=start, kernel_regularizer=None, kernel_constraint=None)
        return config


class SeparableConv1D(_SeparableConv):
    """Separable convolution over steps; tf.keras' 'causal' pads in front only."""

    rank = 1


class SeparableConv2D(_SeparableConv):
    """Separable convolution over images."""

    rank = 2


def _drop_kernel_arguments(where: str, more: dict[str, Any]) -> None:
    """Take `kernel_...` out of the keywords: Keras 2 accepts and writes them, but there is no such kernel."""
    for word in ("initializer", "regularizer", "constraint"):
        value = more.pop(f"kernel_{word}", None)
        if value is not None and word != "initializer":
            warnings.warn(
                f"{where}: `kernel_{word}`={value!r} has no effect, as in Keras; use `depthwise_{word}`, `pointwise_{word}`.",
                UserWarning,
                4,
            )


NAMES = {
    "DepthwiseConv1D": DepthwiseConv1D, "DepthwiseConv2D": DepthwiseConv2D, "SeparableConv1D": SeparableConv1D,
    "SeparableConv2D": SeparableConv2D, "SeparableConvolution1D": SeparableConv1D, "SeparableConvolution2D": SeparableConv2D,
}  # fmt: skip
registry.register("layer", NAMES)
