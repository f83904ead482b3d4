"""ConvLSTM1D, ConvLSTM2D and ConvLSTM3D: windows, formats, states, masks, wrappers."""

from parity.cases.make import FIRST, NEW, OLD, first, functional, layer, obj, part, window, x

#: rank -> a sequence of images: (batch, steps, *lengths, channels)
SHAPES = {1: (2, 3, 5, 2), 2: (2, 3, 5, 4, 2), 3: (2, 2, 4, 3, 3, 2)}
FIVE = {"leading": [[0, 1, 1], [0, 0, 1]], "trailing": [[1, 1, 0], [1, 0, 0]], "interior": [[1, 0, 1], [0, 1, 0]],
        "all_masked": [[0, 0, 0], [1, 1, 1]]}  # fmt: skip
#: TensorFlow compiles a loop over steps without gradients only
FORWARD = {g: {"gradient": False} for g in NEW}
#: Keras 2.3 cannot make start states of float64
DOUBLE_IN = ["2.2", *NEW]
#: the layer of Keras 3 notes the default of its call, `training: false`, in a model's config, and obeys `fit` all the same
NOTES_TRAINING = {"3": {"skip": ["config", "rebuild"]}}


def _first(shape):
    return (shape[0], *first(shape[1:]))


def _conv(rank, name, config=None, shape=None, mask=None, **fields):
    told = dict({"filters": 2, "kernel_size": 2}, **(config or {}))
    if rank != 2:
        fields.setdefault("generations", list(NEW))
    more = {} if mask is None else {"mask": mask}
    return layer(f"conv_lstm/{rank}d_{name}", f"ConvLSTM{rank}D", told, x(*(shape or SHAPES[rank]), **more), **fields)


SAME = {"padding": "same"}
ALL_STEPS = {"return_sequences": True}
WHOLE = dict(ALL_STEPS, return_state=True)
EACH_RANK = [
    ("default", {}), ("same", dict(SAME, kernel_size=3)), ("same_even_sequences", dict(SAME, **ALL_STEPS)),
    ("strides", {"strides": 2, "kernel_size": 3, "padding": "same"}), ("strides_valid_sequences", dict(ALL_STEPS, strides=2)),
    ("dilated", {"dilation_rate": 2}), ("dilated_same_sequences", dict(SAME, **ALL_STEPS, dilation_rate=2, kernel_size=3)),
    ("state", dict(SAME, return_state=True)), ("sequences_state", WHOLE), ("backwards", {"go_backwards": True}),
    ("backwards_sequences", dict(WHOLE, go_backwards=True)), ("no_bias", {"use_bias": False}),
]  # fmt: skip
DOUBLE = ("default", "same", "dilated_same_sequences", "backwards_sequences")


def _double(rank):
    return DOUBLE_IN if rank == 2 else True


CASES = [_conv(rank, name, config, float64=_double(rank) if name in DOUBLE else False) for rank in (1, 2, 3) for name, config in EACH_RANK]
CASES += [
    _conv(rank, f"channels_first_{name}", dict(FIRST, **config), _first(SHAPES[rank]), xla=True, per_generation=FORWARD)
    for rank in (1, 2, 3)
    for name, config in (
        ("default", {}), ("same_sequences", dict(WHOLE, padding="same", kernel_size=3)), ("strides", {"strides": 2, "padding": "same"}),
    )
]  # fmt: skip
CASES += [
    _conv(2, "window_of_two_sizes", window([3, 2], [1, 2], "same", return_sequences=True)),
    _conv(2, "window_of_one", {"kernel_size": 1}),
    _conv(2, "relu", {"activation": "relu"}),
    _conv(2, "sigmoid", {"recurrent_activation": "sigmoid"}, float64=DOUBLE_IN),
    _conv(2, "hard_sigmoid", {"recurrent_activation": "hard_sigmoid"}, float64=DOUBLE_IN),
    _conv(2, "linear_softsign", {"activation": "linear", "recurrent_activation": "softsign"}),
    _conv(2, "many_channels", {"filters": 5}, (1, 2, 4, 4, 3)),
    _conv(2, "one_row_one_step", ALL_STEPS, (1, 1, 4, 4, 3)),
    _conv(2, "dropout_inference", {"dropout": 0.4, "recurrent_dropout": 0.3}),
    _conv(2, "dropout_training", {"dropout": 0.4, "recurrent_dropout": 0.3}, (20, 3, 5, 4, 2), call={"training": True}, random=True,
          skip=["summary"]),
    _conv(2, "regularized", {"kernel_regularizer": "l2", "recurrent_regularizer": obj("L1L2", l1=0.1, l2=0.2), "bias_regularizer": "l1",
                             "activity_regularizer": obj("L1L2", l1=0.1, l2=0.0)}),
    _conv(2, "constrained", {"kernel_constraint": "max_norm", "recurrent_constraint": "unit_norm", "bias_constraint": "non_neg"}),
    _conv(2, "starts", {"kernel_initializer": "ones", "recurrent_initializer": "zeros"}, weights="initial"),
    _conv(2, "no_forget_bias", {"unit_forget_bias": False, "kernel_initializer": "ones", "recurrent_initializer": "zeros"},
          weights="initial"),
    _conv(2, "frozen", trainable=False),
    _conv(2, "rank_4", shape=(2, 5, 4, 2), errors=list(OLD + NEW)),
    _conv(2, "strides_and_dilation", {"strides": 2, "dilation_rate": 2}, errors=list(OLD + NEW)),
    _conv(2, "window_too_large", {"kernel_size": 9}, errors=list(OLD + NEW)),
    _conv(2, "unroll", {"unroll": True}, errors=[*OLD, "2.15"]),
    _conv(2, "zero_output", {"zero_output_for_mask": True, "return_sequences": True}, mask=FIVE["interior"], generations=["3"]),
]  # fmt: skip
CASES += [
    _conv(2, f"masked_{shape}_{name}", config, mask=mask, generations=["2.3", *NEW], note="Keras 2.2 cannot run masks here")
    for shape, mask in FIVE.items()
    for name, config in (("last", {}), ("state", WHOLE), ("backwards", dict(WHOLE, go_backwards=True)))
] + [_conv(1, "masked", WHOLE, mask=FIVE["interior"]), _conv(3, "masked", WHOLE, (2, 3, 3, 3, 3, 2), mask=FIVE["interior"]),
     _conv(2, "masked_channels_first", dict(WHOLE, **FIRST), _first(SHAPES[2]), mask=FIVE["interior"], generations=["2.3"])]  # fmt: skip

STILL = {"kernel_initializer": obj("Constant", value=0.1), "recurrent_initializer": obj("Constant", value=-0.2)}
CASES += [
    _conv(rank, "stateful", dict(STILL, stateful=True, **more), steps=2, weights="initial", generations=list(NEW), gradient=False)
    for rank in (1, 2, 3) for more in ({"return_sequences": True},)
]  # fmt: skip


def _inner(**config):
    return part("ConvLSTM2D", **dict({"filters": 2, "kernel_size": 2, "name": "r"}, **config))


CASES += [
    layer(f"conv_lstm/bidirectional_{mode}_{'sequences' if s else 'last'}".lower(), "Bidirectional",
          {"layer": _inner(return_sequences=s), "merge_mode": mode}, x(*SHAPES[2]))
    for mode in ("concat", "sum", "mul", "ave", None) for s in (True, False)
] + [
    layer("conv_lstm/bidirectional_masked", "Bidirectional", {"layer": _inner(return_sequences=True)},
          x(*SHAPES[2], mask=FIVE["interior"]), generations=["2.3", *NEW]),
    layer("conv_lstm/bidirectional_state", "Bidirectional", {"layer": _inner(return_state=True)}, x(*SHAPES[2])),
    layer("conv_lstm/time_distributed", "TimeDistributed", {"layer": _inner()}, x(2, 2, 3, 4, 4, 2)),
    layer("conv_lstm/time_distributed_sequences", "TimeDistributed", {"layer": _inner(return_sequences=True)}, x(2, 2, 3, 4, 4, 2)),
    functional("conv_lstm/states", {"a": [3, 5, 4, 2], "h": [4, 3, 2], "c": [4, 3, 2]}, {"r": _inner(return_sequences=True)},
               [["y", "r", "a", {"initial_state": {"tensors": ["h", "c"]}}]], "y",
               [x(*SHAPES[2]), x(2, 4, 3, 2), x(2, 4, 3, 2)], skip=["config", "rebuild"], generations=list(NEW),
               note="Keras 2.2 and 2.3 fail on symbolic states here"),
    functional("conv_lstm/stacked", {"a": [3, 5, 4, 2]}, {"r": _inner(return_sequences=True), "s": _inner(name="s")},
               [["h", "r", "a"], ["y", "s", "h"]], "y", [x(*SHAPES[2])], per_generation=NOTES_TRAINING),
    functional("conv_lstm/auto_names", {"a": [3, 5, 4, 2]},
               {"r": part("ConvLSTM2D", filters=2, kernel_size=2, return_sequences=True),
                "s": part("ConvLSTM2D", filters=2, kernel_size=2)},
               [["h", "r", "a"], ["y", "s", "h"]], "y", [x(*SHAPES[2])], per_generation=NOTES_TRAINING),
]  # fmt: skip
