"""The models of Keras 1 whose files are recorded, with Keras 1.2.2 on Theano: its arguments, its layers, its layouts of weights.

Rows as in `file_models`, which adds them to its table. Runs where that Keras is.
"""


def stack(*rows):
    """A function that makes a Sequential of (class, arguments, keywords) rows."""
    return lambda k, g: sequential(k, *rows)


def sequential(k, *rows):
    model = k.models.Sequential()
    for row in rows:
        model.add(layer(k, row) if isinstance(row, tuple) else row)
    return model


def layer(k, row):
    """A layer from its row; a wrapper's first argument is a row itself."""
    name, args, config = row
    homes = (k.layers, k.layers.wrappers, k.layers.advanced_activations)
    found = next(getattr(home, name) for home in homes if hasattr(home, name))
    return found(*[layer(k, a) if isinstance(a, tuple) and isinstance(a[0], str) else a for a in args], **config)


def _(*told, **config):
    return told[0], told[1:], config


def branches(mode, *top, **options):
    """A Sequential that begins with a Merge of two others."""

    def make(k, g):
        left = sequential(k, _("Dense", 3, input_dim=2, name="l1"), _("Dense", 4, name="l2"))
        right = sequential(k, _("Dense", 4, input_dim=3, name="r1"))
        return sequential(k, k.engine.topology.Merge([left, right], mode=mode, **options), *top)

    return make


def dot_of_steps(k, g):
    a, b = k.layers.Input((3, 4)), k.layers.Input((5, 4))
    return k.models.Model([a, b], k.engine.topology.merge([a, b], mode="dot", dot_axes=(2, 2)))


def graph(k, g):
    a, b = k.layers.Input((3,), name="a"), k.layers.Input((3,), name="b")
    both = k.layers.Dense(4, name="shared")
    x = k.engine.topology.merge([both(a), both(b)], mode="concat", name="m")
    y = k.engine.topology.merge([x, x], mode="sum")
    return k.models.Model([a, b], [k.layers.Dense(2, name="o1")(y), k.layers.Dense(1, name="o2")(x)])


def nested(k, g):
    inner = k.layers.Input((4, 2))
    x = k.layers.normalization.BatchNormalization(name="bn")(k.layers.LSTM(3, name="lstm")(inner))
    inside = k.models.Model(inner, k.layers.Dense(2, name="d")(x))
    outer = k.layers.Input((4, 2))
    return k.models.Model(outer, k.layers.Dense(2, name="o")(inside(outer)))


def stack_of_stacks(k, g):
    return sequential(k, sequential(k, _("Dense", 3, input_dim=2), _("BatchNormalization")), _("Dense", 2))


def with_lambda(k, g):
    return sequential(k, k.layers.Lambda(lambda t: t * 2.0, input_shape=(3,), name="twice"), _("Dense", 2))


def constrained(k, g):
    first = k.layers.Dense(
        3, input_dim=2, W_regularizer=k.regularizers.l2(0.1), activity_regularizer=k.regularizers.activity_l1(0.1),
        b_constraint=k.constraints.maxnorm(1), W_constraint="nonneg", init="uniform",
    )  # fmt: skip
    return sequential(k, first, _("RepeatVector", 3), _("Masking", 0.0), _("TimeDistributedDense", 2))


def _trained(optimizer="Adam", loss="mse", rate=0.01, **config):
    return {"loss": loss, "optimizer": (optimizer, dict(config, rate=rate))}


_TF, _TH = {"dim_ordering": "tf"}, {"dim_ordering": "th"}
_MODES = ("sum", "mul", "ave", "max", "concat", "dot")


def rows(row):
    """The table; `row` makes an entry as in `file_models`."""
    old = {"generations": ("1",)}
    lstm = {f"lstm_{way}": row(
        stack(_("LSTM", 3, input_shape=(4, 2), consume_less=way, return_sequences=True), _("GRU", 2, consume_less=way)), (4, 2),
        compile=_trained("RMSprop"), **old,
    ) for way in ("cpu", "mem", "gpu")}  # fmt: skip
    merges = {f"merge_{mode}": row(
        branches(mode, _("Dense", 2, name="top")), (2,), (3,), compile=_trained("Adamax") if mode == "concat" else None, **old
    ) for mode in _MODES}  # fmt: skip
    models = {
        **lstm,
        **merges,
        "merge_cos": row(branches("cos"), (2,), (3,), **old),
        "dot_of_steps": row(dot_of_steps, (3, 4), (5, 4), **old),
        "dense": row(
            stack(_("Dense", 4, input_dim=3, activation="relu", name="b"), _("Dense", 2, activation="softmax", name="a")), (3,),
            compile=dict(_trained(loss="categorical_crossentropy"), metrics=["accuracy"]), **old,
        ),
        "conv2d_tf": row(
            stack(_("Convolution2D", 3, 2, 3, input_shape=(6, 5, 2), border_mode="same", subsample=(2, 2), **_TF),
                  _("MaxPooling2D", (2, 2), **_TF), _("Flatten"), _("Dense", 2)), (6, 5, 2),
            compile=_trained("SGD", momentum=0.9, decay=0.01, nesterov=True), **old,
        ),
        "conv2d_th": row(
            stack(_("Convolution2D", 3, 2, 3, input_shape=(2, 6, 5), **_TH), _("BatchNormalization", axis=1), _("Flatten"), _("Dense", 2)),
            (2, 6, 5), **old,
        ),
        "conv1d": row(
            stack(_("Convolution1D", 3, 3, input_shape=(6, 2), border_mode="same"), _("AtrousConvolution1D", 2, 2, atrous_rate=2),
                  _("MaxPooling1D", 2), _("GlobalAveragePooling1D")), (6, 2), **old,
        ),
        "conv3d_tf": row(
            stack(_("Convolution3D", 3, 2, 2, 3, input_shape=(4, 5, 5, 2), **_TF), _("GlobalMaxPooling3D", **_TF)), (4, 5, 5, 2), **old
        ),
        "conv3d_th": row(
            stack(_("Convolution3D", 3, 2, 2, 3, input_shape=(2, 4, 5, 5), **_TH), _("GlobalMaxPooling3D", **_TH)), (2, 4, 5, 5), **old
        ),
        "deconv_tf": row(
            stack(_("Deconvolution2D", 3, 3, 3, output_shape=(None, 9, 9, 3), subsample=(2, 2), input_shape=(4, 4, 2), **_TF)), (4, 4, 2),
            **old,
        ),
        "deconv_th": row(
            stack(_("Deconvolution2D", 3, 3, 2, output_shape=(None, 3, 9, 8), subsample=(2, 2), input_shape=(2, 4, 4), **_TH)), (2, 4, 4),
            **old,
        ),
        "same_even": row(
            stack(_("Convolution2D", 3, 2, 4, input_shape=(2, 5, 6), border_mode="same", **_TH),
                  _("Convolution2D", 2, 3, 3, border_mode="same", subsample=(2, 2), **_TH)), (2, 5, 6), **old,
        ),
        "same_pool": row(
            stack(_("MaxPooling2D", (3, 2), border_mode="same", input_shape=(2, 7, 6), **_TH),
                  _("AveragePooling2D", (2, 2), strides=(1, 1), border_mode="same", **_TH)), (2, 7, 6), **old,
        ),
        "same_pool5": row(
            stack(_("AveragePooling2D", (5, 3), strides=(2, 2), border_mode="same", input_shape=(2, 9, 8), **_TH)), (2, 9, 8), **old
        ),
        "same_conv1d": row(stack(_("Convolution1D", 3, 4, input_shape=(7, 2), border_mode="same", subsample_length=2)), (7, 2), **old),
        "same_conv3d": row(
            stack(_("Convolution3D", 3, 3, 2, 3, input_shape=(2, 4, 5, 5), border_mode="same", subsample=(2, 2, 1), **_TH)), (2, 4, 5, 5),
            **old,
        ),
        "same_deconv": row(
            stack(_("Deconvolution2D", 3, 3, 3, output_shape=(None, 8, 8, 3), subsample=(2, 2), border_mode="same", input_shape=(4, 4, 2),
                    **_TF)), (4, 4, 2), **old,
        ),
        "same_atrous": row(
            stack(_("AtrousConvolution2D", 3, 3, 3, atrous_rate=(2, 2), border_mode="same", input_shape=(6, 6, 2), **_TF)), (6, 6, 2), **old
        ),
        "full": row(
            stack(_("Convolution2D", 3, 2, 3, input_shape=(5, 6, 2), border_mode="full", **_TF), _("Reshape", (48, 3)),
                  _("Convolution1D", 2, 4, border_mode="full")), (5, 6, 2), **old,
        ),
        "local1d": row(stack(_("LocallyConnected1D", 3, 2, input_shape=(5, 2))), (5, 2), **old),
        "local2d_tf": row(stack(_("LocallyConnected2D", 3, 2, 3, input_shape=(5, 4, 2), **_TF)), (5, 4, 2), **old),
        "local2d_th": row(stack(_("LocallyConnected2D", 3, 2, 3, input_shape=(2, 5, 4), **_TH)), (2, 5, 4), **old),
        "text": row(
            stack(_("Embedding", 7, 3, input_length=4, mask_zero=True), _("SimpleRNN", 3, consume_less="mem"),
                  _("Dense", 1, activation="sigmoid")), ((4,), 7), compile=_trained("SGD", "binary_crossentropy", 0.05), **old,
        ),
        "bidirectional": row(
            stack(_("Bidirectional", _("LSTM", 3, return_sequences=True), input_shape=(4, 2), merge_mode="concat"),
                  _("TimeDistributed", _("Dense", 2)), _("Bidirectional", _("GRU", 2, consume_less="gpu"), merge_mode="sum")), (4, 2),
            compile=_trained(), **old,
        ),
        "conv_lstm_tf": row(
            stack(_("ConvLSTM2D", 2, 3, 3, border_mode="same", input_shape=(3, 4, 4, 2), return_sequences=True, **_TF)), (3, 4, 4, 2), **old
        ),
        "conv_lstm_th": row(stack(_("ConvLSTM2D", 2, 3, 2, border_mode="same", input_shape=(3, 2, 4, 4), **_TH)), (3, 2, 4, 4), **old),
        "vectors": row(
            stack(_("Dense", 4, input_dim=3), _("BatchNormalization"), _("PReLU"), _("Dropout", 0.0), _("MaxoutDense", 3, nb_feature=2),
                  _("Highway"), _("SReLU"), _("ParametricSoftplus"), _("LeakyReLU", 0.2), _("ELU", 0.5), _("ThresholdedReLU", 0.01)), (3,),
            compile=_trained("SGD", rate=0.05), **old,
        ),
        "norm_of_vectors": row(stack(_("Dense", 4, input_dim=3), _("BatchNormalization", mode=1), _("Dense", 2)), (3,), once=True, **old),
        "norm_of_batches": row(stack(_("Dense", 4, input_dim=3), _("BatchNormalization", mode=2), _("Dense", 2)), (3,), once=True, **old),
        "shapes": row(
            stack(_("ZeroPadding2D", (1, 2), input_shape=(4, 3, 2), **_TF), _("Cropping2D", ((1, 0), (0, 1)), **_TF),
                  _("UpSampling2D", (2, 2), **_TF), _("AveragePooling2D", (2, 2), **_TF), _("Permute", (2, 1, 3)), _("Reshape", (-1, 2)),
                  _("Activation", "tanh"), _("GaussianNoise", 0.1)), (4, 3, 2), **old,
        ),
        "constrained": row(constrained, (2,), **old),
        "lambda": row(with_lambda, (3,), lambdas=("twice",), **old),
        "graph": row(graph, (3,), (3,), compile=_trained("Adadelta", rate=1.0), **old),
        "nested": row(nested, (4, 2), compile=_trained("SGD", rate=0.05, momentum=0.9), **old),
        "stack_of_stacks": row(stack_of_stacks, (2,), **old),
    }  # fmt: skip
    return {f"keras1_{name}": model for name, model in models.items()}
