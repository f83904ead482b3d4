"""Which symbol of TensorFlow, and which operation of Keras 3, a torch function in a graph is: so that a model made with torch functions,
arithmetic and indexing can be written, and real Keras reads it.

A row says: names of the torch function -> (function of its own arguments) -> what is written. Both Keras forms come from the one row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from kcompat.errors import ArgumentError
from kcompat.graph.symbol import reshape_keeping


class Written(NamedTuple):
    """One call: a symbol with its first argument and keywords (tf.keras), an operation with fixed and other arguments (Keras 3)."""

    symbol: str | None
    first: Any
    keywords: dict[str, Any]
    operation: str | None
    fixed: dict[str, Any]
    arguments: list[Any]


Row = Callable[..., Written]


def _one(symbol: str, operation: str) -> Row:
    return lambda input: Written(symbol, input, {}, operation, {}, [input])


def _two(symbol: str, operation: str) -> Row:
    return lambda input, other: Written(symbol, input, {"y": other}, operation, {}, [input, other])


def _add(input: Any, other: Any, *, alpha: Any = 1) -> Written:
    _plain(alpha=(alpha, 1))
    return Written("__operators__.add", input, {"y": other}, "numpy.Add", {}, [input, other])


def _sub(input: Any, other: Any, *, alpha: Any = 1) -> Written:
    _plain(alpha=(alpha, 1))
    return Written("math.subtract", input, {"y": other}, "numpy.Subtract", {}, [input, other])


def _div(input: Any, other: Any, *, rounding_mode: Any = None) -> Written:
    if rounding_mode == "floor":
        return Written("math.floordiv", input, {"y": other}, "numpy.FloorDivide", {}, [input, other])
    _plain(rounding_mode=(rounding_mode, None))
    return Written("math.truediv", input, {"y": other}, "numpy.TrueDivide", {}, [input, other])


def _reduced(symbol: str, operation: str) -> Row:
    def row(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None) -> Written:
        _plain(dtype=(dtype, None))
        chosen = _numbers(dim if dim is not None else axis)
        return Written(symbol, input, {"axis": chosen, "keepdims": keepdim}, operation, {"axis": chosen, "keepdims": keepdim}, [input])

    return row


def _softmax(symbol: str, operation: str) -> Row:
    def row(input: Any, dim: Any = None, dtype: Any = None, _stacklevel: Any = 3) -> Written:
        _plain(dtype=(dtype, None))
        return Written(symbol, input, {"axis": dim}, operation, {"axis": dim}, [input])

    return row


def _concat(tensors: Any, dim: Any = 0, *, axis: Any = None) -> Written:
    along = dim if axis is None else axis
    return Written("concat", list(tensors), {"axis": along}, "numpy.Concatenate", {"axis": along}, [list(tensors)])


def _stack(tensors: Any, dim: Any = 0) -> Written:
    return Written("stack", list(tensors), {"axis": dim}, "numpy.Stack", {"axis": dim}, [list(tensors)])


def _reshape(input: Any, shape: Any) -> Written:
    sizes = list(shape)
    places = [i for i, n in enumerate(sizes) if n is None]
    if len(places) == 1 and -1 not in sizes:
        sizes[places[0]] = -1
    elif places:
        raise ArgumentError(f"A reshape to {tuple(shape)} keeps sizes that vary, which no file can say; name all but one.")
    return Written("reshape", input, {"shape": sizes}, "numpy.Reshape", {"newshape": sizes}, [input])


def _permute(input: Any, *dims: Any) -> Written:
    order = list(dims[0]) if len(dims) == 1 and isinstance(dims[0], (list, tuple)) else list(dims)
    order = [n % len(order) for n in order]
    return Written("transpose", input, {"perm": order}, "numpy.Transpose", {"axes": order}, [input])


def _transposed(input: Any, dim0: int, dim1: int) -> Written:
    order = list(range(len(input.shape)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return _permute(input, order)


def _unsqueeze(input: Any, dim: int) -> Written:
    return Written("expand_dims", input, {"axis": dim}, "numpy.ExpandDims", {"axis": dim}, [input])


def _squeeze(input: Any, dim: Any = None) -> Written:
    return Written("squeeze", input, {"axis": _numbers(dim)}, "numpy.Squeeze", {"axis": _numbers(dim)}, [input])


def _flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Written:
    shape = list(input.shape)
    start, end = start_dim % len(shape), end_dim % len(shape)
    rest = shape[start : end + 1]
    size = -1 if None in rest else _product(rest)
    return _reshape(input, [*shape[:start], size, *shape[end + 1 :]])


def _product(numbers: Any) -> int:
    total = 1
    for n in numbers:
        total *= n
    return total


def _getitem(input: Any, index: Any) -> Written:
    index = list(index) if isinstance(index, tuple) else index
    return Written("__operators__.getitem", input, {"slice_spec": index}, "numpy.GetItem", {}, [input, index])


def _clamp(input: Any, min: Any = None, max: Any = None) -> Written:
    if min is None or max is None:
        symbol, name, limit = ("math.minimum", "numpy.Minimum", max) if min is None else ("math.maximum", "numpy.Maximum", min)
        return Written(symbol, input, {"y": limit}, name, {}, [input, limit])
    limits = {"clip_value_min": min, "clip_value_max": max}
    return Written("clip_by_value", input, limits, "numpy.Clip", {"x_min": min, "x_max": max}, [input])


def _where(condition: Any, input: Any, other: Any) -> Written:
    return Written("where", condition, {"x": input, "y": other}, "numpy.Where", {}, [condition, input, other])


def _matmul(input: Any, other: Any) -> Written:
    return Written("linalg.matmul", input, {"b": other}, "numpy.Matmul", {}, [input, other])


def _leaky(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Written:
    return Written("nn.leaky_relu", input, {"alpha": negative_slope}, "nn.LeakyRelu", {"negative_slope": negative_slope}, [input])


def _gelu(input: Any, *, approximate: str = "none") -> Written:
    tanh = approximate == "tanh"
    return Written("nn.gelu", input, {"approximate": tanh}, "nn.Gelu", {"approximate": tanh}, [input])


def _functional(symbol: str, operation: str) -> Row:
    return lambda input, inplace=False: Written(symbol, input, {}, operation, {}, [input])


def _extreme(symbol: str, operation: str) -> Row:
    def row(input: Any, dim: Any = None, keepdim: bool = False) -> Written:
        if dim is None:
            raise ArgumentError("An `argmax` or `argmin` over all elements cannot be written to a file; name `dim`.")
        _plain(keepdim=(keepdim, False))
        return Written(symbol, input, {"axis": dim}, operation, {"axis": dim}, [input])

    return row


def _cumulated(symbol: str, operation: str) -> Row:
    return lambda input, dim: Written(symbol, input, {"axis": dim}, operation, {"axis": dim}, [input])


def _flip(input: Any, *dims: Any) -> Written:
    chosen = list(dims[0]) if len(dims) == 1 and isinstance(dims[0], (list, tuple)) else list(dims)
    return Written("reverse", input, {"axis": chosen}, "numpy.Flip", {"axis": chosen}, [input])


def _tile(input: Any, dims: Any) -> Written:
    return Written("tile", input, {"multiples": list(dims)}, "numpy.Tile", {"repeats": list(dims)}, [input])


def _einsum(equation: str, *operands: Any) -> Written:
    given = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else list(operands)
    return Written(None, None, {}, "numpy.Einsum", {"subscripts": equation}, given)  # tf.keras would lose the operands


def _cast(dtype: str) -> Row:
    return lambda input: Written("cast", input, {"dtype": dtype}, "core.Cast", {"dtype": dtype}, [input])


def _to(input: Any, dtype: Any) -> Written:
    if not isinstance(dtype, torch.dtype):
        raise ArgumentError(f"`.to({dtype!r})` cannot be written to a file; only a change of dtype can.")
    return _cast(str(dtype).removeprefix("torch."))(input)


def _norm_axis(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Written:
    if p != 2.0:
        raise ArgumentError(f"`F.normalize` with p={p!r} cannot be written to a file.")
    return Written(
        "math.l2_normalize", input, {"axis": dim, "epsilon": eps * eps}, "nn.Normalize", {"axis": dim, "order": 2, "epsilon": eps}, [input]
    )


def _plain(**given: tuple[Any, Any]) -> None:
    for name, (value, usual) in given.items():
        if value != usual:
            raise ArgumentError(f"The argument `{name}={value!r}` of a torch function in the model cannot be written to a file.")


def _numbers(dim: Any) -> Any:
    return list(dim) if isinstance(dim, (list, tuple)) else dim


_UNARY = {
    "abs": ("math.abs", "Absolute"), "neg": ("math.negative", "Negative"), "exp": ("math.exp", "Exp"), "log": ("math.log", "Log"),
    "log1p": ("math.log1p", "Log1p"), "expm1": ("math.expm1", "Expm1"), "sqrt": ("math.sqrt", "Sqrt"),
    "rsqrt": ("math.rsqrt", "math.Rsqrt"),
    "square": ("math.square", "Square"), "sin": ("math.sin", "Sin"), "cos": ("math.cos", "Cos"), "tan": ("math.tan", "Tan"),
    "asin": ("math.asin", "Arcsin"), "acos": ("math.acos", "Arccos"), "atan": ("math.atan", "Arctan"), "sinh": ("math.sinh", "Sinh"),
    "cosh": ("math.cosh", "Cosh"), "tanh": ("math.tanh", "Tanh"), "sigmoid": ("math.sigmoid", "nn.Sigmoid"), "relu": ("nn.relu", "nn.Relu"),
    "floor": ("math.floor", "Floor"), "ceil": ("math.ceil", "Ceil"), "round": ("math.round", "Round"), "sign": ("math.sign", "Sign"),
    "erf": ("math.erf", "math.Erf"), "reciprocal": ("math.reciprocal", "Reciprocal"), "isnan": ("math.is_nan", "Isnan"),
    "isfinite": ("math.is_finite", "Isfinite"), "isinf": ("math.is_inf", "Isinf"), "logical_not": ("math.logical_not", "LogicalNot"),
    "selu": ("nn.selu", "nn.Selu"), "zeros_like": ("zeros_like", "ZerosLike"), "ones_like": ("ones_like", "OnesLike"),
    "detach": ("stop_gradient", "core.StopGradient"), "clone": ("identity", "Copy"),
}  # fmt: skip
_BINARY = {
    "multiply": ("math.multiply", "Multiply"), "maximum": ("math.maximum", "Maximum"), "minimum": ("math.minimum", "Minimum"),
    "pow": ("math.pow", "Power"), "remainder": ("math.floormod", "Mod"), "floor_divide": ("math.floordiv", "FloorDivide"),
    "eq": ("math.equal", "Equal"), "ne": ("math.not_equal", "NotEqual"), "gt": ("math.greater", "Greater"),
    "ge": ("math.greater_equal", "GreaterEqual"), "lt": ("math.less", "Less"), "le": ("math.less_equal", "LessEqual"),
    "logical_and": ("math.logical_and", "LogicalAnd"), "logical_or": ("math.logical_or", "LogicalOr"), "atan2": ("math.atan2", "Arctan2"),
}  # fmt: skip


def _operation(name: str) -> str:
    return name if "." in name else f"numpy.{name}"


#: name -> row, for functions of `torch`, methods of `torch.Tensor`, and `torch.nn.functional`
_NAMED: dict[str, Row] = {
    **{name: _one(symbol, _operation(op)) for name, (symbol, op) in _UNARY.items()},
    **{name: _two(symbol, _operation(op)) for name, (symbol, op) in _BINARY.items()},
    "add": _add, "sub": _sub, "subtract": _sub, "mul": _two("math.multiply", "numpy.Multiply"), "div": _div, "divide": _div,
    "true_divide": _div,
    "sum": _reduced("math.reduce_sum", "numpy.Sum"), "mean": _reduced("math.reduce_mean", "numpy.Mean"),
    "amax": _reduced("math.reduce_max", "numpy.Max"), "amin": _reduced("math.reduce_min", "numpy.Min"),
    "prod": _reduced("math.reduce_prod", "numpy.Prod"), "logsumexp": _reduced("math.reduce_logsumexp", "math.Logsumexp"),
    "all": _reduced("math.reduce_all", "numpy.All"), "any": _reduced("math.reduce_any", "numpy.Any"),
    "softmax": _softmax("nn.softmax", "nn.Softmax"), "log_softmax": _softmax("nn.log_softmax", "nn.LogSoftmax"), "cat": _concat,
    "concat": _concat, "concatenate": _concat, "stack": _stack, "permute": _permute, "transpose": _transposed, "swapaxes": _transposed,
    "unsqueeze": _unsqueeze, "squeeze": _squeeze, "flatten": _flatten, "clamp": _clamp, "clip": _clamp, "where": _where, "matmul": _matmul,
    "bmm": _matmul, "mm": _matmul, "argmax": _extreme("math.argmax", "numpy.Argmax"), "argmin": _extreme("math.argmin", "numpy.Argmin"),
    "cumsum": _cumulated("math.cumsum", "numpy.Cumsum"), "cumprod": _cumulated("math.cumprod", "numpy.Cumprod"), "flip": _flip,
    "tile": _tile,
    "einsum": _einsum, "float": _cast("float32"), "double": _cast("float64"), "half": _cast("float16"), "int": _cast("int32"),
    "long": _cast("int64"), "bool": _cast("bool"), "to": _to, "type": _to,
}  # fmt: skip
_FUNCTIONAL: dict[str, Row] = {
    "relu": _functional("nn.relu", "nn.Relu"), "relu6": _functional("nn.relu6", "nn.Relu6"), "silu": _functional("nn.silu", "nn.Silu"),
    "selu": _functional("nn.selu", "nn.Selu"), "leaky_relu": _leaky, "gelu": _gelu, "softplus": _one("math.softplus", "nn.Softplus"),
    "softsign": _one("nn.softsign", "nn.Softsign"), "logsigmoid": _one("math.log_sigmoid", "nn.LogSigmoid"), "normalize": _norm_axis,
    "elu": lambda input, alpha=1.0, inplace=False: _elu(input, alpha), "softmax": _softmax("nn.softmax", "nn.Softmax"),
    "log_softmax": _softmax("nn.log_softmax", "nn.LogSoftmax"), "sigmoid": _one("math.sigmoid", "nn.Sigmoid"),
    "tanh": _one("math.tanh", "numpy.Tanh"),
}  # fmt: skip


def _elu(input: Any, alpha: float) -> Written:
    _plain(alpha=(alpha, 1.0))
    return Written("nn.elu", input, {}, "nn.Elu", {}, [input])


_ROWS: dict[Any, Row] = {
    operator.add: _add, operator.sub: _sub, operator.mul: _NAMED["mul"], operator.truediv: _div, operator.pow: _NAMED["pow"],
    operator.mod: _NAMED["remainder"], operator.floordiv: _NAMED["floor_divide"], operator.matmul: _matmul, operator.neg: _NAMED["neg"],
    operator.abs: _NAMED["abs"], operator.lt: _NAMED["lt"], operator.le: _NAMED["le"], operator.gt: _NAMED["gt"], operator.ge: _NAMED["ge"],
    operator.ne: _NAMED["ne"], operator.getitem: _getitem, reshape_keeping: _reshape, operator.invert: _NAMED["logical_not"],
    operator.and_: _NAMED["logical_and"], operator.or_: _NAMED["logical_or"],
}  # fmt: skip
for _name, _row in _NAMED.items():
    for _home in (torch, torch.Tensor):
        if callable(getattr(_home, _name, None)):
            _ROWS.setdefault(getattr(_home, _name), _row)
for _name, _row in _FUNCTIONAL.items():
    _ROWS.setdefault(getattr(F, _name), _row)


def written(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], model: str) -> Written:
    """What a call of a torch function is in Keras' words; an error names the function that has none."""
    row = _ROWS.get(function)
    name = getattr(function, "__name__", str(function))
    if row is None:
        raise ArgumentError(
            f"Model '{model}' applies the function `{name}` to symbolic tensors; a config cannot name it. Put it into a layer: "
            "`Lambda(...)` or a class of your own with `get_config`."
        )
    try:
        return row(*args, **kwargs)
    except TypeError as error:
        raise ArgumentError(f"Model '{model}': this call of `{name}` cannot be written to a config: {error}") from error
