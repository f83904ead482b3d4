"""BatchNormalization: inference, training, and the laws of each generation for the moving statistics (facts: variance, debiasing)."""

from parity.cases.make import NEW, layer, obj, values, x

TRAIN = {"training": True}
LINE = [[1], [2], [3], [6]]


def _bn(name, config, inputs, **fields):
    return layer("normalization/" + name, "BatchNormalization", config, inputs, **fields)


def _known(name, config, nested, **fields):
    """x = 1, 2, 3, 6 with momentum 0.5 from mean 0 and variance 1: the numbers are known by hand."""
    return _bn(name, dict({"momentum": 0.5}, **config), values(nested), call=TRAIN, weights="initial", **fields)


DOUBLE = list(NEW)  # the kernels of TensorFlow 1.15 under old Keras know no float64
SHAPES = [
    ("rank2", {}, (4, 3)), ("rank3", {}, (4, 3, 2)), ("rank4", {}, (3, 2, 4, 5)), ("rank5", {}, (2, 2, 3, 2, 4)),
    ("rank3_axis1", {"axis": 1}, (4, 3, 2)), ("rank4_axis1", {"axis": 1}, (3, 5, 2, 4)), ("rank4_axis2", {"axis": 2}, (3, 2, 5, 4)),
    ("rank5_axis1", {"axis": 1}, (2, 4, 3, 2, 3)),
]  # fmt: skip
OPTIONS = [
    ("no_center", {"center": False}), ("no_scale", {"scale": False}), ("bare", {"center": False, "scale": False}),
    ("epsilon", {"epsilon": 0.1}), ("momentum", {"momentum": 0.2}),
    ("regularized", {"beta_regularizer": "l2", "gamma_regularizer": obj("L1L2", l1=0.1, l2=0.2)}),
    ("constrained", {"beta_constraint": "non_neg", "gamma_constraint": "max_norm"}),
]  # fmt: skip

CASES = (
    [_bn(name + "_inference", config, x(*shape), float64=DOUBLE if name == "rank4" else False) for name, config, shape in SHAPES]
    + [_bn(name + "_training", config, x(*shape), call=TRAIN, float64=["3"] if name in ("rank2", "rank4") else False)
       for name, config, shape in SHAPES]
    + [_bn(name + "_three_steps", config, x(*shape), call=TRAIN, steps=3) for name, config, shape in SHAPES[:4]]
    + [_bn(name + "_inference", config, x(4, 3)) for name, config in OPTIONS]
    + [_bn(name + "_training", config, x(3, 2, 4, 5), call=TRAIN) for name, config in OPTIONS]
    + [
        # 2.15 keeps 1 - momentum in float32: momentum 0.5 for what float64 does besides
        _bn("half_momentum_rank2", {"momentum": 0.5}, x(4, 3), call=TRAIN, float64=DOUBLE),
        _bn("half_momentum_rank4", {"momentum": 0.5}, x(3, 2, 4, 5), call=TRAIN, float64=DOUBLE),
        _known("known_rank2", {}, LINE),
        _known("known_rank3", {}, [[[1], [2]], [[3], [6]]]),
        _known("known_rank4", {}, [[[[1], [2]]], [[[3], [6]]]]),
        _known("known_rank4_axis1", {"axis": 1}, [[[[1, 2]]], [[[3, 6]]]]),
        _bn("initializers", {"beta_initializer": "ones", "gamma_initializer": obj("Constant", value=2.0),
            "moving_mean_initializer": obj("Constant", value=10.0), "moving_variance_initializer": obj("Constant", value=20.0)},
            x(4, 3), weights="initial"),
        _bn("loaded_statistics", {"momentum": 0.5}, values(LINE), call=TRAIN, weights={"2": [[10]], "3": [[20]]}),
        _bn("loaded_statistics_three_steps", {"momentum": 0.5}, x(5, 3), call=TRAIN, steps=3),
        _bn("frozen_training", {}, x(5, 3), call=TRAIN, trainable=False),
        _bn("frozen_training_rank4", {}, x(3, 2, 4, 5), call=TRAIN, trainable=False),
        _bn("frozen_inference", {}, x(5, 3), trainable=False),
        _bn("frozen_in_config", {"trainable": False}, x(5, 3), call=TRAIN),
        _bn("masked_inference", {}, x(2, 3, 4, mask=[[1, 0, 1], [1, 1, 0]])),
        _bn("masked_training", {}, x(2, 3, 4, mask=[[1, 0, 1], [1, 1, 0]]), call=TRAIN),
        _bn("masked_training_rank4", {}, x(3, 2, 4, 5, mask=[[1, 0], [1, 1], [0, 1]]), call=TRAIN, errors=["3"]),
        _bn("masked_training_pixels", {}, x(2, 2, 3, 4, mask=[[[1, 0, 1], [1, 1, 0]], [[0, 1, 1], [1, 1, 1]]]), call=TRAIN,
            generations=list(NEW)),
        _bn("renorm_inference", {"renorm": True}, x(5, 3), generations=list(NEW)),
        _bn("renorm_training", {"renorm": True, "momentum": 0.5}, x(5, 3), call=TRAIN, generations=list(NEW)),
        _bn("renorm_three_steps", {"renorm": True, "momentum": 0.5, "renorm_momentum": 0.8}, x(5, 3), call=TRAIN, steps=3,
            generations=list(NEW)),
        _bn("renorm_clipping", {"renorm": True, "renorm_clipping": {"rmin": 0.9, "rmax": 1.2, "dmax": 0.3}}, x(5, 3), call=TRAIN,
            generations=list(NEW)),
        _bn("synchronized", {"synchronized": True}, x(5, 3), call=TRAIN, generations=list(NEW)),
        _bn("mask_argument", {"epsilon": 0.0, "momentum": 0.0}, values([[[1], [3], [100]]]), call={"training": True, "mask": [[1, 1, 0]]},
            weights="initial", generations=["3"]),
        _bn("axis_out_of_range", {"axis": 4}, x(5, 3), errors=["2.2", "2.3", "2.15", "3"]),
        _bn("axis_list", {"axis": [1, 2]}, x(4, 3, 2), generations=list(NEW), errors=["3"]),
        _bn("axis_list_training", {"axis": [1, 2]}, x(4, 3, 2), call=TRAIN, generations=["2.15"]),
    ]
)  # fmt: skip
