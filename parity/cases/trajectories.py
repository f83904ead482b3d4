"""Trainings of 10 to 30 steps: what optimizers, losses, weights, regularizers, constraints and averages make together.

All batches differ. The last weights are compared, and the loss of every step. float64 runs where Keras' optimizers compute in
it: tf_keras and Keras 3 take learning rates and betas through float32. Their Adam also takes 1 - beta ** t in float32, which is off
by some 1e-5 in the first steps, hence its bar.
"""

from parity.cases.make import NEW, OLD, functional, obj, part, sequential, x

D = "Dense"


def _train(optimizer, rate, steps=20, loss="mse", config=None, **more):
    return dict({"loss": loss, "optimizer": optimizer, "rate": rate, "steps": steps, "config": config or {}}, **more)


def _mlp(name, train, layers=None, inputs=None, **more):
    layers = layers or [part(D, units=6, activation="tanh", input_shape=[5]), part(D, units=3)]
    return sequential("trajectories/" + name, layers, inputs or x(8, 5), **_common(train, **more))


def _common(train, generations=(*OLD, *NEW), float64=OLD, **more):
    """Adam's bar, and float64 in the generations that have it."""
    common = dict(train=train, gradient=False, generations=list(generations), float64=[g for g in float64 if g in generations], **more)
    return dict(common, bar=1e-4) if train["optimizer"] == "Adam" else common


def _classes(units, activation, **more):
    return [part(D, units=6, activation="tanh", input_shape=[5], **more), part(D, units=units, activation=activation)]


def _normalized(**more):
    """Without a bias before the normalization, whose gradient would be rounding alone."""
    return [
        part(D, units=6, use_bias=False, input_shape=[5]),
        part("BatchNormalization", **more),
        part("Activation", activation="tanh"),
        part(D, units=3),
    ]


MOMENTUM, NESTEROV = {"momentum": 0.9}, {"momentum": 0.8, "nesterov": True}
LABELS = [{"shape": [8, 1], "low": 0, "high": 3, "dtype": "int32"}]
YES_NO = [{"shape": [8, 1], "low": 0, "high": 2, "dtype": "int32"}]
SHARES = {"values": [[0.2, 0.3, 0.5], [1, 0, 0], [0, 0.5, 0.5], [0, 0, 1], [0.1, 0.8, 0.1], [0, 1, 0], [0.6, 0.4, 0], [0, 0, 1]]}
WEIGHTS = [{"shape": [8], "low": 0.25, "high": 2}]
STEPS_MASK = [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 1, 1]]

OPTIMIZERS = [
    _mlp("sgd", _train("SGD", 0.1, 30)),
    _mlp("sgd_momentum", _train("SGD", 0.05, 30, config=MOMENTUM)),
    _mlp("sgd_nesterov", _train("SGD", 0.05, 30, config=NESTEROV)),
    _mlp("sgd_clipvalue", _train("SGD", 0.2, config=dict(MOMENTUM, clipvalue=0.05))),
    _mlp("sgd_decay", _train("SGD", 0.2, config=dict(MOMENTUM, decay=0.1)), generations=list(OLD)),
    _mlp("adam", _train("Adam", 0.05, 30)),
    _mlp("adam_amsgrad", _train("Adam", 0.05, 30, config={"amsgrad": True, "beta_2": 0.9})),
    _mlp("adam_clipnorm", _train("Adam", 0.05, config={"clipnorm": 0.3})),
    _mlp("adam_decay", _train("Adam", 0.05, config={"decay": 0.2}), generations=list(OLD)),
    _mlp("adam_weight_decay", _train("Adam", 0.05, config={"weight_decay": 0.1}), generations=list(NEW)),
    _mlp("sgd_averages", _train("SGD", 0.1, config={"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 7}),
         generations=list(NEW)),
]  # fmt: skip

LAYERS = [
    _mlp("regularizers", _train("SGD", 0.1, config=MOMENTUM),
         [part(D, units=6, input_shape=[5], kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2"),
          part(D, units=3, kernel_regularizer=obj("L1L2", l1=0.01, l2=0.02))]),
    _mlp("regularizers_adam", _train("Adam", 0.02),
         [part(D, units=6, activation="tanh", input_shape=[5], kernel_regularizer="l1"), part("ActivityRegularization", l1=0.02),
          part(D, units=3, activity_regularizer="l2")]),
    _mlp("constraints", _train("SGD", 0.2, config=NESTEROV),
         [part(D, units=6, input_shape=[5], kernel_constraint=obj("MaxNorm", max_value=0.8)),
          part(D, units=3, bias_constraint="non_neg", kernel_constraint="unit_norm")]),
    _mlp("constraints_adam", _train("Adam", 0.05),
         [part(D, units=6, activation="tanh", input_shape=[5], kernel_constraint="non_neg"),
          part(D, units=3, kernel_constraint=obj("MinMaxNorm", min_value=0.4, max_value=0.9, rate=0.5))]),
    _mlp("batch_normalization", _train("SGD", 0.05, config=MOMENTUM), _normalized(momentum=0.9), float64=()),
    _mlp("batch_normalization_adam", _train("Adam", 0.02), _normalized(momentum=0.7, gamma_regularizer="l2"), float64=()),
    _mlp("frozen_normalization", _train("SGD", 0.05, config=MOMENTUM),
         [part(D, units=6, input_shape=[5]), dict(part("BatchNormalization"), trainable=False), part(D, units=3)],
         float64=()),
    _mlp("convolution", _train("SGD", 0.005, 10, config=MOMENTUM),
         [part("Conv2D", filters=4, kernel_size=3, activation="tanh", padding="same", input_shape=[6, 5, 2]), part("MaxPooling2D"),
          part("BatchNormalization", momentum=0.8), part("Conv2D", filters=3, kernel_size=2, strides=2), part("Flatten"), part(D, units=2)],
         x(4, 6, 5, 2), float64=()),
    _mlp("layer_normalization", _train("Adam", 0.02),
         [part(D, units=6, input_shape=[5]), part("LayerNormalization"), part(D, units=3)], generations=list(NEW)),
]  # fmt: skip

LOSSES = [
    _mlp("binary_crossentropy", _train("SGD", 0.2, 30, "binary_crossentropy", MOMENTUM, targets=YES_NO), _classes(1, "sigmoid")),
    _mlp("categorical_crossentropy", _train("Adam", 0.05, 20, "categorical_crossentropy", targets=[SHARES]),
         _classes(3, "softmax")),
    _mlp("sparse_crossentropy", _train("Adam", 0.05, 20, "sparse_categorical_crossentropy", targets=LABELS), _classes(3, "softmax")),
    _mlp("sample_weights", _train("SGD", 0.1, 20, "binary_crossentropy", NESTEROV, targets=YES_NO, sample_weight=WEIGHTS),
         _classes(1, "sigmoid", kernel_regularizer="l2")),
    _mlp("class_weights", _train("Adam", 0.05, 20, "sparse_categorical_crossentropy", targets=LABELS,
         class_weight={"0": 0.5, "1": 2.0, "2": 3.5}), _classes(3, "softmax")),
    _mlp("class_and_sample_weights", _train("SGD", 0.1, 20, "sparse_categorical_crossentropy", MOMENTUM, targets=LABELS,
         sample_weight=WEIGHTS, class_weight={"0": 0.5, "1": 2.0, "2": 3.5}), _classes(3, "softmax"), generations=["2.2", "2.3", "2.15"]),
    _mlp("mean_absolute_error", _train("SGD", 0.05, 20, "mae", MOMENTUM)),
]  # fmt: skip

MASKED = [part("Masking", input_shape=[4, 3]), part(D, units=5, activation="tanh"), part(D, units=2)]
HIDDEN = {"values": [[[0.5 * (t + 1), -0.25 * row, 0.1] if on else [0, 0, 0] for t, on in enumerate(mask)]
                     for row, mask in enumerate(STEPS_MASK)]}  # fmt: skip

GRAPHS = [
    _mlp("masks", _train("SGD", 0.1, config=MOMENTUM), MASKED, HIDDEN),
    _mlp("masks_adam", _train("Adam", 0.03), MASKED, HIDDEN),
    _mlp("masks_weighted", _train("SGD", 0.1, config=NESTEROV, sample_weight=[{"shape": [6], "low": 0.25, "high": 2}]), MASKED, HIDDEN,
         errors=["3"]),
    functional("trajectories/two_inputs_two_outputs", {"a": [4], "b": [3]},
               {"join": part("Concatenate"), "d": part(D, units=6, activation="tanh", kernel_regularizer="l2"),
                "e": part(D, units=2, name="left"), "f": part(D, units=3, name="right")},
               [["h", "join", ["a", "b"]], ["i", "d", "h"], ["y", "e", "i"], ["z", "f", "i"]], ["y", "z"], [x(8, 4), x(8, 3)],
               **_common(_train("SGD", 0.05, loss=["mse", "mae"], config=MOMENTUM, loss_weights=[1.0, 0.3]))),
    functional("trajectories/two_outputs_weighted", {"a": [4]},
               {"d": part(D, units=6, activation="tanh"), "bn": part("BatchNormalization", momentum=0.8),
                "e": part(D, units=2, name="left"), "f": part(D, units=3, name="right")},
               [["h", "d", "a"], ["i", "bn", "h"], ["y", "e", "i"], ["z", "f", "h"]], ["y", "z"], [x(8, 4)],
               **_common(_train("Adam", 0.03, sample_weight=WEIGHTS * 2), float64=())),
    functional("trajectories/shared", {"a": [4], "b": [4]},
               {"d": part(D, units=4, activation="tanh", activity_regularizer="l2"), "join": part("Subtract")},
               [["p", "d", "a"], ["q", "d", "b"], ["r", "d", "q"], ["y", "join", ["p", "r"]]], "y", [x(8, 4), x(8, 4)],
               **_common(_train("Adam", 0.03))),
]  # fmt: skip

CASES = OPTIMIZERS + LAYERS + LOSSES + GRAPHS
