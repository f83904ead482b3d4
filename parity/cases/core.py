"""Dense, Activation, Flatten, Reshape, Permute, RepeatVector, Lambda, Masking, ActivityRegularization, Identity."""

from parity.cases.make import NEW, OLD, layer, obj, ones, values, x

STEPS = [[1, 1, 0, 1, 0], [0, 1, 1, 0, 0]]

#: Keras 3 keeps the factors of regularizers in float32 whatever the floatx
DOUBLE = [*OLD, "2.15"]

DENSE = [
    layer("core/dense", "Dense", {"units": 5}, x(2, 7), float64=True),
    layer("core/dense_rank3", "Dense", {"units": 5}, x(2, 3, 7), float64=True),
    layer("core/dense_rank4", "Dense", {"units": 4}, x(2, 3, 5, 7)),
    layer("core/dense_no_bias", "Dense", {"units": 5, "use_bias": False}, x(3, 7)),
    layer("core/dense_one_unit", "Dense", {"units": 1}, x(3, 2)),
    layer("core/dense_initial_bias", "Dense", {"units": 4, "bias_initializer": obj("Constant", value=0.25),
          "kernel_initializer": obj("Constant", value=-0.5)}, x(3, 2), weights="initial"),
    layer("core/dense_masked", "Dense", {"units": 4}, x(2, 5, 3, mask=STEPS)),
    layer("core/dense_regularized", "Dense", {"units": 4, "kernel_regularizer": "l2", "bias_regularizer": "l1"}, x(3, 5), float64=DOUBLE),
    layer("core/dense_activity", "Dense", {"units": 4, "activity_regularizer": "l2"}, x(3, 5), float64=DOUBLE),
    layer("core/dense_activity_rank3", "Dense", {"units": 4, "activity_regularizer": "l1"}, x(2, 3, 5)),
    layer("core/dense_all_losses", "Dense", {"units": 4, "kernel_regularizer": obj("L1L2", l1=0.1, l2=0.2), "bias_regularizer": "l2",
          "activity_regularizer": obj("L1L2", l1=0.3, l2=0.0)}, x(3, 5)),
    layer("core/dense_constraints", "Dense", {"units": 4, "kernel_constraint": "max_norm", "bias_constraint": "non_neg"}, x(3, 5)),
    layer("core/dense_named", "Dense", {"units": 2, "name": "told", "trainable": False}, x(3, 5)),
    layer("core/dense_frozen_later", "Dense", {"units": 2}, x(3, 5), trainable=False),
    layer("core/dense_float64_dtype", "Dense", {"units": 2, "dtype": "float64"}, x(3, 5, dtype="float64"), generations=list(NEW)),
    layer("core/dense_rank1", "Dense", {"units": 2}, x(3), generations=list(NEW), errors=list(NEW)),
    layer("core/dense_zero_units", "Dense", {"units": 0}, x(3, 2), generations=["3"], errors=["3"],
          note="2.15 makes an empty kernel"),
    layer("core/dense_negative_units", "Dense", {"units": -3}, x(3, 2), generations=list(NEW), errors=list(NEW)),
    layer("core/dense_unknown_activation", "Dense", {"units": 2, "activation": "no_such"}, x(3, 2), errors=["2.2", "2.3", "2.15", "3"]),
    layer("core/dense_unknown_initializer", "Dense", {"units": 2, "kernel_initializer": "no_such"}, x(3, 2),
          errors=["2.2", "2.3", "2.15", "3"]),
    layer("core/dense_unknown_keyword", "Dense", {"units": 2, "no_such": 1}, x(3, 2), errors=["2.2", "2.3", "2.15", "3"]),
] + [
    layer("core/dense_" + name, "Dense", {"units": 4, "activation": name}, x(3, 5, low=-3, high=3))
    for name in ("relu", "tanh", "sigmoid", "softmax", "hard_sigmoid", "elu", "selu", "softplus", "softsign", "exponential", "linear")
]  # fmt: skip

ACTIVATION = [
    layer("core/activation_" + name, "Activation", {"activation": name}, x(2, 5, 3, low=-4, high=4), float64=name == "hard_sigmoid")
    for name in ("relu", "tanh", "sigmoid", "softmax", "hard_sigmoid", "elu", "softplus")
] + [
    layer("core/activation_masked", "Activation", {"activation": "tanh"}, x(2, 5, 3, mask=STEPS)),
    layer("core/activation_own", "Activation", {"activation": {"body": "cube"}}, x(2, 5), skip=["config", "rebuild"],
          note="a function of the user is written by name and found only in custom_objects"),
    layer("core/activation_swish", "Activation", {"activation": "swish"}, x(2, 5), generations=list(NEW)),
    layer("core/activation_unknown", "Activation", {"activation": "no_such"}, x(2, 5), errors=["2.2", "2.3", "2.15", "3"]),
]  # fmt: skip

FLATTEN = [
    layer("core/flatten", "Flatten", {}, x(2, 3, 5, 4)),
    layer("core/flatten_rank2", "Flatten", {}, x(2, 7), errors=list(OLD)),
    layer("core/flatten_rank3", "Flatten", {}, x(2, 3, 7)),
    layer("core/flatten_rank5", "Flatten", {}, x(2, 3, 2, 4, 5)),
    layer("core/flatten_channels_first", "Flatten", {"data_format": "channels_first"}, x(2, 3, 5, 4)),
    layer("core/flatten_channels_first_rank3", "Flatten", {"data_format": "channels_first"}, x(2, 3, 7)),
    layer("core/flatten_channels_first_rank2", "Flatten", {"data_format": "channels_first"}, x(2, 7), generations=list(NEW)),
    layer("core/flatten_rank1", "Flatten", {}, x(4), generations=list(NEW)),
    layer("core/flatten_masked", "Flatten", {}, x(2, 5, 3, mask=STEPS), errors=list(OLD)),
    layer("core/flatten_bad_format", "Flatten", {"data_format": "sideways"}, x(2, 5, 3), errors=["2.2", "2.3", "2.15", "3"]),
]  # fmt: skip

RESHAPE = [
    layer("core/reshape", "Reshape", {"target_shape": [4, 3]}, x(2, 3, 4)),
    layer("core/reshape_minus_one", "Reshape", {"target_shape": [-1, 2, 2]}, x(2, 3, 8)),
    layer("core/reshape_minus_one_last", "Reshape", {"target_shape": [2, -1]}, values([[1, 2, 3, 4, 5, 6]])),
    layer("core/reshape_minus_one_three", "Reshape", {"target_shape": [3, -1]}, values([[1, 2, 3, 4, 5, 6]])),
    layer("core/reshape_flat", "Reshape", {"target_shape": [-1]}, x(2, 3, 5)),
    layer("core/reshape_impossible", "Reshape", {"target_shape": [5, 2]}, x(2, 3, 4), errors=["2.2", "2.3", "2.15", "3"]),
    layer("core/reshape_impossible_minus_one", "Reshape", {"target_shape": [5, -1]}, x(2, 3, 4), errors=["2.2", "2.3", "2.15", "3"]),
    layer("core/reshape_masked", "Reshape", {"target_shape": [3, 5]}, x(2, 5, 3, mask=STEPS), errors=list(OLD)),
    layer("core/permute", "Permute", {"dims": [2, 1]}, x(2, 3, 5)),
    layer("core/permute_documented", "Permute", {"dims": [2, 1]}, values([[[1, 2, 3], [4, 5, 6]]])),
    layer("core/permute_rank4", "Permute", {"dims": [3, 1, 2]}, x(2, 3, 4, 5)),
    layer("core/permute_not_a_permutation", "Permute", {"dims": [0, 1]}, x(2, 3, 5), generations=list(NEW), errors=list(NEW)),
    layer("core/permute_masked", "Permute", {"dims": [2, 1]}, x(2, 5, 3, mask=STEPS), errors=list(OLD)),
    layer("core/repeat_vector", "RepeatVector", {"n": 3}, x(2, 5)),
    layer("core/repeat_vector_rank3", "RepeatVector", {"n": 3}, x(2, 5, 4), errors=["2.2", "2.3", "2.15", "3"]),
    layer("core/repeat_vector_float", "RepeatVector", {"n": 2.5}, x(2, 5), generations=list(NEW), errors=list(NEW)),
]  # fmt: skip

LAMBDA = [
    layer("core/lambda", "Lambda", {"function": {"body": "double"}}, x(2, 5)),
    layer("core/lambda_arguments", "Lambda", {"function": {"body": "scaled"}, "arguments": {"scale": 3, "shift": 0.5}}, x(2, 5)),
    layer("core/lambda_shape", "Lambda", {"function": {"body": "first_steps"}, "output_shape": [2, 3]}, x(2, 5, 3)),
    layer("core/lambda_shape_function", "Lambda", {"function": {"body": "first_steps"}, "output_shape": {"body": "first_steps_shape"}},
          x(2, 5, 3)),
    layer("core/lambda_shape_inferred", "Lambda", {"function": {"body": "first_steps"}}, x(2, 5, 3)),
    layer("core/lambda_two_inputs", "Lambda", {"function": {"body": "hadamard"}}, [x(2, 5), x(2, 5)]),
    layer("core/lambda_two_outputs", "Lambda", {"function": {"body": "sum_and_product"}}, [x(2, 5), x(2, 5)], generations=list(NEW)),
    layer("core/lambda_two_outputs_shape", "Lambda", {"function": {"body": "sum_and_product"}, "output_shape": {"body": "both_shapes"}},
          [x(2, 5), x(2, 5)]),
    layer("core/lambda_masked", "Lambda", {"function": {"body": "double"}}, x(2, 5, 3, mask=STEPS)),
    layer("core/lambda_keeps_mask", "Lambda", {"function": {"body": "double"}, "mask": {"body": "keep_mask"}}, x(2, 5, 3, mask=STEPS)),
    layer("core/lambda_mask_argument", "Lambda", {"function": {"body": "blind"}}, x(2, 5, 3, mask=STEPS)),
]  # fmt: skip
for _case in LAMBDA:
    _case["skip"] = ["rebuild"] + ["config.arguments"] * (_case["id"] == "core/lambda_mask_argument")  # old Keras adds the mask there
    _case["note"] = "bytecode is not rebuilt here"

MASKING = [
    layer("core/masking", "Masking", {}, values([[[1, 0], [0, 0], [2, 3]], [[0, 0], [0, 0], [0, 4]]])),
    layer("core/masking_value", "Masking", {"mask_value": 2.5}, values([[[2.5, 2.5], [0, 0], [2.5, 3]], [[1, 0], [2.5, 2.5], [0, 4]]])),
    layer("core/masking_minus_one", "Masking", {"mask_value": -1}, values([[[-1, -1, -1], [0, -1, 0]]])),
    layer("core/masking_rank4", "Masking", {}, values([[[[0, 0], [1, 0]], [[0, 2], [0, 0]]]])),
    layer("core/masking_rank2", "Masking", {}, values([[0, 0], [0, 3]])),
    layer("core/masking_masked", "Masking", {}, values([[[1, 0], [0, 0], [2, 3]]], mask=[[0, 1, 1]])),
]

ACTIVITY = [
    layer("core/activity_l1", "ActivityRegularization", {"l1": 0.3}, x(4, 3)),
    layer("core/activity_l2", "ActivityRegularization", {"l2": 0.2}, x(4, 3, 2)),
    layer("core/activity_both", "ActivityRegularization", {"l1": 0.3, "l2": 0.2}, x(4, 3), float64=DOUBLE),
    layer("core/activity_none", "ActivityRegularization", {}, x(4, 3)),
    layer("core/activity_documented", "ActivityRegularization", {"l1": 1.0}, ones(4, 3)),
    layer("core/activity_masked", "ActivityRegularization", {"l1": 0.3}, x(2, 5, 3, mask=STEPS)),
]

IDENTITY = [
    layer("core/identity", "Identity", {}, x(2, 5, 3), generations=list(NEW)),
    layer("core/identity_integers", "Identity", {"dtype": "int32"}, x(2, 5, dtype="int32", low=-5, high=9), generations=["2.15"]),
    layer("core/identity_masked", "Identity", {}, x(2, 5, 3, mask=STEPS), generations=list(NEW)),
]

CASES = DENSE + ACTIVATION + FLATTEN + RESHAPE + LAMBDA + MASKING + ACTIVITY + IDENTITY
