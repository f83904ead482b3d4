"""How an operation of a traced program is written: with an operator, a function of `torch` or `F`, a method, in this order of liking."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

_BINARY = {
    **dict(zip(("add", "sub", "mul", "div", "floor_divide", "remainder", "pow", "matmul", "mm", "bmm"),
               ("+", "-", "*", "/", "//", "%", "**", "@", "@", "@"), strict=True)),
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
    "__and__": "&", "__or__": "|", "__xor__": "^", "__rshift__": ">>", "__lshift__": "<<",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^",
}  # fmt: skip
#: of sizes, which are Python's numbers
OPERATORS = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.floordiv: "//", operator.mod: "%", operator.truediv: "/",
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.eq: "==", operator.ne: "!=", operator.pow: "**",
    operator.and_: "&", operator.or_: "|",
}  # fmt: skip
_OF_SIZES = {"sym_max": "max", "sym_min": "min", "sym_float": "float", "sym_not": "not ", "sym_int": "int"}
#: of the same name in F, which is what people write
_IN_F = frozenset((
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "conv1d", "conv2d", "conv3d", "dropout", "elu", "gelu", "glu", "hardsigmoid", "hardswish",
    "hardtanh", "leaky_relu", "linear", "log_softmax", "max_pool1d", "max_pool2d", "max_pool3d",
    "mish", "one_hot", "pad", "prelu", "relu", "relu6", "selu",
    "silu", "softmax", "softplus", "threshold", "rms_norm", "scaled_dot_product_attention", "celu", "softsign", "logsigmoid", "hardshrink",
    "softshrink", "tanhshrink", "rrelu", "pixel_shuffle", "cosine_similarity", "alpha_dropout", "feature_dropout",
))  # fmt: skip
#: operation -> function, its arguments in order, and from which one on they are written with their names
_RECURRENT = "input hx params has_biases num_layers dropout train bidirectional batch_first"
_CONVOLVED, _TURNED = "input weight bias stride padding dilation groups", "input weight bias stride padding output_padding groups dilation"
_POOLED, _AVERAGED = (
    "self kernel_size stride padding dilation ceil_mode",
    "self kernel_size stride padding ceil_mode count_include_pad divisor_override",
)
_ARRANGED: dict[str, tuple[str, str, int]] = {
    "batch_norm": ("F.batch_norm", "input running_mean running_var weight bias training momentum eps", 5),
    "layer_norm": ("F.layer_norm", "input normalized_shape weight bias eps", 4),
    "group_norm": ("F.group_norm", "input num_groups weight bias eps", 4),
    "embedding": ("F.embedding", "indices weight", 2),
    **{name: (f"torch.{name}", _RECURRENT, 3) for name in ("lstm", "gru", "rnn_tanh")},
    **{f"conv{rank}d": (f"F.conv{rank}d", _CONVOLVED, 3) for rank in (1, 2, 3)},
    **{f"conv_transpose{rank}d": (f"F.conv_transpose{rank}d", _TURNED, 3) for rank in (1, 2, 3)},
    **{f"max_pool{rank}d": (f"F.max_pool{rank}d", _POOLED, 2) for rank in (1, 2, 3)},
    **{f"avg_pool{rank}d": (f"F.avg_pool{rank}d", _AVERAGED, 2) for rank in (2, 3)},
    **{f"adaptive_avg_pool{rank}d": (f"F.adaptive_avg_pool{rank}d", "self output_size", 2) for rank in (1, 2, 3)},
    "dropout": ("F.dropout", "input p train", 3),
}
_NAMED = {
    **{f"adaptive_max_pool{rank}d": (f"F.adaptive_max_pool{rank}d", {"return_indices": "True"}) for rank in (1, 2, 3)},
    **{f"max_pool{rank}d_with_indices": (f"F.max_pool{rank}d", {"return_indices": "True"}) for rank in (1, 2, 3)},
}
_UPSAMPLED = {"nearest": "nearest", "_nearest_exact": "nearest-exact", "linear": "linear", "bilinear": "bilinear", "bicubic": "bicubic",
              "trilinear": "trilinear"}  # fmt: skip
_LEFT_OUT = frozenset({"layout", "pin_memory", "non_blocking"})
Write = Callable[[Any], str]


def call_text(node: Any, write: Write) -> str:
    """The right side of the statement for a node; `write` writes an argument."""
    target, name = node.target, str(node.target)
    if target in OPERATORS:
        return f"{write(node.args[0])} {OPERATORS[target]} {write(node.args[1])}"
    if target is operator.getitem:
        return f"{write(node.args[0])}[{write(node.args[1])}]"
    if target is operator.neg:
        return f"-{write(node.args[0])}"
    plain = getattr(target, "__name__", name)
    if not name.startswith(("aten.", "kcompat.")):
        args = [write(a) for a in node.args]
        if plain in _OF_SIZES:
            return f"{_OF_SIZES[plain]}({', '.join(args)})" if plain != "sym_not" else f"not {args[0]}"
        module = "math" if getattr(math, plain, None) is target else "torch" if hasattr(torch, plain) else "torch.ops"
        return _joined(f"{module}.{plain if module != 'torch.ops' else name}", args, {})
    plain, overload = name.split(".")[1:]
    special = _SPECIAL.get(plain)
    return (special(node, write) if special else None) or _function(node, plain, overload, write)


def _function(node: Any, plain: str, overload: str, write: Write) -> str:
    args = [write(a) for a in node.args]
    named = {key: write(value) for key, value in node.kwargs.items() if key not in _LEFT_OUT}
    if plain in _BINARY and len(args) == 2 and not named and "out" not in overload:
        return f"{args[0]} {_BINARY[plain]} {args[1]}"
    if plain in _ARRANGED and overload != "data":
        return _arranged(node, plain, write)
    if plain in _NAMED:
        function, more = _NAMED[plain]
        return _joined(function, args, {**named, **more})
    if plain in _IN_F:
        return _joined(f"F.{plain}", args, named)
    if hasattr(torch, plain) and not plain.endswith("_") and plain not in _METHODS_FIRST:
        return _joined(f"torch.{plain}", args, named)
    if hasattr(torch.Tensor, plain) and args:
        return _joined(f"{args[0]}.{plain}", args[1:], named)
    if hasattr(functional, plain):
        return _joined(f"F.{plain}", args, named)
    return _joined(f"torch.ops.{node.target}", args, named)


def _arranged(node: Any, plain: str, write: Write) -> str:
    """Leading arguments by place, the others by name where they are not what they are anyway."""
    function, order, places = _ARRANGED[plain]
    given = _given(node)
    meant = {argument.name: argument.default_value for argument in node.target._schema.arguments if argument.has_default_value()}
    keys = order.split()
    named = {key: write(given[key]) for key in keys[places:] if key in given and (given[key] != meant.get(key, _NOTHING) or key in _TOLD)}
    return _joined(function, [write(given.get(key)) for key in keys[:places]], named)


_NOTHING = object()
#: without a default in the function, or with another one
_TOLD = frozenset({"training", "momentum", "eps"})
_METHODS_FIRST = frozenset({
    "expand_copy", "type_as", "clone", "detach", "index_fill", "masked_fill", "reshape", "permute", "transpose", "flatten", "unflatten",
    "unsqueeze", "squeeze", "chunk", "split", "unbind", "t", "numpy_T", "sum", "mean", "amax", "amin", "flip", "cumsum", "index_select",
    "select", "narrow", "argmax", "argmin", "all", "any", "scatter", "gather", "repeat_interleave", "softmax", "masked_scatter",
})  # fmt: skip


def _given(node: Any) -> dict[str, Any]:
    names = [argument.name for argument in node.target._schema.arguments]
    return {**dict(zip(names, node.args, strict=False)), **node.kwargs}


def _joined(function: str, args: list[str], named: dict[str, str]) -> str:
    return f"{function}({', '.join([*args, *(f'{k}={v}' for k, v in named.items())])})"


# -- operations with a form of their own ---------------------------------------------------------------------------------------


def _size(node: Any, write: Write) -> str:
    return f"{write(node.args[0])}.shape[{node.args[1]}]"


def _to(node: Any, write: Write) -> str | None:
    dtype = _given(node).get("dtype")
    return f"{write(node.args[0])}.to({write(dtype)})" if isinstance(dtype, torch.dtype) else None


def _slice(node: Any, write: Write) -> str | None:
    """`x[:, 1:3]` for a slice of one axis."""
    source, axis, start, stop, step = (*node.args, 0, None, None, 1)[: len(node.args)] + (0, None, None, 1)[len(node.args) - 1 :]
    if isinstance(axis, int) and axis < 0:
        axis += node.meta["val"].ndim
    begin = "" if start in (0, None) else write(start)
    end = "" if stop is None or (isinstance(stop, int) and stop >= 2**62) else write(stop)
    return f"{write(source)}[{':, ' * axis}{begin}:{end}{'' if step == 1 else ':' + write(step)}]"


def _index(node: Any, write: Write) -> str:
    return f"{write(node.args[0])}[{', '.join(':' if index is None else write(index) for index in node.args[1])}]"


def _upsample(mode: str) -> Callable[[Any, Write], str | None]:
    def written(node: Any, write: Write) -> str | None:
        given = _given(node)
        if str(node.target).split(".")[-1] != "vec":
            return None
        size, factors = given.get("output_size"), given.get("scale_factors")
        named = {"size": write(size)} if size is not None else {"scale_factor": write(factors)}
        named["mode"] = repr(mode)
        if given.get("align_corners"):
            named["align_corners"] = "True"
        if "_aa" in str(node.target):
            named["antialias"] = "True"
        return _joined("F.interpolate", [write(given["input"])], named)

    return written


def _rsub(node: Any, write: Write) -> str | None:
    return f"{write(node.args[1])} - {write(node.args[0])}" if len(node.args) == 2 and not node.kwargs else None


def _transposed(node: Any, write: Write) -> str:
    return f"{write(node.args[0])}.t()"


_SPECIAL: dict[str, Callable[[Any, Write], str | None]] = {
    "sym_size": _size,
    "to": _to,
    "_to_copy": _to,
    "slice": _slice,
    "index": _index,
    "rsub": _rsub,
    "numpy_T": _transposed,
    **{f"upsample_{name}{rank}d": _upsample(mode) for name, mode in _UPSAMPLED.items() for rank in (1, 2, 3)},
    **{f"_upsample_{name}2d_aa": _upsample(name) for name in ("bilinear", "bicubic")},
}
