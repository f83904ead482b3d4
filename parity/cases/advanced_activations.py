"""LeakyReLU, PReLU, ELU, ThresholdedReLU, ReLU, Softmax: every argument, masks, kinks, and the arguments that are refused."""

from parity.cases.make import ALL, NEW, OLD, TF, layer, obj, values, x

#: has every kink: 0, thresholds and maxima at 0.5, 1, 6
GRID = [[-7, -2.5, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 1.5, 2, 5.5, 6, 7]]
STEPS = [[1, 1, 0], [0, 1, 1]]
KERAS2 = [*OLD, *TF]
F = "advanced_activations/"


# LeakyReLU is not run in float64: TensorFlow's operation keeps the slope in float32, whatever the tensor.
def _leaky(name, slope, inputs, **fields):
    """`alpha` in Keras 1 and 2, `negative_slope` in Keras 3."""
    told = {} if slope is None else {"alpha": slope}
    new = {"3": {"config": {} if slope is None else {"negative_slope": slope}}}
    return layer(F + "leaky_relu" + name, "LeakyReLU", told, inputs, per_generation=new, **fields)


def _relu(name, config, inputs=None, **fields):
    return layer(F + "relu" + name, "ReLU", config, values(GRID) if inputs is None else inputs, **fields)


def _prelu(name, config, inputs, **fields):
    return layer(F + "prelu" + name, "PReLU", config, inputs, **fields)


def _softmax(name, config, inputs, **fields):
    return layer(F + "softmax" + name, "Softmax", config, inputs, **fields)


LEAKY = [
    _leaky("", None, values(GRID)),
    _leaky("_slope", 0.1, values(GRID)),
    _leaky("_zero", 0.0, values(GRID), float64=True),
    _leaky("_one", 1.0, x(2, 3, 4)),
    _leaky("_rank4", 0.2, x(2, 3, 2, 4)),
    _leaky("_masked", 0.2, x(2, 3, 4, mask=STEPS)),
    _leaky("_negative", -0.2, x(2, 3), errors=["3"]),
    _leaky("_none", "none", x(2, 3), generations=["3"], errors=["3"]),
    layer(F + "leaky_relu_alpha", "LeakyReLU", {"alpha": 0.2}, x(2, 3), generations=["3"]),
    layer(F + "leaky_relu_frozen", "LeakyReLU", {"trainable": False, "name": "told"}, x(2, 3)),
    layer(F + "leaky_relu_unknown", "LeakyReLU", {"no_such": 0.2}, x(2, 3), errors=list(ALL)),
]  # fmt: skip
for _case in LEAKY:
    if _case["id"].endswith("_none"):
        _case["per_generation"]["3"]["config"] = {"negative_slope": None}

PRELU = [
    _prelu("", {}, x(3, 5), float64=True),
    _prelu("_kink", {}, values(GRID)),
    _prelu("_initial", {}, x(3, 5), weights="initial"),
    _prelu("_constant", {"alpha_initializer": obj("Constant", value=0.25)}, x(3, 5), weights="initial"),
    _prelu("_rank3", {}, x(2, 3, 4)),
    _prelu("_rank3_shared", {"shared_axes": [1]}, x(2, 3, 4), float64=True),
    _prelu("_rank4", {}, x(2, 3, 2, 4)),
    _prelu("_rank4_shared", {"shared_axes": [1, 2]}, x(2, 3, 2, 4)),
    _prelu("_rank4_shared_last", {"shared_axes": [3]}, x(2, 3, 2, 4)),
    _prelu("_rank4_shared_all", {"shared_axes": [1, 2, 3]}, x(2, 3, 2, 4)),
    _prelu("_rank5_shared", {"shared_axes": [1, 2, 3]}, x(2, 3, 2, 2, 4)),
    _prelu("_shared_integer", {"shared_axes": 1}, x(2, 3, 4)),
    _prelu("_regularized", {"alpha_regularizer": "l2"}, x(3, 5)),
    _prelu("_regularized_both", {"alpha_regularizer": obj("L1L2", l1=0.1, l2=0.2), "shared_axes": [1]}, x(2, 3, 4)),
    _prelu("_constrained", {"alpha_constraint": "non_neg"}, x(3, 5)),
    _prelu("_masked", {}, x(2, 3, 4, mask=STEPS)),
    _prelu("_frozen", {}, x(3, 5), trainable=False),
]  # fmt: skip

ELU = [
    layer(F + "elu", "ELU", {}, values(GRID), float64=True),
    layer(F + "elu_alpha", "ELU", {"alpha": 2.0}, values(GRID)),
    layer(F + "elu_half", "ELU", {"alpha": 0.5}, x(2, 3, 4), float64=True),
    layer(F + "elu_negative", "ELU", {"alpha": -1.0}, x(2, 3)),
    layer(F + "elu_rank4", "ELU", {"alpha": 0.5}, x(2, 3, 2, 4)),
    layer(F + "elu_masked", "ELU", {}, x(2, 3, 4, mask=STEPS)),
    layer(F + "elu_far", "ELU", {"alpha": 0.7}, values([[-100, -30, 30, 100]])),
    layer(F + "elu_none", "ELU", {"alpha": None}, x(2, 3), generations=list(NEW), errors=list(NEW)),
]  # fmt: skip

THRESHOLDED = [
    layer(F + "thresholded_relu" + name, "ThresholdedReLU", config, inputs, generations=KERAS2, **fields)
    for name, config, inputs, fields in (
        ("", {}, values(GRID), {"float64": True}),
        ("_half", {"theta": 0.5}, values(GRID), {}),
        ("_zero", {"theta": 0.0}, values(GRID), {}),
        ("_rank3", {"theta": 0.25}, x(2, 3, 4), {}),
        ("_masked", {"theta": 0.25}, x(2, 3, 4, mask=STEPS), {}),
        ("_negative", {"theta": -1.0}, values(GRID), {"errors": list(TF)}),
    )
] + [layer(F + "thresholded_relu_none", "ThresholdedReLU", {"theta": None}, x(2, 3), generations=list(TF), errors=list(TF))]

RELU = [
    _relu("", {}, float64=True),
    _relu("_max", {"max_value": 1.0}, float64=True),
    _relu("_max_six", {"max_value": 6.0}),
    _relu("_max_six_integer", {"max_value": 6}, generations=["3"]),
    _relu("_max_zero", {"max_value": 0.0}, x(2, 5), generations=list(NEW)),
    _relu("_slope", {"negative_slope": 0.1}),
    _relu("_slope_quarter", {"negative_slope": 0.25}, float64=KERAS2),
    _relu("_threshold", {"threshold": 1.0}, float64=True),
    _relu("_slope_threshold", {"negative_slope": 0.25, "threshold": 0.5}),
    _relu("_max_threshold", {"max_value": 2.0, "threshold": 1.0}),
    _relu("_all", {"max_value": 1.5, "negative_slope": 0.1, "threshold": 0.5}),
    _relu("_six_slope", {"max_value": 6.0, "negative_slope": 0.1}),
    _relu("_rank4", {"max_value": 0.5}, x(2, 3, 2, 4)),
    _relu("_masked", {}, x(2, 3, 4, mask=STEPS)),
    _relu("_max_negative", {"max_value": -1.0}, x(2, 3), errors=list(ALL)),
    _relu("_slope_negative", {"negative_slope": -1.0}, x(2, 3), errors=list(ALL)),
    _relu("_threshold_negative", {"threshold": -1.0}, values(GRID), errors=list(NEW)),
    _relu("_threshold_none", {"threshold": None}, x(2, 3), generations=list(NEW), errors=list(NEW)),
]  # fmt: skip

SPREAD = {"low": -4, "high": 4}
SOFTMAX = [
    _softmax("", {}, x(3, 5, **SPREAD), float64=True),
    _softmax("_rank3", {}, x(2, 3, 4, **SPREAD)),
    _softmax("_rank4", {}, x(2, 3, 2, 4, **SPREAD)),
    _softmax("_axis1", {"axis": 1}, x(2, 3, 4, **SPREAD), float64=True),
    _softmax("_axis_minus_two", {"axis": -2}, x(2, 3, 4, **SPREAD)),
    _softmax("_axis0", {"axis": 0}, x(3, 4, **SPREAD)),
    _softmax("_two_axes", {"axis": [1, 2]}, x(2, 3, 4, **SPREAD), generations=list(NEW), float64=True),
    _softmax("_one_of_a_list", {"axis": [1]}, x(2, 3, 4, **SPREAD), generations=list(NEW)),
    _softmax("_old_two_axes", {"axis": [1, 2]}, x(2, 3, 4, **SPREAD), generations=list(OLD)),
    _softmax("_large", {}, values([[1000, 1000, 0], [-1000, 0, 1000]])),
    _softmax("_rank1", {}, x(4), generations=list(NEW), errors=list(TF)),
    _softmax("_masked", {}, x(2, 3, mask=STEPS, **SPREAD)),
    _softmax("_masked_all", {}, x(2, 3, mask=[[0, 0, 0], [1, 0, 0]], **SPREAD)),
    _softmax("_masked_documented", {}, values([[1, 2, 1], [1, 2, 1]], mask=[[1, 0, 1], [1, 1, 1]])),
    _softmax("_masked_large", {}, values([[0, 1e9, 1], [1, 2, 3]], mask=[[1, 0, 1], [0, 0, 0]])),
    _softmax("_masked_steps", {}, x(2, 3, 4, mask=STEPS), errors=list(NEW)),
    _softmax("_mask_argument", {}, x(2, 3, **SPREAD), call={"mask": STEPS}, generations=list(NEW), float64=True),
    _softmax("_mask_argument_rank3", {}, x(2, 2, 3, **SPREAD), call={"mask": [[[1, 0, 1], [1, 1, 0]], [[0, 0, 0], [1, 1, 1]]]},
             generations=list(NEW)),
    _softmax("_mask_broadcast", {}, x(2, 4, 3, **SPREAD), call={"mask": [[[1, 0, 1]], [[0, 1, 1]]]}, generations=list(NEW)),
    _softmax("_mask_row", {}, x(2, 3, **SPREAD), call={"mask": [1, 0, 1]}, generations=list(NEW)),
    _softmax("_mask_axis1", {"axis": 1}, x(2, 2, 3, **SPREAD), call={"mask": [[[1, 0, 1], [1, 1, 0]], [[0, 1, 1], [1, 1, 1]]]},
             generations=list(NEW)),
    _softmax("_mask_two_axes", {"axis": [1, 2]}, x(2, 2, 3, **SPREAD), call={"mask": [[[1, 0, 1], [1, 1, 0]], [[0, 1, 1], [1, 1, 1]]]},
             generations=list(NEW)),
]  # fmt: skip

CASES = LEAKY + PRELU + ELU + THRESHOLDED + RELU + SOFTMAX
