"""Conv1D, Conv2D, Conv3D: kernels, strides, padding, dilation, groups, formats, sizes of 1 and 0, bad arguments."""

from parity.cases.make import ALL, FIRST, NEW, OLD, first, layer, obj, window, x

#: rank -> the shape of most inputs
SHAPES = {1: (2, 7, 3), 2: (2, 7, 6, 3), 3: (1, 4, 5, 4, 2)}
KERNELS = {1: 3, 2: [3, 2], 3: [2, 3, 2]}
#: as many filters as no axis has cells: where the last axis has as many, Keras 3 on TensorFlow adds the bias along that one
EIGHT = dict(FIRST, filters=8)
SAME = {"padding": "same"}


def conv(rank, name, more, shape=None, **fields):
    """A case of the convolution of a rank."""
    config = dict({"filters": 4 if rank < 3 else 2, "kernel_size": KERNELS[rank]}, **more)
    return layer(f"convolution/conv{rank}d_{name}", f"Conv{rank}D", config, x(*(shape or SHAPES[rank])), **fields)


def convs(rank, table, shape=None, **fields):
    """Cases from a table name -> arguments."""
    return [conv(rank, name, more, shape, **fields) for name, more in table.items()]


#: what is the same in every rank
COMMON = {
    "no_bias": {"use_bias": False},
    "relu": {"activation": "relu"},
    "softmax_same": dict(SAME, activation="softmax"),
    "regularized": {"kernel_regularizer": "l2", "bias_regularizer": obj("L1L2", l1=0.1, l2=0.2), "activity_regularizer": "l2"},
    "one_filter": {"filters": 1},
    "one_by_one": {"kernel_size": 1, "filters": 5},
}
INITIAL = {"kernel_initializer": obj("Constant", value=0.1), "bias_initializer": "ones"}
BAD = {
    "bad_padding": {"padding": "wide"},
    "bad_format": {"data_format": "sideways"},
    "strided_and_dilated": {"strides": 2, "dilation_rate": 2},
    "kernel_too_large": {"kernel_size": 9},
    "dilated_too_large": {"kernel_size": 3, "dilation_rate": 5},
    "kernel_words": {"kernel_size": "wide"},
}
#: what old Keras lets through until TensorFlow stumbles over it, or for good
BAD_NEW = {
    "bad_groups": {"groups": 4, "filters": 4},
    "groups_of_filters": {"groups": 3},
    "zero_filters": {"filters": 0},
    "negative_filters": {"filters": -2},
    "zero_kernel": {"kernel_size": 0},
    "zero_strides": {"strides": 0},
}


def general(rank):
    """The cases that every rank has."""
    shape = SHAPES[rank]
    axis = list(range(rank + 1))
    ones = (2, *[1] * rank, 3)
    return [
        conv(rank, "plain", {}, float64=True),
        conv(rank, "same", dict(SAME), float64=True),
        *convs(rank, COMMON),
        conv(rank, "initial", INITIAL, weights="initial"),
        conv(rank, "constrained", {"kernel_constraint": obj("MaxNorm", max_value=2, axis=axis), "bias_constraint": "non_neg"}),
        conv(rank, "empty_batch", {}, (0, *shape[1:])),
        conv(rank, "empty_batch_same_strides", dict(SAME, strides=2), (0, *shape[1:])),
        conv(rank, "size_one_same", window(3, 1, "same"), ones),
        conv(rank, "size_one_even_same", window(4, 2, "same"), ones),
        conv(rank, "size_one_dilated_same", dict(SAME, kernel_size=2, dilation_rate=3), ones),
        conv(rank, "channels_first", EIGHT, first(shape), xla=True),
        conv(rank, "channels_first_same", dict(EIGHT, padding="same", strides=2), first(shape), xla=True),
        conv(rank, "channels_first_even_same", dict(EIGHT, padding="same", kernel_size=2), first(shape), xla=True),
        conv(rank, "channels_first_dilated", dict(EIGHT, kernel_size=2, dilation_rate=2), first(shape), xla=True),
        conv(rank, "channels_first_dilated_same", dict(EIGHT, padding="same", dilation_rate=2), first(shape), xla=True),
        conv(rank, "channels_first_size_one", dict(EIGHT, padding="same"), first(ones), xla=True),
        conv(rank, "groups", {"groups": 2, "filters": 6}, (*shape[:-1], 4), generations=list(NEW), xla=True),
        conv(rank, "groups_same", dict(SAME, groups=2, filters=2, strides=2), (*shape[:-1], 4), generations=list(NEW), xla=True),
        conv(rank, "groups_depthwise", {"groups": 3, "filters": 6}, (*shape[:-1], 3), generations=list(NEW), xla=True),
        conv(rank, "groups_first", dict(FIRST, groups=2), first((*shape[:-1], 4)), generations=list(NEW), xla=True),
        *convs(rank, BAD, errors=list(ALL)),
        *convs(rank, BAD_NEW, generations=list(NEW), errors=list(NEW)),
        conv(rank, "kernel_quadruple", {"kernel_size": [3, 3, 3, 3]}, errors=list(ALL)),
        conv(rank, "rank_too_low", {}, shape[:-1], errors=list(ALL)),
    ]


ONE = {
    "strides": window(3, 2),
    "same_strides": window(3, 2, "same"),
    "even_same": window(2, 1, "same"),
    "even_same_strides": window(4, 3, "same"),
    "stride_beyond_kernel": window(2, 3),
    "stride_beyond_kernel_same": window(1, 2, "same"),
    "list": window([3], [2]),
    "dilated": window(2, dilation_rate=3),
    "dilated_same": window(3, 1, "same", dilation_rate=2),
    "even_dilated_same": window(2, 1, "same", dilation_rate=3, use_bias=False),
    "dilated_beyond_input_same": window(3, 1, "same", dilation_rate=8),
    "causal": window(3, 1, "causal"),
    "causal_even": window(2, 1, "causal"),
    "causal_strides": window(3, 2, "causal"),
    "causal_dilated": window(3, 1, "causal", dilation_rate=2),
    "causal_wide": window(9, 1, "causal"),
}
TWO = {
    "square": {"kernel_size": 3},
    "strides": {"strides": [2, 3]},
    "same_upper": {"padding": "SAME"},
    "same_strides_uneven": window([4, 5], [3, 2], "same"),
    "even_same": window(2, 1, "same"),
    "even_same_strides": window([2, 4], 2, "same"),
    "stride_beyond_kernel": window([1, 2], [2, 3]),
    "stride_beyond_kernel_same": window([2, 1], 3, "same"),
    "stride_beyond_input_same": window(3, 8, "same"),
    "kernel_as_input": window([7, 6]),
    "dilated": {"dilation_rate": [2, 1]},
    "even_dilated": {"kernel_size": 2, "dilation_rate": 2},
    "dilated_same": {"dilation_rate": 2, "padding": "same"},
    "dilated_same_tanh": {"padding": "same", "dilation_rate": [2, 1], "activation": "tanh"},
    "dilated_beyond_input_same": window(3, 1, "same", dilation_rate=7),
}
THREE = {
    "strides": window(2, [1, 2, 3]),
    "same_strides": window([3, 2, 1], 2, "same"),
    "even_same": window(2, 1, "same"),
    "even_same_strides": window([4, 2, 2], [3, 2, 1], "same"),
    "stride_beyond_kernel": window(1, [2, 3, 2]),
    "stride_beyond_kernel_same": window([1, 2, 1], 3, "same"),
    "dilated": window(2, dilation_rate=[1, 2, 2]),
    "dilated_same": window([3, 2, 2], 1, "same", dilation_rate=2),
}

CASES = [
    *general(1),
    *convs(1, ONE),
    conv(1, "size_one_causal", window(3, 1, "causal"), (2, 1, 3)),
    conv(1, "channels_first_causal", dict(FIRST, padding="causal"), (2, 3, 7), xla=True, errors=list(OLD)),
    conv(1, "channels_first_length_as_filters", dict(FIRST, filters=5), (2, 3, 7), xla=True),
    conv(1, "rank4", {}, (2, 2, 7, 3), errors=[*OLD, "3"]),
    *general(2),
    *convs(2, TWO),
    conv(2, "same_strides", {"strides": 2, "padding": "same"}, float64=True),
    conv(2, "same_wide_kernel", {"kernel_size": [5, 4], "padding": "same"}, (2, 4, 6, 3)),
    conv(2, "documented", {"filters": 2, "kernel_size": 3, "padding": "same", "activation": "relu"}, (1, 8, 9, 3)),
    conv(2, "rank5", {}, (2, 2, 7, 6, 3), errors=[*OLD, "3"]),
    conv(2, "rank5_same", dict(SAME), (2, 2, 3, 4, 2), generations=["2.15"]),
    conv(2, "causal", {"padding": "causal"}, errors=list(ALL)),
    *general(3),
    *convs(3, THREE),
    conv(3, "causal", {"padding": "causal"}, errors=list(ALL)),
    layer("convolution/conv2d_masked", "Conv2D", {"filters": 2, "kernel_size": 2},
          x(2, 3, 4, 3, mask=[[1, 0, 1], [1, 1, 0]]), errors=list(OLD)),
    layer("convolution/conv1d_masked", "Conv1D", {"filters": 2, "kernel_size": 2},
          x(2, 3, 3, mask=[[1, 0, 1], [1, 1, 0]]), errors=list(OLD)),
]  # fmt: skip
