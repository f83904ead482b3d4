"""Trainings of 10 to 30 steps: what optimizers, losses, weights, regularizers, constraints and averages make together.

All batches differ, but for those of `fit`. The weights after some steps and after the last are compared, and the losses or logs.
float64 runs where Keras computes in it: schedules and the optimizers of tf.keras 2.10 (`legacy`) go through float32.
"""

from parity.cases.make import NEW, OLD, TF, functional, obj, part, sequential, x

D = "Dense"


def _train(optimizer, rate, steps=20, loss="mse", config=None, **more):
    return dict({"loss": loss, "optimizer": optimizer, "rate": rate, "steps": steps, "config": config or {}}, **more)


def _mlp(name, train, layers=None, inputs=None, **more):
    layers = layers or [part(D, units=6, activation="tanh", input_shape=[5]), part(D, units=3)]
    return sequential("trajectories/" + name, layers, inputs or x(8, 5), **_common(train, **more))


def _common(train, generations=(*OLD, *NEW), float64=(*OLD, *NEW), **more):
    """What all cases have; float64 in those generations of the case that have it."""
    listed = [g for g in float64 if g in generations]
    return dict(train=train, gradient=False, generations=list(generations), float64=listed, **more)


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


#: float64 of what has regularizers, whose factors Keras 3 takes through float32
NOT_3 = (*OLD, *TF)
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


def _each(name, optimizer, rate, generations=(*OLD, *NEW), float64=(*OLD, *NEW), layers=None, **config):
    """An optimizer over 30 steps, seen half-way too."""
    return _mlp(name, _train(optimizer, rate, 30, config=config, watch=[3, 15]), layers, generations=generations, float64=float64)


def _schedule(name, optimizer, schedule, generations=NEW, **config):
    return _each(name, optimizer, {"class_name": schedule, "config": config}, generations, ())


EACH = [
    _each("rmsprop", "RMSprop", 0.02),
    _each("rmsprop_decay", "RMSprop", 0.05, OLD, rho=0.7, decay=0.1),
    _each("rmsprop_centered", "RMSprop", 0.02, NEW, centered=True, momentum=0.5, epsilon=0.01),
    _each("adagrad", "Adagrad", 0.1),
    _each("adagrad_epsilon", "Adagrad", 0.1, epsilon=0.1),
    _each("adadelta", "Adadelta", 1.0),
    _each("adadelta_epsilon", "Adadelta", 0.5, rho=0.8, epsilon=0.01),
    _each("adamax", "Adamax", 0.03),
    _each("adamax_clipvalue", "Adamax", 0.05, beta_1=0.7, clipvalue=0.1),
    _each("nadam", "Nadam", 0.02),
    _each("nadam_betas", "Nadam", 0.03, beta_1=0.7, beta_2=0.9),
    _each("adamw", "AdamW", 0.03, NEW, weight_decay=0.1),
    _each("ftrl", "Ftrl", 0.3, NEW, l1_regularization_strength=0.01, beta=0.1),
    _each("lion", "Lion", 0.01, NEW),
    _each("adafactor", "Adafactor", 0.05, NEW, ()),
    _each("lamb", "Lamb", 0.02, ["3"]),
    _each("muon", "Muon", 0.02, ["3"]),
    _each("legacy_sgd", "legacy.SGD", 0.1, TF, (), momentum=0.8, decay=0.05, clipnorm=0.5),
    _each("legacy_rmsprop", "legacy.RMSprop", 0.02, TF, ()),
    _each("legacy_adagrad", "legacy.Adagrad", 0.1, TF, (), epsilon=0.1),
    _each("legacy_adadelta", "legacy.Adadelta", 1.0, TF, ()),
    _each("legacy_adam", "legacy.Adam", 0.05, TF, (), decay=0.1, amsgrad=True),
    _each("legacy_adamax", "legacy.Adamax", 0.03, TF, ()),
    _each("legacy_nadam", "legacy.Nadam", 0.02, TF, ()),
    _each("legacy_ftrl", "legacy.Ftrl", 0.3, TF, (), l2_regularization_strength=0.1),
]

SHARED = [
    _each("global_clipnorm", "RMSprop", 0.05, NEW, global_clipnorm=0.1),
    _each("clipnorm", "Adamax", 0.05, clipnorm=0.2),
    _each("weight_decay_regularized", "SGD", 0.1, NEW, TF, weight_decay=0.05, momentum=0.5,
          layers=[part(D, units=6, input_shape=[5], kernel_regularizer="l2"), part(D, units=3)]),
    _each("averages_constrained", "SGD", 0.2, NEW, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=4, momentum=0.5,
          layers=[part(D, units=6, input_shape=[5], kernel_constraint="non_neg"), part(D, units=3, kernel_constraint="unit_norm")]),
    _each("averages_adam", "Adam", 0.05, NEW, use_ema=True, ema_momentum=0.8),
    _each("accumulation", "Adam", 0.05, ["3"], gradient_accumulation_steps=3),
    _each("accumulation_all", "SGD", 0.1, ["3"], gradient_accumulation_steps=2, momentum=0.5, weight_decay=0.05, clipnorm=0.3,
          use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=3,
          layers=[part(D, units=6, input_shape=[5], kernel_constraint=obj("MaxNorm", max_value=0.6)), part(D, units=3)]),
    _each("scaled", "Adam", 0.05, ["3"], loss_scale_factor=64.0),
    _schedule("exponential", "SGD", "ExponentialDecay", initial_learning_rate=0.3, decay_steps=7, decay_rate=0.6),
    _schedule("inverse_time", "Adam", "InverseTimeDecay", initial_learning_rate=0.1, decay_steps=3, decay_rate=0.5, staircase=True),
    _schedule("piecewise", "RMSprop", "PiecewiseConstantDecay", boundaries=[5, 20], values=[0.03, 0.01, 0.002]),
    _schedule("polynomial", "Nadam", "PolynomialDecay", initial_learning_rate=0.05, decay_steps=8, power=2.0, cycle=True),
    _schedule("cosine_warmup", "AdamW", "CosineDecay", initial_learning_rate=0.0, decay_steps=20, warmup_target=0.1, warmup_steps=6),
    _schedule("cosine_restarts", "Adagrad", "CosineDecayRestarts", initial_learning_rate=0.3, first_decay_steps=5, alpha=0.1),
    _schedule("legacy_exponential", "legacy.Adam", "ExponentialDecay", TF, initial_learning_rate=0.1, decay_steps=7, decay_rate=0.6),
    _mlp("accumulation_exponential",
         _train("SGD", {"class_name": "ExponentialDecay", "config": {"initial_learning_rate": 0.3, "decay_steps": 4, "decay_rate": 0.6}},
                30, config={"gradient_accumulation_steps": 3}), generations=["3"], float64=()),
]  # fmt: skip

LAYERS = [
    _mlp("regularizers", _train("SGD", 0.1, config=MOMENTUM),
         [part(D, units=6, input_shape=[5], kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2"),
          part(D, units=3, kernel_regularizer=obj("L1L2", l1=0.01, l2=0.02))], float64=NOT_3),
    _mlp("regularizers_adam", _train("Adam", 0.02),
         [part(D, units=6, activation="tanh", input_shape=[5], kernel_regularizer="l1"), part("ActivityRegularization", l1=0.02),
          part(D, units=3, activity_regularizer="l2")], float64=NOT_3),
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
         _classes(1, "sigmoid", kernel_regularizer="l2"), float64=NOT_3),
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
               **_common(_train("SGD", 0.05, loss=["mse", "mae"], config=MOMENTUM, loss_weights=[1.0, 0.3]), float64=NOT_3)),
    functional("trajectories/two_outputs_weighted", {"a": [4]},
               {"d": part(D, units=6, activation="tanh"), "bn": part("BatchNormalization", momentum=0.8),
                "e": part(D, units=2, name="left"), "f": part(D, units=3, name="right")},
               [["h", "d", "a"], ["i", "bn", "h"], ["y", "e", "i"], ["z", "f", "h"]], ["y", "z"], [x(8, 4)],
               **_common(_train("Adam", 0.03, sample_weight=WEIGHTS * 2), float64=())),
    functional("trajectories/shared", {"a": [4], "b": [4]},
               {"d": part(D, units=4, activation="tanh", activity_regularizer="l2"), "join": part("Subtract")},
               [["p", "d", "a"], ["q", "d", "b"], ["r", "d", "q"], ["y", "join", ["p", "r"]]], "y", [x(8, 4), x(8, 4)],
               **_common(_train("Adam", 0.03), float64=NOT_3)),
]  # fmt: skip

#: each word once: of one that comes twice, Keras 3 on TensorFlow squares the two gradients apart, tf_keras and dense gradients their sum
WORDS = {"values": [[1, 2, 3, 0, 0], [4, 5, 0, 0, 0], [6, 7, 8, 9, 10], [11, 12, 13, 0, 0]]}
AGAIN = {"values": [[1, 2, 3, 0, 0], [4, 5, 0, 0, 0], [6, 1, 2, 3, 4], [5, 5, 1, 0, 0]]}


def _recurrent(name, cell, train, said=WORDS, units=4, **more):
    """An embedding whose zeros are masked, a recurrent layer, a classifier."""
    words = {"input_dim": 14, "output_dim": 3, "mask_zero": True}
    layers = [part("Embedding", **words, input_length=5), part(cell, units=units, **more), part(D, units=2)]
    new = [part("Embedding", **words), *layers[1:]]
    case = _mlp(name, train, layers, said, float64=())
    if said is AGAIN:
        return dict(case, generations=[*OLD, *TF])
    return dict(case, per_generation={"3": {"model": {"sequential": new}}})


TIMES = [{"shape": [6, 4], "low": 0.25, "high": 2}]

SEQUENCES = [
    _recurrent("lstm_masked", "LSTM", _train("Adam", 0.03)),
    _recurrent("lstm_repeated", "LSTM", _train("RMSprop", 0.02), AGAIN),
    _recurrent("gru_masked", "GRU", _train("RMSprop", 0.02)),
    _recurrent("simple_rnn_masked", "SimpleRNN", _train("SGD", 0.05, config=NESTEROV), kernel_regularizer="l2"),
    _mlp("lstm_of_steps", _train("Adamax", 0.03),
         [part("LSTM", units=4, return_sequences=True, input_shape=[4, 3]), part("GRU", units=3), part(D, units=2)],
         x(6, 4, 3), float64=()),
    _mlp("temporal_weights", _train("SGD", 0.1, config=MOMENTUM, sample_weight=TIMES, sample_weight_mode="temporal"),
         [part(D, units=5, activation="tanh", input_shape=[4, 3]), part(D, units=2)], x(6, 4, 3), generations=[*OLD, "2.15"],
         per_generation={"2.15": {"train": _train("SGD", 0.1, config=MOMENTUM, sample_weight=TIMES)}}),
]  # fmt: skip

FITS = [
    _mlp("fit_accuracy", _train("Adam", 0.05, loss="sparse_categorical_crossentropy", metrics=["accuracy"], epochs=5, batch_size=3,
         targets=LABELS), _classes(3, "softmax"), float64=()),
    _mlp("fit_errors", _train("RMSprop", 0.02, metrics=["mae", "mse"], epochs=5, batch_size=4, sample_weight=WEIGHTS), float64=()),
    _mlp("fit_binary", _train("Nadam", 0.02, loss="binary_crossentropy", metrics=["acc"], epochs=4, batch_size=5, targets=YES_NO),
         _classes(1, "sigmoid", kernel_regularizer="l2"), float64=()),
    functional("trajectories/fit_two_outputs", {"a": [4], "b": [3]},
               {"join": part("Concatenate"), "d": part(D, units=6, activation="tanh"),
                "e": part(D, units=2, name="left"), "f": part(D, units=3, name="right")},
               [["h", "join", ["a", "b"]], ["i", "d", "h"], ["y", "e", "i"], ["z", "f", "i"]], ["y", "z"], [x(8, 4), x(8, 3)],
               **_common(_train("Adagrad", 0.1, loss=["mse", "mae"], loss_weights=[1.0, 0.3], epochs=4, batch_size=4), float64=())),
]  # fmt: skip

CASES = OPTIMIZERS + EACH + SHARED + LAYERS + LOSSES + GRAPHS + SEQUENCES + FITS
