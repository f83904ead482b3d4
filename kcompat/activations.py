"""Keras' activation functions, and how names and configs become them.

A function that differs between generations (`hard_sigmoid`, `selu`, `softmax`) is the selected generation's when it is called; what
`get` returns is fixed, so that a layer keeps the function of the generation it was made in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import NOT_GIVEN, behaviour
from kcompat.tensor import activate
from kcompat.tensor.activate import (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu6,
    silu,
    soft_shrink,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)  # fmt: skip

__all__ = [
    "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "serialize", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh",
    "tanh_shrink", "threshold",
]  # fmt: skip

swish = silu
hard_swish = hard_silu


def relu(
    x: Tensor, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0, *, alpha: float = NOT_GIVEN
) -> Tensor:
    """`max_value` from there on, `x` above `threshold`, `negative_slope * (x - threshold)` below; Keras 2 says `alpha`."""
    if alpha is not NOT_GIVEN:
        if negative_slope:
            raise ArgumentError(f"relu: give `negative_slope` or `alpha`, not both; received {negative_slope!r} and {alpha!r}.")
        negative_slope = alpha
    return activate.relu(x, negative_slope, max_value, threshold)


def sigmoid(x: Tensor) -> Tensor:
    """`1 / (1 + exp(-x))`; the result knows its logits, from which crossentropies are computed."""
    return _with_logits(activate.sigmoid(x), x, "sigmoid")


def softmax(x: Tensor, axis: int | Sequence[int] = -1) -> Tensor:
    """`exp(x)` divided by its sum over `axis`; the result knows its logits, from which crossentropies are computed.

    Keras 1 and 2 refuse a tensor of rank 1 (ArgumentError), and multi-backend Keras takes the last axis of a matrix whatever `axis` says.
    """
    return _of_generation(softmax)(x, axis)


def hard_sigmoid(x: Tensor) -> Tensor:
    """`clip(0.2 x + 0.5, 0, 1)` in Keras 1 and 2, `relu6(x + 3) / 6` in Keras 3."""
    return _of_generation(hard_sigmoid)(x)


def selu(x: Tensor) -> Tensor:
    """`1.0507 * elu(x, 1.6733)`; the derivative at 0 is 1.7581 before tf.keras, 1.0507 since."""
    return _of_generation(selu)(x)


def _with_logits(y: Tensor, x: Tensor, activation: str) -> Tensor:
    if isinstance(y, Tensor):  # a symbolic tensor or an FX proxy has no numbers behind it
        y._keras_logits = x  # type: ignore[attr-defined]
        y._keras_logits_of = activation  # type: ignore[attr-defined]
    return y


def _softmax(x: Tensor, axis: int | Sequence[int] = -1) -> Tensor:
    return _with_logits(torch.softmax(x, axis) if type(axis) is int else activate.softmax(x, axis), x, "softmax")


def _softmax_without_vectors(x: Tensor, axis: int | Sequence[int] = -1) -> Tensor:
    if x.ndim < 2:
        raise ArgumentError(f"softmax: `x` must have at least 2 axes in this Keras generation, received the shape {tuple(x.shape)}.")
    return _softmax(x, axis)


def _softmax_of_matrix_rows(x: Tensor, axis: int | Sequence[int] = -1) -> Tensor:
    return _softmax_without_vectors(x, -1 if x.ndim == 2 else axis)


#: function -> (row of the generation table, {its value: what computes})
_RULES: dict[Callable[..., Any], tuple[str, dict[str, Callable[..., Tensor]]]] = {
    hard_sigmoid: ("hard_sigmoid", {"fifth": activate.hard_sigmoid_fifth, "sixth": activate.hard_sigmoid_sixth}),
    selu: ("selu_slope_at_zero", {"elu": activate.selu_from_elu, "scale": activate.selu}),
    softmax: ("softmax", {"rows": _softmax_of_matrix_rows, "no_vectors": _softmax_without_vectors, "any": _softmax}),
}


def _of_generation(function: Callable[..., Any]) -> Callable[..., Any]:
    row, rules = _RULES[function]
    return rules[_value(row)]


def _value(row: str) -> str:
    return behaviour(row)


# What `torch.compiler.assume_constant_result` sets (it would import Dynamo here): traced code keeps the generation it was traced in.
_value._dynamo_marked_constant = True  # type: ignore[attr-defined]


def get(identifier: Any) -> Callable[..., Any]:
    """The activation for None (linear), a name, a config, a function or a layer; the generation's own where they differ."""
    if identifier is None:
        return linear
    if isinstance(identifier, dict):
        name, inner = registry.split_config("activation", identifier)
        if isinstance(inner, dict) and registry.find("activation", name) is None:
            return registry.deserialize("layer", identifier)
    found = registry.get("activation", identifier)
    return _of_generation(found) if any(found is function for function in _RULES) else found


def serialize(activation: Any, use_legacy_format: bool = False) -> Any:
    """The name of an activation function, or the config of a layer used as one."""
    return registry.serialize("layer" if hasattr(activation, "get_config") else "activation", activation, use_legacy_format)


def deserialize(
    config: Any = NOT_GIVEN, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False, *, name: Any = NOT_GIVEN
) -> Any:
    """The activation that `serialize` described; Keras 2 calls the first argument `name`. Both config formats are known by their form."""
    described = name if config is NOT_GIVEN else config
    if described is NOT_GIVEN:
        raise ArgumentTypeError("deserialize: `config` must be the name or config of an activation, nothing was received.")
    if described is None:
        return None
    with registry.custom_object_scope(custom_objects or {}):
        return get(described)


for _function, (_, _rules) in _RULES.items():
    for _rule in _rules.values():
        registry.register("activation", {_function.__name__: _rule})
_PUBLIC = {name: globals()[name] for name in __all__ if name not in ("get", "serialize", "deserialize")}
registry.register("activation", _PUBLIC, name_rows={silu: "silu_name"})

#: activations with default arguments -> the torch function that is the same
_DIRECT = {linear: None, relu: torch.relu, tanh: torch.tanh}
#: the same, changing the tensor itself
_IN_PLACE: dict[Callable[..., Any], Callable[..., Any]] = {
    relu: torch.relu_,
    tanh: torch.tanh_,
    relu6: functools.partial(torch.nn.functional.relu6, inplace=True),
}


def direct(activation: Callable[..., Any]) -> Callable[..., Any] | None:
    """What a layer calls for `activation`: torch's own function where that is the same, None for linear."""
    return _DIRECT.get(activation, activation)


def in_place(activation: Callable[..., Any]) -> Callable[..., Any] | None:
    """What a layer calls for `activation` on a tensor that nobody else reads: the function that overwrites it, if torch has one."""
    return _IN_PLACE.get(activation, direct(activation))
