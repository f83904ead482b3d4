"""Bidirectional: merge modes, masks, states, other layers backwards."""

from parity.cases.make import NEW, OLD, functional, layer, part, x
from parity.cases.recurrent_masks import SHAPES

LAYERS = ("SimpleRNN", "LSTM", "GRU")
MODES = ("concat", "sum", "mul", "ave", None)


def _inner(kind, **config):
    return part(kind, **dict({"units": 3, "name": "r"}, **config))


def _both(name, kind, inner, config=None, inputs=None, **fields):
    told = dict({"layer": _inner(kind, **inner)}, **(config or {}))
    return layer("bidirectional/" + name, "Bidirectional", told, inputs or x(2, 5, 2), **fields)


CASES = [
    _both(f"{kind.lower()}_{mode}_{'sequences' if s else 'last'}".lower(), kind, {"return_sequences": s}, {"merge_mode": mode},
          float64=mode == "concat")
    for kind in LAYERS for mode in MODES for s in (True, False)
] + [
    _both(f"{kind.lower()}_{shape}_{'sequences' if s else 'last'}_masked", kind, {"return_sequences": s}, {},
          x(2, 5, 2, mask=mask), float64=shape == "ragged")
    for kind in LAYERS for shape, mask in SHAPES.items() for s in (True, False)
] + [
    _both(f"{kind.lower()}_none_masked", kind, {"return_sequences": True}, {"merge_mode": None}, x(2, 5, 2, mask=SHAPES["interior"]))
    for kind in LAYERS
] + [
    _both(f"{kind.lower()}_state_{'sequences' if s else 'last'}", kind, {"return_sequences": s, "return_state": True}, {},
          x(2, 5, 2, mask=mask))
    for kind in LAYERS for s, mask in ((True, SHAPES["ragged"]), (False, SHAPES["trailing"]))
] + [
    _both(f"{kind.lower()}_state_none", kind, {"return_sequences": True, "return_state": True}, {"merge_mode": None}) for kind in LAYERS
] + [
    _both(f"{kind.lower()}_turned", kind, {"return_sequences": True, "go_backwards": True}, errors=["3"]) for kind in LAYERS
] + [
    _both("other_backward", "LSTM", {"return_sequences": True},
          {"backward_layer": part("GRU", units=3, return_sequences=True, go_backwards=True, name="b")}, generations=list(NEW)),
    _both("other_backward_masked", "SimpleRNN", {"return_sequences": True},
          {"backward_layer": part("GRU", units=3, return_sequences=True, go_backwards=True, name="b")},
          x(2, 5, 2, mask=SHAPES["interior"]), generations=list(NEW)),
    _both("same_direction", "LSTM", {}, {"backward_layer": part("LSTM", units=3, name="b")}, generations=list(NEW), errors=list(NEW)),
    _both("unknown_mode", "LSTM", {}, {"merge_mode": "max"}, errors=list(OLD + NEW)),
    _both("regularized", "LSTM", {"kernel_regularizer": "l2", "recurrent_regularizer": "l1"}),
] + [
    functional(
        f"bidirectional/states_{kind.lower()}", dict({"a": [5, 2]}, **{n: [3] for n in names}),
        {"r": {"class": "Bidirectional", "config": {"layer": _inner(kind, return_sequences=True), "name": "bi"}}},
        [["y", "r", "a", {"initial_state": {"tensors": names}}]], "y", [x(2, 5, 2), *(x(2, 3) for _ in names)], skip=["config", "rebuild"])
    for kind, names in (("SimpleRNN", ["f", "b"]), ("LSTM", ["fh", "fc", "bh", "bc"]), ("GRU", ["f", "b"]))
]  # fmt: skip
