"""Attention without projections: dot products or sums of queries and keys weigh the values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import is_shape
from kcompat.core.symbolic import inferred_spec
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.layers.arguments import number
from kcompat.layers.windows import title
from kcompat.random import SeedGenerator, checked_seed, dropout
from kcompat.tensor import attend as attention

_CALL = "a list [query, value] or [query, value, key]"


class _ListAttention(Layer):
    """Base: a list of tensors (batch, steps, size) in, means of the values out, (batch, queries, size of the values)."""

    supports_masking = True
    _makes_own_masks = True
    _passes_down = False

    def __init__(self, use_scale: bool, dropout: float, seed: Any, **kwargs: Any):
        where = type(self).__name__
        rate = number(where, "dropout", dropout, 0, 1)
        seed = checked_seed(seed, where)
        super().__init__(**kwargs)
        self.__dict__.update(use_scale=bool(use_scale), dropout=rate, seed=seed)
        self.seed_generator = SeedGenerator(seed) if isinstance(seed, int) else seed

    def build(self, input_shape: Any) -> None:
        """Check the shapes and make the weights."""
        shapes = [tuple(s) for s in input_shape] if isinstance(input_shape, (list, tuple)) and all(map(is_shape, input_shape)) else []
        if len(shapes) not in (2, 3):
            raise ArgumentError(f"{title(self)} must be called on {_CALL}, received shape {input_shape!r}.")
        query, value, key = shapes[0], shapes[1], shapes[-1]
        if min(len(s) for s in shapes) < 2 or len({len(s) for s in shapes}) > 1:
            raise ShapeError(
                f"{title(self)}: query, value and key must have the same rank, (batch, steps, size), received shapes {shapes}."
            )
        self._check_sizes(query, value, key)
        self._make_weights(query, value)
        super().build(input_shape)

    def _make_weights(self, query_shape: tuple[Any, ...], value_shape: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def _check_sizes(self, query: Any, value: Any, key: Any) -> None:
        sizes, steps = (query[-1], key[-1]), (value[-2], key[-2])
        if None not in sizes and sizes[0] != sizes[1] and 1 not in (sizes if self._broadcasts else ()):
            raise ShapeError(f"{title(self)}: query and key must have the same last size, received shapes {tuple(query)} and {tuple(key)}.")
        if None not in steps and steps[0] != steps[1]:
            raise ShapeError(f"{title(self)}: value and key must have the same steps, received shapes {tuple(value)} and {tuple(key)}.")

    #: whether sizes of 1 are repeated in scores
    _broadcasts = True

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The means (batch, queries, size), with the weights (batch, queries, keys) if `return_attention_scores`."""
        if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 3):
            told = f"{len(inputs)} of them" if isinstance(inputs, (list, tuple)) else type(inputs).__name__
            raise ArgumentError(f"{title(self)} must be called on {_CALL}, received {told}.")
        query, value, key = inputs[0], inputs[1], inputs[-1]
        self._check_sizes(query.shape, value.shape, key.shape)
        query_mask, value_mask = self._checked_masks(mask, query, value)
        found = None if value_mask is None else value_mask.unsqueeze(-2)
        drops = self.dropout > 0 and self._in_training(training)
        fused = self._is_product and not return_attention_scores and not (drops and (self.seed is not None or self.dropout == 1))
        lone = fused and use_causal_mask and found is None
        if use_causal_mask and not lone:
            found = attention.joined(found, attention.causal(query.shape[-2], key.shape[-2], query.device))
        weights = None
        if fused:
            query, scale = self._scaled(query)
            result = attention.attend(query, key, value, found, "add", scale, self.dropout if drops else 0.0, lone)
        else:
            weights = attention.weigh(self._scores(query, key), found, "add")
            weights = dropout(weights, self.dropout, seed=self.seed_generator) if drops else weights
            result = weights @ value
        if query_mask is not None:
            result = result.masked_fill(~query_mask.unsqueeze(-1), 0.0)
            result._keras_mask = query_mask  # type: ignore[attr-defined]
        return (result, weights) if return_attention_scores else result

    #: whether scores are scaled products, so that torch's fused kernels do
    _is_product = False

    def _scaled(self, query: Tensor) -> tuple[Tensor, float]:
        return query, 1.0

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        raise NotImplementedError

    def _checked_masks(self, mask: Any, query: Tensor, value: Tensor) -> tuple[Tensor | None, Tensor | None]:
        if mask is None:
            return None, None
        if not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3):
            told = f"{len(mask)} of them" if isinstance(mask, (list, tuple)) else type(mask).__name__
            raise ArgumentError(f"{title(self)}: `mask` must be a list [query mask, value mask], received {told}.")
        masks: list[Tensor | None] = []
        for name, held, of in (("query", mask[0], query), ("value", mask[1], value)):
            if held is None:
                masks.append(None)
                continue
            held = torch.as_tensor(held, device=of.device).to(torch.bool)
            if held.ndim > of.ndim - 1 or any(n not in (1, m) for n, m in zip(held.shape[::-1], of.shape[-2::-1], strict=False)):
                raise ShapeError(
                    f"{title(self)}: the {name}'s entry of `mask` must have the shape {tuple(of.shape[:-1])}, received {tuple(held.shape)}."
                )
            masks.append(held)
        return masks[0], masks[1]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The query's mask."""
        return mask[0] if isinstance(mask, (list, tuple)) else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The query's shape with the size of the values."""
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape, dtype and mask of the outputs, found by running the layer."""
        return inferred_spec(self, inputs, args, kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), "use_scale": self.use_scale, "dropout": self.dropout}
        if behaviour("config_attention_seed", self._keras_version):
            seed = self.seed
            config["seed"] = registry.serialize("seed_generator", seed) if isinstance(seed, SeedGenerator) else seed
        return config


class Attention(_ListAttention):
    """`softmax(query key^T) value` over a list [query, value] or [query, value, key].

    `use_scale` multiplies the scores by a weight that starts at 1. `score_mode="concat"` scores by `sum(tanh(query + key))` times a weight,
    the sum being scaled inside. Masks [of the query, of the value]: values that do not count weigh 0, queries that do not count give 0.
    `dropout` drops weights in training. Source: https://keras.io/api/layers/attention_layers/attention/

        Attention()([query, value])
    """

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, seed: Any = None, **kwargs: Any):
        if score_mode not in ("dot", "concat"):
            raise ArgumentError(f"Attention: `score_mode` must be 'dot' or 'concat', received {score_mode!r}.")
        super().__init__(use_scale, dropout, seed, **kwargs)
        self.__dict__.update(score_mode=score_mode, _is_product=score_mode == "dot", _broadcasts=score_mode != "dot")

    def _make_weights(self, query_shape: tuple[Any, ...], value_shape: tuple[Any, ...]) -> None:
        self.scale = self.add_weight("scale", (), initializer="ones") if self.use_scale else None
        self.concat_score_weight = self.add_weight("concat_score_weight", (), initializer="ones") if self.score_mode == "concat" else None

    def _scaled(self, query: Tensor) -> tuple[Tensor, float]:
        return (query if self.scale is None else query * self.scale), 1.0

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        if self._is_product:
            return self._scaled(query)[0] @ key.transpose(-1, -2)
        total = query.unsqueeze(-2) + key.unsqueeze(-3)
        assert self.concat_score_weight is not None
        return self.concat_score_weight * torch.tanh(total if self.scale is None else self.scale * total).sum(-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "score_mode": self.score_mode}


class AdditiveAttention(_ListAttention):
    """Attention with the scores `sum(scale * tanh(query + key))` (Bahdanau), over a list [query, value] or [query, value, key].

    `use_scale` (False: 1) makes `scale` a weight with one number for each entry. Masks and dropout as in `Attention`.
    Source: https://keras.io/api/layers/attention_layers/additive_attention/
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, seed: Any = None, **kwargs: Any):
        super().__init__(use_scale, dropout, seed, **kwargs)

    def _make_weights(self, query_shape: tuple[Any, ...], value_shape: tuple[Any, ...]) -> None:
        size = (value_shape if behaviour("additive_attention_scale") == "value" else query_shape)[-1]
        if self.use_scale and (size is None or (size != query_shape[-1] and 1 not in (size, query_shape[-1]))):
            raise ShapeError(
                f"{title(self)}: with `use_scale`, queries and values must have one known last size (in Keras 3: queries), received shapes "
                f"{query_shape} and {value_shape}."
            )
        self.scale = self.add_weight("scale", (size,), initializer="glorot_uniform") if self.use_scale else None

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        return attention.added_scores(query, key, self.scale)


NAMES = {"Attention": Attention, "AdditiveAttention": AdditiveAttention}
registry.register("layer", NAMES)
