"""DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D: multipliers, strides, dilation, formats, bad arguments."""

from parity.cases.make import ALL, FIRST, NEW, OLD, first, layer, obj, window, x

SHAPES = {1: (2, 7, 3), 2: (2, 7, 6, 3)}
ID = {"DepthwiseConv": "depthwise_conv", "SeparableConv": "separable_conv"}


def case(kind, rank, name, more, shape=None, **fields):
    """A case of a kind ("DepthwiseConv", "SeparableConv") and rank."""
    config = dict({"kernel_size": 3}, **more)
    if kind == "SeparableConv":
        config.setdefault("filters", 4)
    if (kind, rank) == ("DepthwiseConv", 1):
        fields.setdefault("generations", list(NEW))
    if "errors" in fields:
        fields["errors"] = [g for g in fields["errors"] if g in fields.get("generations", ALL)]
    return layer(f"depthwise/{ID[kind]}{rank}d_{name}", f"{kind}{rank}D", config, x(*(shape or SHAPES[rank])), **fields)


WINDOWS = {
    "plain": window(3),
    "same": window(3, 1, "same"),
    "strides": window(3, 2),
    "same_strides": window(3, 2, "same", depth_multiplier=2),
    "even_same": window(2, 1, "same"),
    "even_same_strides": window(4, 3, "same"),
    "stride_beyond_kernel": window(1, 2),
    "stride_beyond_kernel_same": window(2, 3, "same", depth_multiplier=2),
    "multiplied": window(2, depth_multiplier=3),
    "multiplied_same": window(3, 1, "same", depth_multiplier=2),
    "one_by_one": window(1),
    "no_bias": window(2, use_bias=False, depth_multiplier=2),
    "relu": window(2, activation="relu"),
}
#: old DepthwiseConv2D has no `dilation_rate`
DILATED = {
    "dilated": window(2, dilation_rate=2),
    "dilated_multiplied": window(3, dilation_rate=2, depth_multiplier=2),
    "dilated_same": window(3, 1, "same", dilation_rate=2),
    "even_dilated_same": window(2, 1, "same", dilation_rate=3, depth_multiplier=2),
}
BAD = {
    "bad_padding": window(3, 1, "wide"),
    "bad_format": window(3, data_format="sideways"),
    "kernel_too_large": window(9),
    "kernel_quadruple": window([3, 3, 3, 3]),
}
BAD_NEW = {"zero_kernel": window(0), "zero_strides": window(3, 0)}


def general(kind, rank):
    """The cases that every kind and rank has."""
    shape, ones = SHAPES[rank], (2, *[1] * rank, 3)
    apart = kind == "DepthwiseConv"
    # as many filters as no axis has cells: where the last axis has as many, Keras 3 on TensorFlow adds the bias along that one
    front = dict(FIRST, filters=8) if not apart else FIRST
    words = ["depthwise"] if apart else ["depthwise", "pointwise"]
    regularized = {"bias_regularizer": obj("L1L2", l1=0.1, l2=0.2), "activity_regularizer": "l2"}
    constrained = {"bias_constraint": "non_neg"}
    initial = {"bias_initializer": "ones"}
    for word in words:
        regularized[word + "_regularizer"] = "l2"
        constrained[word + "_constraint"] = "max_norm"
        initial[word + "_initializer"] = obj("Constant", value=0.1)
    return (
        [case(kind, rank, name, more, float64=name in ("plain", "same_strides")) for name, more in WINDOWS.items()]
        + [
            case(kind, rank, name, more, generations=list(NEW if apart else ALL), float64=["3"] if name == "dilated" else False)
            for name, more in DILATED.items()
        ]
        + [case(kind, rank, name, more, errors=list(ALL)) for name, more in BAD.items()]
        + [case(kind, rank, name, more, generations=list(NEW), errors=list(NEW)) for name, more in BAD_NEW.items()]
        + [
            case(kind, rank, "zero_multiplier", window(2, depth_multiplier=0), generations=["3"], errors=["3"]),
            case(kind, rank, "regularized", regularized),
            case(kind, rank, "constrained", constrained),
            case(kind, rank, "initial", initial, weights="initial"),
            case(kind, rank, "size_one_same", window(3, 1, "same"), ones),
            case(kind, rank, "size_one_even_same", window(2, 2, "same", depth_multiplier=2), ones),
            case(
                kind,
                rank,
                "empty_batch",
                window(3, 1, "same"),
                (0, *shape[1:]),
                skip=["gradient"],
                note="TensorFlow leaves the memory of the kernel's gradient as it found it",
            ),
            case(kind, rank, "one_channel", window(3, depth_multiplier=2), (*shape[:-1], 1)),
            case(kind, rank, "channels_first", front, first(shape), xla=True),
            case(kind, rank, "channels_first_same", dict(front, padding="same", strides=2, depth_multiplier=2), first(shape), xla=True),
            case(
                kind,
                rank,
                "channels_first_dilated",
                dict(front, padding="same", dilation_rate=2),
                first(shape),
                xla=True,
                generations=list(NEW if apart else ALL),
            ),
            case(kind, rank, "rank_too_low", {}, shape[:-1], errors=list(ALL)),
        ]
    )


CASES = (
    general("DepthwiseConv", 1)
    + general("DepthwiseConv", 2)
    + [
        case("DepthwiseConv", 2, "oblong", window([2, 3], 1, "same", depth_multiplier=3)),
        case("DepthwiseConv", 2, "dilated_oblong", window([2, 3], dilation_rate=[2, 1]), generations=list(NEW)),
        case("DepthwiseConv", 2, "strided_and_dilated", window(3, 2, "same", dilation_rate=2), (2, 8, 8, 3), generations=["3"]),
    ]
    + general("SeparableConv", 1)
    + [
        case("SeparableConv", 1, "causal", window(3, 1, "causal"), errors=[*OLD, "3"]),
        case("SeparableConv", 1, "causal_dilated", window(2, 1, "causal", dilation_rate=2), errors=[*OLD, "3"]),
    ]
    + general("SeparableConv", 2)
    + [
        case("SeparableConv", 2, "oblong", window([2, 4], 1, "same", depth_multiplier=2)),
        case("SeparableConv", 2, "dilated_oblong", window([2, 3], dilation_rate=[2, 1])),
        case("SeparableConv", 2, "strided_and_dilated", window(3, 2, dilation_rate=2), (2, 8, 8, 3), generations=["3"]),
        case("SeparableConv", 2, "strided_and_dilated_same", window(3, 2, "same", dilation_rate=2), (2, 8, 8, 3), generations=["3"]),
        case("SeparableConv", 2, "zero_filters", {"filters": 0}, generations=list(NEW), errors=list(NEW)),
    ]
)  # fmt: skip
