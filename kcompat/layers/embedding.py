"""Vectors for indices."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import behaviour, positional
from kcompat.layers.arguments import activity_argument, config_of, positive, take
from kcompat.layers.lora import adapt

_ARGUMENTS = (
    "input_dim", "output_dim", "embeddings_initializer", "embeddings_regularizer", "embeddings_constraint", "mask_zero",
)  # fmt: skip


class Embedding(Layer):
    """A vector of size `output_dim` for every index from 0 to `input_dim` - 1: (...) -> (..., output_dim).

    Floating indices are cut to integers. With `mask_zero` index 0 is padding: the output's mask is False there. `input_length` is the
    number of steps, where a layer behind needs it. `lora_rank` (Keras 3) freezes the vectors and trains a product of two matrices beside
    them. Source: https://keras.io/api/layers/core_layers/embedding/

        Embedding(1000, 64, mask_zero=True)(tokens)
    """

    _passes_down = False
    _autocast = False

    @positional("embedding_arguments")
    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        activity_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        input_length: Any = None,
        sparse: bool = False,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        input_dim, output_dim = positive("Embedding", "input_dim", input_dim), positive("Embedding", "output_dim", output_dim)
        if sparse:
            raise ArgumentError("Embedding: `sparse` must be False, received True: TensorFlow's sparse tensors do not exist here.")
        if quantization_config is not None:
            raise ArgumentError(f"Embedding: `quantization_config` is not supported, use None; received {quantization_config!r}.")
        if kwargs.get("weights") is not None and not isinstance(kwargs["weights"], (list, tuple)):
            kwargs["weights"] = [kwargs["weights"]]  # Keras 3 takes the matrix itself
        lengths = None if input_length is None else tuple(input_length) if isinstance(input_length, (list, tuple)) else (input_length,)
        if not {"input_shape", "batch_input_shape"} & kwargs.keys() and behaviour("embedding_lengths"):
            kwargs["input_shape"] = (None,) if lengths is None else lengths
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        take(
            self,
            input_dim=input_dim,
            output_dim=output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=bool(mask_zero),
            input_length=input_length,
            lora_rank=None if lora_rank is None else positive("Embedding", "lora_rank", lora_rank),
            lora_alpha=lora_rank if lora_alpha is None else lora_alpha,
            lora_enabled=False,
        )
        self.__dict__["_lengths"] = lengths
        self.__dict__["_from_end"] = behaviour("embedding_below_zero") == "from_end"
        self.supports_masking = bool(mask_zero)
        self._makes_mask = bool(mask_zero)

    def build(self, input_shape: Any = None) -> None:
        """Make `embeddings` (input_dim, output_dim)."""
        self.embeddings = self.add_weight(
            "embeddings",
            (self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        super().build(input_shape)
        if self.lora_rank is not None:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def call(self, inputs: Tensor) -> Tensor:
        """The vectors of the indices."""
        if inputs.is_complex():
            raise ArgumentTypeError(f"Embedding '{self.name}': `inputs` must be indices, received {inputs.dtype}.")
        indices = inputs if inputs.dtype in (torch.int64, torch.int32) else inputs.long()
        if self._from_end:
            indices = torch.where(indices < 0, indices + self.input_dim, indices)
        vectors = self._look_up(self.embeddings, indices)
        if self.lora_enabled:
            low = F.embedding(indices, self.lora_embeddings_a) @ self.lora_embeddings_b
            vectors = vectors + (self.lora_alpha / self.lora_rank) * low
        return vectors if vectors.dtype is self._compute_dtype else vectors.to(self._compute_dtype)

    def _look_up(self, table: Tensor, indices: Tensor) -> Tensor:
        if torch.compiler.is_compiling():
            return F.embedding(indices, table)
        try:
            return F.embedding(indices, table)
        except IndexError:
            wrong = indices[(indices < 0) | (indices >= self.input_dim)]
            raise ArgumentError(
                f"Embedding '{self.name}': `inputs` must be indices from 0 to {self.input_dim - 1} (`input_dim` {self.input_dim}), "
                f"received {int(wrong.flatten()[0])}. Make `input_dim` one more than the largest index."
            ) from None

    def enable_lora(
        self, rank: int, lora_alpha: float | None = None, a_initializer: Any = "he_uniform", b_initializer: Any = "zeros"
    ) -> None:
        """Freeze the vectors; train `lora_embeddings_a` (input_dim, rank) and `lora_embeddings_b` (rank, output_dim) beside them."""
        adapt(self, "embeddings", rank, lora_alpha, a_initializer, b_initializer)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """False where an index is 0, with `mask_zero`; else none."""
        if not self.mask_zero:
            return super().compute_mask(inputs, mask)
        return torch.ne(inputs, 0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(..., output_dim)."""
        lengths = self._lengths
        if lengths is None:
            return (*input_shape, self.output_dim)
        given = tuple(input_shape[1:])
        if len(given) != len(lengths) or any(a is not None and b is not None and a != b for a, b in zip(lengths, given, strict=True)):
            raise ShapeError(
                f"Embedding '{self.name}': `input_length` is {self.input_length!r}, received an input of shape {tuple(input_shape)}."
            )
        return (input_shape[0], *(b if a is None else a for a, b in zip(lengths, given, strict=True)), self.output_dim)

    def _output_dtype(self, input_dtype: torch.dtype) -> torch.dtype:
        return self._compute_dtype

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), **config_of(self, *_ARGUMENTS)}
        config.update(config_of(self, *activity_argument(self)))
        config.setdefault("activity_regularizer", None)
        if behaviour("embedding_lengths", self._keras_version):
            config["input_length"] = self.input_length
        if behaviour("config_names_quantization", self._keras_version):
            config["quantization_config"] = None
            if self.lora_rank is not None:
                config.update(lora_rank=self.lora_rank, lora_alpha=self.lora_alpha)
        return config


NAMES = {"Embedding": Embedding}
registry.register("layer", NAMES)
