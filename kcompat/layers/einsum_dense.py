"""A dense layer whose product is an Einstein equation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import behaviour, positional
from kcompat.layers.arguments import ActivatedLayer, config_of, positive, take
from kcompat.layers.lora import adapt
from kcompat.layers.windows import title
from kcompat.tensor import einsum
from kcompat.tensor.linear import affine_axes

_ARGUMENTS = (
    "equation", "activation", "bias_axes", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
    "kernel_constraint", "bias_constraint",
)  # fmt: skip


class EinsumDense(ActivatedLayer):
    """`activation(einsum(equation, x, kernel) + bias)`.

    `output_shape` gives the output's sizes without the batch and what `...` stands for, None for an axis that is the input's; `bias_axes`
    the output's labels that a bias has (None: no bias). `lora_rank` (Keras 3) freezes the kernel and trains a product of two matrices
    beside it, scaled by `lora_alpha / lora_rank`. Source: https://keras.io/api/layers/core_layers/einsum_dense/

        EinsumDense("abc,cd->abd", output_shape=(None, 64), bias_axes="d")(torch.zeros(2, 10, 32))
    """

    _passes_down = False
    _casts_integers = True

    @positional("einsum_dense_arguments")
    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        parts = einsum.parsed(equation)
        sizes = tuple(output_shape) if isinstance(output_shape, (list, tuple)) else (output_shape,)
        if any(n is not None and (isinstance(n, bool) or not hasattr(n, "__index__")) for n in sizes):
            raise ArgumentTypeError(
                f"EinsumDense: `output_shape` must be an integer or a list of integers and None, received {output_shape!r}."
            )
        strays = set(bias_axes or "") - set(parts.output)
        if strays:
            raise ArgumentError(f"EinsumDense: `bias_axes` must be among the output's '{parts.output}', received {bias_axes!r}.")
        for name, value in (("gptq_unpacked_column_size", gptq_unpacked_column_size), ("quantization_config", quantization_config)):
            if value is not None:
                raise ArgumentError(f"EinsumDense: `{name}` is not supported, use None; received {value!r}.")
        if lora_rank is not None:
            lora_rank = positive("EinsumDense", "lora_rank", lora_rank)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.activation = activation
        take(
            self, equation=equation, bias_axes=bias_axes, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint, lora_rank=lora_rank, lora_alpha=lora_rank if lora_alpha is None else lora_alpha,
            lora_enabled=False,
        )  # fmt: skip
        self.__dict__.update(_parts=parts, _summed=einsum.product_axes(parts), partial_output_shape=sizes)

    def _shapes(self, input_shape: Any, fill: bool = True) -> einsum.Shapes:
        try:
            return einsum.shapes(self._parts, tuple(input_shape), self.partial_output_shape, self.bias_axes, fill)
        except ShapeError as error:
            raise ShapeError(f"{title(self)}, `equation` '{self.equation}', input of shape {tuple(input_shape)}: {error}.") from None

    def build(self, input_shape: Any) -> None:
        """Make `kernel` and, with `bias_axes`, `bias`."""
        found = self._shapes(input_shape)
        if None in found.kernel or None in (found.bias or ()):
            raise ShapeError(
                f"{title(self)}: the kernel's and bias's sizes must be known, received an input of shape {tuple(input_shape)}."
            )
        self.kernel = self.add_weight(
            "kernel",
            found.kernel,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if found.bias is not None:
            self.bias = self.add_weight(
                "bias", found.bias, initializer=self.bias_initializer, regularizer=self.bias_regularizer, constraint=self.bias_constraint
            )
        first = len(input_shape) - len(self._parts.source) if self._parts.rest == "left" else 0
        summed = {first + i: input_shape[first + i] for i, label in enumerate(self._parts.source) if label in self._parts.kernel}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=summed)
        super().build(input_shape)
        if self.lora_rank is not None:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def call(self, inputs: Tensor) -> Tensor:
        """The product, the bias, the activation."""
        kernel = self.kernel
        if self.lora_enabled:
            kernel = kernel + (self.lora_alpha / self.lora_rank) * (self.lora_kernel_a @ self.lora_kernel_b)
        summed, bias = self._summed, self.bias
        if summed:
            whole = bias is None or bias.shape == kernel.shape[summed:]
            outputs = affine_axes(inputs, kernel, bias if whole else None, summed)
            bias = None if whole else bias
        else:
            outputs = torch.einsum(self.equation, inputs, kernel)
        if bias is not None:
            outputs = outputs + bias
        return outputs if self._activate is None else self._activate(outputs)

    def enable_lora(
        self, rank: int, lora_alpha: float | None = None, a_initializer: Any = "he_uniform", b_initializer: Any = "zeros"
    ) -> None:
        """Freeze the kernel (..., n) and train `lora_kernel_a` (..., rank) and `lora_kernel_b` (rank, n) beside it."""
        adapt(self, "kernel", rank, lora_alpha, a_initializer, b_initializer)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The sizes of `output_shape` behind the batch; a None there is the input's size (unknown in Keras 3)."""
        return self._shapes(input_shape, behaviour("einsum_unknown_sizes", self._keras_version) == "input").output

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), **config_of(self, *_ARGUMENTS, "activity_regularizer"), "output_shape": self.partial_output_shape}
        if behaviour("config_names_quantization", self._keras_version):
            config["quantization_config"] = None
            if self.lora_rank is not None:
                config.update(lora_rank=self.lora_rank, lora_alpha=self.lora_alpha)
        return config


NAMES = {"EinsumDense": EinsumDense}
registry.register("layer", NAMES)
