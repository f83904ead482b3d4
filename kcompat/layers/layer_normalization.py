"""Normalization by the statistics of each sample."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.generations import behaviour
from kcompat.layers.arguments import config_of, take
from kcompat.layers.normalization import axes_of, checked_axes
from kcompat.tensor.normalize import layer_norm, variance_scaled


class LayerNormalization(Layer):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta` with the statistics of each sample over `axis`; same shape.

    `gamma` and `beta` have the sizes of `axis`. Keras 3's `rms_scaling` only divides `x` by sqrt(variance + epsilon),
    whatever its name says; there is no `beta` then.
    Source: https://keras.io/api/layers/normalization_layers/layer_normalization/
    """

    supports_masking = True
    _passes_down = False
    _casts_weights = False
    _casts_integers = True
    _config = (
        "axis", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer", "beta_regularizer", "gamma_regularizer",
        "beta_constraint", "gamma_constraint",
    )  # fmt: skip

    def __init__(self, axis: Any = -1, epsilon: float = 0.001, center: bool = True, scale: bool = True, beta_initializer: Any = "zeros",
                 gamma_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, rms_scaling: bool = False, **kwargs: Any):  # fmt: skip
        axes = checked_axes(type(self).__name__, axis)
        super().__init__(**kwargs)
        take(
            self, axis=list(axes) if isinstance(axis, (list, tuple)) else axes[0], epsilon=epsilon, center=bool(center), scale=bool(scale),
            beta_initializer=beta_initializer, gamma_initializer=gamma_initializer, beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint, gamma_constraint=gamma_constraint,
            rms_scaling=bool(rms_scaling),
        )  # fmt: skip

    def build(self, input_shape: Any) -> None:
        """Make `gamma` and `beta`."""
        axes = axes_of(self, checked_axes(type(self).__name__, self.axis), input_shape)
        shape = tuple(input_shape[a] for a in axes)
        self.gamma = self._weight("gamma", shape) if self.scale or self.rms_scaling else None
        self.beta = self._weight("beta", shape) if self.center and not self.rms_scaling else None
        self.__dict__["_axes"] = axes
        self.input_spec = InputSpec(ndim=len(input_shape), axes=dict(zip(axes, shape, strict=True)))
        super().build(input_shape)

    def _weight(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(
            name,
            shape,
            initializer=getattr(self, f"{name}_initializer"),
            regularizer=getattr(self, f"{name}_regularizer"),
            constraint=getattr(self, f"{name}_constraint"),
        )

    def call(self, inputs: Tensor) -> Tensor:
        """The normalized input."""
        if self.rms_scaling:
            return variance_scaled(inputs, self.gamma, axes=self._axes, epsilon=self.epsilon)
        return layer_norm(inputs, self.gamma, self.beta, axes=self._axes, epsilon=self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), **config_of(self, *self._config)}
        if self.built:
            indices = behaviour("config_layer_norm_axis", self._keras_version) == "indices"
            config["axis"] = list(self._axes) if indices else sorted(checked_axes(type(self).__name__, self.axis))
        if self.rms_scaling or behaviour("config_layer_norm_rms", self._keras_version):
            config["rms_scaling"] = self.rms_scaling
        return config


NAMES = {"LayerNormalization": LayerNormalization}
registry.register("layer", NAMES)
