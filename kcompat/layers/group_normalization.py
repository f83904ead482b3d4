"""Normalization of each sample: by groups of channels, by its norm, by the root of its mean square."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.layers.arguments import config_of, number, take
from kcompat.layers.normalization import axes_of, checked_axes
from kcompat.layers.windows import title
from kcompat.tensor.group_norm import group_norm, masked_group_norm, rms_norm, unit_norm


class GroupNormalization(Layer):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta` with the statistics of each group of channels in each sample; same shape.

    `groups` divides the size of `axis`; -1 makes every channel a group. In tf.keras a `mask` that broadcasts against the input says which
    entries count; Keras 3 ignores it. Source: https://keras.io/api/layers/normalization_layers/group_normalization/
    """

    supports_masking = True
    _mask_in_config = False
    _passes_down = False
    _config = (
        "groups", "axis", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer", "beta_regularizer", "gamma_regularizer",
        "beta_constraint", "gamma_constraint",
    )  # fmt: skip

    def __init__(self, groups: int = 32, axis: int = -1, epsilon: float = 0.001, center: bool = True, scale: bool = True,
                 beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, **kwargs: Any):  # fmt: skip
        if isinstance(groups, bool) or not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ArgumentError(
                f"GroupNormalization: `groups` must be a positive integer, or -1 for a group of each channel; received {groups!r}."
            )
        (axis,) = (
            checked_axes("GroupNormalization", axis) if not isinstance(axis, (list, tuple)) else checked_axes("GroupNormalization", [axis])
        )
        super().__init__(**kwargs)
        take(
            self, groups=groups, axis=axis, epsilon=number("GroupNormalization", "epsilon", epsilon, 0), center=bool(center),
            scale=bool(scale),
            beta_initializer=beta_initializer, gamma_initializer=gamma_initializer, beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint, gamma_constraint=gamma_constraint,
        )  # fmt: skip
        self.__dict__["_mask_law"] = behaviour("group_norm_mask")

    def build(self, input_shape: Any) -> None:
        """Make `gamma` and `beta`, of the size of `axis`."""
        (axis,) = axes_of(self, (self.axis,), input_shape)
        size = input_shape[axis]
        if axis == 0:
            raise ArgumentError(
                f"{title(self)}: `axis` must not be the batch, received {self.axis} for an input of shape {tuple(input_shape)}."
            )
        groups = size if self.groups == -1 else self.groups
        if size % groups:
            raise ArgumentError(f"{title(self)}: `groups` must divide the size {size} of `axis` {self.axis}, received {groups}.")
        for name in ("gamma", "beta"):
            made = self._weight(name, size) if (self.scale if name == "gamma" else self.center) else None
            setattr(self, name, made)
        self.__dict__.update(_axis=axis, groups=groups)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: size})
        super().build(input_shape)

    def _weight(self, name: str, size: int) -> Any:
        return self.add_weight(
            name,
            (size,),
            initializer=getattr(self, f"{name}_initializer"),
            regularizer=getattr(self, f"{name}_regularizer"),
            constraint=getattr(self, f"{name}_constraint"),
        )

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """The normalized input."""
        if mask is None or self._mask_law == "ignore":
            return group_norm(inputs, self.groups, self.gamma, self.beta, axis=self._axis, epsilon=self.epsilon)
        sizes, full = tuple(mask.shape), tuple(inputs.shape)
        if len(sizes) > len(full) or any(n not in (1, m) for n, m in zip(reversed(sizes), reversed(full), strict=False)):
            raise ShapeError(f"{title(self)}: `mask` must broadcast against the input, received {sizes} for an input of shape {full}.")
        return masked_group_norm(inputs, mask, self.groups, self.gamma, self.beta, axis=self._axis, epsilon=self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, *self._config)}


class UnitNormalization(Layer):
    """`x` divided by its euclidean norm over `axis` (one or several); zeros stay zeros; same shape.

    Source: https://keras.io/api/layers/normalization_layers/unit_normalization/
    """

    supports_masking = True
    _passes_down = False
    _writes_build_shape = False

    def __init__(self, axis: Any = -1, **kwargs: Any):
        axes = checked_axes("UnitNormalization", axis)
        super().__init__(**kwargs)
        floor = behaviour("unit_norm_floor")
        self.__dict__.update(axis=list(axes) if isinstance(axis, (list, tuple)) else axes[0], _axes=axes, _floor=floor)

    def build(self, input_shape: Any) -> None:
        """Settle which axes are meant."""
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self._axes):
            raise ShapeError(f"{title(self)}: `axis` must name axes of the input, received {self.axis} for shape {tuple(input_shape)}.")
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The normalized input."""
        return unit_norm(inputs, self._axes, self._floor)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "axis": self.axis}


class RMSNormalization(Layer):
    """`x / sqrt(mean x^2 + epsilon) * scale` with the mean over `axis` (one or several), whose sizes `scale` has; same shape.

    As in Keras, `scale` multiplies along the last axes whatever `axis` says, and an input for which its shape does not do is refused.
    Source: https://keras.io/api/layers/normalization_layers/rms_normalization/
    """

    _passes_down = False

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        axes = checked_axes("RMSNormalization", axis)
        epsilon = number("RMSNormalization", "epsilon", epsilon, 0)
        super().__init__(**kwargs)
        self.__dict__.update(axis=list(axes) if isinstance(axis, (list, tuple)) else axes[0], epsilon=epsilon)

    def build(self, input_shape: Any) -> None:
        """Make `scale`."""
        axes = axes_of(self, checked_axes(type(self).__name__, self.axis), input_shape)
        shape = tuple(input_shape[a] for a in axes)
        if any(n not in (1, m) for n, m in zip(reversed(shape), reversed(input_shape), strict=False) if m is not None):
            raise ShapeError(
                f"{title(self)}: a `scale` of shape {shape}, for `axis` {self.axis}, does not broadcast against an input of shape "
                f"{tuple(input_shape)}; normalize over the last axes."
            )
        self.scale = self.add_weight("scale", shape, initializer="ones")
        self.__dict__.update(_axes=axes, axis=sorted(checked_axes(type(self).__name__, self.axis)))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={a: input_shape[a] for a in axes})
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The normalized input."""
        return rms_norm(inputs, self.scale, axes=self._axes, epsilon=self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


NAMES = {c.__name__: c for c in (GroupNormalization, UnitNormalization, RMSNormalization)}
registry.register("layer", NAMES)
