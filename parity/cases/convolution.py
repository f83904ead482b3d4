"""Conv2D and MaxPooling2D: padding, strides, dilation, formats, groups, bad arguments."""

from parity.cases.make import NEW, OLD, layer, x

FIRST = {"data_format": "channels_first"}
FIRST_RUNS = list(OLD)  # later Keras hands channels_first to TensorFlow's kernels as it is, which have it on GPU only


def _conv(name, more, shape=(2, 7, 6, 3), **fields):
    config = dict({"filters": 4, "kernel_size": [3, 2]}, **more)
    return layer("convolution/conv2d_" + name, "Conv2D", config, x(*shape), **fields)


def _pool(name, config, shape=(2, 7, 6, 3), low=-1, high=1, **fields):
    return layer("convolution/max_pooling2d_" + name, "MaxPooling2D", config, x(*shape, low=low, high=high), **fields)


CASES = [
    _conv("plain", {}, float64=True),
    _conv("same", {"padding": "same"}, float64=True),
    _conv("same_upper", {"padding": "SAME"}),
    _conv("square", {"kernel_size": 3}),
    _conv("one_by_one", {"kernel_size": 1, "filters": 5}),
    _conv("strides", {"strides": [2, 3]}),
    _conv("same_strides", {"strides": 2, "padding": "same"}, float64=True),
    _conv("same_strides_uneven", {"strides": [3, 2], "padding": "same", "kernel_size": [4, 5]}),
    _conv("same_wide_kernel", {"kernel_size": [5, 4], "padding": "same"}, (2, 4, 6, 3)),
    _conv("dilated", {"dilation_rate": [2, 1]}),
    _conv("dilated_same", {"dilation_rate": 2, "padding": "same"}),
    _conv("no_bias", {"use_bias": False}),
    _conv("relu", {"activation": "relu"}),
    _conv("regularized", {"kernel_regularizer": "l2", "bias_regularizer": "l1", "activity_regularizer": "l2"}),
    _conv("constrained", {"kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": [0, 1, 2]}}}),
    _conv("initial", {"kernel_initializer": {"class_name": "Constant", "config": {"value": 0.1}}, "bias_initializer": "ones"},
          weights="initial"),
    _conv("groups", {"groups": 2, "filters": 6}, (2, 5, 6, 4), generations=["2.15", "3"]),
    _conv("groups_depthwise", {"groups": 3, "filters": 6}, generations=["3"],
          note="TensorFlow's CPU kernel for grouped convolution needs XLA in tf_keras"),
    _conv("channels_first", FIRST, (2, 3, 7, 6), generations=FIRST_RUNS),
    _conv("channels_first_same", dict(FIRST, padding="same", strides=2), (2, 3, 7, 6), generations=FIRST_RUNS),
    _conv("channels_first_dilated", dict(FIRST, dilation_rate=2), (2, 3, 7, 6), generations=FIRST_RUNS),
    _conv("documented", {"filters": 2, "kernel_size": 3, "padding": "same", "activation": "relu"}, (1, 8, 9, 3)),
    _conv("rank5", {}, (2, 2, 7, 6, 3), errors=[*OLD, "3"]),
    _conv("rank3", {}, (2, 7, 3), errors=[*OLD, *NEW]),
    _conv("kernel_triple", {"kernel_size": [3, 3, 3]}, errors=[*OLD, *NEW]),
    _conv("bad_padding", {"padding": "wide"}, errors=[*OLD, *NEW]),
    _conv("causal", {"padding": "causal"}, errors=[*OLD, *NEW]),
    _conv("bad_format", {"data_format": "sideways"}, errors=[*OLD, *NEW]),
    _conv("strided_and_dilated", {"strides": 2, "dilation_rate": 2}, errors=[*OLD, *NEW]),
    _conv("kernel_too_large", {"kernel_size": 9}, errors=[*OLD, *NEW]),
    _conv("bad_groups", {"groups": 2}, generations=list(NEW), errors=list(NEW)),
    _conv("zero_filters", {"filters": 0}, generations=list(NEW), errors=list(NEW)),
    _conv("negative_filters", {"filters": -2}, generations=list(NEW), errors=list(NEW)),
    _pool("plain", {}),
    _pool("triple", {"pool_size": 3}),
    _pool("oblong", {"pool_size": [2, 3]}),
    _pool("strides", {"pool_size": 3, "strides": [1, 2]}),
    _pool("same", {"pool_size": 3, "padding": "same"}),
    _pool("same_strides", {"pool_size": [3, 4], "strides": 2, "padding": "same"}, float64=True),
    _pool("same_negative", {"pool_size": 3, "strides": 2, "padding": "same"}, low=-3, high=-1),
    _pool("channels_first", FIRST, (2, 3, 7, 6), generations=FIRST_RUNS),
    _pool("channels_first_same", dict(FIRST, padding="same", pool_size=3), (2, 3, 7, 6), generations=FIRST_RUNS),
    _pool("rank3", {}, (2, 7, 3), errors=[*OLD, *NEW]),
    _pool("bad_padding", {"padding": "wide"}, errors=[*OLD, *NEW]),
    _pool("bad_size", {"pool_size": [2, 2, 2]}, errors=[*OLD, *NEW]),
    layer("convolution/conv2d_masked", "Conv2D", {"filters": 2, "kernel_size": 2},
          x(2, 3, 4, 3, mask=[[1, 0, 1], [1, 1, 0]]), errors=list(OLD)),
    layer("convolution/max_pooling2d_masked", "MaxPooling2D", {}, x(2, 3, 4, 3, mask=[[1, 0, 1], [1, 1, 0]]), errors=list(OLD)),
]  # fmt: skip
