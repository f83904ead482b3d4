"""The operations of Keras 3 (`keras.ops`) that functional models hold, by module and class: 'numpy.Add', 'nn.Relu'.

Fixed arguments come as keywords under the names of the class's constructor, the others in the order of the call.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat.errors import UnknownNameError, nearest
from kcompat.files.symbols import arrays, elementwise, image, linalg, nn, reduce
from kcompat.files.symbols.common import Function, as_dtype, axes, both, integers, tensor, unsupported
from kcompat.tensor import activate, convolve, pool
from kcompat.tensor.dtypes import torch_dtype

_T = {**elementwise.TABLE, **arrays.TABLE, **reduce.TABLE, **linalg.TABLE, **nn.TABLE, **image.TABLE}


def _floats(x: Any) -> Tensor:
    x = tensor(x)
    return x if x.is_floating_point() or x.is_complex() else x.float()


def _float(function: Any) -> Function:
    """A function of floats; integers become floats first."""
    return lambda x: function(_floats(x))


def _plain(function: Any) -> Function:
    """A function of one tensor of any kind."""
    return lambda x: function(tensor(x))


def _fixed(function: Any) -> Function:
    """An activation with fixed arguments."""
    return lambda x, **fixed: function(tensor(x), **fixed)


def _reduction(name: str, in_floats: bool = False) -> Function:
    function = _T[f"math.reduce_{name}"]

    def call(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None, initial: Any = None) -> Any:
        unsupported(initial=initial)
        x = _floats(x) if in_floats else tensor(x)
        if name in ("sum", "prod") and not x.is_floating_point():
            x = x.to(torch.int32) if x.element_size() < 4 or x.dtype is torch.bool else x
        y = function(x, axis, keepdims)
        return y if dtype is None else y.to(as_dtype(dtype))

    return call


def _place(largest: bool) -> Function:
    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = tensor(x)
        y = (torch.argmax if largest else torch.argmin)(x, axis, keepdims and axis is not None).to(torch.int32)
        return y.reshape((1,) * x.ndim) if keepdims and axis is None else y

    return call


def _cumulated(name: str) -> Function:
    def call(x: Any, axis: Any = None, dtype: Any = None) -> Any:
        x = tensor(x)
        y = _T[f"math.{name}"](x.reshape(-1) if axis is None else x, 0 if axis is None else axis)
        return y if dtype is None else y.to(as_dtype(dtype))

    return call


def _true_divide(x1: Any, x2: Any) -> Any:
    return torch.true_divide(*both(_number(x1), _number(x2)))


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _clip(x: Any, x_min: Any, x_max: Any) -> Any:
    return elementwise.clip_by_value(x, x_min, x_max)


def _transpose(x: Any, axes: Any = None) -> Any:
    return arrays.transpose(x, axes)


def _squeeze(x: Any, axis: Any = None) -> Any:
    return arrays.squeeze(x, axis)


def _expand_dims(x: Any, axis: Any) -> Any:
    x = tensor(x)
    if isinstance(axis, (list, tuple)):
        rank = x.ndim + len(axis)
        for place in sorted(a % rank for a in axis):
            x = x.unsqueeze(place)
        return x
    return x.unsqueeze(axis)


def _repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    return arrays.repeat(x, list(repeats) if isinstance(repeats, tuple) else repeats, axis)


def _tile(x: Any, repeats: Any) -> Any:
    return torch.tile(tensor(x), tuple(integers(repeats)))


def _split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    x = tensor(x)
    if isinstance(indices_or_sections, int):
        return arrays.split(x, indices_or_sections, axis)
    return list(torch.tensor_split(x, tuple(integers(indices_or_sections)), axis))


def _pad(x: Any, constant_values: Any = None, pad_width: Any = 0, mode: str = "constant") -> Any:
    x = tensor(x)
    pairs = pad_width if isinstance(pad_width, (list, tuple)) else ((pad_width, pad_width),)
    pairs = [p if isinstance(p, (list, tuple)) else (p, p) for p in pairs]
    pairs = list(pairs) * x.ndim if len(pairs) == 1 else pairs
    return arrays.pad(x, pairs, mode, constant_values or 0)


def _take(x: Any, indices: Any, axis: Any = None) -> Any:
    x, index = tensor(x), tensor(indices).long()
    if axis is None:
        x, axis = x.reshape(-1), 0
    length = x.shape[axis]
    return arrays.gather(x, torch.where(index < 0, index + length, index), axis=axis)


def _take_along_axis(x: Any, indices: Any, axis: Any = None) -> Any:
    x, index = tensor(x), tensor(indices).long()
    return torch.take_along_dim(x, torch.where(index < 0, index + (x.numel() if axis is None else x.shape[axis]), index), axis)


def _sorted(x: Any, axis: Any = -1) -> Any:
    x = tensor(x)
    return torch.sort(x.reshape(-1) if axis is None else x, dim=-1 if axis is None else axis).values


def _argsort(x: Any, axis: Any = -1) -> Any:
    x = tensor(x)
    return torch.argsort(x.reshape(-1) if axis is None else x, dim=-1 if axis is None else axis, stable=True).to(torch.int32)


def _average(x: Any, weights: Any = None, axis: Any = None) -> Any:
    x = _floats(x)
    chosen = axes(axis, x.ndim)
    if weights is None:
        return x.mean(chosen)
    weights = tensor(weights, x).to(x.dtype)
    if weights.ndim == 1 and x.ndim > 1 and len(chosen) == 1:
        weights = weights.reshape([-1 if a == chosen[0] else 1 for a in range(x.ndim)])
    return (x * weights).sum(chosen) / weights.expand(x.shape).sum(chosen)


def _where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    return arrays.where(condition, x1, x2)


def _like(value: float) -> Function:
    return lambda x, dtype=None: torch.full_like(tensor(x), value, dtype=None if dtype is None else as_dtype(dtype))


def _flip(x: Any, axis: Any = None) -> Any:
    x = tensor(x)
    return x.flip(axes(axis, x.ndim))


def _diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return torch.diagonal(tensor(x), offset, axis1, axis2)


def _one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    unsupported(sparse=sparse)
    return arrays.one_hot(x, num_classes, axis=axis, dtype=dtype or "float32")


def _moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    unsupported(synchronized=synchronized)
    mean, variance = nn.moments(x, axes, keepdims=True)
    x = tensor(x)
    variance = ((x - mean) ** 2).mean(tuple(axes) if isinstance(axes, (list, tuple)) else axes, True)
    if not keepdims:
        chosen = tuple(axes) if isinstance(axes, (list, tuple)) else (axes,)
        mean, variance = mean.squeeze(chosen), variance.squeeze(chosen)
    return [mean, variance]


def _batch_norm(x: Any, mean: Any, variance: Any, offset: Any = None, scale: Any = None, axis: int = -1, epsilon: float = 1e-3) -> Any:
    x = tensor(x)
    shape = [1] * x.ndim
    shape[axis] = -1
    middle, spread, shift, factor = (None if v is None else tensor(v, x).reshape(shape) for v in (mean, variance, offset, scale))
    return nn.batch_normalization(x, middle, spread, shift, factor, epsilon)


def _normalize(x: Any, axis: Any = -1, order: Any = 2, epsilon: Any = None) -> Any:
    x = _floats(x)
    small = 1e-7 if epsilon is None else epsilon
    if order == 2:
        return x * torch.rsqrt((x * x).sum(axis, keepdim=True).clamp(min=small**2))
    return x / torch.linalg.vector_norm(x, order, axis, True).clamp(min=small)


def _per_axis(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _format(data_format: Any) -> str:
    return data_format or "channels_last"


def _conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1) -> Any:
    x, kernel = tensor(inputs), tensor(kernel)
    rank, form = kernel.ndim - 2, _format(data_format)
    channels = x.shape[-1] if form == "channels_last" else x.shape[1]
    return convolve.convolve(
        x, kernel, strides=_per_axis(strides, rank), padding=padding, dilation=_per_axis(dilation_rate, rank),
        groups=channels // kernel.shape[-2], data_format=form,
    )  # fmt: skip


def _pooled(function: Any) -> Function:
    def call(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: Any = None) -> Any:
        x = tensor(inputs)
        window = _per_axis(pool_size, x.ndim - 2)
        steps = window if strides is None else _per_axis(strides, x.ndim - 2)
        letters = "NC" if _format(data_format) == "channels_first" else None
        return nn._pooled(function)(x, window, steps, padding, letters)

    return call


def _cast(x: Any, dtype: Any) -> Any:
    return tensor(x).to(torch_dtype(dtype))


def _slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    return arrays.slice_(inputs, start_indices, shape)


def _resize(
    images: Any, size: Any, interpolation: str = "bilinear", antialias: bool = False, crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False, fill_mode: str = "constant", fill_value: float = 0.0, data_format: Any = None,
) -> Any:  # fmt: skip
    unsupported(crop_to_aspect_ratio=crop_to_aspect_ratio, pad_to_aspect_ratio=pad_to_aspect_ratio)
    x = tensor(images)
    y = image.sizes.resize(x, tuple(integers(size)), interpolation, antialias=antialias, data_format=_format(data_format))
    return y.to(x.dtype)


def _top_k(x: Any, k: int, sorted: bool = True) -> Any:
    return arrays.top_k(x, k)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = _floats(x)
    return torch.linalg.norm(x.reshape(-1) if axis is None and ord is None else x, ord, axis, keepdims)


def _median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.quantile(_floats(x), 0.5, axis, keepdims)


_UNARY = {
    "Absolute": torch.abs, "Abs": torch.abs, "Negative": torch.neg, "Square": torch.square, "Sign": torch.sign, "Copy": torch.clone,
    "Isfinite": torch.isfinite, "Isinf": torch.isinf, "Isnan": torch.isnan, "LogicalNot": torch.logical_not, "Ravel": torch.ravel,
    "Fliplr": torch.fliplr, "Flipud": torch.flipud, "Trunc": torch.trunc, "Signbit": torch.signbit, "BitwiseNot": torch.bitwise_not,
    "BitwiseInvert": torch.bitwise_not,
}  # fmt: skip
_UNARY_FLOAT = {
    "Arccos": torch.acos, "Arccosh": torch.acosh, "Arcsin": torch.asin, "Arcsinh": torch.asinh, "Arctan": torch.atan,
    "Arctanh": torch.atanh,
    "Ceil": torch.ceil, "Cos": torch.cos, "Cosh": torch.cosh, "Deg2rad": torch.deg2rad, "Rad2deg": torch.rad2deg, "Exp": torch.exp,
    "Exp2": torch.exp2, "Expm1": torch.expm1, "Floor": torch.floor, "Log": torch.log, "Log10": torch.log10, "Log1p": torch.log1p,
    "Log2": torch.log2, "Reciprocal": torch.reciprocal, "Sin": torch.sin, "Sinc": torch.sinc, "Sinh": torch.sinh, "Sqrt": torch.sqrt,
    "Tan": torch.tan, "Tanh": torch.tanh, "I0": torch.special.i0,
}  # fmt: skip
_BINARY = {
    "Arctan2": torch.atan2, "Equal": torch.eq, "Greater": torch.gt, "GreaterEqual": torch.ge, "Less": torch.lt, "LessEqual": torch.le,
    "Logaddexp": torch.logaddexp, "Logaddexp2": torch.logaddexp2, "LogicalAnd": torch.logical_and, "LogicalOr": torch.logical_or,
    "LogicalXor": torch.logical_xor, "Mod": torch.remainder, "Fmod": torch.fmod, "NotEqual": torch.ne, "Power": torch.pow,
    "Outer": lambda a, b:
    torch.outer(a.reshape(-1), b.reshape(-1)), "Hypot": torch.hypot,
    "FloorDivide": lambda a, b: torch.div(a, b, rounding_mode="floor"), "BitwiseAnd": torch.bitwise_and,
    "BitwiseOr": torch.bitwise_or, "BitwiseXor": torch.bitwise_xor, "Kron": torch.kron, "Inner": torch.inner, "Heaviside": torch.heaviside,
    "Cross": lambda a, b: torch.linalg.cross(a, b), "Fmax": torch.fmax, "Fmin": torch.fmin, "Isclose": torch.isclose,
    "Matmul": torch.matmul,
    "Dot": lambda a, b: torch.tensordot(a, b, ([-1], [-2 if b.ndim > 1 else -1])) if a.ndim and b.ndim else a * b,
}  # fmt: skip


def _pair(function: Any) -> Function:
    return lambda x1, x2: function(*both(x1, x2))


_NN = {
    "Relu": torch.relu, "Relu6": activate.relu6, "Sigmoid": torch.sigmoid, "SparseSigmoid": activate.sparse_sigmoid,
    "Softplus": activate.softplus, "Softsign": activate.softsign, "SoftShrink": activate.soft_shrink, "SparsePlus": activate.sparse_plus,
    "Silu": activate.silu, "Squareplus": activate.squareplus, "LogSigmoid": activate.log_sigmoid, "LeakyRelu": activate.leaky_relu,
    "HardSigmoid": activate.hard_sigmoid_sixth, "HardSilu": activate.hard_silu, "Elu": activate.elu, "Selu": activate.selu,
    "Celu": activate.celu, "Glu": activate.glu, "TanhShrink": activate.tanh_shrink, "HardTanh": activate.hard_tanh,
    "HardShrink": activate.hard_shrink, "Threshold": activate.threshold, "LogSoftmax": activate.log_softmax, "Softmax": activate.softmax,
    "Sparsemax": activate.sparsemax,
}  # fmt: skip

TABLE: dict[str, Function] = {
    **{f"numpy.{name}": _plain(function) for name, function in _UNARY.items()},
    **{f"numpy.{name}": _float(function) for name, function in _UNARY_FLOAT.items()},
    **{f"numpy.{name}": _pair(function) for name, function in _BINARY.items()},
    **{f"nn.{name}": _fixed(function) for name, function in _NN.items()},
    **{f"numpy.{name}": _T[symbol] for name, symbol in (
        ("Add", "math.add"), ("Subtract", "math.subtract"), ("Multiply", "math.multiply"), ("Maximum", "math.maximum"),
        ("Minimum", "math.minimum"), ("DivideNoNan", "math.divide_no_nan"), ("Round", "math.round"))},
    **{f"numpy.{name}": _reduction(word, word in ("mean", "std", "variance")) for name, word in (
        ("Sum", "sum"), ("Mean", "mean"), ("Prod", "prod"), ("Max", "max"), ("Min", "min"), ("Amax", "max"), ("Amin", "min"),
        ("All", "all"), ("Any", "any"), ("Std", "std"), ("Var", "variance"))},
    "numpy.Divide": _true_divide, "numpy.TrueDivide": _true_divide, "numpy.Argmax": _place(True), "numpy.Argmin": _place(False),
    "numpy.Cumsum": _cumulated("cumsum"), "numpy.Cumprod": _cumulated("cumprod"), "numpy.Clip": _clip, "numpy.Transpose": _transpose,
    "numpy.Squeeze": _squeeze, "numpy.ExpandDims": _expand_dims, "numpy.Repeat": _repeat, "numpy.Tile": _tile, "numpy.Split": _split,
    "numpy.Pad": _pad, "numpy.Take": _take, "numpy.TakeAlongAxis": _take_along_axis, "numpy.Sort": _sorted, "numpy.Argsort": _argsort,
    "numpy.Average": _average, "numpy.Where": _where, "numpy.ZerosLike": _like(0), "numpy.OnesLike": _like(1), "numpy.Flip": _flip,
    "numpy.Diagonal": _diagonal, "numpy.Median": _median, "numpy.Reshape": lambda x, newshape: arrays.reshape(x, newshape),
    "numpy.Concatenate": lambda xs, axis=0: arrays.concat(xs, axis), "numpy.Stack": lambda x, axis=0: arrays.stack(x, axis),
    "numpy.Hstack": lambda xs: torch.hstack([tensor(x) for x in xs]), "numpy.Vstack": lambda xs: torch.vstack([tensor(x) for x in xs]),
    "numpy.GetItem": lambda x, key: arrays.getitem(x, tuple(key) if isinstance(key, list) else key),
    "numpy.BroadcastTo": lambda x, shape: arrays.broadcast_to(x, shape),
    "numpy.Swapaxes": lambda x, axis1, axis2: tensor(x).swapaxes(axis1, axis2),
    "numpy.Moveaxis": lambda x, source, destination: torch.movedim(tensor(x), source, destination),
    "numpy.Roll": lambda x, shift, axis=None: torch.roll(tensor(x), shift, axis), "numpy.Tril": lambda x, k=0: torch.tril(tensor(x), k),
    "numpy.Triu": lambda x, k=0: torch.triu(tensor(x), k), "numpy.Trace": lambda x, offset=0, axis1=0, axis2=1: _diagonal(
        x, offset, axis1, axis2).sum(-1), "numpy.Diag": lambda x, k=0: torch.diag(tensor(x), k),
    "numpy.CountNonzero": lambda x, axis=None: reduce.count_nonzero(x, axis, dtype="int32"),
    "numpy.Einsum": lambda *operands, subscripts: linalg.einsum(subscripts, *operands),
    "numpy.Tensordot": lambda x1, x2, axes=2: linalg.tensordot(x1, x2, axes), "numpy.NanToNum": lambda x, nan=0.0, posinf=None, neginf=None:
    torch.nan_to_num(tensor(x), nan, posinf, neginf), "numpy.FullLike": lambda x, fill_value, dtype=None: torch.full_like(
        tensor(x), fill_value, dtype=None if dtype is None else as_dtype(dtype)), "numpy.Diff": lambda a, n=1, axis=-1: torch.diff(
        tensor(a), n, axis), "numpy.Rot90": lambda array, k=1, axes=(0, 1): torch.rot90(tensor(array), k, axes),
    "numpy.Meshgrid": lambda *x, indexing="xy": arrays.meshgrid(*x, indexing=indexing), "numpy.Ptp": lambda x, axis=None, keepdims=False:
    _reduction("max")(x, axis, keepdims) - _reduction("min")(x, axis, keepdims),
    "nn.Gelu": lambda x, approximate=True: activate.gelu(tensor(x), approximate), "nn.OneHot": _one_hot, "nn.Moments": _moments,
    "nn.BatchNorm": _batch_norm, "nn.Normalize": _normalize, "nn.Conv": _conv, "nn.MaxPool": _pooled(pool.max_pool),
    "nn.AveragePool": _pooled(pool.average_pool), "nn.DepthwiseConv": lambda inputs, kernel, strides=1, padding="valid", data_format=None,
    dilation_rate=1: convolve.depthwise(tensor(inputs), tensor(kernel), strides=_per_axis(strides, kernel.ndim - 2), padding=padding,
                                        dilation=_per_axis(dilation_rate, kernel.ndim - 2), data_format=_format(data_format)),
    "nn.DepthToSpace": lambda x, block_size, data_format="channels_last": arrays.depth_to_space(
        x, block_size, "NHWC" if data_format == "channels_last" else "NCHW"),
    "nn.SpaceToDepth": lambda x, block_size, data_format="channels_last": arrays.space_to_depth(
        x, block_size, "NHWC" if data_format == "channels_last" else "NCHW"),
    "core.Cast": _cast, "core.SaturateCast": elementwise.saturate_cast, "core.StopGradient": arrays.stop_gradient, "core.Slice": _slice,
    "core.Unstack": lambda x, num=None, axis=0: arrays.unstack(x, num, axis),
    "core.Scatter": lambda indices, values, shape: arrays.scatter_nd(
        indices, values, shape), "core.ConvertToTensor": lambda x, dtype=None, sparse=None, ragged=None: tensor(x, dtype=dtype),
    "linalg.Norm": _norm, "linalg.Det": lambda x: torch.linalg.det(tensor(x)), "linalg.Inv": lambda x: torch.linalg.inv(tensor(x)),
    "linalg.Cholesky": lambda x, upper=False: torch.linalg.cholesky(tensor(x), upper=upper),
    "linalg.Solve": lambda a, b: linalg.solve(a, b),
    "math.Logsumexp": lambda x, axis=None, keepdims=False: _T["math.reduce_logsumexp"](x, axis, keepdims),
    "math.Rsqrt": _float(torch.rsqrt),
    "math.Erf": _float(torch.erf), "math.Erfc": _float(torch.erfc), "math.Erfinv": _float(torch.erfinv), "math.TopK": _top_k,
    "math.InTopK": lambda targets, predictions, k: reduce.in_top_k(targets, predictions, k),
    "math.SegmentSum": lambda data, segment_ids, num_segments=None, sorted=False: _T["math.segment_sum"](data, segment_ids, num_segments),
    "math.SegmentMax": lambda data, segment_ids, num_segments=None, sorted=False: _T["math.unsorted_segment_max"](
        data, segment_ids, num_segments),
    "image.Resize": _resize, "image.RGBToGrayscale": lambda images, data_format=None: image.rgb_to_grayscale(images),
    "image.RGBToHSV": lambda images, data_format=None: image.rgb_to_hsv(images), "image.HSVToRGB": lambda images, data_format=None:
    image.hsv_to_rgb(images), "image.ExtractPatches": lambda images, size, strides=None, dilation_rate=1, padding="valid", data_format=None:
    nn.extract_patches(images, size, strides or size, dilation_rate, padding),
}  # fmt: skip


#: class of an operation -> its module
ROOMS: dict[str, str] = {name.split(".")[1]: name.split(".")[0] for name in TABLE}


def lookup(operation: str, layer: str) -> Function:
    """The function of an operation."""
    found = TABLE.get(operation)
    if found is None:
        raise UnknownNameError(
            f"Layer '{layer}' applies the operation `keras.ops` '{operation}', which is not in the table of known ones. "
            f"{nearest(operation, TABLE)} Give it yourself: `custom_objects={{'{operation.rsplit('.', 1)[-1]}': function}}`."
        )
    return found
