"""Masks of every shape through recurrent layers: outputs, states, gradients, output masks."""

from parity.cases.make import NEW, layer, part, x

SHAPES = {
    "leading": [[0, 0, 1, 1, 1], [0, 1, 1, 1, 1]],
    "trailing": [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]],
    "interior": [[1, 0, 1, 0, 1], [1, 1, 0, 0, 1]],
    "all_masked": [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]],
    "ragged": [[0, 1, 0, 1, 0], [0, 0, 0, 0, 1]],
    "full": [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1]],
}
KINDS = [
    ("simplernn", "SimpleRNN", {}), ("lstm", "LSTM", {}), ("gru", "GRU", {}),
    ("lstm_hard", "LSTM", {"recurrent_activation": "hard_sigmoid"}), ("gru_before", "GRU", {"reset_after": False}),
    ("gru_after", "GRU", {"reset_after": True}),
]  # fmt: skip
FLAGS = [
    ("last", {}), ("sequences", {"return_sequences": True}), ("backwards_last", {"go_backwards": True}),
    ("backwards_sequences", {"go_backwards": True, "return_sequences": True}),
]  # fmt: skip


def _masked(name, kind, config, mask, **fields):
    return layer("recurrent_masks/" + name, kind, dict({"units": 3}, **config), x(2, 5, 2, mask=mask), **fields)


CASES = [
    _masked(f"{short}_{shape}_{name}", kind, dict(config, **flags), mask, float64=shape in ("ragged", "all_masked") and name != "last")
    for short, kind, config in KINDS[:3] for shape, mask in SHAPES.items() for name, flags in FLAGS
] + [
    _masked(f"{short}_{shape}_state", kind, dict(config, return_sequences=True, return_state=True), mask, float64=shape == "ragged")
    for short, kind, config in KINDS for shape, mask in SHAPES.items()
] + [
    _masked(f"{short}_{shape}_unroll", kind, dict(config, unroll=True, return_sequences=True), SHAPES[shape])
    for short, kind, config in KINDS[:3] for shape in ("leading", "interior")
] + [
    _masked(f"{short}_{shape}_zero_{name}", kind, dict(config, zero_output_for_mask=True, **flags), SHAPES[shape], generations=list(NEW))
    for short, kind, config in KINDS[:3] for shape in ("leading", "trailing", "ragged") for name, flags in FLAGS[:2]
] + [
    layer(f"recurrent_masks/rnn_{kind.lower()}_{shape}", "RNN", {"cell": part(kind + "Cell", units=3), "return_sequences": True},
          x(2, 5, 2, mask=SHAPES[shape]), skip=["config.cell.config.name", "config.cell.name"])
    for kind in ("SimpleRNN", "LSTM", "GRU") for shape in ("interior", "all_masked")
]  # fmt: skip
