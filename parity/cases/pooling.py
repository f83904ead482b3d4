"""Max, average and global pooling of one to three axes: windows over edges, formats, masks, equal maxima, bad arguments."""

from parity.cases.make import ALL, FIRST, NEW, OLD, first, functional, layer, part, values, x

SHAPES = {1: (2, 7, 3), 2: (2, 7, 6, 2), 3: (1, 5, 4, 4, 2)}
KINDS = ("Max", "Average")
EMPTY = "called without a model, later Keras gives an empty tensor; here it is refused always"
#: (kind, name) -> fields that keep out what real Keras does not say, or says wrong
APART = {
    ("Average", "wide_same"): {
        "skip": ["gradient"],
        "note": "TensorFlow's gradient of a mean is wrong where a window reaches over both edges: it counts cells behind the last",
    },
    ("Max", "same_upper"): {"skip": ["config.padding"], "note": "Keras 3 writes the word as it came"},
    ("Average", "same_upper"): {"skip": ["config.padding"], "note": "Keras 3 writes the word as it came"},
}
MASK = [[1, 0, 1, 1], [0, 1, 1, 0]]


def pool(kind, rank, name, more, shape=None, low=-1, high=1, **fields):
    """A case of a kind of pooling and a rank."""
    case_id = f"pooling/{kind.lower()}_pooling{rank}d_{name}"
    config = dict({"pool_size": 2}, **more)
    return layer(case_id, f"{kind}Pooling{rank}D", config, x(*(shape or SHAPES[rank]), low=low, high=high), **fields)


def whole(kind, rank, name, config, shape=None, low=-1, high=1, **fields):
    """A case of a kind of global pooling and a rank."""
    case_id = f"pooling/global_{kind.lower()}_pooling{rank}d_{name}"
    return layer(case_id, f"Global{kind}Pooling{rank}D", config, x(*(shape or SHAPES[rank]), low=low, high=high), **fields)


def window(size, strides=None, padding="valid", **more):
    """The arguments of a window, short."""
    return dict({"pool_size": size, "strides": strides, "padding": padding}, **more)


WINDOWS = {
    "plain": window(2),
    "three": window(3),
    "overlapping": window(3, 1),
    "strides": window(3, 2),
    "same": window(3, None, "same"),
    "same_overlapping": window(3, 1, "same"),
    "same_strides": window(3, 2, "same"),
    "even_same_overlapping": window(2, 1, "same"),
    "even_same_strides": window(4, 3, "same"),
    "stride_beyond_window": window(1, 2),
    "stride_beyond_window_same": window(2, 3, "same"),
    "wide_same": window(8, 2, "same"),
    "one": window(1),
}
OBLONG = {
    2: {
        "oblong": window([2, 3]), "oblong_strides": window(3, [1, 2]), "oblong_same": window([2, 3], [1, 2], "same"),
        "oblong_even_same": window([4, 2], 1, "same"), "oblong_stride_beyond": window([1, 2], [2, 3], "same"),
        "same_upper": window(2, None, "SAME"), "whole": window([7, 6]),
    },
    3: {"oblong": window([2, 1, 3]), "oblong_same": window([3, 2, 1], 2, "same"), "oblong_strides": window(2, [1, 2, 1])},
    1: {"list": window([3], [2])},
}  # fmt: skip
BAD = {"bad_padding": {"padding": "wide"}, "causal": {"padding": "causal"}, "bad_format": {"data_format": "sideways"},
       "size_quadruple": {"pool_size": [2, 2, 2, 2]}}  # fmt: skip
BAD_NEW = {"zero_size": {"pool_size": 0}, "zero_strides": {"strides": 0}}


def general(kind, rank):
    """The cases that every kind and rank of windows has."""
    shape, ones = SHAPES[rank], (2, *[1] * rank, 3)
    table = dict(WINDOWS, **OBLONG[rank])
    xla = {"xla": True} if rank == 2 else {}
    return (
        [
            pool(kind, rank, name, more, float64=name == "same_strides" and rank < 3, **APART.get((kind, name), {}))
            for name, more in table.items()
        ]
        + [
            pool(kind, rank, "negative_same", window(3, 2, "same"), low=-3, high=-1),
            pool(kind, rank, "size_one_same", window(3, 1, "same"), ones),
            pool(kind, rank, "size_one_even_same", window(2, 2, "same"), ones),
            pool(kind, rank, "empty_batch", window(2, 1, "same"), (0, *shape[1:])),
            pool(kind, rank, "channels_first", FIRST, first(shape), **xla),
            pool(kind, rank, "channels_first_same", dict(window(3, 2, "same"), **FIRST), first(shape), **xla),
            pool(kind, rank, "channels_first_even_same", dict(window(2, 1, "same"), **FIRST), first(shape), **xla),
            pool(kind, rank, "too_large", {"pool_size": 9}, generations=list(OLD), errors=list(OLD), note=EMPTY),
            functional(
                f"pooling/{kind.lower()}_pooling{rank}d_too_large_in_model",
                {"a": shape[1:]},
                {"p": part(f"{kind}Pooling{rank}D", pool_size=9)},
                [["y", "p", "a"]],
                "y",
                [x(*shape)],
                errors=list(ALL),
            ),
            pool(kind, rank, "rank_too_low", {}, shape[:-1], errors=list(ALL)),
        ]
        + [pool(kind, rank, name, more, errors=list(ALL)) for name, more in BAD.items()]
        + [pool(kind, rank, name, more, generations=list(NEW), errors=list(NEW)) for name, more in BAD_NEW.items()]
    )


def general_whole(kind, rank):
    """The cases that every kind and rank of global pooling has."""
    shape, ones = SHAPES[rank], (2, *[1] * rank, 3)
    return [
        whole(kind, rank, "plain", {}, float64=True),
        whole(kind, rank, "negative", {}, low=-3, high=-1),
        whole(kind, rank, "size_one", {}, ones),
        whole(
            kind,
            rank,
            "empty_batch",
            {},
            (0, *shape[1:]),
            generations=[*OLD, "2.15"] if kind == "Max" else list(ALL),
            note="Keras 3 on TensorFlow refuses the maximum of an empty tensor",
        ),
        whole(kind, rank, "channels_first", FIRST, first(shape)),
        whole(kind, rank, "keepdims", {"keepdims": True}, generations=list(NEW)),
        whole(kind, rank, "keepdims_first", dict(FIRST, keepdims=True), first(shape), generations=list(NEW)),
        whole(kind, rank, "bad_format", {"data_format": "sideways"}, errors=list(ALL)),
        whole(kind, rank, "rank_too_low", {}, shape[:-1], errors=list(ALL)),
    ]


def mean(name, config, inputs, **fields):
    """A case of GlobalAveragePooling1D with a mask."""
    return layer("pooling/global_average_pooling1d_" + name, "GlobalAveragePooling1D", config, inputs, **fields)


CASES = (
    [case for kind in KINDS for rank in (1, 2, 3) for case in general(kind, rank) + general_whole(kind, rank)]
    + [layer(f"pooling/{kind.lower()}_pooling{rank}d_default", f"{kind}Pooling{rank}D", {}, x(*SHAPES[rank]),
             errors=["3"] if kind == "Average" else [])
       for kind in KINDS for rank in (1, 2, 3)]
    + [
        mean("masked", {}, x(2, 4, 3, mask=MASK)),
        mean("masked_float64", {}, x(2, 4, 3, mask=MASK), float64=list(NEW)),
        mean("masked_keepdims", {"keepdims": True}, x(2, 4, 3, mask=MASK), generations=list(NEW)),
        mean("masked_one_step", {}, x(2, 4, 3, mask=[[0, 0, 1, 0], [1, 1, 1, 1]])),
        mean("masked_channels_first", FIRST, x(2, 3, 4, mask=MASK), generations=list(NEW)),
        mean("mask_argument", {}, x(2, 4, 3), call={"mask": MASK}, generations=list(NEW)),
        mean("masked_wholly", {}, x(2, 4, 3, mask=[[0, 0, 0, 0], [1, 0, 0, 1]])),
        layer("pooling/max_pooling1d_equal", "MaxPooling1D", {}, values([[[1], [1], [2], [2], [0], [0]]])),
        layer("pooling/max_pooling2d_equal", "MaxPooling2D", {"strides": 1}, values([[[[1], [1], [0]], [[1], [1], [0]], [[0], [0], [0]]]])),
        layer("pooling/max_pooling2d_equal_same", "MaxPooling2D", {"pool_size": 3, "padding": "same"}, x(1, 4, 4, 2, low=1, high=1)),
        layer("pooling/max_pooling3d_equal", "MaxPooling3D", {}, x(1, 2, 2, 2, 1, low=1, high=1)),
        layer("pooling/global_max_pooling1d_equal", "GlobalMaxPooling1D", {}, values([[[1], [2], [2]]])),
        layer("pooling/global_max_pooling2d_equal", "GlobalMaxPooling2D", {}, x(1, 2, 2, 1, low=1, high=1)),
        layer("pooling/max_pooling2d_integers", "MaxPooling2D", {}, x(1, 4, 4, 2, low=0, high=9, dtype="int32"), generations=list(NEW)),
        layer("pooling/global_max_pooling2d_integers", "GlobalMaxPooling2D", {}, x(1, 4, 4, 2, low=0, high=9, dtype="int32"),
              generations=list(NEW)),
        layer("pooling/global_average_pooling1d_integers", "GlobalAveragePooling1D", {}, x(2, 4, 2, low=-9, high=9, dtype="int32"),
              generations=list(NEW)),
        layer("pooling/global_average_pooling2d_integers", "GlobalAveragePooling2D", {}, x(1, 3, 4, 2, low=0, high=9, dtype="int32"),
              generations=list(NEW)),
        layer("pooling/global_average_pooling3d_integers", "GlobalAveragePooling3D", {"keepdims": True},
              x(1, 2, 3, 2, 2, low=0, high=9, dtype="int32"), generations=list(NEW)),
    ]
    + [layer(f"pooling/{kind.lower()}_pooling{rank}d_masked", f"{kind}Pooling{rank}D", {"pool_size": 2},
             x(2, 4, 3, 2, mask=MASK) if rank == 2 else x(2, 4, 2, mask=MASK), errors=list(OLD))
       for kind in KINDS for rank in (1, 2)]
    + [layer("pooling/global_max_pooling1d_masked", "GlobalMaxPooling1D", {}, x(2, 4, 2, mask=MASK), errors=list(OLD))]
)  # fmt: skip
