"""The models whose files are recorded: a table of small, ordinary models, written once for every Keras.

A row of `MODELS`: `make(k, g)` gives a model of the Keras `k`, generation `g`; `inputs` are shapes without the batch, or (shape, highest
integer); `compile` (with an `optimizer` of (class, config)) makes it train two steps before it is saved; `generations` says where it
can be made. `FORMATS` and `WEIGHTS` say what each generation writes. Runs on Python 3.7 too.
"""

from parity import file_models_keras1

SEED = 20
#: generation -> formats that a model is saved in
FORMATS = {"1": ("h5",), "2.2": ("h5",), "2.3": ("h5",), "2.15": ("h5", "keras"), "3": ("h5", "keras")}
#: format -> models that are saved in it besides, in which generations; formats of weights alone hold no model
WEIGHTS = {
    "weights.h5": {
        "2.15": ("dense", "bidirectional", "nested", "shared_inside"),
        "3": ("dense", "bidirectional", "nested", "shared_inside"),
    },
    "weights-legacy.h5": {"2.2": ("dense", "nested"), "2.3": ("dense", "nested"), "2.15": ("dense", "nested")},
    "weights.json": {"3": ("dense", "bidirectional")},
    "savedmodel": {
        "2.15": (
            "dense",
            "conv2d",
            "separable",
            "residual",
            "layer_norm",
            "lstm",
            "gru",
            "bidirectional",
            "time_distributed",
            "stacked_cells",
            "text",
            "masking",
            "two_inputs",
            "two_outputs",
            "shared",
            "nested",
            "nested_frozen",
            "nested_twice",
            "multi_head",
            "optimizer_adam",
            "optimizer_momentum",
            "optimizer_average",
            "optimizer_ftrl",
            "tf_functions",
        )
    },
    "weights.tf": {"2.15": ("dense", "bidirectional", "nested", "nested_frozen", "stacked_cells", "time_distributed")},
}
ALL = ("2.2", "2.3", "2.15", "3")
TF = ("2.15", "3")
ADAM = ("Adam", {"rate": 0.01})
#: for models that normalize after a bias: its gradient is 0 but for rounding, which Adam would turn into steps of full size.
#: And for embeddings: Keras 3 on TensorFlow squares the gradients of a word that occurs twice apart.
SGD = ("SGD", {"rate": 0.05, "momentum": 0.9})


def stack(shape, *rows, **options):
    """A function that makes a Sequential of (class, config) rows; the first one, or an Input, says the shape."""

    def make(k, g):
        layers = [getattr(k.layers, name)(**dict(config)) for name, config in rows[1:]]
        name, config = rows[0]
        if g == "3":
            first = [k.layers.Input(shape), getattr(k.layers, name)(**config)]
        else:
            key = "batch_input_shape" if "batch" in options else "input_shape"
            first = [getattr(k.layers, name)(**dict(config, **{key: shape}))]
        return k.models.Sequential(first + layers)

    return make


def deferred(k, g):
    model = k.models.Sequential([k.layers.Dense(4, activation="relu"), k.layers.Dense(2)])
    model.build((None, 3))
    return model


def two_inputs(k, g):
    a, b = k.layers.Input((4,), name="left"), k.layers.Input((3,), name="right")
    both = k.layers.concatenate([k.layers.Dense(3, activation="tanh", name="a")(a), k.layers.Dense(2, name="b")(b)], name="both")
    return k.models.Model([a, b], k.layers.Dense(2, name="out")(both))


def two_outputs(k, g):
    x = k.layers.Input((5,), name="x")
    hidden = k.layers.Dense(4, activation="relu", name="hidden")(x)
    return k.models.Model(x, [k.layers.Dense(2, name="first")(hidden), k.layers.Dense(3, activation="softmax", name="second")(hidden)])


def shared(k, g):
    a, b = k.layers.Input((4,), name="a"), k.layers.Input((4,), name="b")
    layer = k.layers.Dense(3, activation="tanh", name="twice")
    return k.models.Model([a, b], k.layers.Dense(1, name="out")(k.layers.subtract([layer(a), layer(b)])))


def nested(k, g):
    entry = k.layers.Input((5,), name="entry")
    x = k.layers.BatchNormalization(name="norm")(k.layers.Dense(4, name="in1")(entry))
    inner = k.models.Model(entry, k.layers.Dense(2, name="in2")(x), name="inner")
    a = k.layers.Input((3,), name="a")
    return k.models.Model(a, k.layers.Activation("tanh", name="act")(inner(k.layers.Dense(5, name="before")(a))))


def nested_frozen(k, g):
    model = nested(k, g)
    model.get_layer("inner").get_layer("in1").trainable = False
    return model


def nested_twice(k, g):
    entry = k.layers.Input((3,), name="entry")
    inner = k.models.Model(entry, k.layers.Dense(3, activation="tanh", name="deep")(entry), name="inner")
    middle_entry = k.layers.Input((3,), name="middle_entry")
    middle = k.models.Model(middle_entry, k.layers.Dense(3, name="mid")(inner(middle_entry)), name="middle")
    a = k.layers.Input((3,), name="a")
    return k.models.Model(a, k.layers.add([middle(a), inner(a)], name="sum"))


def stack_inside(k, g):
    a = k.layers.Input((4,), name="a")
    inner = stack((4,), ("Dense", {"units": 3, "activation": "relu", "name": "one"}), ("Dense", {"units": 2, "name": "two"}))(k, g)
    return k.models.Model(a, k.layers.Dense(2, name="head")(inner(a)))


def stack_of_models(k, g):
    one = stack((4,), ("Dense", {"units": 3, "name": "one"}))(k, g)
    return k.models.Sequential([*([k.layers.Input((4,))] if g == "3" else []), one, k.layers.Dense(2, name="two")])


def shared_inside(k, g):
    layer = k.layers.Dense(3, activation="tanh", name="both")
    entry = k.layers.Input((3,), name="entry")
    inner = k.models.Model(entry, k.layers.Dense(3, name="own")(layer(entry)), name="inner")
    a = k.layers.Input((3,), name="a")
    return k.models.Model(a, k.layers.add([layer(a), inner(a)], name="sum"))


def residual(k, g):
    x = k.layers.Input((6, 6, 3), name="x")
    y = k.layers.Conv2D(3, 3, padding="same", name="c1")(x)
    y = k.layers.Activation("relu", name="r1")(k.layers.BatchNormalization(name="n1")(y))
    y = k.layers.add([x, k.layers.Conv2D(3, 1, use_bias=False, name="c2")(y)], name="plus")
    return k.models.Model(x, k.layers.Dense(2, activation="softmax", name="out")(k.layers.GlobalAveragePooling2D(name="pool")(y)))


def branches(k, g):
    x = k.layers.Input((6, 6, 2), name="x")
    parts = [k.layers.Conv2D(2, n, padding="same", activation="relu", name=f"b{n}")(x) for n in (1, 3)]
    parts.append(k.layers.MaxPooling2D(3, strides=1, padding="same", name="bp")(x))
    return k.models.Model(x, k.layers.GlobalMaxPooling2D(name="max")(k.layers.concatenate(parts, name="cat")))


def merges(k, g):
    x, y = k.layers.Input((4,), name="x"), k.layers.Input((4,), name="y")
    a, b = k.layers.Dense(3, name="a")(x), k.layers.Dense(3, name="b")(y)
    kinds = (k.layers.multiply, k.layers.average, k.layers.maximum)
    return k.models.Model([x, y], k.layers.concatenate([kind([a, b]) for kind in kinds] + [k.layers.dot([a, b], axes=1)]))


def states(k, g):
    x = k.layers.Input((5, 3), name="x")
    outs = k.layers.LSTM(3, return_sequences=True, return_state=True, name="encode")(x)
    y = k.layers.LSTM(3, name="decode")(outs[0], initial_state=outs[1:])
    return k.models.Model(x, k.layers.Dense(2, name="out")(y))


def stacked_cells(k, g):
    x = k.layers.Input((4, 3), name="x")
    return k.models.Model(x, k.layers.RNN([k.layers.LSTMCell(3), k.layers.GRUCell(2)], name="rnn")(x))


def attention(k, g):
    q, v = k.layers.Input((4, 3), name="q"), k.layers.Input((5, 3), name="v")
    return k.models.Model([q, v], k.layers.GlobalAveragePooling1D(name="mean")(k.layers.Attention(name="attend")([q, v])))


def multi_head(k, g):
    x = k.layers.Input((4, 6), name="x")
    y = k.layers.LayerNormalization(name="norm")(k.layers.add([x, k.layers.MultiHeadAttention(2, 3, name="attend")(x, x)], name="plus"))
    return k.models.Model(x, k.layers.Dense(2, name="out")(y))


def constrained(k, g):
    limits, weights = k.constraints, k.regularizers
    rows = [
        k.layers.Dense(4, kernel_regularizer=weights.l2(0.01), bias_regularizer=weights.l1(0.01), kernel_constraint=limits.MaxNorm(2.0)),
        k.layers.Dense(3, activity_regularizer=weights.l1_l2(0.01, 0.02), kernel_initializer=k.initializers.he_normal(seed=1)),
        k.layers.Dense(2, kernel_constraint=limits.NonNeg(), bias_constraint=limits.UnitNorm(axis=0)),
    ]
    x = k.layers.Input((3,), name="x")
    y = x
    for row in rows:
        y = row(y)
    return k.models.Model(x, y)


def mixed(k, g):
    x = k.layers.Input((4,), name="x")
    y = k.layers.Dense(6, activation="relu", dtype="mixed_bfloat16", name="half")(x)
    return k.models.Model(x, k.layers.Dense(2, dtype="float32", name="full")(y))


def with_lambda(k, g):
    x = k.layers.Input((3,), name="x")
    return k.models.Model(x, k.layers.Dense(2, name="out")(k.layers.Lambda(lambda t: t * 2.0, name="twice")(x)))


def row(make, *inputs, **more):
    """One row of the table."""
    return dict({"make": make, "inputs": inputs, "generations": ALL, "compile": None}, **more)


def trained(loss="mse", optimizer=ADAM, **more):
    """What `compile` is given."""
    return dict({"loss": loss, "optimizer": optimizer}, **more)


def _dense(units, **more):
    return ("Dense", dict({"units": units}, **more))


_MLP = stack((4,), _dense(5, activation="relu", name="d1"), _dense(3, activation="softmax", name="d2"))
_SMALL = stack((3,), _dense(2, activation="tanh", name="d1"), _dense(1, name="d2"))
_POOL, _FLAT = ("MaxPooling2D", {}), ("Flatten", {})
_CROSS = trained("categorical_crossentropy", metrics=["accuracy"])

_CROSS_SGD = dict(_CROSS, optimizer=SGD)

MODELS = {
    "dense": row(_MLP, (4,), compile=_CROSS),
    "dense_plain": row(_MLP, (4,)),
    "deferred": row(deferred, (3,), generations=TF, compile=trained()),
    "activations": row(
        stack((4,), *[_dense(3, activation=a) for a in ("elu", "selu", "softplus", "softsign", "sigmoid", "hard_sigmoid", "exponential")]),
        (4,),
    ),
    "activation_layers": row(
        stack((4, 3), ("LeakyReLU", {}), ("PReLU", {"shared_axes": [1]}), ("ELU", {}), ("Softmax", {}), ("ReLU", {"max_value": 1.0})),
        (4, 3),
    ),
    "dropouts": row(
        stack(
            (4,), _dense(4), ("Dropout", {"rate": 0.3}), ("GaussianNoise", {"stddev": 0.1}), ("GaussianDropout", {"rate": 0.2}), _dense(2)
        ),
        (4,),
    ),
    "conv2d": row(
        stack(
            (8, 8, 2),
            ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same", "activation": "relu"}),
            ("BatchNormalization", {}),
            _POOL,
            ("Dropout", {"rate": 0.0}),
            _FLAT,
            _dense(3, activation="softmax"),
        ),
        (8, 8, 2),
        compile=_CROSS_SGD,
    ),
    "conv1d": row(
        stack(
            (9, 2),
            ("Conv1D", {"filters": 3, "kernel_size": 3, "dilation_rate": 2, "padding": "causal"}),
            ("AveragePooling1D", {"pool_size": 2}),
            ("GlobalMaxPooling1D", {}),
            _dense(2),
        ),
        (9, 2),
        compile=trained(),
    ),
    "conv3d": row(
        stack((4, 4, 4, 1), ("Conv3D", {"filters": 2, "kernel_size": 2}), ("MaxPooling3D", {"pool_size": 2}), _FLAT, _dense(2)),
        (4, 4, 4, 1),
    ),
    "depthwise": row(
        stack(
            (6, 6, 2),
            ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}),
            ("BatchNormalization", {"scale": False}),
            ("ReLU", {"max_value": 6.0}),
            ("GlobalAveragePooling2D", {}),
            _dense(2),
        ),
        (6, 6, 2),
        compile=trained(optimizer=SGD),
    ),
    "separable": row(
        stack((6, 6, 2), ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}), _FLAT, _dense(2)),
        (6, 6, 2),
    ),
    "separable1d": row(stack((8, 2), ("SeparableConv1D", {"filters": 3, "kernel_size": 3}), ("GlobalAveragePooling1D", {})), (8, 2)),
    "transposed": row(
        stack(
            (3, 3, 2),
            ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}),
            ("UpSampling2D", {}),
            ("Cropping2D", {"cropping": 1}),
            ("ZeroPadding2D", {"padding": 1}),
        ),
        (3, 3, 2),
    ),
    "local": row(
        stack((5, 2), ("LocallyConnected1D", {"filters": 2, "kernel_size": 2}), _FLAT, _dense(2)),
        (5, 2),
        generations=("2.2", "2.3", "2.15"),
    ),
    "shapes": row(
        stack((6,), _dense(6), ("Reshape", {"target_shape": [2, 3]}), ("Permute", {"dims": [2, 1]}), _FLAT, ("RepeatVector", {"n": 2})),
        (6,),
    ),
    "residual": row(residual, (6, 6, 3), compile=_CROSS_SGD),
    "branches": row(branches, (6, 6, 2)),
    "layer_norm": row(stack((4, 3), _dense(4), ("LayerNormalization", {}), _FLAT, _dense(2)), (4, 3), generations=TF, compile=trained()),
    "unit_group_norm": row(stack((4, 4), ("GroupNormalization", {"groups": 2}), ("UnitNormalization", {})), (4, 4), generations=TF),
    "simple_rnn": row(stack((5, 3), ("SimpleRNN", {"units": 4}), _dense(2)), (5, 3), compile=trained()),
    "lstm": row(
        stack((5, 3), ("LSTM", {"units": 4, "return_sequences": True}), ("LSTM", {"units": 3}), _dense(2)), (5, 3), compile=trained()
    ),
    "lstm_hard": row(stack((5, 3), ("LSTM", {"units": 4, "recurrent_activation": "hard_sigmoid"}), _dense(2)), (5, 3)),
    "gru": row(stack((5, 3), ("GRU", {"units": 4}), _dense(2)), (5, 3), compile=trained()),
    "gru_before": row(stack((5, 3), ("GRU", {"units": 4, "reset_after": False}), _dense(2)), (5, 3)),
    "bidirectional": row(None, (5, 3), compile=trained()),
    "time_distributed": row(None, (3, 6, 6, 1), compile=trained()),
    "stacked_cells": row(stacked_cells, (4, 3)),
    "states": row(states, (5, 3), compile=trained()),
    "stateful": row(None, (4, 3), batch=4),
    "text": row(
        stack(
            (6,),
            ("Embedding", {"input_dim": 9, "output_dim": 4, "mask_zero": True}),
            ("LSTM", {"units": 3}),
            _dense(1, activation="sigmoid"),
        ),
        ((6,), 9),
        compile=trained("binary_crossentropy", SGD, metrics=["accuracy"]),
    ),
    "text_conv": row(
        stack(
            (8,),
            ("Embedding", {"input_dim": 9, "output_dim": 4}),
            ("SpatialDropout1D", {"rate": 0.0}),
            ("Conv1D", {"filters": 3, "kernel_size": 3}),
            ("GlobalMaxPooling1D", {}),
            _dense(2, activation="softmax"),
        ),
        ((8,), 9),
        compile=_CROSS_SGD,
    ),
    "masking": row(stack((5, 2), ("Masking", {"mask_value": 0.0}), ("GRU", {"units": 3, "return_sequences": True})), (5, 2)),
    "two_inputs": row(two_inputs, (4,), (3,), compile=trained()),
    "two_outputs": row(
        two_outputs,
        (5,),
        compile=trained({"first": "mse", "second": "categorical_crossentropy"}, loss_weights={"first": 0.5, "second": 2.0}),
    ),
    "shared": row(shared, (4,), (4,), compile=trained()),
    "shared_inside": row(shared_inside, (3,)),
    "nested": row(nested, (3,), compile=trained(optimizer=SGD)),
    "nested_frozen": row(nested_frozen, (3,), compile=trained(optimizer=SGD)),
    "nested_twice": row(nested_twice, (3,)),
    "stack_inside": row(stack_inside, (4,), compile=trained()),
    "stack_of_models": row(stack_of_models, (4,)),
    "merges": row(merges, (4,), (4,)),
    "attention": row(attention, (4, 3), (5, 3), generations=TF),
    "multi_head": row(multi_head, (4, 6), generations=TF, compile=trained()),
    "constrained": row(constrained, (3,), compile=trained(optimizer=("SGD", {"rate": 0.1}))),
    "mixed": row(mixed, (4,), generations=TF, bar=2e-2),
    "lambda": row(with_lambda, (3,), lambdas=("twice",)),
}


def bidirectional(k, g):
    x = k.layers.Input((5, 3), name="x")
    y = k.layers.Bidirectional(k.layers.LSTM(2, return_sequences=True), name="both")(x)
    return k.models.Model(x, k.layers.Bidirectional(k.layers.GRU(2), merge_mode="sum", name="sum")(y))


def time_distributed(k, g):
    x = k.layers.Input((3, 6, 6, 1), name="x")
    y = k.layers.TimeDistributed(k.layers.Conv2D(2, 3, activation="relu"), name="conv")(x)
    y = k.layers.TimeDistributed(k.layers.Flatten(), name="flat")(y)
    return k.models.Model(x, k.layers.SimpleRNN(2, name="rnn")(y))


def stateful(k, g):
    x = k.layers.Input(batch_shape=(4, 4, 3), name="x")
    return k.models.Model(x, k.layers.LSTM(2, stateful=True, name="keeps")(x))


def tf_functions(k, g):
    """Functions of TensorFlow between the layers (tf.keras)."""
    import tensorflow as tf

    x = k.layers.Input((6, 4), name="x")
    y = tf.nn.relu(x * 2.0 + 1.0)
    y = tf.concat([y, x[:, :, :2]], -1)
    y = k.layers.Dense(4, name="d")(y) / (1.0 + tf.reduce_mean(tf.abs(y), axis=-1, keepdims=True))
    y = tf.reshape(y, [tf.shape(x)[0], 3, 8])
    return k.models.Model(x, tf.reduce_max(tf.transpose(y, [0, 2, 1]), axis=1))


def keras_ops(k, g):
    """Operations of Keras 3 between the layers."""
    x = k.layers.Input((6, 4), name="x")
    y = k.ops.relu(x * 2.0 + 1.0)
    y = k.ops.concatenate([y, x[:, :, :2]], -1)
    y = k.layers.Dense(4, name="d")(y) / (1.0 + k.ops.mean(k.ops.abs(y), axis=-1, keepdims=True))
    return k.models.Model(x, k.ops.max(k.ops.transpose(k.ops.reshape(y, (-1, 3, 8)), [0, 2, 1]), axis=1))


def model_ends(k, g):
    """Outputs that are the calls of nested models, each called twice."""
    x = k.layers.Input((4,), name="x")
    graph_input = k.layers.Input((4,), name="graph_in")
    graph = k.models.Model(graph_input, k.layers.Dense(4, activation="tanh", name="a")(graph_input), name="graph")
    pile = stack((4,), ("Dense", {"units": 4, "activation": "tanh", "name": "b"}))(k, g)
    first = graph(x)
    second = graph(first)
    third = pile(second)
    return k.models.Model(x, [first, second, third, pile(third)])


def spectral(k, g):
    x = k.layers.Input((5,), name="x")
    y = k.layers.SpectralNormalization(k.layers.Dense(4), name="spectral")(x)
    return k.models.Model(x, k.layers.Dense(2, name="d")(y))


def scaled_attention(k, g):
    """A scale, which is a scalar."""
    x = k.layers.Input((4, 3), name="x")
    return k.models.Model(x, k.layers.Attention(use_scale=True, name="attention")([x, x]))


MODELS["model_ends"] = row(model_ends, (4,))
MODELS["spectral"] = row(spectral, (5,), generations=TF, compile=trained(optimizer=("SGD", {"rate": 0.1})))
MODELS["scaled_attention"] = row(scaled_attention, (4, 3), generations=TF)
MODELS["tf_functions"] = row(tf_functions, (6, 4), generations=("2.15",), compile=trained(optimizer=SGD))
MODELS["keras_ops"] = row(keras_ops, (6, 4), generations=("3",), compile=trained(optimizer=SGD))
MODELS["bidirectional"]["make"] = bidirectional
MODELS["time_distributed"]["make"] = time_distributed
MODELS["stateful"]["make"] = stateful

#: every optimizer on one small model: name of the row -> (class, config, generations)
OPTIMIZERS = {
    "sgd": ("SGD", {"rate": 0.1}, ALL),
    "momentum": ("SGD", {"rate": 0.1, "momentum": 0.9, "nesterov": True}, ALL),
    "adam": ("Adam", {"rate": 0.01, "beta_1": 0.8}, ALL),
    "amsgrad": ("Adam", {"rate": 0.01, "amsgrad": True}, ALL),
    "rmsprop": ("RMSprop", {"rate": 0.01}, ALL),
    "centered": ("RMSprop", {"rate": 0.01, "momentum": 0.5, "centered": True}, TF),
    "adagrad": ("Adagrad", {"rate": 0.1}, ALL),
    "adadelta": ("Adadelta", {"rate": 1.0}, ALL),
    "adamax": ("Adamax", {"rate": 0.01}, ALL),
    "nadam": ("Nadam", {"rate": 0.01}, ALL),
    "ftrl": ("Ftrl", {"rate": 0.1}, TF),
    "adamw": ("AdamW", {"rate": 0.01, "weight_decay": 0.01}, TF),
    "lion": ("Lion", {"rate": 0.01}, TF),
    "adafactor": ("Adafactor", {"rate": 0.01}, TF),
    "clipped": ("Adam", {"rate": 0.01, "clipnorm": 0.5}, ALL),
    "average": ("SGD", {"rate": 0.1, "use_ema": True, "ema_momentum": 0.9}, TF),
}
for _name, (_class, _config, _generations) in OPTIMIZERS.items():
    MODELS["optimizer_" + _name] = row(_SMALL, (3,), generations=_generations, compile=trained(optimizer=(_class, _config)))

#: Keras 3 cannot write its Adafactor to HDF5: two of its variables have one name
MODELS["optimizer_adafactor"]["never"] = (("3", "h5"),)

#: every loss and metric by name
for _loss in ("mae", "mape", "msle", "squared_hinge", "hinge", "logcosh", "kullback_leibler_divergence", "poisson", "cosine_proximity"):
    if _loss in ("mae", "poisson"):
        MODELS["loss_" + _loss] = row(
            stack((3,), _dense(2, activation="sigmoid")), (3,), compile=trained(_loss, ("SGD", {"rate": 0.1}), metrics=["mae", "mse"])
        )
MODELS.update(file_models_keras1.rows(row))
