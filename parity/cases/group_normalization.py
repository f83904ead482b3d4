"""GroupNormalization, UnitNormalization, RMSNormalization, SpectralNormalization."""

from parity.cases.make import NEW, TF, layer, obj, part, values, x

F = "group_normalization/"
STEPS = [[1, 0, 1], [1, 1, 0]]
FULL = [[[1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], [[0, 1, 1, 1], [1, 1, 1, 0], [1, 0, 1, 1]]]
TRAIN = {"training": True}


def _group(name, config, inputs, **fields):
    return layer(F + "group" + name, "GroupNormalization", config, inputs, generations=fields.pop("generations", list(NEW)), **fields)


def _unit(name, config, inputs, **fields):
    return layer(F + "unit" + name, "UnitNormalization", config, inputs, generations=list(NEW), **fields)


def _rms(name, config, inputs, **fields):
    weights = fields.pop("weights", {"0": [0.5, 1.5]})
    return layer(F + "rms" + name, "RMSNormalization", config, inputs, generations=["3"], weights=weights, **fields)


def _spectral(name, inner, inputs, config=None, **fields):
    config = dict(config or {}, layer=inner)
    return layer(F + "spectral" + name, "SpectralNormalization", config, inputs, generations=fields.pop("generations", list(NEW)), **fields)


SHAPES = [
    ("_rank2", {"groups": 2}, (3, 4)), ("_rank3", {"groups": 2}, (2, 3, 4)), ("_rank4", {"groups": 3}, (2, 3, 2, 6)),
    ("_rank5", {"groups": 2}, (2, 3, 2, 2, 4)), ("_axis1_rank3", {"groups": 2, "axis": 1}, (2, 4, 3)),
    ("_axis1_rank4", {"groups": 2, "axis": 1}, (2, 4, 3, 2)), ("_axis2_rank4", {"groups": 2, "axis": 2}, (2, 3, 4, 2)),
    ("_axis_minus_two", {"groups": 2, "axis": -2}, (2, 3, 4, 2)), ("_one_group", {"groups": 1}, (2, 3, 4)),
    ("_instances", {"groups": -1}, (2, 3, 4)), ("_instances_axis1", {"groups": -1, "axis": 1}, (2, 3, 4)),
    ("_all_groups", {"groups": 4}, (2, 3, 2, 4)), ("_default_groups", {}, (2, 3, 64)), ("_one_sample", {"groups": 2}, (1, 1, 4)),
]  # fmt: skip
OPTIONS = [
    ("_no_center", {"center": False}), ("_no_scale", {"scale": False}), ("_bare", {"center": False, "scale": False}),
    ("_epsilon", {"epsilon": 0.1}), ("_regularized", {"beta_regularizer": "l2", "gamma_regularizer": obj("L1L2", l1=0.1, l2=0.2)}),
    ("_constrained", {"beta_constraint": "non_neg", "gamma_constraint": "max_norm"}), ("_named", {"name": "told", "trainable": False}),
]  # fmt: skip

GROUP = (
    [_group(name, config, x(*shape), float64=list(TF) if name in ("_rank3", "_rank4", "_axis1_rank4") else False)
     for name, config, shape in SHAPES]
    + [_group(name, dict(config, groups=2), x(2, 3, 4)) for name, config in OPTIONS]
    + [
        _group("_initializers", {"groups": 2, "beta_initializer": "ones", "gamma_initializer": obj("Constant", value=2.0)}, x(2, 3, 4),
               weights="initial"),
        _group("_constant_input", {"groups": 2}, values([[[1, 1, 2, 2], [1, 1, 2, 2]]])),
        _group("_far_from_zero", {"groups": 2}, x(2, 3, 4, low=10, high=11)),
        _group("_frozen", {"groups": 2}, x(2, 3, 4), trainable=False),
        _group("_training", {"groups": 2}, x(2, 3, 4), call=TRAIN),
        _group("_masked", {"groups": 2}, x(2, 3, 4, mask=STEPS), errors=list(TF)),
        _group("_mask_full", {"groups": 2}, x(2, 3, 4), call={"mask": FULL}, generations=list(TF)),
        _group("_mask_full_axis1", {"groups": 3, "axis": 1}, x(2, 3, 4), call={"mask": FULL}, generations=list(TF)),
        _group("_mask_steps", {"groups": 2}, x(2, 3, 4), call={"mask": [[[1], [0], [1]], [[1], [1], [0]]]}, generations=list(TF)),
        _group("_mask_rank2", {"groups": 2}, x(2, 4, mask=[[1, 0, 1, 1], [1, 1, 1, 0]])),
        _group("_too_many", {"groups": 5}, x(2, 3, 4), errors=list(NEW)),
        _group("_not_dividing", {"groups": 3}, x(2, 3, 4), errors=list(NEW)),
        _group("_zero", {"groups": 0}, x(2, 3, 4), generations=["3"], errors=["3"]),
        _group("_negative", {"groups": -2}, x(2, 3, 4), errors=list(NEW)),
        _group("_axis_out_of_range", {"groups": 2, "axis": 5}, x(2, 3, 4), generations=list(TF), errors=list(TF)),
    ]
)  # fmt: skip

UNIT = [
    _unit("", {}, x(3, 4), float64=True),
    _unit("_rank3", {}, x(2, 3, 4)),
    _unit("_rank4", {}, x(2, 3, 2, 4)),
    _unit("_axis1", {"axis": 1}, x(2, 3, 4), float64=True),
    _unit("_two_axes", {"axis": [1, 2]}, x(2, 3, 4)),
    _unit("_list_of_one", {"axis": [-1]}, x(2, 3, 4)),
    _unit("_zeros", {}, values([[0, 0, 0], [3, 0, 4]])),
    _unit("_tiny", {}, values([[1e-7, 0, 0], [1e-5, 1e-6, 0], [1e-3, 0, 1e-3]])),
    _unit("_large", {}, values([[1e10, 1e10, 0], [3e8, 4e8, 0]])),
    _unit("_masked", {}, x(2, 3, 4, mask=STEPS)),
    _unit("_axis_a_word", {"axis": "a"}, x(2, 3, 4), errors=list(NEW)),
]  # fmt: skip

RMS = [
    _rms("", {}, x(3, 4), float64=True),
    _rms("_rank3", {}, x(2, 3, 4)),
    _rms("_rank4", {}, x(2, 3, 2, 4)),
    _rms("_axis1", {"axis": 1}, x(2, 3, 4), errors=["3"], note="the scale does not broadcast there"),
    _rms("_axis1_square", {"axis": 1}, x(2, 3, 3), note="the scale multiplies along the last axis"),
    _rms("_two_axes_turned", {"axis": [2, 1]}, x(2, 3, 4)),
    _rms("_middle_axes", {"axis": [1, 2]}, x(2, 3, 4, 4), errors=["3"]),
    _rms("_first_and_last", {"axis": [1, 3]}, x(2, 3, 3, 4)),
    _rms("_two_axes", {"axis": [1, 2]}, x(2, 3, 4)),
    _rms("_epsilon", {"epsilon": 0.1}, x(2, 3, 4)),
    _rms("_initial", {}, x(2, 3, 4), weights="initial"),
    _rms("_zeros", {}, values([[0, 0, 0], [3, 0, 4]])),
    _rms("_masked", {}, x(2, 3, 4, mask=STEPS)),
    _rms("_named", {"name": "told"}, x(2, 3)),
]  # fmt: skip

SPECTRAL = [
    _spectral("_dense", part("Dense", units=4), x(2, 3), float64=False),
    _spectral("_dense_training", part("Dense", units=4), x(2, 3), call=TRAIN),
    _spectral("_dense_three_steps", part("Dense", units=4), x(2, 3), call=TRAIN, steps=3),
    _spectral("_dense_three_iterations", part("Dense", units=4), x(2, 3), {"power_iterations": 3}, call=TRAIN),
    _spectral("_dense_no_bias", part("Dense", units=4, use_bias=False, activation="tanh"), x(2, 3), call=TRAIN),
    _spectral("_dense_rank3", part("Dense", units=4), x(2, 5, 3), call=TRAIN),
    _spectral("_conv1d", part("Conv1D", filters=3, kernel_size=2), x(2, 5, 3), call=TRAIN),
    _spectral("_conv2d", part("Conv2D", filters=3, kernel_size=2), x(2, 5, 4, 3), call=TRAIN, steps=2),
    _spectral("_conv2d_inference", part("Conv2D", filters=3, kernel_size=2, padding="same"), x(2, 5, 4, 3)),
    _spectral("_conv2d_transpose", part("Conv2DTranspose", filters=3, kernel_size=2), x(2, 3, 4, 2), call=TRAIN),
    _spectral("_einsum", part("EinsumDense", equation="ab,bcd->acd", output_shape=[2, 4]), x(2, 3), call=TRAIN,
              per_generation={"2.15": {"skip": ["static_shape"]}}),
    _spectral("_zero_kernel", part("Dense", units=4), x(2, 3), call=TRAIN, weights={"0": [0.0, 0.0]}),
    _spectral("_frozen", part("Dense", units=4), x(2, 3), call=TRAIN, trainable=False),
    _spectral("_masked", part("Dense", units=4), x(2, 3, 4, mask=STEPS)),
    _spectral("_no_kernel", part("Activation", activation="relu"), x(2, 3), errors=list(NEW)),
    _spectral("_no_iterations", part("Dense", units=4), x(2, 3), {"power_iterations": 0}, errors=list(NEW)),
]  # fmt: skip

CASES = GROUP + UNIT + RMS + SPECTRAL
