"""Attention with several heads."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour, positional
from kcompat.layers.arguments import config_of, positive, take
from kcompat.layers.attention_heads import HeadsAttention
from kcompat.layers.windows import title


class MultiHeadAttention(HeadsAttention):
    """Each of several heads attends with queries, keys and values of its own; their results are projected together.

    Takes `query` (batch, steps, ..., size), `value` and `key` (None: `value`), and gives (batch, steps, ..., size of `query` or
    `output_shape`). A head's queries and keys have `key_dim` numbers, values `value_dim` (None: `key_dim`). Attention runs over
    `attention_axes` (None: all but batch and last). `query_mask`, `value_mask`, `key_mask` (batch, steps), `attention_mask`
    (batch, queries, keys) and `use_causal_mask` say who may look at whom; masks that ride on the inputs count too, and the query's goes on
    with the output. `return_attention_scores` gives the weights (batch, heads, queries, keys) beside the result. `dropout` drops weights in
    training.

    Keras 3: `sliding_window` w lets each step see those less than w away, `use_gate` multiplies heads' results by a sigmoid of the query,
    `flash_attention=True` insists on a fused kernel. torch's fused kernels are used anyhow wherever they give the same numbers.
    Source: https://keras.io/api/layers/attention_layers/multi_head_attention/

        MultiHeadAttention(num_heads=4, key_dim=16)(x, x, use_causal_mask=True)
    """

    _parts = {**{name: f"{name}_dense" for name in ("query", "key", "value", "output")}, "gate": "_gate_dense"}
    _query_dense = property(lambda self: self.query_dense)
    _key_dense = property(lambda self: self.key_dense)
    _value_dense = property(lambda self: self.value_dense)
    _output_dense = property(lambda self: self.output_dense)

    @positional("multi_head_arguments")
    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
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
        softmax_robust_masking: bool = False,
        **kwargs: Any,
    ):
        where = type(self).__name__
        num_heads, key_dim = positive(where, "num_heads", num_heads), positive(where, "key_dim", key_dim)
        value_dim = key_dim if value_dim is None else positive(where, "value_dim", value_dim)
        made = None if output_shape is None else _integers(where, "output_shape", output_shape, least=1)
        axes = None if attention_axes is None else _integers(where, "attention_axes", attention_axes)
        recorded = {k: kwargs.pop(k, None) for k in ("query_shape", "key_shape", "value_shape")}  # tf.keras writes them to configs
        full = behaviour("config_attention") == "own"
        super().__init__(activity_regularizer=None if full else activity_regularizer, **kwargs)
        self._take(dropout, use_bias, sliding_window, flash_attention, seed, use_gate)
        take(
            self, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
            _given_activity_regularizer=activity_regularizer,
        )  # fmt: skip
        self.__dict__.update(
            num_heads=num_heads, key_dim=key_dim, value_dim=value_dim, softmax_robust_masking=bool(softmax_robust_masking),
            output_sizes=made if full or made is None else output_shape, attention_axes=axes, recorded_shapes=recorded,
            _parts_activity=self._given_activity_regularizer if full else None, _takes_masks=behaviour("attention_takes_masks"),
        )  # fmt: skip

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        """Make the projections of queries, keys, values and results."""
        shapes = self._shapes_checked(query_shape, query_shape if value_shape is None else value_shape, key_shape)
        axes = self._settled_axes(len(shapes[0]))
        output = shapes[0][-1:] if self.output_sizes is None else _integers(type(self).__name__, "output_shape", self.output_sizes)
        heads = (self.num_heads, self.num_heads)
        self._build_parts(shapes, heads, (self.key_dim, self.value_dim), output)
        rank = len(shapes[0])
        batch = tuple(i for i in range(rank) if i not in axes)
        order = (*batch, *axes, rank)
        back = tuple(order.index(i) for i in range(rank + 1))
        self.__dict__.update(_axes=axes, _batch=batch, _order=order, _back=back, _plain=rank == 3 and axes == (1,))
        self.__dict__["recorded_shapes"] = dict(zip(("query_shape", "key_shape", "value_shape"), shapes, strict=True))
        own = behaviour("config_attention", self._keras_version) == "own"
        given = {"query_shape": shapes[0], "value_shape": shapes[2], **({} if key_shape is None else {"key_shape": shapes[1]})}
        super().build(given if own else shapes[0])

    def _settled_axes(self, rank: int) -> tuple[int, ...]:
        """The axes of the projected queries (batch, ..., heads, size) that attention runs over."""
        if self.attention_axes is None:
            self.__dict__["attention_axes"] = tuple(range(1, rank - 1))
        own = behaviour("config_attention", self._keras_version) == "own"
        full = rank if own else rank + 1  # tf.keras counts negative axes from the end of the projected queries
        axes = tuple(a + full if a < 0 else a for a in self.attention_axes)
        if not axes or len(set(axes)) < len(axes) or any(not 0 <= a < rank for a in axes):
            raise ArgumentError(
                f"{title(self)}: `attention_axes` must be different axes of a query with {rank} axes, received {self.attention_axes!r}."
            )
        if own:
            self.__dict__["attention_axes"] = axes
        return axes

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        super()._check(query, key, value)
        if not self._plain and any(query.shape[a] != key.shape[a] for a in self._batch if a < self._rank - 1):
            raise ShapeError(
                f"{title(self)}: beside the `attention_axes` {self.attention_axes}, `query` and `key` must have the same sizes, received "
                f"shapes {tuple(query.shape)} and {tuple(key.shape)}."
            )

    def _attended(self, projected: Tensor) -> tuple[int, ...]:
        return tuple(projected.shape[a] for a in self._axes)

    def _batch_sizes(self, queries: Tensor) -> tuple[int, ...]:
        return tuple(queries.shape[a] for a in self._batch)

    def _lay_out(self, queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self._plain:
            return super()._lay_out(queries, keys, values)
        first, last = len(self._batch), self._rank - 1
        queries, keys, values = (t.permute(self._order).flatten(first, last) for t in (queries, keys, values))
        return queries, keys, values

    def _lay_back(self, found: Tensor, lengths: tuple[int, ...]) -> Tensor:
        return super()._lay_back(found, lengths) if self._plain else found.unflatten(-2, lengths).permute(self._back)

    def compute_output_shape(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> Any:
        """The query's shape, its last size replaced by `output_shape` if that is given."""
        made = query_shape[-1:] if self.output_sizes is None else _integers(type(self).__name__, "output_shape", self.output_sizes)
        return (*query_shape[:-1], *made)

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes the layer was built with: all (Keras 3), or the query's."""
        found = super().get_build_config()
        own = behaviour("config_attention", self._keras_version) == "own"
        return found if own or found is None else {"input_shape": tuple(self.recorded_shapes["query_shape"])}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build for the shapes in a config of `get_build_config`, or in the layer's own where that names only the query's."""
        if config and not self.built:
            query = config.get("input_shape")
            held = {k: v for k, v in self.recorded_shapes.items() if v is not None}
            self._build_once(**config.get("shapes_dict", {"query_shape": query, **held}))

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), **config_of(self, "num_heads", "key_dim", "value_dim", "attention_axes")}
        config["output_shape"] = self.output_sizes
        if behaviour("config_attention", self._keras_version) == "own":
            return config
        return {**config, **self.recorded_shapes, **({"softmax_robust_masking": True} if self.softmax_robust_masking else {})}


def _integers(where: str, argument: str, value: Any, least: int | None = None) -> tuple[int, ...]:
    """An integer or several as a tuple."""
    found = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if any(isinstance(n, bool) or not hasattr(n, "__index__") or (least is not None and n < least) for n in found):
        told = "integers" if least is None else f"integers not below {least}"
        raise ArgumentError(f"{where}: `{argument}` must be one or several {told}, received {value!r}.")
    return tuple(int(n) for n in found)


NAMES = {"MultiHeadAttention": MultiHeadAttention}
registry.register("layer", NAMES)
