"""The attributes that code from a file may take of values: those in these lists, by the kind of the value."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.files.symbols.arrays import getitem
from kcompat.files.symbols.common import as_dtype

NONE = object()


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


class Facade:
    """Stands for a module: its attributes are what `_find` says, functions of a table."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._find(name)

    def _find(self, name: str) -> Any:
        raise AttributeError(name)


#: methods of torch that make a new tensor and do nothing else
_TORCH = words(
    "abs add addcmul all amax amin any argmax argmin argsort bfloat16 bmm bool broadcast_to ceil chunk clamp clip clone contiguous "
    "cos cosh cummax cumprod cumsum detach diagonal dim div dot double eq erf exp expand expand_as expm1 flatten flip float floor "
    "fmod gather ge gelu gt half index_select int isfinite isinf isnan le lerp log log10 log1p log2 log_softmax logical_and "
    "logical_not logical_or logsumexp long lt masked_fill masked_select matmul max maximum mean median min minimum mm movedim "
    "moveaxis mul narrow ne neg norm numel permute pow prod reciprocal relu remainder repeat repeat_interleave reshape roll round "
    "rsqrt scatter_add select sigmoid sign sin sinh size softmax sort split sqrt square squeeze std sub sum swapaxes t tan tanh "
    "tensor_split tile to topk transpose tril triu trunc type_as unbind unflatten unfold unique unsqueeze var view view_as where"
)
_NUMPY = words(
    "all any argmax argmin argsort astype clip conj copy cumprod cumsum diagonal dot flatten item max mean min nonzero prod ravel "
    "repeat reshape round squeeze std sum swapaxes tolist transpose var"
)
_NUMPY_VALUES = frozenset(("shape", "ndim", "size", "T", "dtype", "real", "imag"))
_LIST = frozenset(("append", "extend", "insert", "pop", "index", "count", "reverse", "copy"))
_DICT = frozenset(("get", "items", "keys", "values", "copy"))
_TEXT = frozenset(("lower", "upper", "startswith", "endswith", "strip", "split"))


def _shape(x: Tensor) -> tuple[Any, ...]:
    return tuple(x.shape)


_TENSOR: dict[str, Callable[[Tensor], Any]] = {
    "shape": _shape, "_keras_shape": _shape, "get_shape": lambda x: lambda: _shape(x), "ndim": lambda x: x.ndim, "dtype": lambda x: x.dtype,
    "T": lambda x: x.T, "mT": lambda x: x.mT, "device": lambda x: x.device, "set_shape": lambda x: lambda shape: None,
    "astype": lambda x: lambda dtype: x.to(as_dtype(dtype)), "op": lambda x: None, "real": lambda x: x.real, "imag": lambda x: x.imag,
}  # fmt: skip
_SHAPE: dict[str, Callable[[tuple[Any, ...]], Any]] = {
    "as_list": lambda shape: lambda: list(shape), "ndims": len, "rank": len, "dims": list,
    "numel": lambda shape: lambda: int(np.prod(shape)),
    "index": lambda shape: shape.index, "count": lambda shape: shape.count,
}  # fmt: skip
_INTEGER: dict[str, Callable[[Any], Any]] = {"value": lambda n: n, "real": lambda n: n, "imag": lambda n: 0}


def attribute(value: Any, name: str) -> Any:
    """The attribute, or `NONE` where code from a file has none of this name."""
    if isinstance(value, Tensor):
        if name in _TENSOR:
            return _TENSOR[name](value)
        return getattr(value, name) if name in _TORCH else NONE
    if name.startswith("_"):
        return NONE
    if isinstance(value, Facade):
        return getattr(value, name)
    tables: tuple[tuple[Any, dict[str, Any]], ...] = ((tuple, _SHAPE), ((int, torch.SymInt), _INTEGER))
    for kind, table in tables:
        if isinstance(value, kind):
            return table[name](value) if name in table else NONE
    lists: tuple[tuple[Any, frozenset[str]], ...] = ((list, _LIST), (dict, _DICT), (str, _TEXT))
    for kind, names in lists:
        if isinstance(value, kind):
            return getattr(value, name) if name in names else NONE
    if isinstance(value, (np.ndarray, np.generic)):
        return getattr(value, name) if name in _NUMPY or name in _NUMPY_VALUES else NONE
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.") if name == "name" else NONE
    return _of_the_user(value, name)


#: name of a module -> what code finds in its place; `modules` fills it
FACADES: dict[str, Any] = {}


def _of_the_user(value: Any, name: str) -> Any:
    """A plain field of an object that the user gave in `custom_objects`; a module the user gave is the facade of it."""
    if isinstance(value, types.ModuleType):
        facade = FACADES.get(value.__name__)
        return NONE if facade is None else getattr(facade, name)
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType)) or not hasattr(value, "__dict__"):
        return NONE
    return vars(value).get(name, NONE) if type(value).__module__.split(".")[0] != "kcompat" else NONE


def tensor_item(x: Tensor, key: Any) -> Tensor:
    """`x[key]`; steps may be negative, lists and arrays are places."""
    parts = key if isinstance(key, tuple) else (key,)
    return getitem(x, tuple(torch.as_tensor(part) if isinstance(part, (list, np.ndarray)) else part for part in parts))
