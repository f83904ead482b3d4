"""Functions of TensorFlow in functional models of tf.keras, and operations of Keras 3: what files name in TFOpLambda and its kin."""

from parity.cases.make import ones, values, x

P = {"low": 0.1, "high": 0.9}
BIG = {"low": 1.2, "high": 3}
CASES = []
_SEEN = {}


def _case(generation, symbol, inputs, config, **more):
    inputs = [inputs] if isinstance(inputs, dict) else list(inputs)
    base = "tf_ops/" + symbol.replace(".", "_").strip("_").replace("__operators___", "op_") + ("_k3" if generation == "3" else "")
    _SEEN[base] = _SEEN.get(base, 0) + 1
    number = "" if _SEEN[base] == 1 else "_" + str(_SEEN[base])
    skip = sorted({"config", *more.pop("skip", ())})
    CASES.append(
        dict(
            {
                "id": base + number,
                "kind": "operation",
                "class": symbol,
                "config": config,
                "inputs": inputs,
                "skip": skip,
                "generations": [generation],
            },
            **more,
        )
    )


def tf(symbol, inputs, config=None, **more):
    """A function below `tf`; `call` {"y": 1} says which further input is which argument, `listed` that all are one list."""
    _case("2.15", symbol, inputs, config or {}, **more)


def k3(operation, inputs, config=None, **more):
    """An operation of Keras 3."""
    _case("3", operation, inputs, config or {}, **more)


A = x(2, 3, 4)
for name in (
    "abs",
    "asinh",
    "atan",
    "ceil",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "floor",
    "negative",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softplus",
    "square",
    "tan",
    "tanh",
    "log_sigmoid",
    "rint",
    "round",
    "is_nan",
    "is_inf",
    "is_finite",
    "bessel_i0e",
    "bessel_i1e",
):
    tf("math." + name, A)
for name in (
    "acos",
    "asin",
    "atanh",
    "log",
    "log1p",
    "rsqrt",
    "sqrt",
    "reciprocal",
    "digamma",
    "lgamma",
    "erfinv",
    "ndtri",
    "reciprocal_no_nan",
):
    tf("math." + name, x(2, 3, 4, **P))
tf("math.acosh", x(2, 3, **BIG))
tf("math.logical_not", x(2, 3, dtype="bool"))
tf("nn.softsign", A)
for name in (
    "add",
    "subtract",
    "multiply",
    "divide",
    "truediv",
    "maximum",
    "minimum",
    "squared_difference",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "equal",
    "not_equal",
    "divide_no_nan",
    "multiply_no_nan",
    "xdivy",
    "floordiv",
    "floormod",
    "mod",
):
    tf("math." + name, [A, x(3, 1)], call={"y": 1})
for name in ("add", "subtract", "multiply", "truediv", "maximum", "pow"):
    tf("math." + name, x(2, 3, **P), {"y": 2.5})
for name in ("add", "multiply", "truediv", "floordiv", "floormod", "maximum", "divide_no_nan"):
    tf("math." + name, [x(2, 3, dtype="float32"), ones(2, 3)], call={"y": 1})
for name in ("floordiv", "floormod", "truncatediv", "truncatemod", "truediv", "add", "multiply"):
    tf(
        name if name.startswith("trunc") else "math." + name,
        [x(2, 5, low=-9, high=9, dtype="int32"), x(2, 5, low=1, high=5, dtype="int32")],
        call={"y": 1},
    )
tf("math.pow", [x(2, 3, **P), x(2, 3)], call={"y": 1})
tf("math.xlogy", [x(2, 3, **P), x(2, 3, **P)], call={"y": 1})
tf("math.xlog1py", [x(2, 3, **P), x(2, 3, **P)], call={"y": 1})
tf("math.igamma", [x(2, 3, **P), x(2, 3, **P)], call={"x": 1}, gradient=False)
tf("math.igammac", [x(2, 3, **P), x(2, 3, **P)], call={"x": 1}, gradient=False)
tf("math.zeta", [x(2, 3, **BIG), x(2, 3, **P)], call={"q": 1}, gradient=False)
tf("math.polygamma", [values([1.0, 2.0, 3.0]), x(3, **P)], call={"x": 1}, gradient=False)
tf("math.nextafter", [values([[1.0, 2.0]], dtype="float64"), values([[2.0, 1.0]], dtype="float64")], call={"x2": 1}, gradient=False)
for name in ("logical_and", "logical_or", "logical_xor"):
    tf("math." + name, [x(2, 3, dtype="bool"), x(2, 3, dtype="bool")], call={"y": 1})
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    tf("bitwise." + name, [x(2, 3, low=0, high=9, dtype="int32"), x(2, 3, low=0, high=9, dtype="int32")], call={"y": 1})
tf("bitwise.left_shift", [x(2, 3, low=0, high=9, dtype="int32"), x(2, 3, low=0, high=3, dtype="int32")], call={"y": 1})
tf("bitwise.right_shift", [x(2, 3, low=0, high=99, dtype="int32"), x(2, 3, low=0, high=3, dtype="int32")], call={"y": 1})
tf("bitwise.invert", x(2, 3, low=0, high=9, dtype="int32"))
for name in ("add", "eq", "ne", "ge", "gt", "le", "lt"):
    tf(
        "__operators__." + name,
        [x(2, 3), x(3)],
        call={"other" if name in ("eq", "ne") else "y": 1},
        **({"skip": ["rebuild"], "note": "tf.keras loses the second operand of `==` and `!=`"} if name in ("eq", "ne") else {}),
    )
tf("math.add_n", [A, A, A], listed=True)
tf("math.accumulate_n", [A, A], listed=True)
tf("math.atan2", [x(2, 3), x(2, 3)], call={"x": 1})
tf("cast", x(2, 3, low=-3, high=3), {"dtype": "int32"})
tf("cast", x(2, 3, dtype="int32", low=-3, high=3), {"dtype": "float32"})
tf("cast", x(2, 3), {"dtype": "bool"})
tf("dtypes.saturate_cast", x(2, 3, low=-400, high=400), {"dtype": "uint8"})
tf("clip_by_value", A, {"clip_value_min": -0.4, "clip_value_max": 0.3})

for name in ("sum", "mean", "max", "min", "prod", "logsumexp", "variance", "std", "euclidean_norm"):
    tf("math.reduce_" + name, A, {"axis": 1})
    tf("math.reduce_" + name, A, {"axis": [0, 2], "keepdims": True})
    tf("math.reduce_" + name, A)
for name in ("all", "any"):
    tf("math.reduce_" + name, x(2, 3, 4, dtype="bool"), {"axis": -1})
tf("math.reduce_mean", x(2, 5, low=-9, high=9, dtype="int32"), {"axis": 1})
tf("math.reduce_sum", x(2, 5, low=-9, high=9, dtype="int32"), {"axis": 1})
tf("math.count_nonzero", x(2, 5, low=0, high=3, dtype="int32"), {"axis": 1})
tf("math.argmax", x(2, 5, low=0, high=3, dtype="int32"), {"axis": 1})
tf("math.argmin", A, {"axis": -1, "output_type": "int32"})
tf("math.argmax", A)
for exclusive in (False, True):
    for backwards in (False, True):
        tf("math.cumsum", A, {"axis": 1, "exclusive": exclusive, "reverse": backwards})
        tf("math.cumprod", A, {"axis": -1, "exclusive": exclusive, "reverse": backwards})
tf("math.cumulative_logsumexp", A, {"axis": 1})
SEGMENTS = values([0, 0, 2, 2], dtype="int32")
for name in ("sum", "mean", "max", "min", "prod"):
    tf("math.segment_" + name, [x(4, 3), SEGMENTS], call={"segment_ids": 1})
    tf("math.unsorted_segment_" + name, [x(4, 3), values([2, 0, 2, 1], dtype="int32")], {"num_segments": 3}, call={"segment_ids": 1})
tf("math.unsorted_segment_sqrt_n", [x(4, 3), values([2, 0, 2, 1], dtype="int32")], {"num_segments": 3}, call={"segment_ids": 1})
tf("math.top_k", A, {"k": 2})
tf("math.zero_fraction", values([[0.0, 1.0, 0.0]]), gradient=False)
tf("math.bincount", values([1, 1, 3], dtype="int32"), {"minlength": 5})
tf(
    "math.confusion_matrix",
    [values([0, 1, 2], dtype="int32"), values([0, 2, 2], dtype="int32")],
    {"num_classes": 3},
    call={"predictions": 1},
)
tf("math.in_top_k", [values([1, 0], dtype="int32"), x(2, 4)], {"k": 2}, call={"predictions": 1})
tf("math.l2_normalize", A, {"axis": -1})
tf("math.invert_permutation", values([2, 0, 1], dtype="int32"))

tf("shape", A)
tf("size", A)
tf("rank", A)
tf("reshape", A, {"shape": [2, -1]})
tf("expand_dims", A, {"axis": 1})
tf("expand_dims", A, {"axis": -1})
tf("squeeze", x(2, 1, 3, 1), {"axis": 1})
tf("squeeze", x(2, 1, 3, 1))
tf("transpose", A, {"perm": [0, 2, 1]})
tf("transpose", A)
tf("linalg.matrix_transpose", A)
tf("broadcast_to", x(3, 1), {"shape": [2, 3, 4]})
tf("tile", x(2, 3), {"multiples": [2, 1]})
tf("repeat", x(2, 3), {"repeats": 2, "axis": 1})
tf("repeat", x(2, 3), {"repeats": [1, 3], "axis": 0})
tf("reverse", A, {"axis": [1, -1]})
tf("reverse_sequence", [x(2, 4, 3), values([2, 4], dtype="int32")], {"seq_axis": 1, "batch_axis": 0}, call={"seq_lengths": 1})
tf("roll", A, {"shift": 1, "axis": 1})
for mode in ("CONSTANT", "REFLECT", "SYMMETRIC"):
    tf("pad", x(2, 3), {"paddings": [[1, 0], [1, 2]], "mode": mode})
tf("pad", x(2, 3), {"paddings": [[1, 0], [1, 2]], "constant_values": 0.5})
tf("slice", A, {"begin": [0, 1, 1], "size": [-1, 2, 2]})
tf("strided_slice", A, {"begin": [0, 2], "end": [2, 0], "strides": [1, -1]})
for spec in (
    [0],
    [None],
    ["...", -1],
    [[0, 2], 1],
    [[None, None], [None, None, 2]],
    [[None, None], None, 1],
    [[None, None], [None, None, -1]],
    [1, "...", None, [1, 3]],
):
    tf("__operators__.getitem", A, {"index": spec})
tf("concat", [A, A], {"axis": -1}, listed=True)
tf("concat", [A, A, A], {"axis": 0}, listed=True)
tf("stack", [A, A], {"axis": 1}, listed=True)
tf("unstack", A, {"axis": 1})
tf("split", A, {"num_or_size_splits": 2, "axis": -1})
tf("split", A, {"num_or_size_splits": [1, -1], "axis": 1})
tf("zeros_like", A)
tf("ones_like", A, {"dtype": "int32"})
tf("one_hot", x(2, 3, low=-1, high=4, dtype="int32"), {"depth": 4})
tf("one_hot", x(2, 3, low=0, high=4, dtype="int32"), {"depth": 4, "on_value": 2.0, "off_value": -1.0, "axis": 1})
tf("where", [x(2, 3, dtype="bool"), x(2, 3), x(3)], call={"x": 1, "y": 2})
tf("compat.v1.where", [values([True, False], dtype="bool"), x(2, 3), x(2, 3)], call={"x": 1, "y": 2})
tf("where", values([[True, False], [True, True]], dtype="bool"))
tf("boolean_mask", [x(3, 2), values([True, False, True], dtype="bool")], call={"mask": 1})
tf("gather", [x(5, 3), x(2, 4, low=0, high=5, dtype="int32")], call={"indices": 1})
tf("gather", A, {"indices": [2, 0], "axis": 1})
tf("gather", [x(2, 5, 3), x(2, 4, low=0, high=5, dtype="int32")], {"axis": 1, "batch_dims": 1}, call={"indices": 1})
tf("gather", [x(2, 3, 5), x(2, 4, low=0, high=5, dtype="int32")], {"axis": 2, "batch_dims": 1}, call={"indices": 1})
tf("gather_nd", [x(3, 4, 2), values([[0, 1], [2, 3]], dtype="int32")], call={"indices": 1})
tf("gather_nd", [x(2, 4, 3), values([[[1], [0]], [[3], [2]]], dtype="int32")], {"batch_dims": 1}, call={"indices": 1})
tf("scatter_nd", [values([[0], [2], [0]], dtype="int32"), x(3, 2)], {"shape": [4, 2]}, call={"updates": 1})
for name in ("add", "sub", "update"):
    tf("tensor_scatter_nd_" + name, [x(4, 2), values([[0], [2]], dtype="int32"), x(2, 2)], call={"indices": 1, "updates": 2})
tf("sort", A, {"axis": 1, "direction": "DESCENDING"})
tf("argsort", A, {"axis": -1})
tf("searchsorted", [values([[1.0, 2.0, 3.0]]), values([[0.5, 2.0, 9.0]])], {"side": "right"}, call={"values": 1}, gradient=False)
tf("unique", values([3, 1, 3, 2], dtype="int32"))
tf("sequence_mask", values([1, 3], dtype="int32"), {"maxlen": 4})
tf("identity", A)
tf("stop_gradient", A)
tf("ensure_shape", A, {"shape": [2, 3, 4]})
tf("nn.space_to_depth", x(2, 4, 6, 3), {"block_size": 2})
tf("nn.depth_to_space", x(2, 2, 3, 8), {"block_size": 2})
tf("space_to_batch_nd", x(2, 4, 6, 3), {"block_shape": [2, 3], "paddings": [[0, 0], [0, 0]]})
tf("batch_to_space", x(6, 2, 2, 3), {"block_shape": [2, 3], "crops": [[0, 0], [1, 0]]})
tf("unravel_index", values([5, 7], dtype="int32"), {"dims": [3, 4]})
tf("dynamic_partition", [x(4, 2), values([0, 1, 1, 0], dtype="int32")], {"num_partitions": 2}, call={"partitions": 1})

tf("linalg.matmul", [x(2, 3, 4), x(2, 4, 5)], call={"b": 1})
tf("linalg.matmul", [x(2, 3, 4), x(2, 5, 4)], {"transpose_b": True}, call={"b": 1})
tf("linalg.matvec", [x(2, 3, 4), x(2, 4)], call={"b": 1})
tf("tensordot", [x(2, 3, 4), x(4, 5)], {"axes": 1}, call={"b": 1})
tf("tensordot", [x(2, 3, 4), x(3, 4, 5)], {"axes": [[1, 2], [0, 1]]}, call={"b": 1})
tf("norm", A, {"axis": -1})
tf("norm", A, {"ord": 1, "axis": 1, "keepdims": True})
tf("norm", A)
tf("linalg.band_part", x(2, 4, 4), {"num_lower": 1, "num_upper": 0})
tf("linalg.band_part", x(2, 4, 4), {"num_lower": -1, "num_upper": 1})
tf("linalg.diag", x(2, 3))
tf("linalg.diag_part", x(2, 3, 3))
tf("linalg.set_diag", [x(2, 3, 3), x(2, 3)], call={"diagonal": 1})
tf("linalg.tensor_diag", x(3))
tf("linalg.tensor_diag_part", x(3, 3))
tf("linalg.trace", x(2, 3, 3))
tf("linalg.cross", [x(2, 3), x(2, 3)], call={"b": 1})
tf("linalg.inv", values([[2.0, 1.0], [1.0, 3.0]]), bar=1e-4)
tf("linalg.det", values([[2.0, 1.0], [1.0, 3.0]]))
tf("linalg.cholesky", values([[2.0, 1.0], [1.0, 3.0]]), gradient=False)
tf("linalg.logdet", values([[2.0, 1.0], [1.0, 3.0]]))
tf("linalg.solve", [values([[2.0, 1.0], [1.0, 3.0]]), x(2, 1)], call={"rhs": 1})
tf("linalg.triangular_solve", [values([[2.0, 0.0], [1.0, 3.0]]), x(2, 1)], call={"rhs": 1})
tf("linalg.expm", values([[0.2, 0.1], [0.1, 0.3]]), gradient=False)
tf("clip_by_norm", x(2, 3), {"clip_norm": 0.5})
tf("linalg.global_norm", [x(2, 3), x(4)], listed=True)

for name in ("relu", "relu6", "elu", "selu", "leaky_relu", "gelu", "silu", "crelu", "softmax", "log_softmax"):
    tf("nn." + name, x(2, 3, 4, low=-3, high=3), bar=2e-5)
tf("nn.leaky_relu", A, {"alpha": 0.1})
tf("nn.gelu", A, {"approximate": True})
tf("nn.softmax", A, {"axis": 1})
tf("nn.moments", A, {"axes": [0, 1]})
tf("nn.moments", A, {"axes": [1], "keepdims": True})
tf(
    "nn.batch_normalization",
    [x(2, 3), x(3), x(3, **P), x(3), x(3)],
    {"variance_epsilon": 0.01},
    call={"mean": 1, "variance": 2, "offset": 3, "scale": 4},
)
tf("nn.local_response_normalization", x(2, 2, 3, 8), {"depth_radius": 2, "bias": 1.0, "alpha": 0.5, "beta": 0.75})
tf("nn.bias_add", [x(2, 3), x(3)], call={"bias": 1})
IMAGE = x(2, 6, 5, 4)
for strides, padding in ((1, "SAME"), (2, "VALID"), (2, "SAME")):
    tf("nn.conv2d", [IMAGE, x(3, 3, 4, 2)], {"strides": strides, "padding": padding}, call={"filters": 1})
    tf("nn.depthwise_conv2d", [IMAGE, x(3, 3, 4, 2)], {"strides": [1, strides, strides, 1], "padding": padding}, call={"filter": 1})
    for name in ("max_pool2d", "avg_pool2d"):
        tf("nn." + name, IMAGE, {"ksize": 2, "strides": strides, "padding": padding})
tf("nn.conv1d", [x(2, 6, 4), x(3, 4, 2)], {"stride": 1, "padding": "SAME"}, call={"filters": 1})
tf("nn.conv3d", [x(1, 4, 4, 4, 2), x(2, 2, 2, 2, 3)], {"strides": [1, 1, 1, 1, 1], "padding": "VALID"}, call={"filters": 1})
tf(
    "nn.separable_conv2d",
    [IMAGE, x(3, 3, 4, 1), x(1, 1, 4, 2)],
    {"strides": [1, 1, 1, 1], "padding": "SAME"},
    call={"depthwise_filter": 1, "pointwise_filter": 2},
)
tf(
    "nn.conv2d_transpose",
    [x(2, 3, 3, 4), x(3, 3, 2, 4)],
    {"output_shape": [2, 6, 6, 2], "strides": 2, "padding": "SAME"},
    call={"filters": 1},
)
tf(
    "nn.conv2d_transpose",
    [x(2, 3, 3, 4), x(3, 3, 2, 4)],
    {"output_shape": [2, 7, 7, 2], "strides": 2, "padding": "VALID"},
    call={"filters": 1},
)
tf("nn.max_pool1d", x(2, 6, 3), {"ksize": 2, "strides": 2, "padding": "VALID"})
tf("nn.avg_pool1d", x(2, 6, 3), {"ksize": 2, "strides": 2, "padding": "SAME"})
for name in ("sigmoid_cross_entropy_with_logits", "softmax_cross_entropy_with_logits"):
    tf("nn." + name, [x(2, 3, **P), x(2, 3)], call={"logits": 1})
tf("nn.weighted_cross_entropy_with_logits", [x(2, 3, **P), x(2, 3)], {"pos_weight": 2.0}, call={"logits": 1})
tf("nn.sparse_softmax_cross_entropy_with_logits", [values([0, 2], dtype="int32"), x(2, 3)], call={"logits": 1})
tf("nn.log_poisson_loss", [x(2, 3, **P), x(2, 3)], call={"log_input": 1})
tf("nn.l2_loss", x(2, 3))
tf("nn.embedding_lookup", [x(5, 3), x(2, 4, low=0, high=5, dtype="int32")], call={"ids": 1})

PICTURE = x(2, 5, 6, 3, low=0, high=1)
for method in ("bilinear", "nearest", "bicubic", "area", "lanczos3", "gaussian", "mitchellcubic"):
    tf("image.resize", PICTURE, {"size": [7, 4], "method": method}, bar=1e-4, gradient=method in ("bilinear", "nearest"))
tf("image.resize", PICTURE, {"size": [3, 3], "antialias": True}, gradient=False)
for name in (
    "flip_left_right",
    "flip_up_down",
    "transpose",
    "rgb_to_grayscale",
    "rgb_to_yiq",
    "rgb_to_yuv",
    "yiq_to_rgb",
    "yuv_to_rgb",
    "per_image_standardization",
    "sobel_edges",
    "total_variation",
    "image_gradients",
):
    tf("image." + name, PICTURE, bar=2e-5)
tf("image.rgb_to_hsv", PICTURE, gradient=False)
tf("image.hsv_to_rgb", PICTURE, gradient=False)
tf("image.grayscale_to_rgb", x(2, 4, 4, 1))
tf("image.rot90", PICTURE, {"k": 1})
tf("image.crop_to_bounding_box", PICTURE, {"offset_height": 1, "offset_width": 2, "target_height": 3, "target_width": 2})
tf("image.pad_to_bounding_box", PICTURE, {"offset_height": 1, "offset_width": 2, "target_height": 8, "target_width": 9})
tf("image.central_crop", PICTURE, {"central_fraction": 0.5})
tf("image.resize_with_crop_or_pad", PICTURE, {"target_height": 7, "target_width": 3})
tf("image.adjust_brightness", PICTURE, {"delta": 0.2})
tf("image.adjust_contrast", PICTURE, {"contrast_factor": 0.5}, gradient=False)
tf("image.adjust_gamma", PICTURE, {"gamma": 2.0})
tf("image.adjust_saturation", PICTURE, {"saturation_factor": 0.5}, gradient=False, bar=1e-4)
tf("image.adjust_hue", PICTURE, {"delta": 0.1}, gradient=False, bar=1e-4)
tf("image.extract_patches", PICTURE, {"sizes": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "rates": [1, 1, 1, 1], "padding": "SAME"})

for name in ("Absolute", "Negative", "Square", "Sign", "Cos", "Exp", "Floor", "Sin", "Tanh", "Arctan", "Expm1", "Isnan", "Sinh", "Arcsinh"):
    k3("numpy." + name, A)
for name in ("Log", "Sqrt", "Reciprocal", "Log2", "Log10", "Log1p", "Arccos", "Arcsin"):
    k3("numpy." + name, x(2, 3, **P))
for name in (
    "Add",
    "Subtract",
    "Multiply",
    "TrueDivide",
    "Divide",
    "Maximum",
    "Minimum",
    "Greater",
    "LessEqual",
    "Equal",
    "NotEqual",
    "Mod",
    "FloorDivide",
    "Arctan2",
    "Logaddexp",
):
    k3("numpy." + name, [A, x(3, 1)])
for name in ("Sum", "Mean", "Max", "Min", "Prod", "Std", "Var"):
    k3("numpy." + name, A, {"axis": 1})
    k3("numpy." + name, A, {"axis": [0, 2], "keepdims": True})
for name in ("Argmax", "Argmin", "Sort", "Argsort"):
    k3("numpy." + name, A, {"axis": 1})
for name in (
    "Relu",
    "Relu6",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Silu",
    "LogSigmoid",
    "LeakyRelu",
    "HardSigmoid",
    "HardSilu",
    "Elu",
    "Selu",
    "Gelu",
    "Celu",
    "Softmax",
    "LogSoftmax",
    "TanhShrink",
    "HardTanh",
    "HardShrink",
    "SoftShrink",
    "SparsePlus",
    "Squareplus",
):
    k3("nn." + name, A)
k3("numpy.Matmul", [x(2, 3, 4), x(2, 4, 5)])
k3("numpy.Einsum", [x(2, 3), x(4, 3)], {"subscripts": "ab,cb->ac"})
k3("numpy.Tensordot", [x(2, 3, 4), x(4, 5)], {"axes": 1})
k3("numpy.Dot", [x(2, 3), x(3, 4)])
k3("numpy.Concatenate", [A, A], {"axis": -1}, listed=True)
k3("numpy.Stack", [A, A], {"axis": 1}, listed=True)
k3("numpy.Reshape", A, {"newshape": [2, -1]})
k3("numpy.Transpose", A, {"axes": [0, 2, 1]})
k3("numpy.ExpandDims", A, {"axis": 1})
k3("numpy.Squeeze", x(2, 1, 3), {"axis": 1})
k3("numpy.Clip", A, {"x_min": -0.4, "x_max": 0.3})
k3("numpy.Where", [x(2, 3, dtype="bool"), x(2, 3), x(2, 3)])
k3("numpy.Cumsum", A, {"axis": 1})
k3("numpy.Flip", A, {"axis": 1})
k3("numpy.Repeat", A, {"repeats": 2, "axis": 1})
k3("numpy.Tile", A, {"repeats": [1, 2, 1]})
k3("numpy.Roll", A, {"shift": 1, "axis": 1})
k3("numpy.Pad", A, {"pad_width": [[0, 0], [1, 1], [0, 2]]})
k3("numpy.Split", A, {"indices_or_sections": 2, "axis": 2})
k3("numpy.Take", [x(5, 3), x(4, low=-5, high=5, dtype="int32")], {"axis": 0})
k3("numpy.TakeAlongAxis", [x(2, 5), x(2, 3, low=0, high=5, dtype="int32")], {"axis": 1})
k3("numpy.Swapaxes", A, {"axis1": 1, "axis2": 2})
k3("numpy.Moveaxis", A, {"source": 1, "destination": 2})
k3("numpy.Tril", x(3, 3))
k3("numpy.Average", A, {"axis": 1})
k3("nn.OneHot", x(2, 3, low=0, high=4, dtype="int32"), {"num_classes": 4})
k3("nn.Moments", A, {"axes": [0, 1]})
k3("nn.BatchNorm", [x(2, 3), x(3), x(3, **P), x(3), x(3)], {"axis": -1})
k3("nn.Normalize", A, {"axis": -1})
k3("nn.Conv", [IMAGE, x(3, 3, 4, 2)], {"strides": 2, "padding": "same"})
k3("nn.MaxPool", IMAGE, {"pool_size": 2})
k3("nn.AveragePool", IMAGE, {"pool_size": 2, "padding": "same"})
k3("core.Cast", x(2, 3), {"dtype": "int32"})
k3("core.StopGradient", A)
k3("math.Logsumexp", A, {"axis": 1})
k3("math.Erf", A)
k3("math.Rsqrt", x(2, 3, **P))
k3("math.TopK", A, {"k": 2})
k3("math.SegmentSum", [x(4, 3), SEGMENTS], {"num_segments": 3})
k3("linalg.Norm", A, {"axis": -1})
k3("image.Resize", PICTURE, {"size": [7, 4]})
