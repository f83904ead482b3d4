"""Operations of TensorFlow's graphs by their own names ('AddV2', 'StridedSlice'), as TF 1.15 to 2.3 put them into configs.

Each takes its inputs in order and the attributes of the node; nearly all are functions of `table` under another name.
"""

from __future__ import annotations

from typing import Any

import torch

from kcompat.errors import UnknownNameError, nearest
from kcompat.files.symbols import arrays, elementwise, linalg, reduce
from kcompat.files.symbols.common import Function, as_dtype, tensor
from kcompat.files.symbols.table import TABLE

#: operation -> symbol whose function takes the inputs in this order and no attributes
_SAME = {
    "Abs": "math.abs", "Acos": "math.acos", "Add": "math.add", "AddV2": "math.add", "AddN": "math.add_n", "Asin": "math.asin",
    "Atan": "math.atan", "Atan2": "math.atan2", "BiasAdd": "nn.bias_add", "BroadcastTo": "broadcast_to", "Ceil": "math.ceil",
    "ClipByValue": "clip_by_value", "Cos": "math.cos", "Cosh": "math.cosh", "DivNoNan": "math.divide_no_nan", "Elu": "nn.elu",
    "Equal": "math.equal", "Erf": "math.erf", "Erfc": "math.erfc", "Exp": "math.exp", "ExpandDims": "expand_dims", "Expm1": "math.expm1",
    "Fill": "fill", "Floor": "math.floor", "FloorDiv": "math.floordiv", "FloorMod": "math.floormod", "GatherNd": "gather_nd",
    "Greater": "math.greater", "GreaterEqual": "math.greater_equal", "Identity": "identity", "InvertPermutation": "math.invert_permutation",
    "IsFinite": "math.is_finite", "IsInf": "math.is_inf", "IsNan": "math.is_nan", "L2Loss": "nn.l2_loss", "Less": "math.less",
    "LessEqual": "math.less_equal", "Lgamma": "math.lgamma", "Log": "math.log", "Log1p": "math.log1p", "LogSoftmax": "nn.log_softmax",
    "LogicalAnd": "math.logical_and", "LogicalNot": "math.logical_not", "LogicalOr": "math.logical_or", "Maximum": "math.maximum",
    "Minimum": "math.minimum", "Mod": "math.floormod", "Mul": "math.multiply", "MulNoNan": "math.multiply_no_nan", "Neg": "math.negative",
    "NotEqual": "math.not_equal", "OnesLike": "ones_like", "Pad": "pad", "Pow": "math.pow", "Range": "range", "Rank": "rank",
    "RealDiv": "math.truediv", "Reciprocal": "math.reciprocal", "Relu": "nn.relu", "Relu6": "nn.relu6", "Reshape": "reshape",
    "ReverseV2": "reverse", "Rint": "math.rint", "Round": "math.round", "Rsqrt": "math.rsqrt", "ScatterNd": "scatter_nd",
    "Select": "compat.v1.where",
    "SelectV2": "where", "Selu": "nn.selu", "Shape": "shape", "Sigmoid": "math.sigmoid", "Sign": "math.sign", "Sin": "math.sin",
    "Sinh": "math.sinh", "Size": "size", "Slice": "slice", "Softmax": "nn.softmax", "Softplus": "math.softplus",
    "Softsign": "math.softsign",
    "Sqrt": "math.sqrt", "Square": "math.square", "SquaredDifference": "math.squared_difference", "StopGradient": "stop_gradient",
    "Sub": "math.subtract", "Tan": "math.tan", "Tanh": "math.tanh", "Tile": "tile", "Transpose": "transpose", "Xdivy": "math.xdivy",
    "Xlogy": "math.xlogy", "ZerosLike": "zeros_like", "MatrixDiag": "linalg.diag", "MatrixDiagPart": "linalg.diag_part", "Roll": "roll",
    "TensorScatterUpdate": "tensor_scatter_nd_update", "TensorScatterAdd": "tensor_scatter_nd_add", "Cross": "linalg.cross",
    "LinSpace": "linspace", "MatrixInverse": "linalg.inv", "MatrixDeterminant": "linalg.det", "Cholesky": "linalg.cholesky",
    "BatchToSpaceND": "batch_to_space", "SpaceToBatchND": "space_to_batch_nd", "UnsortedSegmentSum": "math.unsorted_segment_sum",
    "SegmentSum": "math.segment_sum", "SegmentMean": "math.segment_mean", "SegmentMax": "math.segment_max", "AdjustHue": "image.adjust_hue",
    "AdjustSaturation": "image.adjust_saturation", "AdjustContrastv2": "image.adjust_contrast", "RGBToHSV": "image.rgb_to_hsv",
    "HSVToRGB": "image.hsv_to_rgb", "Snapshot": "identity", "Digamma": "math.digamma", "Where": "where",
    "BatchMatrixBandPart": "linalg.band_part",
    "MatrixBandPart": "linalg.band_part", "TruncateDiv": "math.truncatediv", "TruncateMod": "math.truncatemod", "Angle": "math.angle",
}  # fmt: skip

Attributes = dict[str, Any]


def _reduction(name: str) -> Any:
    function = reduce.TABLE[f"math.reduce_{name}"]
    return lambda x, axis, attr: function(
        x, axis if not isinstance(axis, torch.Tensor) else axis.reshape(-1).tolist(), attr.get("keep_dims", False)
    )


def _joined(*values: Any) -> Any:
    *tensors, axis, _ = values
    return arrays.concat(tensors, axis)


def _split(axis: Any, x: Any, attr: Attributes) -> Any:
    return arrays.split(x, attr["num_split"], axis)


def _matmul(a: Any, b: Any, attr: Attributes) -> Any:
    return linalg.matmul(a, b, attr.get("transpose_a", False), attr.get("transpose_b", False))


def _batch_matmul(a: Any, b: Any, attr: Attributes) -> Any:
    return linalg.matmul(a, b, adjoint_a=attr.get("adj_x", False), adjoint_b=attr.get("adj_y", False))


def _window(symbol: str) -> Any:
    function = TABLE[symbol]

    def call(*values: Any) -> Any:
        *inputs, attr = values
        told = {"strides": attr["strides"], "padding": _padding(attr), "data_format": attr.get("data_format")}
        if "ksize" in attr:
            return function(*inputs, ksize=attr["ksize"], **told)
        return function(*inputs, dilations=attr.get("dilations"), **told)

    return call


def _padding(attr: Attributes) -> Any:
    if attr["padding"] != "EXPLICIT":
        return attr["padding"]
    flat = attr["explicit_paddings"]
    return [flat[i : i + 2] for i in range(0, len(flat), 2)]


def _strided_slice(x: Any, begin: Any, end: Any, strides: Any, attr: Attributes) -> Any:
    masks = {name: attr.get(name, 0) for name in ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")}
    return arrays.strided_slice(x, begin, end, strides, **masks)


def _resized(symbol: str) -> Any:
    function = TABLE[symbol]
    return lambda x, size, attr: function(
        x, size, attr.get("align_corners", False), half_pixel_centers=attr.get("half_pixel_centers", False)
    )


def _extreme(symbol: str) -> Any:
    return lambda x, axis, attr: TABLE[symbol](x, axis, attr.get("output_type", "int64"))


def _cumulated(symbol: str) -> Any:
    return lambda x, axis, attr: TABLE[symbol](x, axis, attr.get("exclusive", False), attr.get("reverse", False))


def _fused_moments(x: Any, scale: Any, offset: Any, mean: Any, variance: Any, attr: Attributes) -> Any:
    if attr.get("is_training", True):
        raise UnknownNameError("The node 'FusedBatchNormV3' normalizes by the batch inside of a graph, which is not supported.")
    y = TABLE["nn.batch_normalization"](x, mean, variance, offset, scale, attr.get("epsilon", 1e-4))
    return [y, tensor(mean), tensor(variance), tensor(mean), tensor(variance), tensor(mean)]


def _mirrored(x: Any, paddings: Any, attr: Attributes) -> Any:
    return arrays.pad(x, paddings, attr["mode"])


_WITH_ATTRIBUTES: dict[str, Function] = {
    **{op: _reduction(name) for op, name in (
        ("Sum", "sum"), ("Mean", "mean"), ("Prod", "prod"), ("Max", "max"), ("Min", "min"), ("All", "all"), ("Any", "any"),
        ("EuclideanNorm", "euclidean_norm"))},
    "ConcatV2": _joined, "Pack": lambda *v: arrays.stack(v[:-1], v[-1].get("axis", 0)), "Split": _split,
    "Unpack": lambda x, attr: arrays.unstack(x, axis=attr.get("axis", 0)),
    "SplitV": lambda x, sizes, axis, attr: arrays.split(x, sizes, axis),
    "MatMul": _matmul, "BatchMatMul": _batch_matmul, "BatchMatMulV2": _batch_matmul, "BatchMatMulV3": _batch_matmul,
    "Cast": lambda x, attr: elementwise.cast(x, attr["DstT"]), "StridedSlice": _strided_slice,
    "Squeeze": lambda x, attr: arrays.squeeze(x, attr.get("squeeze_dims") or None),
    "GatherV2": lambda x, i, axis, attr: arrays.gather(x, i, None, axis, attr.get("batch_dims", 0)),
    "ResourceGather": lambda x, i, attr: arrays.gather(x, i), "Gather": lambda x, i, attr: arrays.gather(x, i),
    "OneHot": lambda i, depth, on, off, attr: arrays.one_hot(i, depth, on, off, attr.get("axis", -1)),
    "ArgMax": _extreme("math.argmax"), "ArgMin": _extreme("math.argmin"), "Cumsum": _cumulated("math.cumsum"),
    "Cumprod": _cumulated("math.cumprod"), "LeakyRelu": lambda x, attr: TABLE["nn.leaky_relu"](x, attr.get("alpha", 0.2)),
    "TopKV2": lambda x, k, attr: arrays.top_k(x, k), "MirrorPad": _mirrored,
    "PadV2": lambda x, p, value, attr: arrays.pad(x, p, "CONSTANT", value),
    "Conv2D": _window("nn.conv2d"), "Conv3D": _window("nn.conv3d"), "DepthwiseConv2dNative": _window("nn.depthwise_conv2d"),
    "MaxPool": _window("nn.max_pool2d"), "AvgPool": _window("nn.avg_pool2d"), "MaxPool3D": _window("nn.max_pool3d"),
    "AvgPool3D": _window("nn.avg_pool3d"), "ResizeBilinear": _resized("compat.v1.image.resize_bilinear"),
    "ResizeNearestNeighbor": _resized("compat.v1.image.resize_nearest_neighbor"),
    "ResizeBicubic": _resized("compat.v1.image.resize_bicubic"),
    "ResizeArea": lambda x, size, attr: TABLE["compat.v1.image.resize_area"](x, size),
    "DepthToSpace": lambda x, attr: arrays.depth_to_space(x, attr["block_size"], attr.get("data_format", "NHWC")),
    "SpaceToDepth": lambda x, attr: arrays.space_to_depth(x, attr["block_size"], attr.get("data_format", "NHWC")),
    "Einsum": lambda *v: linalg.einsum(v[-1]["equation"], *v[:-1]), "FusedBatchNormV3": _fused_moments,
    "LRN": lambda x, attr: TABLE["nn.lrn"](x, attr["depth_radius"], attr["bias"], attr["alpha"], attr["beta"]),
    "Const": lambda attr: tensor(attr["value"]), "ReverseSequence": lambda x, n, attr: arrays.reverse_sequence(
        x, n, attr["seq_dim"], attr.get("batch_dim", 0)),
}  # fmt: skip


def lookup(operation: str, layer: str) -> Function:
    """A function of the inputs and, last, the attributes of a node with this operation."""
    if operation in _WITH_ATTRIBUTES:
        return _WITH_ATTRIBUTES[operation]
    if operation in _SAME:
        function = TABLE[_SAME[operation]]
        if operation == "AddN":
            return lambda *values: function(list(values[:-1]))
        return lambda *values: function(*values[:-1])
    known = [*_WITH_ATTRIBUTES, *_SAME]
    raise UnknownNameError(
        f"Layer '{layer}' applies TensorFlow's operation '{operation}', which is not in the table. {nearest(str(operation), known)} "
        f"Give it yourself: `custom_objects={{'{operation}': function}}`."
    )


def attributes(node_def: dict[str, Any]) -> Attributes:
    """The attributes of a node, whose values are written by type: {"i": "3"}, {"b": true}, {"list": {"i": ["1", "2"]}}."""
    return {name: _attribute(value) for name, value in (node_def.get("attr") or {}).items()}


def _attribute(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kind, inner = next(iter(value.items()), ("", ""))
    if kind == "i":
        return int(inner)
    if kind == "f":
        return float(inner)
    if kind == "type":
        try:
            return as_dtype(inner)
        except ValueError:
            return inner
    if kind == "s":
        return _text(inner)
    if kind == "list":
        return [_attribute({name: item}) for name, items in _listed(inner).items() for item in items]
    return inner


def _listed(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(coded: str) -> str:
    """Bytes are base64 in JSON."""
    import base64
    import binascii

    try:
        return base64.b64decode(coded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return str(coded)
