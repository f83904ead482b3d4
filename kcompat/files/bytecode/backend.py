"""`keras.backend` for code from files: the functions whose arguments differ from TensorFlow's, or that TensorFlow calls otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kcompat import random
from kcompat.config import epsilon, floatx, image_data_format
from kcompat.errors import UnknownNameError, nearest
from kcompat.files.bytecode.methods import Facade
from kcompat.files.symbols.common import as_dtype, axes, both, integers, tensor
from kcompat.files.symbols.table import TABLE, find
from kcompat.tensor import activate


def _reduced(name: str) -> Callable[..., Any]:
    function = TABLE[f"math.reduce_{name}"]
    return lambda x, axis=None, keepdims=False: function(tensor(x), axis, keepdims)


def dot(x: Any, y: Any) -> Any:
    """The last axis of `x` with the last but one of `y`."""
    return torch.tensordot(x, y, ([-1], [-2 if y.ndim > 1 else -1]))


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """The product of each pair in the batch along one axis of each; at least two axes remain."""
    given = (axes, axes) if isinstance(axes, int) else axes
    if given is None:
        given = (x.ndim - 1, y.ndim - 2 if y.ndim > 2 else y.ndim - 1)
    a, b = (n % t.ndim for n, t in zip(given, (x, y), strict=True))
    left, right = [0, *range(1, x.ndim)], [0, *range(x.ndim, x.ndim + y.ndim - 1)]
    right[b] = left[a]
    out = [n for n in left if n != left[a]] + [n for n in right[1:] if n != left[a]]
    made = torch.einsum(x, left, y, right, out)
    return made.unsqueeze(1) if made.ndim == 1 else made


def _l2_normalize(x: Any, axis: Any = None) -> Any:
    return TABLE["math.l2_normalize"](x, axis)


def _sqrt(x: Any) -> Any:
    return torch.sqrt(torch.clamp(tensor(x), min=0))


def _relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    return activate.relu(x, alpha, max_value, threshold)


def _switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    first, second = (part() if callable(part) else part for part in (then_expression, else_expression))
    condition = tensor(condition).bool()
    first, second = both(first, second)
    return torch.where(condition.reshape(*condition.shape, *(1,) * (max(first.ndim, second.ndim) - condition.ndim)), first, second)


def _in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """The second when the model is used; a function that does otherwise in training takes `training` and hands it on."""
    part = x if training is not None and bool(training) else alt
    return part() if callable(part) else part


def _in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    return _in_train_phase(alt, x, training)


def _normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None, name: Any = None) -> Tensor:
    return random.normal(integers(shape), mean, stddev, dtype or floatx(), seed)


def _uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None, name: Any = None) -> Tensor:
    return random.uniform(integers(shape), minval, 1.0 if maxval is None else maxval, dtype or floatx(), seed)


def _truncated(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None, name: Any = None) -> Tensor:
    return random.truncated_normal(integers(shape), mean, stddev, dtype or floatx(), seed)


def _map(fn: Any, elems: Any, name: Any = None, dtype: Any = None, **more: Any) -> Any:
    items = zip(*elems, strict=True) if isinstance(elems, (list, tuple)) else elems
    return torch.stack([tensor(fn(item)) for item in items])


def _folded(turn: int) -> Callable[..., Any]:
    def fold(fn: Any, elems: Any, initializer: Any = None, name: Any = None) -> Any:
        items = list(elems)[::turn]
        held = items.pop(0) if initializer is None else initializer
        for item in items:
            held = fn(held, item)
        return held

    return fold


def _padded(count: int) -> Callable[..., Any]:
    def pad(x: Any, padding: Any = None, data_format: Any = None) -> Any:
        padding = ((1, 1),) * count if padding is None else padding
        pairs = (
            [tuple(p) if isinstance(p, (list, tuple)) else (p, p) for p in (padding if count > 1 else (padding,))]
            if count > 1
            else [tuple(padding) if isinstance(padding[0], int) else tuple(padding[0])]
        )
        first = (data_format or image_data_format()) == "channels_first" and count > 1
        rows = [(0, 0), (0, 0), *pairs] if first else [(0, 0), *pairs, (0, 0)]
        return TABLE["pad"](x, rows)

    return pad


def _resized(x: Any, height_factor: int, width_factor: int, data_format: str, interpolation: str = "nearest") -> Any:
    x = x.permute(0, 2, 3, 1) if data_format == "channels_first" else x
    size = (x.shape[1] * height_factor, x.shape[2] * width_factor)
    made = TABLE["image.resize"](x, size, interpolation)
    return made.permute(0, 3, 1, 2) if data_format == "channels_first" else made


def _conv2d(
    x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: Any = None, dilation_rate: Any = (1, 1)
) -> Any:
    form = "NCHW" if (data_format or image_data_format()) == "channels_first" else "NHWC"
    return TABLE["nn.conv2d"](x, kernel, list(strides), padding.upper(), data_format=form, dilations=list(dilation_rate))


def _pool2d(x: Any, pool_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: Any = None, pool_mode: str = "max") -> Any:
    form = "NCHW" if (data_format or image_data_format()) == "channels_first" else "NHWC"
    return TABLE[f"nn.{pool_mode}_pool2d"](x, list(pool_size), list(strides), padding.upper(), data_format=form)


def _normalized(x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3) -> Any:
    return TABLE["nn.batch_normalization"](x, mean, var, beta, gamma, epsilon)


def _arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Tensor:
    return TABLE["range"](start, stop, step, dtype) if stop is not None else TABLE["range"](0, start, step, dtype)


def _shape(x: Any) -> tuple[Any, ...]:
    return tuple(x.shape)


def _log_sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return TABLE["math.reduce_logsumexp"](x, axis, keepdims)


def _made(symbol: str) -> Callable[..., Any]:
    function = TABLE[symbol]
    return lambda shape, dtype=None, name=None: function(shape, dtype or floatx())


def _repeated(x: Any, n: int) -> Any:
    return x.unsqueeze(1).repeat(1, n, 1)


FUNCTIONS: dict[str, Any] = {
    **{name: _reduced(name) for name in ("sum", "mean", "max", "min", "prod", "any", "all", "std")}, "logsumexp": _log_sum,
    "var": _reduced("variance"), "concatenate": lambda tensors, axis=-1: torch.cat([tensor(t) for t in tensors], axis),
    "flatten": lambda x: x.reshape(-1), "expand_dims": lambda x, axis=-1: tensor(x).unsqueeze(axis),
    "batch_flatten": lambda x: x.flatten(1),
    "permute_dimensions": lambda x, pattern: tensor(x).permute(tuple(pattern)), "dot": dot, "batch_dot": batch_dot,
    "clip": lambda x, min_value, max_value: TABLE["clip_by_value"](x, min_value, max_value),
    "argmax": lambda x, axis=-1: torch.argmax(x, axis),
    "argmin": lambda x, axis=-1: torch.argmin(x, axis), "int_shape": _shape, "ndim": lambda x: x.ndim, "l2_normalize": _l2_normalize,
    "epsilon": epsilon, "floatx": floatx, "image_data_format": image_data_format, "repeat": _repeated, "sqrt": _sqrt, "relu": _relu,
    "image_dim_ordering": lambda: "th" if image_data_format() == "channels_first" else "tf", "backend": lambda: "tensorflow",
    "repeat_elements": lambda x, rep, axis: torch.repeat_interleave(x, rep, axis), "cast": lambda x, dtype: TABLE["cast"](x, dtype),
    "cast_to_floatx": lambda x: tensor(x).to(as_dtype(floatx())), "reverse": lambda x, axes: _reversed(x, axes), "elu": activate.elu,
    "softmax": lambda x, axis=-1: torch.softmax(x, axis), "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softplus": TABLE["math.softplus"],
    "hard_sigmoid": activate.hard_sigmoid_fifth, "cumsum": lambda x, axis=0: torch.cumsum(x, axis), "switch": _switch,
    "cumprod": lambda x, axis=0: torch.cumprod(x, axis), "gather": lambda reference, indices: TABLE["gather"](reference, indices),
    "in_train_phase": _in_train_phase, "in_test_phase": _in_test_phase, "learning_phase": lambda: 0, "random_normal": _normal,
    "random_uniform": _uniform, "truncated_normal": _truncated, "map_fn": _map, "foldl": _folded(1), "foldr": _folded(-1),
    "temporal_padding": _padded(1), "spatial_2d_padding": _padded(2), "spatial_3d_padding": _padded(3), "resize_images": _resized,
    "conv2d": _conv2d, "pool2d": _pool2d, "batch_normalization": _normalized, "arange": _arange, "zeros": _made("zeros"),
    "ones": _made("ones"), "one_hot": lambda indices, num_classes: TABLE["one_hot"](indices, num_classes),
    "constant": lambda value, dtype=None, shape=None, name=None: TABLE["constant"](value, dtype or floatx(), shape),
    "variable": lambda value, dtype=None, name=None: tensor(value, dtype=dtype or floatx()), "print_tensor": lambda x, message="": x,
    "transpose": lambda x: x.permute(*range(x.ndim - 1, -1, -1)), "dtype": lambda x: str(x.dtype).removeprefix("torch."),
    "eye": lambda size, dtype=None, name=None: torch.eye(int(size), dtype=as_dtype(dtype or floatx())), "dropout": TABLE["nn.dropout"],
    "is_keras_tensor": lambda x: isinstance(x, Tensor), "is_tensor": lambda x: isinstance(x, Tensor), "is_sparse": lambda x: False,
    "abs": TABLE["math.abs"], "pow": lambda x, a: TABLE["math.pow"](x, a), "stack": lambda x, axis=0: torch.stack(list(x), axis),
    "slice": lambda x, start, size: TABLE["slice"](x, start, size), "get_value": lambda x: x,
}  # fmt: skip


def _reversed(x: Any, along: Any) -> Any:
    return x.flip(axes(along, x.ndim))


class Backend(Facade):
    """`keras.backend`."""

    def _find(self, name: str) -> Any:
        found = FUNCTIONS.get(name) or find(name)
        if found is None:
            raise UnknownNameError(f"The code of a Lambda uses `K.{name}`, which is not known here. {nearest(name, FUNCTIONS)}")
        return found


K = Backend()
