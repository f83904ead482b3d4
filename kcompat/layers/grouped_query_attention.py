"""Attention with fewer heads for keys and values than for queries."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError, ShapeError
from kcompat.layers.arguments import config_of, positive, take
from kcompat.layers.attention_heads import HeadsAttention
from kcompat.layers.windows import title


class GroupedQueryAttention(HeadsAttention):
    """Attention where each of `num_key_value_heads` heads of keys and values serves an equal part of the `num_query_heads`.

    Takes `query`, `value`, `key` (None: `value`) of shape (batch, steps, size) and the masks of `MultiHeadAttention`; every head has
    `head_dim` numbers. Keras names it `GroupQueryAttention`. Source: https://keras.io/api/layers/attention_layers/group_query_attention/

        GroupQueryAttention(head_dim=16, num_query_heads=8, num_key_value_heads=2)(x, x)
    """

    #: the name of Keras' class, which files number objects by; configs say `GroupQueryAttention`
    _class_in_files = "GroupedQueryAttention"

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ):
        where = type(self).__name__
        head_dim, heads = positive(where, "head_dim", head_dim), positive(where, "num_query_heads", num_query_heads)
        shared = positive(where, "num_key_value_heads", num_key_value_heads)
        if heads % shared:
            raise ArgumentError(f"{where}: `num_query_heads` must be a multiple of `num_key_value_heads`, received {heads} and {shared}.")
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._take(dropout, use_bias, sliding_window, flash_attention, seed, use_gate)
        take(
            self, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
            _given_activity_regularizer=activity_regularizer,
        )  # fmt: skip
        self.__dict__.update(
            head_dim=head_dim, num_query_heads=heads, num_key_value_heads=shared, _parts_activity=self._given_activity_regularizer
        )

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        """Make the projections of queries, keys, values and results."""
        shapes = self._shapes_checked(query_shape, value_shape, key_shape)
        if len(shapes[0]) != 3:
            raise ShapeError(f"{title(self)}: `query` must have the shape (batch, steps, size), received {shapes[0]}.")
        heads = (self.num_query_heads, self.num_key_value_heads)
        self._build_parts(shapes, heads, (self.head_dim, self.head_dim), shapes[0][-1:])
        given = {"query_shape": shapes[0], "value_shape": shapes[2], **({} if key_shape is None else {"key_shape": shapes[1]})}
        super().build(given)

    def _lay_out(self, queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        times = self.num_query_heads // self.num_key_value_heads
        queries, keys, values = super()._lay_out(queries, keys, values)
        return (queries, keys, values) if times == 1 else (queries, keys.repeat_interleave(times, 1), values.repeat_interleave(times, 1))

    def compute_output_shape(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> Any:
        """The query's shape."""
        return tuple(query_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, "head_dim", "num_query_heads", "num_key_value_heads")}


NAMES = {"GroupQueryAttention": GroupedQueryAttention, "GroupedQueryAttention": GroupedQueryAttention}
registry.register("layer", NAMES)
