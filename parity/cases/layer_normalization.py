"""LayerNormalization: axes, options, masks, sizes of 1 and 0, bad arguments."""

from parity.cases.make import NEW, layer, obj, values, x


def _ln(name, config, inputs, **fields):
    fields.setdefault("generations", list(NEW))
    return layer("layer_normalization/" + name, "LayerNormalization", config, inputs, **fields)


#: name -> (axis, shape)
AXES = {
    "rank2": (-1, (4, 3)), "rank3": (-1, (2, 3, 4)), "rank4": (-1, (2, 3, 2, 4)), "rank5": (-1, (2, 2, 2, 3, 3)),
    "first": (1, (2, 3, 4)), "first_rank4": (1, (2, 3, 2, 4)), "middle": (2, (2, 3, 4, 2)), "negative": (-2, (2, 3, 4)),
    "listed": ([2], (2, 3, 4)), "two": ([1, 2], (2, 3, 4)), "two_negative": ([-2, -1], (2, 3, 4)), "all": ([1, 2, 3], (2, 3, 2, 2)),
    "apart": ([1, 3], (2, 3, 2, 4)), "leading": ([1, 2], (2, 3, 2, 4)),
}  # fmt: skip
OPTIONS = {
    "no_center": {"center": False}, "no_scale": {"scale": False}, "bare": {"center": False, "scale": False},
    "epsilon": {"epsilon": 0.1}, "small_epsilon": {"epsilon": 1e-7}, "epsilon_axis1": {"epsilon": 0.01, "axis": 1},
    "bare_axis1": {"center": False, "scale": False, "axis": 1}, "no_center_axis1": {"center": False, "axis": 1},
    "no_scale_axes": {"scale": False, "axis": [1, 2]},
    "regularized": {"beta_regularizer": "l2", "gamma_regularizer": obj("L1L2", l1=0.1, l2=0.2)},
    "constrained": {"beta_constraint": "non_neg", "gamma_constraint": "max_norm"},
}  # fmt: skip

CASES = (
    [_ln("axis_" + name, {"axis": axis}, x(*shape), float64=name in ("rank2", "first", "two", "apart"))
     for name, (axis, shape) in AXES.items()]
    + [_ln(name, config, x(2, 3, 4)) for name, config in OPTIONS.items()]
    + [
        _ln("initializers", {"beta_initializer": "ones", "gamma_initializer": obj("Constant", value=2.0)}, x(2, 3, 4), weights="initial"),
        _ln("known", {}, values([[0.0, 0.02], [-1.0, 1.0], [3.0, 3.0]]), weights="initial"),
        _ln("training", {}, x(2, 3, 4), call={"training": True}),
        _ln("frozen", {}, x(2, 3, 4), call={"training": True}, trainable=False),
        _ln("masked", {}, x(2, 3, 4, mask=[[1, 0, 1], [1, 1, 0]])),
        _ln("masked_axes", {"axis": [1, 2]}, x(2, 3, 4, mask=[[1, 0, 1], [1, 1, 0]])),
        _ln("size_one", {}, x(3, 4, 1)),
        _ln("steps_of_one", {"axis": 1}, x(3, 1, 4)),
        _ln("empty_batch", {}, x(0, 3, 4)),
        _ln("empty_batch_axis1", {"axis": 1}, x(0, 3, 4)),
        _ln("rms_scaling", {"rms_scaling": True}, x(2, 3, 4), generations=["3"]),
        _ln("rms_scaling_axis1", {"rms_scaling": True, "axis": 1, "epsilon": 0.1}, x(2, 3, 4), generations=["3"]),
        _ln("rms_scaling_axes", {"rms_scaling": True, "axis": [1, 2]}, x(2, 3, 4), generations=["3"], float64=True),
        _ln("rms_scaling_bare", {"rms_scaling": True, "scale": False, "center": False}, x(2, 3, 4), generations=["3"]),
        _ln("axis_out_of_range", {"axis": 3}, x(2, 3, 4), errors=list(NEW)),
        _ln("axis_too_negative", {"axis": -4}, x(2, 3, 4), errors=list(NEW)),
        _ln("axis_words", {"axis": "last"}, x(2, 3, 4), errors=list(NEW)),
        _ln("axis_twice", {"axis": [1, -2]}, x(2, 3, 4), generations=["2.15"], errors=["2.15"]),
    ]
)  # fmt: skip
