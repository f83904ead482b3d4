"""TensorFlow's functions of each element, and of two operands that broadcast, by the names after `tf.`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentTypeError
from kcompat.files.symbols.common import Function, as_dtype, both, sizes_of, tensor, with_sizes


def _one(function: Callable[[Tensor], Tensor]) -> Function:
    """A function of one tensor, which TensorFlow may call `x`, `a`, `input` or `features`."""

    def call(x: Any, name: str | None = None) -> Any:
        return function(tensor(x))

    return call


def _two(function: Callable[..., Any], second: str = "y") -> Function:
    """A function of two tensors that broadcast; TensorFlow calls the second `y`, or `second`."""

    def call(first: Any, /, *other: Any, name: str | None = None, **named: Any) -> Any:
        if len(other) + len(named) != 1 or set(named) - {second}:
            raise ArgumentTypeError(
                f"A function of TensorFlow takes two tensors, the second called `{second}`, received also {list(named)}."
            )
        return function(*both(first, *other, *named.values()))

    return call


def _operator(function: Callable[..., Any]) -> Function:
    """Arithmetic that torch does with a plain number on either side."""

    def call(x: Any, y: Any, name: str | None = None) -> Any:
        known = sizes_of(x), sizes_of(y)
        if all(isinstance(n, (int, torch.SymInt)) for n in known):  # sizes of axes
            return with_sizes(function(*both(x, y)), function(*known))
        if isinstance(x, Tensor) and (isinstance(y, Tensor) or (isinstance(y, (int, float)) and not isinstance(y, bool) and _fits(y, x))):
            return function(x, y)
        if isinstance(y, Tensor) and isinstance(x, (int, float)) and not isinstance(x, bool) and _fits(x, y):
            return function(x, y)
        return function(*both(x, y))

    return call


def _fits(number: float, other: Tensor) -> bool:
    """Whether a number leaves the dtype of a tensor as it is."""
    return other.is_floating_point() or other.is_complex() or (isinstance(number, int) and other.dtype is not torch.bool)


def truediv(x: Any, y: Any, name: str | None = None) -> Any:
    """Division; integers become float64 (8 and 16 bits: float32), as in TensorFlow."""
    x, y = both(x, y)
    if not x.is_floating_point() and not x.is_complex():
        wide = torch.float32 if x.element_size() < 4 else torch.float64
        x, y = x.to(wide), y.to(wide)
    return torch.true_divide(x, y)


def _realdiv(x: Tensor, y: Tensor) -> Tensor:
    """TensorFlow 1's division: of integers, rounded towards minus infinity."""
    return torch.true_divide(x, y) if x.is_floating_point() or x.is_complex() else torch.div(x, y, rounding_mode="floor")


def _floordiv(x: Any, y: Any) -> Any:
    return (
        torch.div(x, y, rounding_mode="floor")
        if isinstance(x, Tensor)
        else torch.div(tensor(x, y), y, rounding_mode="floor")
        if isinstance(y, Tensor)
        else x // y
    )


def _truncatediv(x: Tensor, y: Tensor) -> Tensor:
    return torch.div(x, y, rounding_mode="trunc")


def _divide_no_nan(x: Tensor, y: Tensor) -> Tensor:
    zero = y == 0
    return torch.where(zero, torch.zeros_like(y), x / torch.where(zero, torch.ones_like(y), y))


def _multiply_no_nan(x: Tensor, y: Tensor) -> Tensor:
    zero = y == 0
    return torch.where(zero, torch.zeros_like(y), x * y)


def _xdivy(x: Tensor, y: Tensor) -> Tensor:
    zero = x == 0
    return torch.where(zero, torch.zeros_like(x), x / torch.where(zero, torch.ones_like(y), y))


def _xlog1py(x: Tensor, y: Tensor) -> Tensor:
    zero = x == 0
    return torch.where(zero, torch.zeros_like(x), x * torch.log1p(torch.where(zero, torch.zeros_like(y), y)))


def _squared_difference(x: Tensor, y: Tensor) -> Tensor:
    return (x - y) * (x - y)


def _maximum(x: Any, y: Any, name: str | None = None) -> Any:
    """The larger of two; where they are equal the gradient goes to the first."""
    x, y = both(x, y)
    return torch.where(x >= y, x, y) if x.is_floating_point() else torch.maximum(x, y)


def _minimum(x: Any, y: Any, name: str | None = None) -> Any:
    x, y = both(x, y)
    return torch.where(x <= y, x, y) if x.is_floating_point() else torch.minimum(x, y)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """`t` between two values, which may be tensors; the gradient flows where `t` itself is taken, also on the border."""
    t = tensor(t)
    low, high = tensor(clip_value_min, t), tensor(clip_value_max, t)
    return torch.maximum(torch.minimum(t, high), low) if not t.is_floating_point() else _clip(t, low, high)


def _clip(t: Tensor, low: Tensor, high: Tensor) -> Tensor:
    cut = torch.where(t <= high, t, high)
    return torch.where(cut >= low, cut, low)


def equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether elements are equal; shapes that do not broadcast are not equal as a whole."""
    return torch.eq(*both(x, y))


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-05, name: str | None = None) -> Any:
    """Whether elements differ by less than `tolerance`."""
    x, y = both(x, y)
    return (x - y).abs() < tolerance


def logical_xor(x: Any, y: Any, name: str = "LogicalXor") -> Any:
    """Exactly one of two."""
    return torch.logical_xor(*both(x, y))


def pow(x: Any, y: Any, name: str | None = None) -> Any:
    """`x ** y`."""
    return torch.pow(*both(x, y))


def round_(x: Any, name: str | None = None) -> Any:
    """To the nearest integer, halves to the even one."""
    x = tensor(x)
    return torch.round(x) if x.is_floating_point() else x


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """Another dtype; floats are cut off towards zero, and everything but zero is True."""
    return tensor(x).to(as_dtype(dtype))


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """Another dtype, values cut off at its largest and smallest."""
    value, target = tensor(value), as_dtype(dtype)
    if target.is_floating_point:
        limits = torch.finfo(target)
        return (
            value.to(target)
            if value.is_floating_point() and value.element_size() <= target.itemsize
            else value.clamp(limits.min, limits.max).to(target)
        )
    info = torch.iinfo(target)
    if value.is_floating_point():
        value = value.double()
    return value.clamp(max(info.min, _least(value)), min(info.max, _most(value))).to(target)


def _least(value: Tensor) -> Any:
    return torch.finfo(value.dtype).min if value.is_floating_point() else torch.iinfo(value.dtype).min


def _most(value: Tensor) -> Any:
    return torch.finfo(value.dtype).max if value.is_floating_point() else torch.iinfo(value.dtype).max


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of a list of tensors of one shape."""
    total = tensor(inputs[0])
    for other in inputs[1:]:
        total = total + other
    return total


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Any:
    """The sum of a list of tensors of one shape."""
    return add_n(inputs)


def complex_(real: Any, imag: Any, name: str | None = None) -> Any:
    """Complex numbers from real and imaginary parts."""
    return torch.complex(*both(real, imag))


def _sign(x: Tensor) -> Tensor:
    return torch.sgn(x) if x.is_complex() else torch.sign(x)


def _rint(x: Tensor) -> Tensor:
    return torch.round(x)


def _abs(x: Tensor) -> Tensor:
    return torch.abs(x)


def _angle(x: Tensor) -> Tensor:
    return torch.angle(x)


def _square(x: Tensor) -> Tensor:
    return x * x


def _softplus(x: Tensor) -> Tensor:
    return torch.nn.functional.softplus(x, threshold=40.0)


_ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": _abs, "acos": torch.acos, "acosh": torch.acosh, "angle": _angle, "asin": torch.asin, "asinh": torch.asinh, "atan": torch.atan,
    "atanh": torch.atanh, "bessel_i0": torch.special.i0, "bessel_i0e": torch.special.i0e, "bessel_i1": torch.special.i1,
    "bessel_i1e": torch.special.i1e, "ceil": torch.ceil, "conj": lambda x: x.conj().resolve_conj() if x.is_complex() else x,
    "cos": torch.cos,
    "cosh": torch.cosh, "digamma": torch.digamma, "erf": torch.erf, "erfc": torch.erfc, "erfinv": torch.erfinv,
    "erfcinv": lambda x: torch.erfinv(1 - x),
    "exp": torch.exp, "expm1": torch.expm1, "floor": torch.floor, "imag": torch.imag,
    "invert_permutation": lambda x: torch.argsort(x).to(x.dtype),
    "is_finite": torch.isfinite, "is_inf": torch.isinf, "is_nan": torch.isnan, "lgamma": torch.lgamma, "log": torch.log,
    "log1p": torch.log1p,
    "log_sigmoid": torch.nn.functional.logsigmoid, "logical_not": torch.logical_not, "ndtri": torch.special.ndtri, "negative": torch.neg,
    "real": lambda x: x.real if x.is_complex() else x, "reciprocal": torch.reciprocal, "rint": _rint, "rsqrt": torch.rsqrt,
    "sigmoid": torch.sigmoid, "sign": _sign, "sin": torch.sin, "sinh": torch.sinh, "softplus": _softplus,
    "softsign": torch.nn.functional.softsign, "sqrt": torch.sqrt, "square": _square, "tan": torch.tan, "tanh": torch.tanh,
    "reciprocal_no_nan": lambda x: _divide_no_nan(torch.ones_like(x), x),
}  # fmt: skip

_TWO: dict[str, Callable[..., Any]] = {
    "atan2": torch.atan2, "divide_no_nan": _divide_no_nan,
    "floormod": torch.remainder, "igamma": torch.special.gammainc, "igammac": torch.special.gammaincc, "greater": torch.gt,
    "greater_equal": torch.ge, "less": torch.lt, "less_equal": torch.le, "logical_and": torch.logical_and, "logical_or": torch.logical_or,
    "mod": torch.remainder, "multiply_no_nan": _multiply_no_nan, "nextafter": torch.nextafter, "not_equal": torch.ne,
    "squared_difference": _squared_difference, "truncatediv": _truncatediv, "truncatemod": torch.fmod, "xdivy": _xdivy,
    "xlogy": torch.special.xlogy, "xlog1py": _xlog1py, "zeta": torch.special.zeta, "polygamma": lambda a, x: _polygamma(a, x),
}  # fmt: skip


#: what TensorFlow calls the second operand where that is not `y`
_SECOND = {"atan2": "x", "igamma": "x", "igammac": "x", "nextafter": "x2", "zeta": "q", "polygamma": "x"}


def _polygamma(order: Tensor, x: Tensor) -> Tensor:
    """Derivatives of digamma: order 0 is digamma itself, order n is (-1)^(n+1) n! zeta(n + 1, x)."""
    sign = torch.where(order % 2 == 0, -1.0, 1.0).to(x.dtype)
    return torch.where(order == 0, torch.digamma(x), sign * torch.exp(torch.lgamma(order + 1)) * torch.special.zeta(order + 1, x))


TABLE: dict[str, Function] = {
    **{f"math.{name}": _one(function) for name, function in _ONE.items()},
    **{f"math.{name}": _two(function, _SECOND.get(name, "y")) for name, function in _TWO.items()},
    "math.add": _operator(operator.add), "math.subtract": _operator(operator.sub), "math.multiply": _operator(operator.mul),
    "math.floordiv": _operator(_floordiv), "math.divide": truediv, "math.truediv": truediv, "realdiv": truediv, "math.equal": equal,
    "math.logical_xor": logical_xor, "math.pow": pow,
    "math.maximum": _maximum, "math.minimum": _minimum, "math.round": round_, "math.add_n": add_n, "math.accumulate_n": accumulate_n,
    "math.approximate_equal": approximate_equal, "cast": cast, "dtypes.cast": cast, "dtypes.saturate_cast": saturate_cast,
    "saturate_cast": saturate_cast, "dtypes.complex": complex_, "complex": complex_, "clip_by_value": clip_by_value,
    "compat.v1.div": _two(_realdiv), "compat.v1.floor_div": _operator(_floordiv),
    "compat.v1.to_float": lambda x, name=None: cast(x, "float32"),
    "compat.v1.to_double": lambda x, name=None: cast(x, "float64"), "compat.v1.to_int32": lambda x, name=None: cast(x, "int32"),
    "compat.v1.to_int64": lambda x, name=None: cast(x, "int64"),
    "bitwise.bitwise_and": _two(torch.bitwise_and), "bitwise.bitwise_or": _two(torch.bitwise_or),
    "bitwise.bitwise_xor": _two(torch.bitwise_xor),
    "bitwise.invert": _one(torch.bitwise_not), "bitwise.left_shift": _two(torch.bitwise_left_shift),
    "bitwise.right_shift": _two(torch.bitwise_right_shift),
    "__operators__.add": _operator(operator.add), "__operators__.eq": _two(torch.eq, "other"), "__operators__.ne": _two(torch.ne, "other"),
    "__operators__.ge": _two(torch.ge), "__operators__.gt": _two(torch.gt), "__operators__.le": _two(torch.le),
    "__operators__.lt": _two(torch.lt),
}  # fmt: skip
