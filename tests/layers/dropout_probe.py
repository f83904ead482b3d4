"""What recurrent dropout looks like from outside: weights that show the masks in the outputs. Runs under any Keras (Python 3.7 too).

All activations are linear and all inputs 1, so that a gate that reads one dropped value through an identity shows its mask. Units stand in
blocks of N; every block shows one gate, "source" blocks hold the state at 1. `findings` says what the outputs show. Run as a script
(`python dropout_probe.py`) it prints the findings of the Keras that is installed.
"""

import itertools

import numpy as np

N, STEPS, BATCH, RATE = 24, 3, 4, 0.5
IDENTITY = np.eye(N)


class Plan:
    """Weights of a layer with `gates` gates and named blocks of units, all 0 to begin with."""

    def __init__(self, gates, blocks):
        self.gates, self.blocks, self.units = gates, blocks, N * len(blocks)
        self.kernel = np.zeros((N, len(gates), self.units))
        self.recurrent = np.zeros((self.units, len(gates), self.units))
        self.bias = np.zeros((len(gates), self.units))
        self.h, self.c = np.zeros(self.units), np.zeros(self.units)

    def at(self, block):
        """The units of a block."""
        start = self.blocks.index(block) * N
        return slice(start, start + N)

    def constant(self, block, gates):
        """Gates of a block that are 1."""
        for gate in gates:
            self.bias[self.gates.index(gate), self.at(block)] = 1

    def read(self, block, gate, source=None):
        """A gate of a block reads the input, or the state of another block."""
        place = self.gates.index(gate)
        if source is None:
            self.kernel[:, place, self.at(block)] = IDENTITY
        else:
            self.recurrent[self.at(source), place, self.at(block)] = IDENTITY

    def weights(self, rows=1):
        """As `set_weights` takes them, with `rows` rows of the bias."""
        bias = self.bias.reshape(-1)
        bias = bias if rows == 1 else np.stack([bias, np.zeros_like(bias)])
        return [self.kernel.reshape(N, -1), self.recurrent.reshape(self.units, -1), bias]


def plan(kind, of):
    """What shows the masks of a layer's input or state."""
    source = None if of == "input" else "s"
    if kind == "SimpleRNN":
        made = Plan("h", ["h", "s"])
        made.read("h", "h", source)
        made.constant("s", "h")
    elif kind == "LSTM":
        made = Plan("ifco", ["i", "f", "c", "o", "s"])
        for block, ones in (("i", "co"), ("f", "o"), ("c", "io"), ("o", "ic"), ("s", "ico")):
            made.constant(block, ones)
        for gate in "ifco":
            made.read(gate, gate, source)
        made.c[made.at("f")] = 1
    else:
        made = Plan("zrh", ["z", "r", "h", "k", "s", "t"])
        made.read("z", "z", source)
        made.read("h", "h", source)
        made.constant("k", "z")
        made.constant("s", "rh")
        made.constant("t", "h")
        made.constant("h", "r")
        for block in ("z", "k"):
            made.h[made.at(block)] = 1
        if source is None:  # the reset gate shows in what comes back of a state of 1
            made.read("r", "r")
            made.read("r", "h", "r")
            made.h[made.at("r")] = 1
        else:
            made.read("t", "r", "s")
            made.read("r", "r", "s")
            made.read("r", "h", "t")
            made.h[made.at("t")] = 1
    if "s" in made.blocks:
        made.h[made.at("s")] = 1
    return made


def findings(kind, of, made, first, second):
    """What two runs, each (batch, steps, units), show of the masks."""
    gates = list(made.gates)
    shown = {g: first[:, :, made.at(g)] for g in gates}
    powers = {"f": True, "z": True, "r": kind == "GRU" and of == "input"}
    steady = True
    for gate, rows in shown.items():
        wanted = [rows[:, 0] ** (t + 1) if powers.get(gate) else rows[:, 0] for t in range(STEPS)]
        steady = steady and all(np.allclose(rows[:, t], wanted[t], atol=1e-4) for t in range(STEPS))
    kept = {g: rows[:, 0] != 0 for g, rows in shown.items()}
    told = {
        "one_mask_a_sequence": bool(steady),
        "shared": sorted(a + b for a, b in itertools.combinations(gates, 2) if _linked(kept[a], kept[b])),
        "values": sorted({round(float(v), 4) for v in np.unique(shown[gates[-1]][:, 0])}),
        "differs_between_samples": bool((kept[gates[-1]][0] != kept[gates[-1]][1]).any()),
        "drawn_anew": bool((first != second).any()),
    }
    if kind == "GRU" and of == "state":
        told["kept_state_is_dropped"] = bool((first[:, :, made.at("k")] != 1).any())
    return told


def _linked(a, b):
    """Whether one is kept only where the other is: masks of their own part in a quarter of the places."""
    return not (a & ~b).any() or not (b & ~a).any()


CASES = [
    (kind, of, options)
    for kind, choices in (
        ("SimpleRNN", [{}]), ("LSTM", [{"implementation": 1}, {"implementation": 2}]),
        ("GRU", [{"implementation": i, "reset_after": r} for i in (1, 2) for r in (False, True)]),
    )
    for of in ("input", "state") for options in choices
]  # fmt: skip


def arguments(kind, of, options, made):
    """How the layer is made."""
    told = {"activation": "linear", "return_sequences": True, "dropout" if of == "input" else "recurrent_dropout": RATE}
    if kind != "SimpleRNN":
        told["recurrent_activation"] = "linear"
    if kind == "LSTM":
        told["unit_forget_bias"] = False
    return dict(told, units=made.units, **options)


def data(kind, made):
    """The input of ones and the start states."""
    states = [made.h, made.c] if kind == "LSTM" else [made.h]
    return np.ones((BATCH, STEPS, N), "float32"), [np.tile(s.astype("float32"), (BATCH, 1)) for s in states]


def _measure(keras, old):
    for kind, of, options in CASES:
        made = plan(kind, of)
        x, states = data(kind, made)
        more = {"use_cudnn": False} if kind != "SimpleRNN" and keras.__version__ >= "3" else {}  # 'auto' fails with implementation 1
        layer = getattr(keras.layers, kind)(**arguments(kind, of, options, made), **more)
        if old:
            ins = [keras.layers.Input(batch_shape=v.shape) for v in [x, *states]]
            out = layer(ins[0], initial_state=ins[1:])
            run = keras.backend.function([*ins, keras.backend.learning_phase()], [out])
            calls = [lambda run=run, x=x, states=states: run([x, *states, 1])[0]] * 2
        else:
            import tensorflow as tf

            x, states = tf.constant(x), [tf.constant(s) for s in states]
            layer.build(x.shape)
            calls = [lambda layer=layer, x=x, states=states: np.asarray(layer(x, initial_state=states, training=True))] * 2
        layer.set_weights(made.weights(2 if options.get("reset_after") else 1))
        print((kind, of, tuple(options.values())), findings(kind, of, made, *[call() for call in calls]))


if __name__ == "__main__":
    import os
    import sys

    if len(sys.argv) > 1 and sys.argv[1] == "tf_keras":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        import tf_keras

        _measure(tf_keras, False)
    else:
        import keras

        _measure(keras, keras.__version__ < "2.4")
