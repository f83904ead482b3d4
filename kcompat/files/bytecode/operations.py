"""`keras.ops` by name: operations whose arguments are given in the call, which no functional model holds."""

from __future__ import annotations

from typing import Any

import torch

from kcompat.files.bytecode.backend import FUNCTIONS
from kcompat.files.symbols import keras3
from kcompat.files.symbols.common import tensor
from kcompat.files.symbols.table import TABLE


def _axis(name: str) -> Any:
    return lambda x, axis=None, keepdims=False: FUNCTIONS[name](x, axis, keepdims)


OPERATIONS: dict[str, Any] = {
    **{name: _axis(name) for name in ("sum", "mean", "max", "min", "prod", "std", "var", "any", "all", "logsumexp")},
    **{name: TABLE[symbol] for name, symbol in (
        ("add", "math.add"), ("subtract", "math.subtract"), ("multiply", "math.multiply"), ("divide", "math.truediv"),
        ("power", "math.pow"), ("maximum", "math.maximum"), ("minimum", "math.minimum"), ("matmul", "linalg.matmul"),
        ("sqrt", "math.sqrt"), ("where", "where"), ("cast", "cast"), ("one_hot", "one_hot"), ("reshape", "reshape"), ("stack", "stack"),
        ("zeros", "zeros"), ("ones", "ones"), ("zeros_like", "zeros_like"), ("ones_like", "ones_like"), ("tile", "tile"),
    )},
    "amax": _axis("max"), "amin": _axis("min"), "shape": lambda x: tuple(x.shape), "ndim": lambda x: x.ndim,
    "concatenate": lambda xs, axis=0: torch.cat([tensor(x) for x in xs], axis), "expand_dims": lambda x, axis: tensor(x).unsqueeze(axis),
    "squeeze": lambda x, axis=None: TABLE["squeeze"](x, axis), "flip": lambda x, axis=None: TABLE["reverse"](x, axis),
    "transpose": lambda x, axes=None: TABLE["transpose"](x, axes), "clip": lambda x, x_min, x_max: TABLE["clip_by_value"](x, x_min, x_max),
    "take": lambda x, indices, axis=None: TABLE["gather"](x, indices, axis=axis), "softmax": lambda x, axis=-1: torch.softmax(x, axis),
    "argmax": lambda x, axis=None, keepdims=False: torch.argmax(x, axis, keepdims).int(), "dot": FUNCTIONS["dot"],
    "arange": lambda start, stop=None, step=1, dtype=None: FUNCTIONS["arange"](start, stop, step, dtype or "int32"),
    "convert_to_tensor": TABLE["convert_to_tensor"], "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
    "cumsum": lambda x, axis=0, dtype=None: torch.cumsum(x, axis),
    "normalize": lambda x, axis=-1, order=2, epsilon=1e-12: _normalized(x, axis, order, epsilon),
    "split": lambda x, indices_or_sections, axis=0: keras3.TABLE["numpy.Split"](x, indices_or_sections=indices_or_sections, axis=axis),
}  # fmt: skip


def _normalized(x: Any, axis: Any, order: Any, epsilon: float) -> Any:
    return keras3.TABLE["nn.Normalize"](x, axis=axis, order=order, epsilon=epsilon)
