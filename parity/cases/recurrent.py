"""Recurrent layers without masks: arguments, defaults of the generations, states, cells, stacks."""

from parity.cases.make import NEW, OLD, TF, functional, layer, obj, part, x

LAYERS = ("SimpleRNN", "LSTM", "GRU")
STATE = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}


def _rnn(name, kind, config, inputs=None, **fields):
    return layer(f"recurrent/{kind.lower()}_{name}", kind, dict({"units": 4}, **config), inputs or x(3, 5, 2), **fields)


FLAGS = [
    ("default", {}), ("sequences", {"return_sequences": True}), ("state", {"return_state": True}),
    ("sequences_state", {"return_sequences": True, "return_state": True}), ("backwards", {"go_backwards": True}),
    ("backwards_sequences", {"go_backwards": True, "return_sequences": True, "return_state": True}),
    ("unroll", {"unroll": True, "return_sequences": True}), ("no_bias", {"use_bias": False}), ("relu", {"activation": "relu"}),
    ("linear", {"activation": "linear", "return_sequences": True}), ("softsign", {"activation": "softsign"}),
    ("hidden_dropout_inference", {"dropout": 0.3, "recurrent_dropout": 0.2}),
    ("regularized", {"kernel_regularizer": "l2", "recurrent_regularizer": obj("L1L2", l1=0.1, l2=0.2), "bias_regularizer": "l1",
                     "activity_regularizer": obj("L1L2", l1=0.1, l2=0.0)}),
    ("constrained", {"kernel_constraint": "max_norm", "recurrent_constraint": "unit_norm", "bias_constraint": "non_neg"}),
]  # fmt: skip
GATED = [
    ("hard_sigmoid", {"recurrent_activation": "hard_sigmoid", "return_sequences": True}),
    ("sigmoid", {"recurrent_activation": "sigmoid", "return_sequences": True}),
    ("gate_tanh", {"recurrent_activation": "tanh"}),
    ("implementation1", {"implementation": 1}), ("implementation2", {"implementation": 2}),
]  # fmt: skip
DOUBLE = ("default", "sequences_state", "backwards_sequences", "relu", "linear", "hard_sigmoid", "sigmoid")

PLAIN = [
    _rnn(name, kind, config, float64=name in DOUBLE)
    for kind in LAYERS for name, config in FLAGS + (GATED if kind != "SimpleRNN" else [])
]  # fmt: skip

OTHERS = (
    [_rnn(f"reset_{after}_{name}".lower(), "GRU", dict({"reset_after": after}, **config), float64=True)
     for after in (True, False) for name, config in (
         ("plain", {}), ("sequences", {"return_sequences": True, "return_state": True}), ("no_bias", {"use_bias": False}),
         ("hard", {"recurrent_activation": "hard_sigmoid"}), ("impl1", {"implementation": 1}), ("backwards", {"go_backwards": True}))]
    + [
        _rnn("forget_bias_start", "LSTM", {"kernel_initializer": "ones", "recurrent_initializer": "ones"}, weights="initial"),
        _rnn("no_forget_bias_start", "LSTM", {"unit_forget_bias": False, "kernel_initializer": "ones", "recurrent_initializer": "ones"},
             weights="initial"),
        _rnn("bias_start", "GRU", {"bias_initializer": "ones", "kernel_initializer": "ones", "recurrent_initializer": "ones"},
             weights="initial"),
    ]
    + [_rnn("dropout_all", kind, {"dropout": 0.5, "recurrent_dropout": 0.5}, x(40, 5, 2), random=True, call={"training": True},
            skip=["summary"]) for kind in LAYERS]
    + [_rnn("frozen", kind, {}, trainable=False) for kind in LAYERS]
    + [_rnn("one_step", kind, {"return_sequences": True}, x(3, 1, 2)) for kind in LAYERS]
    + [_rnn("one_row", kind, {"return_sequences": True}, x(1, 6, 2)) for kind in LAYERS]
    + [_rnn("rank_2", kind, {}, x(3, 5), errors=list(OLD + NEW)) for kind in LAYERS]
    + [_rnn("time_major", kind, {"time_major": True, "return_sequences": s}, generations=list(TF))
       for kind in LAYERS for s in (True, False)][::2]
    + [layer(f"recurrent/time_major_{kind.lower()}_last", kind, {"units": 4, "time_major": True, "return_state": True}, x(5, 3, 2),
             generations=list(TF)) for kind in LAYERS]
)  # fmt: skip


def _cell(kind, **config):
    return part(kind + "Cell", **dict({"units": 4}, **config))


CELLS = [
    layer(f"recurrent/rnn_{kind.lower()}_{name}", "RNN", dict({"cell": _cell(kind)}, **config), x(3, 5, 2))
    for kind in LAYERS for name, config in (
        ("default", {}), ("sequences", {"return_sequences": True}), ("backwards", {"go_backwards": True, "return_sequences": True,
         "return_state": True}), ("unroll", {"unroll": True}))
]  # fmt: skip
for _case in CELLS:
    _case["skip"] = ["config.cell.config.name", "config.cell.name"]


def _states(name, kind, config, **fields):
    """Start states from other inputs of a model."""
    names = ["h", "c"][: STATE[kind]]
    inputs = dict({"a": [5, 2]}, **{n: [4] for n in names})
    return functional(
        f"recurrent/states_{kind.lower()}_{name}", inputs, {"r": part(kind, **dict({"units": 4, "name": "r"}, **config))},
        [["y", "r", "a", {"initial_state": {"tensors": names}}]], "y", [x(3, 5, 2), *(x(3, 4) for _ in names)], skip=["config", "rebuild"],
        **fields)  # fmt: skip


def _states_out(kind, config):
    """The final states are outputs, and start another layer."""
    names = ["h", "c"][: STATE[kind]]
    layers = {"e": part(kind, units=4, return_state=True, name="e"), "d": part(kind, **dict({"units": 4, "name": "d"}, **config))}
    calls = [[["o", *names], "e", "a"], ["y", "d", "b", {"initial_state": {"tensors": names}}]]
    return functional(
        f"recurrent/encoder_decoder_{kind.lower()}", {"a": [5, 2], "b": [3, 2]}, layers, calls, ["y", "o"], [x(3, 5, 2), x(3, 3, 2)],
        skip=["config", "rebuild"])  # fmt: skip


STATES = [
    _states(name, kind, config, float64=name == "sequences")
    for kind in LAYERS
    for name, config in (("last", {}), ("sequences", {"return_sequences": True}), ("backwards", {"go_backwards": True}))
] + [_states_out(kind, {"return_sequences": True}) for kind in LAYERS]

CASES = PLAIN + OTHERS + CELLS + STATES
