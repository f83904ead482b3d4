"""Names of dtypes, as Keras writes them, and torch's dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kcompat.errors import ArgumentError, nearest

_BY_NAME: dict[str, torch.dtype] = {
    "float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32, "float64": torch.float64,
    "half": torch.float16, "float": torch.float32, "double": torch.float64,
    "int8": torch.int8, "int16": torch.int16, "int32": torch.int32, "int64": torch.int64, "int": torch.int32,
    "uint8": torch.uint8, "uint16": torch.uint16, "uint32": torch.uint32, "uint64": torch.uint64,
    "bool": torch.bool, "complex64": torch.complex64, "complex128": torch.complex128,
}  # fmt: skip
_NAMES = {dtype: str(dtype).removeprefix("torch.") for dtype in _BY_NAME.values()}


def torch_dtype(dtype: Any) -> torch.dtype:
    """The torch dtype that a name ('float32'), a torch dtype or a numpy dtype means."""
    if isinstance(dtype, torch.dtype):
        return dtype
    name = dtype if isinstance(dtype, str) else _numpy_name(dtype)
    if name not in _BY_NAME:
        raise ArgumentError(f"`dtype` {dtype!r} is not a dtype of tensors. {nearest(str(name), _BY_NAME)}")
    return _BY_NAME[name]


def dtype_name(dtype: Any) -> str:
    """The name Keras has for a dtype given in any form."""
    return _NAMES[torch_dtype(dtype)]


def _numpy_name(dtype: Any) -> str:
    try:
        return np.dtype(dtype).name
    except TypeError:
        return getattr(dtype, "name", repr(dtype))
