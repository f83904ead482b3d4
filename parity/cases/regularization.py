"""Losses of layers by generation: activity terms are divided by the batch from tf.keras on; weight terms never are."""

from parity.cases.make import OLD, layer, obj, ones, part, sequential, values, x

EYE = [[1, 0], [0, 1]]

CASES = [
    layer("regularization/kernel_l2_identity", "Dense", {"units": 2, "kernel_regularizer": obj("L1L2", l1=0.0, l2=0.1)}, x(3, 2),
          weights={"0": EYE}),
    layer("regularization/activity_l1_known", "Dense", {"units": 3, "use_bias": False, "activity_regularizer": obj("L1L2", l1=0.1, l2=0.0)},
          ones(4, 3), weights={"0": [[1, 1, 1], [1, 1, 1], [1, 1, 1]]}, note="outputs sum to 36: 3.6 in old Keras, 0.9 later"),
    layer("regularization/activity_of_one_sample", "ActivityRegularization", {"l1": 0.5}, x(1, 3)),
    layer("regularization/activity_rank4", "ActivityRegularization", {"l2": 0.5}, x(3, 2, 4, 5)),
    layer("regularization/activity_in_training", "ActivityRegularization", {"l1": 0.1, "l2": 0.2}, x(6, 3)),
    layer("regularization/conv_activity", "Conv2D", {"filters": 2, "kernel_size": 2, "activity_regularizer": obj("L1L2", l1=0.1, l2=0.2)},
          x(3, 4, 5, 2)),
    layer("regularization/two_kinds", "Dense", {"units": 3, "kernel_regularizer": "l1", "activity_regularizer": "l2"}, x(5, 4)),
    layer("regularization/activation_layer", "Activation", {"activation": "relu", "activity_regularizer": "l2"}, x(5, 4),
          errors=list(OLD), per_generation={"2.15": {"skip": ["rebuild"], "note": "tf.keras leaves the regularizer out of the config"}}),
    layer("regularization/frozen", "Dense", {"units": 3, "kernel_regularizer": "l2", "bias_regularizer": "l1"}, x(5, 4), trainable=False),
    layer("regularization/normalization_scale", "BatchNormalization", {"gamma_regularizer": "l2"}, x(5, 4), call={"training": True}),
    layer("regularization/l1l2_name", "Dense", {"units": 3, "kernel_regularizer": "l1_l2"}, x(5, 4), errors=["3"]),
    layer("regularization/unknown", "Dense", {"units": 3, "kernel_regularizer": "no_such"}, x(5, 4), errors=["2.2", "2.3", "2.15", "3"]),
    layer("regularization/masked_activity", "Dense", {"units": 3, "activity_regularizer": "l1"},
          values([[[1, 2], [0, 0]], [[3, -1], [2, 2]]], mask=[[1, 0], [1, 1]])),
    sequential("regularization/several_layers", [part("Dense", units=3, input_shape=[4], kernel_regularizer="l2", bias_regularizer="l1",
               activity_regularizer="l2"), part("Dense", units=2, kernel_regularizer="l1"), part("ActivityRegularization", l1=0.1)],
               x(5, 4)),
    sequential("regularization/order", [part("ActivityRegularization", l1=0.1, input_shape=[4]),
               part("Dense", units=3, kernel_regularizer="l2"), part("ActivityRegularization", l2=0.1)], x(5, 4)),
]  # fmt: skip
