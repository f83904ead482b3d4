"""Operators, comparisons, items and text in code from a file, each refused before it would make something too large."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.files.bytecode import methods
from kcompat.files.bytecode.bounds import BITS, ELEMENTS, Budget, checked, plain_keys
from kcompat.files.symbols.common import tensor

_UNARY: dict[str, Callable[[Any], Any]] = {"+": operator.pos, "-": operator.neg}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod,
    "**": operator.pow, "@": operator.matmul, "&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift,
    ">>": operator.rshift,
}  # fmt: skip
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge,
    "in": lambda a, b: a in b, "not in": lambda a, b: a not in b, "is": operator.is_, "is not": operator.is_not,
}  # fmt: skip


def truth(value: Any) -> bool:
    """Whether a value counts as true."""
    return bool(value)


def unary(symbol: str, value: Any, budget: Budget) -> Any:
    """`-x`, `not x` and the like."""
    if symbol == "not":
        return not truth(value)
    if symbol == "bool":
        return truth(value)
    if symbol == "~":
        return torch.logical_not(value) if isinstance(value, Tensor) and value.dtype == torch.bool else operator.invert(value)
    return _UNARY[symbol](value)


def binary(symbol: str, left: Any, right: Any, budget: Budget) -> Any:
    """`a + b` and the like, as a new value; of TensorFlow's kind where one is a tensor."""
    if symbol == "old /":  # Python 2
        symbol = "//" if isinstance(left, int) and isinstance(right, int) else "/"
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        left, right = _operands(left, right)
        _broadcastable(symbol, left, right, budget)
        if symbol == "/" and not left.is_floating_point() and not left.is_complex():
            left, right = left.double(), right.double() if isinstance(right, Tensor) else right
        return checked(_BINARY[symbol](left, right), budget)
    if isinstance(left, int) and isinstance(right, int):
        _bounded(symbol, left, right, budget)
    elif isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        _broadcastable(symbol, np.asarray(left), np.asarray(right), budget)
    elif isinstance(left, str) and symbol == "%":
        budget.weigh(right)
        _form(left, budget)
    elif symbol in "*+":
        _repeated(symbol, left, right, budget)
    return _BINARY[symbol](left, right)


def _operands(left: Any, right: Any) -> tuple[Any, Any]:
    """Lists and arrays beside a tensor become tensors; numbers stay numbers."""
    if isinstance(left, (list, tuple, np.ndarray, np.generic)):
        left = tensor(left, right)
    if isinstance(right, (list, tuple, np.ndarray, np.generic)):
        right = tensor(right, left)
    return left, right


def _broadcastable(symbol: str, left: Any, right: Any, budget: Budget) -> None:
    """Refuse a result that is too large before it is made."""
    if isinstance(left, (int, float, complex)) or isinstance(right, (int, float, complex)):
        return
    if symbol == "@":
        shape = (*left.shape[:-1], *right.shape[-1:])
    else:
        a, b = left.shape, right.shape
        rank = max(len(a), len(b))
        pairs = zip((*(1,) * (rank - len(a)), *a), (*(1,) * (rank - len(b)), *b), strict=True)
        shape = tuple(max(n, m) for n, m in pairs)
    if all(isinstance(n, int) for n in shape) and math.prod(shape) > ELEMENTS:
        raise budget.error(f"makes a tensor of {math.prod(shape)} elements")


def _bounded(symbol: str, left: int, right: int, budget: Budget) -> None:
    bits = {"**": left.bit_length() * max(right, 0), "<<": left.bit_length() + max(right, 0), "*": left.bit_length() + right.bit_length()}
    if bits.get(symbol, 0) > BITS:
        raise budget.error(f"makes an integer of {bits[symbol]} bits")


def _repeated(symbol: str, left: Any, right: Any, budget: Budget) -> None:
    sizes = [len(x) if isinstance(x, (str, bytes, list, tuple)) else x if isinstance(x, int) else 0 for x in (left, right)]
    budget.spend(max(0, sizes[0] * sizes[1] if symbol == "*" else sizes[0] + sizes[1]))


def compare(symbol: str, left: Any, right: Any, budget: Budget) -> Any:
    """`a < b`, `a in b`, `a is b` and the like."""
    budget.weigh((left, right))
    if symbol in ("==", "!=") and (left is None or right is None):
        return (left is right) == (symbol == "==")
    if (isinstance(left, Tensor) or isinstance(right, Tensor)) and symbol in ("<", "<=", "==", "!=", ">", ">="):
        left, right = _operands(left, right)
        _broadcastable(symbol, left, right, budget)
    return _COMPARE.get(symbol, _unknown_comparison)(left, right)


def _unknown_comparison(left: Any, right: Any) -> Any:
    raise ValueError("its comparison is none of Python's")


def item(held: Any, key: Any, budget: Budget) -> Any:
    """`held[key]`."""
    if isinstance(held, Tensor):
        return checked(methods.tensor_item(held, key), budget)
    if isinstance(held, dict):
        plain_keys([key], budget.layer)
    elif not isinstance(held, (list, tuple, str, range, np.ndarray)):
        raise budget.error(f"takes an item of a {type(held).__name__}")
    return held[key]


def set_item(held: Any, key: Any, value: Any, budget: Budget) -> None:
    """`held[key] = value`, of lists and mappings only: a tensor is never changed in place."""
    budget.weigh(value)
    if isinstance(held, dict):
        plain_keys([key], budget.layer)
    elif not isinstance(held, list) or not isinstance(key, int):
        raise budget.error(f"sets an item of a {type(held).__name__}, which no Keras function of tensors does")
    held[key] = value


def _form(form: str, budget: Budget) -> None:
    if re.search(r"\d{4}|\*", form):
        raise budget.error("formats text to a great length")


def formatted(value: Any, spec: str, conversion: int, budget: Budget) -> str:
    """One part of an f-string."""
    budget.weigh(value)
    _form(spec, budget)
    kinds: dict[int, Callable[[Any], Any]] = {0: lambda v: v, 1: str, 2: repr, 3: ascii}
    return format(kinds[conversion](value), spec)


def joined(parts: list[Any], budget: Budget) -> str:
    """Texts one behind the other."""
    budget.spend(sum(len(part) for part in parts))
    return "".join(parts)
