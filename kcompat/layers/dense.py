"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.layers.arguments import ActivatedLayer, activity_argument, config_of, positive, take
from kcompat.layers.lora import adapt
from kcompat.tensor.linear import affine

_ARGUMENTS = (
    "units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
    "kernel_constraint", "bias_constraint",
)  # fmt: skip


class Dense(ActivatedLayer):
    """`activation(x @ kernel + bias)` over the last axis: (..., n) -> (..., units).

    `lora_rank` (Keras 3) freezes the kernel and trains a product of two matrices of that rank beside it, scaled by
    `lora_alpha / lora_rank`. Source: https://keras.io/api/layers/core_layers/dense/

        Dense(64, activation="relu")(x)
    """

    supports_masking = True
    _passes_down = False
    _casts_integers = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        units = positive("Dense", "units", units)
        if quantization_config is not None:
            raise ArgumentError(f"Dense: `quantization_config` is not supported, use None; received {quantization_config!r}.")
        if lora_rank is not None:
            lora_rank = positive("Dense", "lora_rank", lora_rank)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.activation = activation
        take(
            self,
            units=units,
            use_bias=bool(use_bias),
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            lora_rank=lora_rank,
            lora_alpha=lora_rank if lora_alpha is None else lora_alpha,
            lora_enabled=False,
        )
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        """Make `kernel` (n, units) and `bias` (units,)."""
        size = input_shape[-1] if len(input_shape) > 1 else None
        if size is None:
            raise ShapeError(f"Dense '{self.name}': the last axis of the input must have a known size, received shape {input_shape}.")
        self.kernel = self.add_weight(
            "kernel",
            (size, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (self.units,), initializer=self.bias_initializer, regularizer=self.bias_regularizer, constraint=self.bias_constraint
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        super().build(input_shape)
        if self.lora_rank is not None:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    _makes_new = True

    def call(self, inputs: Tensor) -> Tensor:
        """The product, the bias, the activation."""
        held = self._parameters  # a third of the time of `self.kernel`, which is asked where the kernel is no plain parameter
        kernel, bias = held.get("kernel"), held.get("bias")
        if kernel is None or self.lora_enabled:
            kernel = self._effective_kernel()
        outputs = affine(inputs, kernel, self.bias if bias is None else bias)
        return self._activated(outputs)

    def _effective_kernel(self) -> Tensor:
        if not self.lora_enabled:
            return self.kernel
        return self.kernel + (self.lora_alpha / self.lora_rank) * (self.lora_kernel_a @ self.lora_kernel_b)

    def enable_lora(
        self, rank: int, lora_alpha: float | None = None, a_initializer: Any = "he_uniform", b_initializer: Any = "zeros"
    ) -> None:
        """Freeze the kernel and train `lora_kernel_a` (n, rank) and `lora_kernel_b` (rank, units) beside it."""
        adapt(self, "kernel", rank, lora_alpha, a_initializer, b_initializer)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(..., units)."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), **config_of(self, *_ARGUMENTS, *activity_argument(self))}
        if behaviour("config_names_quantization", self._keras_version):
            config["quantization_config"] = None
            if self.lora_rank is not None:
                config.update(lora_rank=self.lora_rank, lora_alpha=self.lora_alpha)
        return config


NAMES = {"Dense": Dense}
registry.register("layer", NAMES)
