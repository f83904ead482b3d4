"""Conv1DTranspose, Conv2DTranspose, Conv3DTranspose: strides, both paddings, output padding, dilation, formats, bad arguments."""

from parity.cases.make import ALL, FIRST, NEW, first, layer, obj, window, x

#: rank -> the shape of most inputs
SHAPES = {1: (2, 5, 3), 2: (2, 4, 3, 3), 3: (1, 3, 2, 3, 2)}
WHERE = {1: list(NEW), 2: list(ALL), 3: list(ALL)}


def up(rank, name, more, shape=None, **fields):
    """A case of the transposed convolution of a rank."""
    config = dict({"filters": 4 if rank < 3 else 2, "kernel_size": 3}, **more)
    fields.setdefault("generations", WHERE[rank])
    if "errors" in fields:
        fields["errors"] = [g for g in fields["errors"] if g in fields["generations"]]
    case_id = f"transposed_convolution/conv{rank}d_transpose_{name}"
    return layer(case_id, f"Conv{rank}DTranspose", config, x(*(shape or SHAPES[rank])), **fields)


#: (name, kernel, strides) of every rank, each with both paddings
WINDOWS = [
    ("plain", 3, 1), ("strides", 3, 2), ("even", 4, 1), ("even_strides", 4, 2), ("wide", 5, 3), ("two", 2, 2), ("one", 1, 1),
    ("stride_beyond_kernel", 2, 3), ("stride_beyond_one", 1, 2),
]  # fmt: skip
#: (name, kernel, padding, output padding) with strides of 2
BEYOND = [
    ("same_0", 3, "same", 0), ("same_1", 3, "same", 1), ("valid_0", 3, "valid", 0), ("valid_1", 3, "valid", 1),
    ("even_same_0", 4, "same", 0), ("even_same_1", 4, "same", 1), ("even_valid_0", 4, "valid", 0), ("wide_same_1", 5, "same", 1),
    ("two_same_0", 2, "same", 0),
]  # fmt: skip
#: of these lengths no convolution makes the input's, and TensorFlow refuses
TOO_SHORT = ("even_same_0", "two_same_0")
COMMON = {
    "no_bias": {"use_bias": False},
    "relu": {"activation": "relu", "strides": 2},
    "regularized": {"kernel_regularizer": "l2", "bias_regularizer": obj("L1L2", l1=0.1, l2=0.2), "activity_regularizer": "l2"},
    "constrained": {"kernel_constraint": "max_norm", "bias_constraint": "non_neg"},
}
BAD = {
    "bad_padding": {"padding": "wide"},
    "causal": {"padding": "causal"},
    "bad_format": {"data_format": "sideways"},
    "output_padding_as_strides": {"strides": 2, "output_padding": 2},
    "output_padding_without_strides": {"output_padding": 1},
    "kernel_quadruple": {"kernel_size": [3, 3, 3, 3]},
}
BAD_NEW = {"zero_filters": {"filters": 0}, "zero_kernel": {"kernel_size": 0}, "zero_strides": {"strides": 0}}
#: what Keras' documentation says of (4, 28, 28, 3); of an empty batch only shapes are kept
DOCUMENTED = [("same", 1), ("valid", 1), ("same", 2), ("valid", 2)]


def general(rank):
    """The cases that every rank has."""
    shape = SHAPES[rank]
    ones = (2, *[1] * rank, 3)
    initial = {"kernel_initializer": obj("Constant", value=0.1), "bias_initializer": "ones"}
    return (
        [
            up(rank, name + "_" + padding, window(kernel, strides, padding), float64=name == "strides")
            for name, kernel, strides in WINDOWS
            for padding in ("valid", "same")
        ]
        + [
            up(
                rank,
                "output_padding_" + name,
                window(kernel, 2, padding, output_padding=beyond),
                errors=list(ALL) if name in TOO_SHORT else [],
            )
            for name, kernel, padding, beyond in BEYOND
        ]
        + [up(rank, name, more) for name, more in COMMON.items()]
        + [
            up(rank, "initial", initial, weights="initial"),
            up(rank, "size_one", window(3, 2, "same"), ones),
            up(rank, "size_one_valid", window(2, 3), ones),
            up(rank, "empty_batch", window(3, 2), (0, *shape[1:])),
            up(rank, "channels_first", FIRST, first(shape), xla=True),
            up(rank, "channels_first_same", dict(FIRST, padding="same", strides=2), first(shape), xla=True),
            up(rank, "channels_first_output_padding", dict(FIRST, strides=2, output_padding=1), first(shape), xla=True),
            up(rank, "rank_too_low", {}, shape[:-1], errors=list(ALL)),
        ]
        + [up(rank, name, more, errors=list(ALL)) for name, more in BAD.items()]
        + [up(rank, name, more, generations=list(NEW), errors=list(NEW)) for name, more in BAD_NEW.items()]
    )


CASES = (
    general(1)
    + [
        up(1, "dilated", window(3, dilation_rate=2), xla=True),
        up(1, "dilated_same", window(3, 1, "same", dilation_rate=2), xla=True),
        up(1, "list", window([2], [2])),
    ]
    + general(2)
    + [
        up(2, "oblong", window([2, 5], [3, 2], "same")),
        up(2, "oblong_valid", window([2, 3], [3, 1])),
        up(2, "output_padding_uneven", window([3, 4], [2, 3], "same", output_padding=[1, 2])),
        up(2, "output_padding_pair", window(5, 2, "same", output_padding=[1, 0])),
        up(2, "dilated", window(3, dilation_rate=2), xla=True),
        up(2, "dilated_same", window(3, 1, "same", dilation_rate=2), xla=True),
        up(2, "dilated_oblong", window([2, 3], 1, "same", dilation_rate=[1, 2]), generations=["3"], xla=True),
        up(2, "strided_and_dilated", {"strides": 2, "dilation_rate": 2}, errors=list(ALL)),
    ]
    + [
        up(2, f"documented_{padding}_{strides}", {"filters": 10, "strides": strides, "padding": padding}, (0, 28, 28, 3))
        for padding, strides in DOCUMENTED
    ]
    + general(3)
    + [
        up(3, "oblong", window([2, 3, 2], [2, 1, 3], "same")),
        up(3, "output_padding_uneven", window([2, 3, 3], [2, 3, 2], "same", output_padding=[1, 2, 0])),
        up(3, "dilated", window(2, dilation_rate=2), generations=["3"], xla=True),
    ]
)  # fmt: skip
