"""Arguments in the words of Keras 1, which Keras 2.2 and 2.3 take with a warning and later ones refuse."""

from parity.cases.make import NEW, OLD, layer, sequential, x

_IMAGE, _STEPS, _VOLUME = (2, 6, 5, 3), (2, 7, 3), (2, 4, 3, 4, 2)


def _case(name, kind, config, shape, refused=True, **fields):
    """A case for the old generations; in the later ones an error where `refused`, else it is not run there."""
    if "errors" in fields:
        fields.setdefault("generations", list(OLD))
    elif refused:
        fields["errors"] = list(NEW)
        if kind.startswith(("Atrous", "Deconvolution", "LocallyConnected")):
            fields.update(generations=list(OLD), errors=[])
    else:
        fields["generations"] = list(OLD)
    return layer("keras1_arguments/" + name, kind, config, x(*shape), **fields)


def _plane(name, kind, more, shape=_IMAGE, **fields):
    return _case(name, kind, dict({"nb_filter": 4, "nb_row": 3, "nb_col": 2}, **more), shape, **fields)


def _line(name, kind, more, shape=_STEPS, **fields):
    return _case(name, kind, dict({"nb_filter": 4, "filter_length": 3}, **more), shape, **fields)


_RULES = {"W_regularizer": "l2", "b_regularizer": "l1", "activity_regularizer": "l2"}
_LIMITS = {"W_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}}, "b_constraint": "nonneg"}

CASES = [
    _case("dense", "Dense", {"output_dim": 3}, (2, 4)),
    _case("dense_init", "Dense", {"output_dim": 3, "init": "one"}, (2, 4), weights="initial"),
    _case("dense_no_bias", "Dense", {"output_dim": 3, "bias": False, "activation": "relu"}, (2, 4)),
    _case("dense_rules", "Dense", dict(_RULES, output_dim=3), (2, 4)),
    _case("dense_limits", "Dense", dict(_LIMITS, output_dim=3), (2, 4)),
    _case("dense_both", "Dense", {"output_dim": 3, "units": 3}, (2, 4), errors=list(OLD)),
    _case("dense_unknown", "Dense", {"units": 3, "dim_ordering": "tf"}, (2, 4), errors=list(OLD)),
    _case("dense_input_dtype", "Dense", {"units": 3, "input_dtype": "float32"}, (2, 4), refused=False),
    _case("dropout", "Dropout", {"p": 0.3}, (2, 4)),
    _case("dropout_training", "Dropout", {"p": 0.3}, (200, 50), call={"training": True}, random=True),
    _case("spatial_dropout1d", "SpatialDropout1D", {"p": 0.3}, _STEPS),
    _case("spatial_dropout2d", "SpatialDropout2D", {"p": 0.3, "dim_ordering": "th"}, _IMAGE),
    _case("spatial_dropout3d", "SpatialDropout3D", {"p": 0.3, "dim_ordering": "tf"}, _VOLUME),
    _case("gaussian_noise", "GaussianNoise", {"sigma": 0.3}, (2, 4)),
    _case("gaussian_dropout", "GaussianDropout", {"p": 0.3}, (2, 4)),
    _case("prelu", "PReLU", {"init": "one"}, (2, 4), weights="initial"),
    _case("batch_normalization", "BatchNormalization", {"mode": 0, "beta_init": "one", "gamma_init": "zero"}, (3, 4), weights="initial"),
    _case("batch_normalization_mode", "BatchNormalization", {"mode": 2}, (3, 4), errors=list(OLD)),
    _line("convolution1d", "Convolution1D", {}),
    _line("convolution1d_same", "Convolution1D", {"border_mode": "same", "subsample_length": 2}),
    _line("convolution1d_rules", "Convolution1D", dict(_RULES, bias=False)),
    _line("convolution1d_limits", "Conv1D", _LIMITS),
    _line("convolution1d_input_dim", "Convolution1D", {"input_dim": 3}),
    _line("convolution1d_input_length", "Convolution1D", {"input_dim": 3, "input_length": 7}),
    _plane("convolution2d", "Convolution2D", {}),
    _plane("convolution2d_float64", "Convolution2D", {"border_mode": "same", "subsample": [2, 1]}, float64=list(OLD)),
    _plane("convolution2d_tf", "Convolution2D", {"dim_ordering": "tf"}),
    _plane("convolution2d_th", "Convolution2D", {"dim_ordering": "th"}, (2, 3, 6, 5)),
    _plane("convolution2d_default", "Conv2D", {"dim_ordering": "default"}),
    _plane("convolution2d_rules", "Convolution2D", dict(_RULES, init="he_normal")),
    _plane("convolution2d_limits", "Convolution2D", _LIMITS),
    _plane("convolution2d_no_bias", "Convolution2D", {"bias": False, "activation": "tanh"}),
    _plane("convolution2d_bad_format", "Convolution2D", {"dim_ordering": "sideways"}, errors=list(OLD)),
    _plane("convolution2d_full", "Convolution2D", {"border_mode": "full"}, errors=list(OLD)),
    _case("convolution2d_new_words", "Convolution2D", {"nb_filter": 4, "kernel_size": [3, 2], "padding": "same"}, _IMAGE),
    _case("convolution3d", "Convolution3D", {"nb_filter": 2, "kernel_dim1": 2, "kernel_dim2": 1, "kernel_dim3": 3}, _VOLUME),
    _case("convolution3d_same", "Convolution3D", {
        "nb_filter": 2, "kernel_dim1": 2, "kernel_dim2": 1, "kernel_dim3": 3, "border_mode": "same", "subsample": [2, 1, 1],
    }, _VOLUME),
    _line("atrous1d", "AtrousConvolution1D", {"atrous_rate": 2}),
    _line("atrous1d_same", "AtrousConvolution1D", {"atrous_rate": 2, "border_mode": "same", "init": "one"}),
    _line("atrous1d_plain", "AtrousConvolution1D", {}),
    _plane("atrous2d", "AtrousConvolution2D", {"atrous_rate": [2, 2]}),
    _plane("atrous2d_mixed", "AtrousConvolution2D", {"atrous_rate": [1, 3], "border_mode": "same"}),
    _plane("deconvolution2d", "Deconvolution2D", {}),
    _plane("deconvolution2d_shape", "Deconvolution2D", {"output_shape": [None, 8, 6, 4]}),
    _plane("deconvolution2d_same", "Deconvolution2D", {"border_mode": "same", "subsample": [2, 2], "output_shape": [None, 12, 10, 4]}),
    _plane("deconvolution2d_th", "Deconvolution2D", {"dim_ordering": "th"}, (2, 3, 6, 5)),
    _plane("separable2d", "SeparableConv2D", {"border_mode": "same"}),
    _plane("separable2d_init", "SeparableConv2D", {"init": "one", "bias": False, "depth_multiplier": 2}, weights="initial"),
    _plane("separable2d_rules", "SeparableConv2D", {"depthwise_regularizer": "l2", "b_regularizer": "l1", "subsample": [2, 2]}),
    _line("local1d", "LocallyConnected1D", {}),
    _line("local1d_strides", "LocallyConnected1D", {"subsample_length": 2, "bias": False}),
    _plane("local2d", "LocallyConnected2D", {}),
    _plane("local2d_th", "LocallyConnected2D", {"dim_ordering": "th", "subsample": [2, 1]}, (2, 3, 6, 5)),
    *[
        _case(f"{kind.lower()}_pooling1d", kind + "Pooling1D", {"pool_length": 3, "stride": 2, "border_mode": "same"}, _STEPS)
        for kind in ("Max", "Average")
    ],
    *[
        _case(f"{kind.lower()}_pooling2d_{order}", kind + "Pooling2D", {"border_mode": "same", "dim_ordering": order}, _IMAGE)
        for kind in ("Max", "Average") for order in ("tf", "th")
    ],
    *[
        _case(f"{kind.lower()}_pooling3d", kind + "Pooling3D", {"border_mode": "valid", "dim_ordering": "tf"}, _VOLUME)
        for kind in ("Max", "Average")
    ],
    *[
        _case(f"global_{kind.lower()}{rank}d", f"Global{kind}Pooling{rank}D", {"dim_ordering": "th"}, shape)
        for kind in ("Max", "Average") for rank, shape in ((2, _IMAGE), (3, _VOLUME))
    ],
    _case("up_sampling1d", "UpSampling1D", {"length": 3}, _STEPS),
    _case("up_sampling2d", "UpSampling2D", {"dim_ordering": "th"}, _IMAGE),
    _case("up_sampling3d", "UpSampling3D", {"dim_ordering": "th"}, _VOLUME),
    _case("zero_padding2d", "ZeroPadding2D", {"dim_ordering": "th"}, _IMAGE),
    _case("zero_padding2d_sides", "ZeroPadding2D", {"padding": {"top_pad": 1, "right_pad": 2}}, _IMAGE, refused=False),
    _case("zero_padding2d_four", "ZeroPadding2D", {"padding": [1, 2, 3, 4]}, _IMAGE, errors=[*OLD, *NEW], generations=[*OLD, *NEW]),
    _case("zero_padding3d", "ZeroPadding3D", {"padding": [1, 0, 2], "dim_ordering": "tf"}, _VOLUME),
    _case("cropping2d", "Cropping2D", {"cropping": [[1, 0], [0, 1]], "dim_ordering": "th"}, _IMAGE),
    _case("cropping3d", "Cropping3D", {"dim_ordering": "tf"}, (1, 4, 3, 5, 2)),
    *[
        _case(f"{kind.lower()}_{name}", kind, dict({"output_dim": 3}, **config), _STEPS,
              **({"weights": "initial"} if name == "init" else {}))
        for kind in ("SimpleRNN", "LSTM", "GRU") for name, config in (
            ("plain", {}), ("init", {"init": "one", "inner_init": "identity"}),
            ("rules", {"W_regularizer": "l2", "U_regularizer": "l1", "b_regularizer": "l2", "return_sequences": True}),
            ("dropout", {"dropout_W": 0.3, "dropout_U": 0.2}), ("input_dim", {"input_dim": 3, "input_length": 7}),
        )
    ],
    *[
        _case(f"{kind.lower()}_{name}", kind, dict({"output_dim": 3, "return_sequences": True}, **config), _STEPS)
        for kind in ("LSTM", "GRU") for name, config in (
            ("gates", {"inner_activation": "sigmoid", "consume_less": "gpu"}), ("mem", {"consume_less": "mem"}),
        )
    ],
    *[
        _case(f"{kind.lower()}_cpu", kind, {"output_dim": 3, "consume_less": "cpu"}, _STEPS, skip=["rebuild"],
              note="Keras writes `implementation` 0, and reads it as 1")
        for kind in ("LSTM", "GRU")
    ],
    _case("simplernn_consume_less", "SimpleRNN", {"output_dim": 3, "consume_less": "mem"}, _STEPS),
    _case("lstm_forget_one", "LSTM", {"output_dim": 3, "forget_bias_init": "one", "init": "one", "inner_init": "identity"}, _STEPS,
          weights="initial"),
    _case("lstm_forget_zero", "LSTM", {"output_dim": 3, "forget_bias_init": "zero", "init": "one", "inner_init": "identity"}, _STEPS,
          weights="initial"),
    _case("lstm_both", "LSTM", {"output_dim": 3, "units": 3}, _STEPS, errors=list(OLD)),
    *[
        _case(f"convlstm2d_{name}", "ConvLSTM2D", dict({"nb_filter": 2, "nb_row": 3, "nb_col": 2}, **config), shape)
        for name, config, shape in (
            ("plain", {}, (2, 3, 4, 5, 2)), ("same", {"border_mode": "same", "subsample": [2, 1], "inner_activation": "sigmoid"},
                                             (2, 3, 4, 5, 2)),
            ("th", {"dim_ordering": "th"}, (2, 3, 2, 4, 5)),
            ("rules", {"W_regularizer": "l2", "U_regularizer": "l1", "b_regularizer": "l2", "dropout_W": 0.1}, (2, 3, 4, 5, 2)),
        )
    ],
    sequential("keras1_arguments/stack", [
        {"class": "Convolution2D", "config": {"nb_filter": 3, "nb_row": 2, "nb_col": 2, "border_mode": "same", "input_shape": [4, 4, 2]}},
        {"class": "MaxPooling2D", "config": {"border_mode": "same"}}, {"class": "Flatten", "config": {}},
        {"class": "Dense", "config": {"output_dim": 2, "init": "he_uniform"}},
    ], x(2, 4, 4, 2), generations=list(OLD), train={"loss": "mse", "rate": 0.1}),
]  # fmt: skip
