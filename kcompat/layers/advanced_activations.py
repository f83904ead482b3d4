"""Activations that are layers of their own, because they have arguments or weights."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from kcompat import activations, registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import NOT_GIVEN, behaviour
from kcompat.layers.arguments import config_of, number, take
from kcompat.layers.windows import title
from kcompat.tensor import activate


class _Activation(Layer):
    """Base of what maps entries to entries; `_config` names the arguments."""

    supports_masking = True
    _passes_down = False
    _config: tuple[str, ...] = ()

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, *self._config)}


class LeakyReLU(_Activation):
    """`x` above 0, `negative_slope * x` elsewhere; same shape. Keras 1 and 2 say `alpha`.

    Source: https://keras.io/api/layers/activation_layers/leaky_relu/

        LeakyReLU(0.3)(x)
    """

    def __init__(self, negative_slope: float = 0.3, alpha: float = NOT_GIVEN, **kwargs: Any):
        if alpha is not NOT_GIVEN:
            negative_slope = alpha
            if behaviour("config_leak_name") != "alpha":
                warnings.warn("LeakyReLU: `alpha` is called `negative_slope` since Keras 3.", DeprecationWarning, stacklevel=2)
        slope = number("LeakyReLU", "negative_slope", negative_slope, None if behaviour("leak_below_zero") else 0)
        super().__init__(**kwargs)
        self.__dict__["negative_slope"] = slope

    @property
    def alpha(self) -> float:
        """The slope below 0, as Keras 1 and 2 call it."""
        return self.negative_slope

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return activate.leaky_relu(inputs, self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), behaviour("config_leak_name", self._keras_version): self.negative_slope}


class PReLU(_Activation):
    """`x` above 0, `alpha * x` below, with a learned `alpha` for each entry of a sample; same shape.

    Entries along `shared_axes` (counted from 1) share one `alpha`. The derivative at 0 is 0. Keras 1 says `init`.
    Source: https://keras.io/api/layers/activation_layers/prelu/

        PReLU(shared_axes=[1, 2])(images)
    """

    _config = ("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes")

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        axes = shared_axes if shared_axes is None or isinstance(shared_axes, (list, tuple)) else [shared_axes]
        if axes is not None and any(isinstance(a, bool) or not isinstance(a, int) for a in axes):
            raise ArgumentTypeError(f"PReLU: `shared_axes` must be None, an integer or a list of integers, received {shared_axes!r}.")
        super().__init__(**kwargs)
        self.built = False
        take(
            self,
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
            shared_axes=None if axes is None else list(axes),
        )

    def build(self, input_shape: Any) -> None:
        """Make `alpha`: the shape of a sample, with 1 for shared axes."""
        shape = shared_shape(self, input_shape, self.shared_axes)
        self.alpha = self.add_weight(
            "alpha", shape, initializer=self.alpha_initializer, regularizer=self.alpha_regularizer, constraint=self.alpha_constraint
        )
        self.input_spec = spec_of(input_shape, self.shared_axes)
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return activate.prelu(inputs, self.alpha)


def shared_shape(layer: Layer, input_shape: Any, shared: Any) -> tuple[int, ...]:
    """The shape of a sample with 1 for the `shared` axes, which count from 1; the sizes of the others must be known."""
    shape = list(input_shape[1:])
    for axis in shared or ():
        if not -len(shape) < axis <= len(shape):
            raise ArgumentError(
                f"{title(layer)}: `shared_axes` must be among 1 to {len(shape)}, the axes of a sample; received {list(shared)} "
                f"for an input of shape {tuple(input_shape)}."
            )
        shape[axis - 1] = 1
    if None in shape:
        raise ShapeError(
            f"{title(layer)}: the sizes of axes outside `shared_axes` must be known, received an input of shape {tuple(input_shape)}."
        )
    return tuple(shape)


def spec_of(input_shape: Any, shared: Any) -> InputSpec:
    """The rank, and the sizes of all axes but the batch and the `shared` ones."""
    return InputSpec(ndim=len(input_shape), axes={i: n for i, n in enumerate(input_shape) if i > 0 and i not in (shared or ())})


class ELU(_Activation):
    """`x` above 0, `alpha * (exp(x) - 1)` elsewhere; same shape. Source: https://keras.io/api/layers/activation_layers/elu/"""

    _config = ("alpha",)

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        alpha = number("ELU", "alpha", alpha)
        super().__init__(**kwargs)
        self.__dict__["alpha"] = alpha

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return activate.elu(inputs, self.alpha)


class ThresholdedReLU(_Activation):
    """`x` above `theta`, 0 elsewhere; same shape. Keras 3 has it no more. Source: https://arxiv.org/abs/1402.3337"""

    _config = ("theta",)

    def __init__(self, theta: float = 1.0, **kwargs: Any):
        theta = number("ThresholdedReLU", "theta", theta, None if behaviour("threshold_below_zero") else 0)
        super().__init__(**kwargs)
        self.__dict__["theta"] = theta

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return activate.threshold(inputs, self.theta, 0.0)


class ReLU(_Activation):
    """`max_value` from there on, `x` above `threshold`, `negative_slope * (x - threshold)` below; same shape.

    Source: https://keras.io/api/layers/activation_layers/relu/

        ReLU(max_value=6.0)(x)
    """

    _config = ("max_value", "negative_slope", "threshold")

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any):
        if max_value is not None:
            max_value = number("ReLU", "max_value", max_value, 0)
        negative_slope = number("ReLU", "negative_slope", negative_slope, 0)
        threshold = number("ReLU", "threshold", threshold, None if behaviour("threshold_below_zero") else 0)
        super().__init__(**kwargs)
        self.__dict__.update(max_value=max_value, negative_slope=negative_slope, threshold=threshold)

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return activate.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def _call_in_place(self, inputs: Tensor) -> Tensor:
        return activate.relu(inputs, self.negative_slope, self.max_value, self.threshold, in_place=True)


class Softmax(_Activation):
    """`exp(x)` divided by its sum over `axis` (one or several); same shape.

    Since tf.keras a `mask` (True: counts) that broadcasts against the input leaves entries out: Keras 2 takes 1e9 off their logits, so that
    a row without any entry is softmaxed as if it were whole; in Keras 3 it is all zeros. Before, the mask is only handed on.
    `robust_masking` (tf_keras 2.21) puts the lowest number of the dtype in the place of the logits instead of adding.
    Source: https://keras.io/api/layers/activation_layers/softmax/
    """

    def __init__(self, axis: Any = -1, robust_masking: bool = False, **kwargs: Any):
        axes = axis if isinstance(axis, (list, tuple)) else [axis]
        if not axes or any(isinstance(a, bool) or not isinstance(a, int) for a in axes):
            raise ArgumentTypeError(f"Softmax: `axis` must be an integer or a list of integers, received {axis!r}.")
        super().__init__(**kwargs)
        self.__dict__.update(axis=axis, robust_masking=bool(robust_masking), _softmax=activations.get("softmax"))
        self.__dict__["_axis"] = axes[0] if len(axes) == 1 else tuple(axes)
        self.__dict__["_mask_law"] = behaviour("softmax_mask")

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """The function of the input."""
        if mask is None or self._mask_law == "pass":
            return self._softmax(inputs, self._axis)
        kept = self._fitting(mask, inputs)
        if self._mask_law == "exclude":
            lowest = torch.finfo(inputs.dtype).min
            return self._softmax(torch.where(kept, inputs, lowest), self._axis) * kept
        low = torch.finfo(inputs.dtype).min if inputs.dtype is torch.float16 or self.robust_masking else -1e9
        logits = torch.where(kept, inputs, low) if self.robust_masking else inputs + (~kept).to(inputs.dtype) * low
        return self._softmax(logits, self._axis)

    def _fitting(self, mask: Tensor, inputs: Tensor) -> Tensor:
        sizes, full = mask.shape, inputs.shape
        if len(sizes) > len(full) or any(n not in (1, m) for n, m in zip(reversed(sizes), reversed(full), strict=False)):
            raise ShapeError(
                f"{title(self)}: `mask` must broadcast against the input, received {tuple(sizes)} for an input of {tuple(full)}."
            )
        return mask.to(torch.bool)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), "axis": self.axis}
        return {**config, "robust_masking": True} if self.robust_masking else config


NAMES = {c.__name__: c for c in (LeakyReLU, PReLU, ELU, ThresholdedReLU, ReLU, Softmax)}
registry.register("layer", NAMES)
