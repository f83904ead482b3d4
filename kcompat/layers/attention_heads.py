"""What layers of attention with heads share: projections, masks, the way to the fused kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.symbolic import inferred_spec
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import NOT_GIVEN, behaviour
from kcompat.layers.advanced_activations import Softmax
from kcompat.layers.arguments import config_of, number, positive
from kcompat.layers.dropout import Dropout
from kcompat.layers.einsum_dense import EinsumDense
from kcompat.layers.windows import title
from kcompat.random import SeedGenerator, checked_seed
from kcompat.tensor import attend as attention

_OBJECTS = (
    "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
    "bias_constraint",
)  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class HeadsAttention(Layer):
    """Base of layers that project queries, keys and values to heads, attend, and project back."""

    supports_masking = True
    _makes_own_masks = True
    softmax_robust_masking = False
    _takes_masks = False
    #: the attributes that hold the projections, as files name them
    _parts = {name: f"_{name}_dense" for name in ("query", "key", "gate", "value", "output")}

    def _take(
        self, dropout: float, use_bias: bool, sliding_window: int | None, flash_attention: bool | None, seed: Any, use_gate: bool
    ) -> str:
        """Check and keep the arguments that both layers have."""
        where = type(self).__name__
        rate = number(where, "dropout", dropout, 0, 1)
        if sliding_window is not None:
            sliding_window = positive(where, "sliding_window", sliding_window)
        if flash_attention and rate > 0:
            raise ArgumentError(f"{where}: `dropout` must be 0 with `flash_attention`, received {dropout!r}.")
        self.__dict__.update(
            dropout=rate, use_bias=bool(use_bias), use_gate=bool(use_gate), sliding_window=sliding_window, flash_attention=flash_attention,
            seed=checked_seed(seed, where), _law=behaviour("attention_law"), _fused_law=behaviour("attention_fused_law"),
        )  # fmt: skip
        return where

    # -- building -------------------------------------------------------------------------------------------------------------

    def _shapes_checked(self, query_shape: Any, value_shape: Any, key_shape: Any) -> tuple[tuple[Any, ...], ...]:
        shapes = tuple(tuple(value_shape if s is None else s) for s in (query_shape, key_shape, value_shape))
        for name, shape in zip(("query", "key", "value"), shapes, strict=True):
            if len(shape) != len(shapes[0]) or len(shape) < 3:
                raise ShapeError(
                    f"{title(self)}: `{name}` must have the shape (batch, steps, ..., size) and the rank of `query`, received {shape} "
                    f"with a query of {shapes[0]}."
                )
            if shape[-1] is None:
                raise ShapeError(f"{title(self)}: the size of the last axis of `{name}` must be known, received shape {shape}.")
        return shapes

    def _projection(self, name: str, rank: int, made: tuple[int, ...], summed: int = 1) -> EinsumDense:
        """A dense layer over the last `summed` axes of tensors of a rank, which gives the sizes `made` in their place."""
        kept, gone = _LETTERS[: rank - summed], _LETTERS[rank - summed : rank]
        new = _LETTERS[rank : rank + len(made)]
        settings = {k: getattr(self, k) for k in _OBJECTS if k != "activity_regularizer"}
        settings["activity_regularizer"] = self._parts_activity
        return EinsumDense(
            f"{kept}{gone},{gone}{new}->{kept}{new}", (None,) * (rank - summed - 1) + made, bias_axes=new if self.use_bias else None,
            name=name, dtype=self.dtype_policy, **{k: _fresh(v) if k.endswith("initializer") else v for k, v in settings.items()},
        )  # fmt: skip

    def _build_parts(self, shapes: tuple[Any, ...], heads: tuple[int, int], sizes: tuple[int, int], output: tuple[int, ...]) -> None:
        """Make and build the projections; `heads` of queries and of keys, `sizes` of keys and values."""
        rank = len(shapes[0])
        parts = [("query", shapes[0], heads[0], sizes[0]), ("key", shapes[1], heads[1], sizes[0])]
        parts += [("gate", shapes[0], heads[0], sizes[1])] * self.use_gate + [("value", shapes[2], heads[1], sizes[1])]
        for name, shape, count, size in parts:
            dense = self._projection(name, rank, (count, size))
            setattr(self, self._parts[name], dense)
            dense._build_once(shape)
        self._softmax = Softmax(robust_masking=self.softmax_robust_masking, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)
        dense = self._projection("attention_output", rank + 1, output, summed=2)
        setattr(self, self._parts["output"], dense)
        dense._build_once((*shapes[0][:-1], heads[0], sizes[1]))
        scale = sizes[0] ** -0.5
        rounded = behaviour("attention_scale", self._keras_version) == "float32"
        self.__dict__.update(_scale=float(torch.tensor(scale)) if rounded else scale, _rank=rank)
        if not self._trainable:
            self.trainable = False

    # -- calling --------------------------------------------------------------------------------------------------------------

    def forward(  # type: ignore[override]
        self, query: Any = NOT_GIVEN, *args: Any, **kwargs: Any
    ) -> Any:
        """Run the layer, or record the call if an argument is symbolic."""
        if len(args) > 2:  # what stands behind `key` differs between generations
            names = behaviour("multi_head_call", self._keras_version).split()
            if len(args) - 2 > len(names):
                raise ArgumentTypeError(
                    f"{title(self)}: a call takes at most {len(names) + 3} positional arguments, received {len(args) + 1}."
                )
            kwargs = {**dict(zip(names, args[2:], strict=False)), **kwargs}
            args = args[:2]
        if "mask" in kwargs:
            raise ArgumentTypeError(
                f"{title(self)}: a call takes `query_mask`, `value_mask`, `key_mask` and `attention_mask`, received `mask`."
            )
        if not args and "value" not in kwargs and (query is not NOT_GIVEN or "query" in kwargs):
            raise ArgumentTypeError(
                f"{title(self)}: a call takes `query` and `value`, received one argument of type {type(query).__name__}."
            )
        return super().forward(query, *args, **kwargs)

    def call(  # type: ignore[override]
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """(batch, steps, ..., size), with the weights (batch, heads, ..., queries, keys) if `return_attention_scores`."""
        same = query is value and (key is None or key is query)
        riding = getattr(query, "_keras_mask", None)
        query_mask = riding if query_mask is None else query_mask
        value_mask = getattr(value, "_keras_mask", None) if value_mask is None else value_mask
        if key_mask is None and key is not None and key is not value:
            key_mask = getattr(key, "_keras_mask", None)
        if self._takes_masks:
            _bare(query, value, key)
        key = value if key is None else key
        self._check(query, key, value)
        queries, keys, values, gate = self._projected(query, key, value, same)
        lengths, sizes = self._attended(queries), self._attended(keys)
        batch = self._batch_sizes(queries)
        drops = self.dropout > 0 and self._in_training(training)
        fused = self._fuses(return_attention_scores, drops)
        masks = self._masks(query, value, query_mask, value_mask, key_mask, attention_mask)
        lone = use_causal_mask and masks is None and fused and query.ndim == 3
        if use_causal_mask and not lone:
            masks = attention.joined(masks, attention.causal(query.shape[1], value.shape[1], query.device))
        mask = None if masks is None else self._spread(masks, batch, lengths, sizes)
        queries, keys, values = self._lay_out(queries, keys, values)
        flat = None if mask is None else attention.flattened(mask, lengths, sizes)
        scores = None
        if fused:
            law = self._fused_law if self.dropout == 0 and query.ndim == 3 else self._law
            found = attention.attend(queries, keys, values, flat, law, self._scale, self.dropout if drops else 0.0, lone)
        else:
            products = (queries * self._scale) @ keys.transpose(-1, -2)
            scores = self._softmax(products) if flat is None else self._softmax(products, mask=flat)
            found = self._dropout_layer(scores, training=drops) @ values
        found = self._lay_back(found, lengths)
        result = self._output_dense(found if gate is None else found * torch.sigmoid(gate))
        if riding is not None:
            result._keras_mask = riding
        if not return_attention_scores:
            return result
        assert scores is not None
        return result, self._returned(scores, mask, lengths, sizes)

    def _fuses(self, wants_scores: bool, drops: bool) -> bool:
        if self.flash_attention and wants_scores:
            raise ArgumentError(f"{title(self)}: `return_attention_scores` must be False with `flash_attention`, received True.")
        return not wants_scores and not (drops and (self.seed is not None or self.dropout == 1)) and not self.softmax_robust_masking

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        rank, steps = self._rank, key.ndim > 1 and key.shape[1:-1] == value.shape[1:-1]
        if not (query.ndim == key.ndim == value.ndim == rank and steps and query.shape[0] == key.shape[0] == value.shape[0]):
            raise ShapeError(
                f"{title(self)}: `query`, `value` and `key` must have {rank} axes and the same batch, value and key also the same steps; "
                f"received shapes {tuple(query.shape)}, {tuple(value.shape)} and {tuple(key.shape)}."
            )

    def _projected(self, query: Tensor, key: Tensor, value: Tensor, same: bool) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        gate = self._gate_dense(query) if self.use_gate else None
        return self._query_dense(query), self._key_dense(key), self._value_dense(value), gate

    def _masks(self, query: Tensor, value: Tensor, query_mask: Any, value_mask: Any, key_mask: Any, attention_mask: Any) -> Tensor | None:
        """All masks but a causal one joined, (batch, queries, keys) or as `attention_mask` is; None where there is none."""
        parts = []
        given = ("query_mask", query_mask, query, -1), ("value_mask", value_mask, value, -2), ("key_mask", key_mask, value, -2)
        for name, mask, of, axis in given:
            if mask is not None:
                mask = torch.as_tensor(mask, device=query.device)
                if mask.shape != of.shape[:2]:
                    raise ShapeError(f"{title(self)}: `{name}` must have the shape {tuple(of.shape[:2])}, received {tuple(mask.shape)}.")
                parts.append(mask.to(torch.bool).unsqueeze(axis))
        if self.sliding_window is not None:
            parts.append(attention.window(query.shape[1], value.shape[1], self.sliding_window, query.device))
        own = attention.joined(*parts)
        if attention_mask is None:
            return own
        attention_mask = torch.as_tensor(attention_mask, device=query.device).to(torch.bool)
        try:
            return attention.joined(own, attention_mask)
        except RuntimeError:
            raise ShapeError(
                f"{title(self)}: `attention_mask` must go with the other masks' shape {tuple(own.shape) if own is not None else ()}, "
                f"received shape {tuple(attention_mask.shape)}."
            ) from None

    def _spread(self, mask: Tensor, batch: Any, lengths: Any, sizes: Any) -> Tensor:
        try:
            return attention.spread(mask, batch, lengths, sizes)
        except ShapeError as error:
            raise ShapeError(f"{title(self)}: `attention_mask`, joined with the other masks, {error}.") from None

    # -- one axis of queries; several axes: MultiHeadAttention -----------------------------------------------------------------

    def _attended(self, projected: Tensor) -> tuple[int, ...]:
        return (projected.shape[1],)

    def _batch_sizes(self, queries: Tensor) -> tuple[int, ...]:
        return (queries.shape[0], queries.shape[2])

    def _lay_out(self, queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2)

    def _lay_back(self, found: Tensor, lengths: tuple[int, ...]) -> Tensor:
        return found.transpose(1, 2)

    def _returned(self, scores: Tensor, mask: Tensor | None, lengths: tuple[int, ...], sizes: tuple[int, ...]) -> Tensor:
        told = scores.unflatten(-1, sizes).unflatten(-1 - len(sizes), lengths)
        told._keras_mask = mask  # type: ignore[attr-defined]
        return told

    # -- shapes and config -------------------------------------------------------------------------------------------------------

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape, dtype and mask of the outputs, found by running the layer."""
        return inferred_spec(self, inputs, args, kwargs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The query's mask."""
        return mask

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        names = ("dropout", "use_bias", *_OBJECTS)
        config = {**super().get_config(), **config_of(self, *names)}
        config["activity_regularizer"] = config_of(self, "_given_activity_regularizer")["_given_activity_regularizer"]
        if behaviour("config_attention", self._keras_version) == "own":
            config.update(use_gate=self.use_gate, sliding_window=self.sliding_window, seed=_plain_seed(self.seed))
        return config


def _bare(*tensors: Tensor | None) -> None:
    for tensor in tensors:
        if tensor is not None and getattr(tensor, "_keras_mask", None) is not None:
            tensor._keras_mask = None  # type: ignore[attr-defined]


def _plain_seed(seed: Any) -> Any:
    return registry.serialize("seed_generator", seed) if isinstance(seed, SeedGenerator) else seed


def _fresh(initializer: Any) -> Any:
    """An initializer of its own for each projection: an unseeded one would repeat its numbers in some generations."""
    return type(initializer).from_config(initializer.get_config()) if hasattr(initializer, "get_config") else initializer
