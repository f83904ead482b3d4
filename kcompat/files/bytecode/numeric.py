"""`np`, `torch` and `math` for code from files: lists of functions that compute and do nothing else, never the modules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.errors import UnknownNameError, nearest
from kcompat.files.bytecode.methods import Facade, words
from kcompat.files.bytecode.operations import OPERATIONS
from kcompat.files.symbols.table import find

_LARGEST = 2**26  # elements of an array that numpy makes


def unknown(path: str, known: Any) -> UnknownNameError:
    """The error for a name that a facade does not have."""
    return UnknownNameError(f"The code of a Lambda uses `{path}`, which is not known here. {nearest(path.split('.')[-1], known)}")


_NUMPY = words(
    "abs absolute add all allclose amax amin any arange arccos arcsin arctan arctan2 argmax argmin argsort around array asarray "
    "atleast_1d atleast_2d average broadcast_to ceil clip concatenate cos cosh cross cumprod cumsum deg2rad diag diff divide dot "
    "einsum equal exp expand_dims expm1 eye flip floor floor_divide full full_like greater greater_equal hanning hamming blackman "
    "bartlett hstack hypot identity isfinite isinf isnan less less_equal linspace log log10 log1p log2 logical_and logical_not "
    "logical_or logspace matmul max maximum mean median meshgrid min minimum mod moveaxis multiply negative nan_to_num ndim "
    "not_equal ones ones_like outer pad power prod rad2deg ravel reciprocal repeat reshape roll rot90 round searchsorted shape sign "
    "sin sinh size sort split sqrt square squeeze stack std subtract sum swapaxes take tan tanh tensordot tile trace transpose tri "
    "tril triu true_divide unique var vstack where zeros zeros_like"
)
_NUMBERS = frozenset(("pi", "e", "inf", "nan", "newaxis", "euler_gamma", "Inf", "NaN"))
_KINDS = words("float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool_ complex64 complex128")


def _product(values: Any) -> int:
    """The product of all sizes and numbers among arguments: more than any array that numpy makes of them has elements."""
    total: Any = 1
    waiting = list(values)
    while waiting:
        part = waiting.pop()
        if isinstance(part, (list, tuple)):
            waiting.extend(part)
        elif isinstance(part, np.ndarray):
            total *= max(1, part.size)
            waiting.extend(part.reshape(-1).tolist() if part.size <= 16 and part.dtype.kind in "iu" else ())
        elif isinstance(part, (int, float)) and part == part:
            total *= max(1, min(abs(int(part)) if abs(part) < 2**60 else 2**60, 2**60))
    return total


class Numpy(Facade):
    """`numpy`: functions of arrays and numbers; given a tensor, TensorFlow's of the same name."""

    def _find(self, name: str) -> Any:
        if name == "linalg":
            return NumpyLinalg()
        if name in _NUMBERS:
            return {"Inf": np.inf, "NaN": np.nan}.get(name) or getattr(np, name, None)
        if name in _KINDS:
            return getattr(np, name)
        if name not in _NUMPY:
            raise unknown(f"np.{name}", _NUMPY)
        return _of_arrays(name, getattr(np, name), _of_tensors(name))


class NumpyLinalg(Facade):
    """`numpy.linalg`."""

    def _find(self, name: str) -> Any:
        if name not in ("norm", "inv", "det", "eigh", "svd", "qr", "solve", "pinv"):
            raise unknown(f"np.linalg.{name}", ("norm", "inv", "det"))
        return _of_arrays(name, getattr(np.linalg, name), find(f"linalg.{name}"))


_MAKERS = words(
    "arange broadcast_to eye full hanning hamming blackman bartlett identity linspace logspace ones outer pad repeat tile tri zeros "
    "meshgrid"
)


def _of_arrays(name: str, function: Any, of_tensors: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [*args, *kwargs.values()]
        flat = [item for part in given for item in (part if isinstance(part, (list, tuple)) else (part,))]
        if any(isinstance(part, Tensor) for part in flat):
            if of_tensors is None:
                raise unknown(f"np.{name} of a tensor", _NUMPY)
            return of_tensors(*args, **kwargs)
        if (
            any(isinstance(part, str) or (callable(part) and not isinstance(part, (type, np.dtype))) for part in kwargs.values())
            and name == "einsum"
        ):
            raise unknown(f"np.{name} with options", _NUMPY)
        if (name in _MAKERS or name in ("einsum", "tensordot", "dot", "matmul")) and _product(given) > _LARGEST:
            raise ValueError(f"`np.{name}` would make an array that is too large")
        return function(*args, **kwargs)

    return call


_TORCH = words(
    "abs acos add addmm all amax amin any arange argmax argmin argsort asin atan atan2 baddbmm bmm broadcast_to cat ceil chunk "
    "clamp clip clone concat cos cosh cross cummax cumprod cumsum diag diagonal diff div dot einsum eq erf exp expm1 eye flatten "
    "flip floor full full_like gather ge gt index_select inverse isfinite isinf isnan le lerp linspace log log10 log1p log2 "
    "logical_and logical_not logical_or logsumexp lt masked_select matmul max maximum mean median meshgrid min minimum mm movedim "
    "mul ne neg nn norm numel ones ones_like outer permute pow prod rand rand_like randn randn_like reciprocal relu remainder "
    "repeat_interleave reshape roll round rsqrt scatter select sigmoid sign sin sinh softmax sort split sqrt square squeeze stack "
    "std sub sum swapaxes t take tan tanh tensor tensordot tile topk transpose tril triu true_divide trunc unbind unique unsqueeze "
    "var vstack hstack where zeros zeros_like cdist cosine_similarity logaddexp nan_to_num special rot90 zeros"
)
_FUNCTIONAL = words(
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d avg_pool1d avg_pool2d batch_norm celu conv1d conv2d conv3d "
    "conv_transpose1d conv_transpose2d cosine_similarity dropout elu embedding fold gelu glu grid_sample group_norm hardshrink "
    "hardsigmoid hardswish hardtanh interpolate layer_norm leaky_relu linear log_softmax logsigmoid max_pool1d max_pool2d mish "
    "normalize one_hot pad pairwise_distance pixel_shuffle pixel_unshuffle prelu relu relu6 scaled_dot_product_attention selu "
    "sigmoid silu softmax softmin softplus softshrink softsign tanh tanhshrink threshold unfold upsample"
)


class Torch(Facade):
    """`torch`: functions that make tensors of tensors, dtypes."""

    def _find(self, name: str) -> Any:
        if name in _KINDS or name in ("float", "double", "half", "bfloat16", "int", "long", "bool", "pi", "inf", "nan"):
            return getattr(torch, name)
        if name == "nn":
            return TorchNN()
        if name not in _TORCH or name == "special":
            raise unknown(f"torch.{name}", _TORCH)
        return getattr(torch, name)


class TorchNN(Facade):
    """`torch.nn`: only `functional`."""

    def _find(self, name: str) -> Any:
        if name != "functional":
            raise unknown(f"torch.nn.{name}", ("functional",))
        return FUNCTIONAL


class Functional(Facade):
    """`torch.nn.functional`."""

    def _find(self, name: str) -> Any:
        if name not in _FUNCTIONAL:
            raise unknown(f"torch.nn.functional.{name}", _FUNCTIONAL)
        return getattr(torch.nn.functional, name)


_MATH = words(
    "acos asin atan atan2 ceil cos cosh degrees e erf exp fabs floor fmod hypot inf isinf isnan log log10 log1p log2 nan pi pow "
    "radians sin sinh sqrt tan tanh tau trunc"
)


class Math(Facade):
    """`math`."""

    def _find(self, name: str) -> Any:
        if name not in _MATH:
            raise unknown(f"math.{name}", _MATH)
        return getattr(math, name)


def _of_tensors(name: str) -> Any:
    return OPERATIONS.get(name) or find({"concatenate": "concat"}.get(name, name))


FUNCTIONAL, NUMPY, TORCH, MATH = Functional(), Numpy(), Torch(), Math()
