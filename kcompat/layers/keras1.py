"""Layers that Keras 1 had and later releases dropped, with its names of arguments and weights. Files of Keras 1 hold them.

Facts: Keras 1.2.2 on Theano and Keras 2.2 (MaxoutDense, Highway), `tests/layers/data/keras1.json` and `parity/references/2.2`.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import initializers, registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ShapeError
from kcompat.generations import keras_version_scope
from kcompat.layers.advanced_activations import shared_shape, spec_of
from kcompat.layers.arguments import ActivatedLayer, config_of, positive, take
from kcompat.layers.windows import title
from kcompat.tensor.activate import parametric_softplus, s_shaped_relu
from kcompat.tensor.linear import affine, highway, maxout

_SHARED = ("W_regularizer", "b_regularizer", "activity_regularizer", "W_constraint", "b_constraint", "bias", "input_dim")


class _Keras1Dense(ActivatedLayer):
    """Base of layers with kernels `W` and biases `b` over the last axis."""

    _passes_down = False
    _casts_integers = True
    _names: tuple[str, ...] = ()
    _rank = 2

    def __init__(self, init: Any, activation: Any, W_regularizer: Any, b_regularizer: Any, activity_regularizer: Any, W_constraint: Any,
                 b_constraint: Any, bias: bool, input_dim: int | None, **kwargs: Any):  # fmt: skip
        if input_dim is not None:
            input_dim = positive(type(self).__name__, "input_dim", input_dim)
            kwargs["input_dim"] = input_dim
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.activation = activation
        take(self, W_regularizer=W_regularizer, b_regularizer=b_regularizer, W_constraint=W_constraint, b_constraint=b_constraint)
        self.__dict__.update(init=initializers.get(init), bias=bool(bias), input_dim=input_dim)
        self.input_spec = InputSpec(ndim=self._rank)

    def _size(self, input_shape: Any) -> int:
        if len(input_shape) != self._rank or input_shape[-1] is None:
            raise ShapeError(
                f"{title(self)}: the input must have {self._rank} axes, the last of a known size; received {tuple(input_shape)}."
            )
        return input_shape[-1]

    def _kernel(self, shape: tuple[int, ...]) -> Any:
        return self.add_weight("W", shape, initializer=self.init, regularizer=self.W_regularizer, constraint=self.W_constraint)

    def _bias(self, shape: tuple[int, ...]) -> Any:
        if not self.bias:
            return None
        return self.add_weight("b", shape, initializer="zeros", regularizer=self.b_regularizer, constraint=self.b_constraint)

    def _sized(self, input_shape: Any) -> None:
        self.input_spec = InputSpec(ndim=self._rank, axes={self._rank - 1: input_shape[-1]})

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        with keras_version_scope(self._keras_version):
            init = initializers.serialize(self.init)
        return {**super().get_config(), "init": init, **config_of(self, *self._names, *_SHARED)}


class MaxoutDense(_Keras1Dense):
    """The largest of `nb_feature` products `x @ W[k] + b[k]`, entry by entry: (batch, n) -> (batch, output_dim).

    `W` (nb_feature, n, output_dim), `b` (nb_feature, output_dim). Source: https://arxiv.org/abs/1302.4389
    """

    _names = ("output_dim", "nb_feature")

    def __init__(self, output_dim: int, nb_feature: int = 4, init: Any = "glorot_uniform", weights: Any = None, W_regularizer: Any = None,
                 b_regularizer: Any = None, activity_regularizer: Any = None, W_constraint: Any = None, b_constraint: Any = None,
                 bias: bool = True, input_dim: int | None = None, **kwargs: Any):  # fmt: skip
        output_dim, nb_feature = positive("MaxoutDense", "output_dim", output_dim), positive("MaxoutDense", "nb_feature", nb_feature)
        super().__init__(init, None, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias, input_dim,
                         weights=weights, **kwargs)  # fmt: skip
        self.__dict__.update(output_dim=output_dim, nb_feature=nb_feature)

    def build(self, input_shape: Any) -> None:
        """Make `W` and `b`."""
        size = self._size(input_shape)
        self.W = self._kernel((self.nb_feature, size, self.output_dim))
        self.b = self._bias((self.nb_feature, self.output_dim))
        self._sized(input_shape)
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The largest product."""
        return maxout(inputs, self.W, self.b)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, output_dim)."""
        return (input_shape[0], self.output_dim)


class Highway(_Keras1Dense):
    """`t * activation(x @ W + b) + (1 - t) * x` with `t = sigmoid(x @ W_carry + b_carry)`; (batch, n), same shape.

    `b_carry` starts as ones. Regularizers and constraints are for `W` and `b` alone. Source: https://arxiv.org/abs/1505.00387
    """

    _names = ("activation",)

    def __init__(self, init: Any = "glorot_uniform", activation: Any = None, weights: Any = None, W_regularizer: Any = None,
                 b_regularizer: Any = None, activity_regularizer: Any = None, W_constraint: Any = None, b_constraint: Any = None,
                 bias: bool = True, input_dim: int | None = None, **kwargs: Any):  # fmt: skip
        super().__init__(init, activation, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias, input_dim,
                         weights=weights, **kwargs)  # fmt: skip

    def build(self, input_shape: Any) -> None:
        """Make `W`, `W_carry`, `b`, `b_carry`."""
        size = self._size(input_shape)
        self.W = self._kernel((size, size))
        self.W_carry = self.add_weight("W_carry", (size, size), initializer=self.init)
        self.b = self._bias((size,))
        self.b_carry = self.add_weight("b_carry", (size,), initializer="ones") if self.bias else None
        self._sized(input_shape)
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The activated product and the input, mixed by the gate."""
        outputs = affine(inputs, self.W, self.b)
        outputs = outputs if self._activate is None else self._activate(outputs)
        return highway(inputs, outputs, self.W_carry, self.b_carry)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape


class TimeDistributedDense(_Keras1Dense):
    """`activation(x @ W + b)` at every step: (batch, steps, n) -> (batch, steps, output_dim)."""

    supports_masking = True
    _names = ("output_dim", "activation", "input_length")
    _rank = 3

    def __init__(self, output_dim: int, init: Any = "glorot_uniform", activation: Any = None, weights: Any = None,
                 W_regularizer: Any = None, b_regularizer: Any = None, activity_regularizer: Any = None, W_constraint: Any = None,
                 b_constraint: Any = None, bias: bool = True, input_dim: int | None = None, input_length: int | None = None,
                 **kwargs: Any):  # fmt: skip
        output_dim = positive("TimeDistributedDense", "output_dim", output_dim)
        if input_dim is not None:
            kwargs.setdefault("input_shape", (input_length, input_dim))
        super().__init__(init, activation, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias, input_dim,
                         weights=weights, **kwargs)  # fmt: skip
        self.__dict__.update(output_dim=output_dim, input_length=input_length)

    def build(self, input_shape: Any) -> None:
        """Make `W` and `b`."""
        self.W = self._kernel((self._size(input_shape), self.output_dim))
        self.b = self._bias((self.output_dim,))
        self._sized(input_shape)
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The product, the bias, the activation."""
        outputs = affine(inputs, self.W, self.b)
        return outputs if self._activate is None else self._activate(outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, steps, output_dim)."""
        return (*input_shape[:-1], self.output_dim)


class _LearnedActivation(Layer):
    """Base of activations whose numbers are learned, one for each entry of a sample but along `shared_axes` (counted from 1)."""

    supports_masking = True
    _passes_down = False
    #: weight -> the argument that is its initializer (a number: its constant)
    _weights_from: dict[str, str]

    def __init__(self, shared_axes: Any, weights: Any = None, **starts: Any):
        own = {name: starts.pop(name) for name in self._weights_from.values()}
        super().__init__(weights=weights, **starts)
        axes = shared_axes if shared_axes is None or isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.__dict__.update({**own, "shared_axes": None if axes is None else list(axes)})

    def build(self, input_shape: Any) -> None:
        """Make the weights, of a sample's shape with 1 for shared axes."""
        shape = shared_shape(self, input_shape, self.shared_axes)
        for name, source in self._weights_from.items():
            start = getattr(self, source)
            initializer = initializers.Constant(start) if isinstance(start, (int, float)) else initializers.get(start)
            setattr(self, name, self.add_weight(name, shape, initializer=initializer))
        self.input_spec = spec_of(input_shape, self.shared_axes)
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data; `shared_axes`, which Keras 1 forgets, only where there are some."""
        config = super().get_config()
        for name in self._weights_from.values():
            value = getattr(self, name)
            config[name] = initializers.serialize(value) if isinstance(value, initializers.Initializer) else value
        return config if self.shared_axes is None else {**config, "shared_axes": self.shared_axes}


class ParametricSoftplus(_LearnedActivation):
    """`alphas * log(1 + exp(betas * x))`, both learned, starting as `alpha_init` and `beta_init`; same shape."""

    _weights_from = {"alphas": "alpha_init", "betas": "beta_init"}

    def __init__(self, alpha_init: Any = 0.2, beta_init: Any = 5.0, weights: Any = None, shared_axes: Any = None, **kwargs: Any):
        super().__init__(shared_axes, weights, alpha_init=alpha_init, beta_init=beta_init, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return parametric_softplus(inputs, self.alphas, self.betas)


class SReLU(_LearnedActivation):
    """`x` between two learned thresholds, `t_left` and `t_left + |t_right|`, and lines of learned slopes beyond; same shape.

    On Theano, Keras 1 cut the left line at `t_left + |t_right|` too, which shows where `a_left` is negative; here it is as on TensorFlow.
    Source: https://arxiv.org/abs/1512.07030
    """

    _weights_from = {"t_left": "t_left_init", "a_left": "a_left_init", "t_right": "t_right_init", "a_right": "a_right_init"}

    def __init__(self, t_left_init: Any = "zero", a_left_init: Any = "glorot_uniform", t_right_init: Any = "glorot_uniform",
                 a_right_init: Any = "one", shared_axes: Any = None, weights: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(shared_axes, weights, t_left_init=t_left_init, a_left_init=a_left_init, t_right_init=t_right_init,
                         a_right_init=a_right_init, **kwargs)  # fmt: skip

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return s_shaped_relu(inputs, self.t_left, self.a_left, self.t_right, self.a_right)


NAMES = {c.__name__: c for c in (MaxoutDense, Highway, TimeDistributedDense, ParametricSoftplus, SReLU)}
registry.register("layer", NAMES)
