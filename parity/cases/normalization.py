"""BatchNormalization: inference, training, and the laws of each generation for the moving statistics (facts: variance, debiasing)."""

from parity.cases.make import ALL, NEW, OLD, layer, obj, values, x

TRAIN = {"training": True}
LINE = [[1], [2], [3], [6]]


def _bn(name, config, inputs, **fields):
    return layer("normalization/" + name, "BatchNormalization", config, inputs, **fields)


def _known(name, config, nested, **fields):
    """x = 1, 2, 3, 6 with momentum 0.5 from mean 0 and variance 1: the numbers are known by hand."""
    return _bn(name, dict({"momentum": 0.5}, **config), values(nested), call=TRAIN, weights="initial", **fields)


FORGOTTEN = "tf_keras does not write `fused` to the config"
DOUBLE = list(NEW)  # the kernels of TensorFlow 1.15 under old Keras know no float64
SHAPES = [
    ("rank2", {}, (4, 3)), ("rank3", {}, (4, 3, 2)), ("rank4", {}, (3, 2, 4, 5)), ("rank5", {}, (2, 2, 3, 2, 4)),
    ("rank3_axis1", {"axis": 1}, (4, 3, 2)), ("rank4_axis1", {"axis": 1}, (3, 5, 2, 4)), ("rank4_axis2", {"axis": 2}, (3, 2, 5, 4)),
    ("rank5_axis1", {"axis": 1}, (2, 4, 3, 2, 3)), ("rank3_negative_axis", {"axis": -2}, (4, 3, 2)),
    ("rank4_negative_axis", {"axis": -3}, (2, 3, 2, 4)), ("rank5_axis2", {"axis": 2}, (2, 2, 3, 2, 2)), ("steps_of_one", {}, (4, 1, 3)),
    ("pixels_of_one", {}, (4, 1, 1, 3)), ("one_sample", {}, (1, 3, 2, 2)),
]  # fmt: skip
OPTIONS = [
    ("no_center", {"center": False}), ("no_scale", {"scale": False}), ("bare", {"center": False, "scale": False}),
    ("epsilon", {"epsilon": 0.1}), ("momentum", {"momentum": 0.2}),
    ("regularized", {"beta_regularizer": "l2", "gamma_regularizer": obj("L1L2", l1=0.1, l2=0.2)}),
    ("constrained", {"beta_constraint": "non_neg", "gamma_constraint": "max_norm"}),
]  # fmt: skip
AXES = [("two", {"axis": [1, 2]}, (4, 3, 2)), ("apart", {"axis": [1, 3]}, (2, 3, 4, 2)), ("of_one", {"axis": [-1]}, (4, 3, 2)),
        ("all", {"axis": [1, 2, 3]}, (3, 2, 2, 2))]  # fmt: skip
RENORM = [
    ("rmax", {"renorm_clipping": {"rmax": 0.9}}), ("rmin", {"renorm_clipping": {"rmin": 1.1}}),
    ("dmax", {"renorm_clipping": {"dmax": 0.05}}), ("no_scale", {"scale": False}), ("no_center", {"center": False}),
    ("bare", {"center": False, "scale": False}), ("axis1", {"axis": 1}),
    ("all", {"renorm_momentum": 0.7, "renorm_clipping": {"rmax": 1.1, "rmin": 0.9, "dmax": 0.05}}),
]  # fmt: skip

CASES = (
    [_bn(name + "_inference", config, x(*shape), float64=DOUBLE if name == "rank4" else False) for name, config, shape in SHAPES]
    + [_bn(name + "_training", config, x(*shape), call=TRAIN, float64=["3"] if name in ("rank2", "rank4") else False)
       for name, config, shape in SHAPES]
    + [_bn(name + "_three_steps", config, x(*shape), call=TRAIN, steps=3) for name, config, shape in SHAPES[:8]]
    + [_bn(name + "_inference", config, x(4, 3)) for name, config in OPTIONS]
    + [_bn(name + "_training", config, x(3, 2, 4, 5), call=TRAIN) for name, config in OPTIONS]
    + [_bn(name + "_training_rank2", config, x(5, 3), call=TRAIN, steps=2) for name, config in OPTIONS]
    + [_bn(f"axes_{name}_{mode}", dict({"momentum": 0.5}, **config), x(*shape), call=call, steps=1 + len(call), generations=["2.15"],
           float64=["2.15"])
       for name, config, shape in AXES for mode, call in (("inference", {}), ("training", TRAIN))]
    + [_bn(f"renorm_{name}_rank4", dict({"renorm": True, "momentum": 0.5}, **config), x(3, 2, 4, 3), call=TRAIN, steps=2,
           generations=list(NEW)) for name, config in RENORM]
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
        _bn("axis_list_masked", {"axis": [1, 2]}, x(4, 3, 2, mask=[[1, 0, 1], [1, 1, 1], [0, 0, 1], [1, 1, 0]]), call=TRAIN,
            generations=["2.15"]),
        _bn("renorm_masked", {"renorm": True, "momentum": 0.5}, x(2, 3, 4, mask=[[1, 0, 1], [1, 1, 0]]), call=TRAIN, generations=list(NEW)),
        _bn("renorm_frozen", {"renorm": True}, x(5, 3), call=TRAIN, trainable=False, generations=list(NEW)),
        _bn("renorm_small_deviation", {"renorm": True}, x(5, 1), call=TRAIN, weights={"6": [[0.001]]}, generations=list(NEW)),
        _bn("renorm_initial", {"renorm": True, "moving_variance_initializer": obj("Constant", value=4.0)}, x(5, 3), call=TRAIN,
            weights="initial", generations=list(NEW)),
        _bn("renorm_unused_clipping", {"renorm_clipping": {"rmax": 2}}, x(5, 3), generations=["3"]),
        _bn("renorm_bad_key", {"renorm": True, "renorm_clipping": {"least": 1}}, x(5, 3), generations=list(NEW), errors=list(NEW)),
        _bn("renorm_bad_order", {"renorm": True, "renorm_clipping": {"rmin": 2, "rmax": 1}}, x(5, 3), generations=["3"], errors=["3"]),
        _bn("renorm_bad_dmax", {"renorm": True, "renorm_clipping": {"dmax": -1}}, x(5, 3), generations=["3"], errors=["3"]),
        _bn("fused_false_training", {"fused": False}, x(2, 3, 2, 3), call=TRAIN, generations=["2.15"],
            skip=["rebuild"], note=FORGOTTEN),
        _bn("fused_true_training", {"fused": True}, x(2, 3, 2, 3), call=TRAIN, generations=["2.15"]),
        _bn("fused_true_rank3", {"fused": True}, x(2, 3, 3), generations=["2.15"], errors=["2.15"]),
        _bn("fused_false_masked", {"fused": False}, x(2, 2, 3, 4, mask=[[[1, 0, 1], [1, 1, 0]], [[0, 1, 1], [1, 1, 1]]]), call=TRAIN,
            generations=["2.15"], skip=["rebuild"], note=FORGOTTEN),
        _bn("masked_three_steps", {}, x(2, 3, 4, mask=[[1, 0, 1], [1, 1, 0]]), call=TRAIN, steps=3),
        _bn("masked_axis1", {"axis": 1}, x(2, 3, 4, mask=[[1, 0, 1], [1, 1, 0]]), call=TRAIN, generations=["2.15"]),
        _bn("masked_wholly", {}, x(2, 3, 4, mask=[[0, 0, 0], [0, 0, 0]]), call=TRAIN),
        _bn("masked_frozen", {}, x(2, 3, 4, mask=[[1, 0, 1], [1, 1, 0]]), call=TRAIN, trainable=False),
        _bn("masked_training_rank5", {}, x(2, 2, 2, 1, 3, mask=[[1, 0], [1, 1]]), call=TRAIN, errors=["3"]),
        _bn("empty_batch_inference", {}, x(0, 3), weights="initial", per_generation={g: {"skip": ["gradient"]} for g in OLD},
            note="the gradient of gamma is nan in TensorFlow 1.15"),
        _bn("empty_batch_inference_rank4", {}, x(0, 2, 3, 3), weights="initial"),
        _bn("one_value_rank2", {"momentum": 0.5}, x(1, 3), call=TRAIN),
        _bn("one_value_rank4", {"momentum": 0.5}, x(1, 1, 1, 3), call=TRAIN),
        _bn("momentum_zero", {"momentum": 0.0}, x(5, 3), call=TRAIN),
        _bn("momentum_one", {"momentum": 1.0}, x(3, 2, 2, 3), call=TRAIN, generations=["2.3", "2.15", "3"]),
        _bn("axis_words", {"axis": "last"}, x(5, 3), generations=[*OLD, "2.15"], errors=[*OLD, "2.15"]),
        _bn("axis_twice", {"axis": [1, -1]}, x(5, 3), generations=list(NEW), errors=list(NEW)),
        _bn("axis_too_negative", {"axis": -4}, x(5, 3), errors=list(ALL)),
    ]
)  # fmt: skip
