"""Dropout in recurrent layers: how many masks there are and where they work, as measured in real Keras.

Numbers of different generators cannot be compared; `dropout_probe` makes the masks visible, and was run under Keras 2.2.4, 2.3.1,
tf_keras 2.21 and Keras 3.15. Measured everywhere: one mask a sequence (the same at every step), kept entries are divided by `1 - rate`,
samples and calls differ. Masks of gates: `implementation` 1 has one for each gate, 2 one for all; where `recurrent_dropout` is set,
tf_keras and Keras 3 go by `implementation` 1. The GRU of Keras 2.2 and 2.3 with `implementation` 2 also carries the dropped state over.
"""

from __future__ import annotations

from typing import Any

import dropout_probe as probe
import numpy as np
import pytest
import torch

from kcompat import layers as L
from kcompat.config import keras_version_scope

GENERATIONS = ("2.2.4", "2.3.1", "2.15", "3")
#: pairs of gates that share a mask; those of a GRU's state are seen through the state's own mask, so "zr" cannot be
SHARED = {
    ("LSTM", "input"): ["co", "fc", "fo", "ic", "if", "io"],
    ("LSTM", "state"): ["co", "fc", "fo", "ic", "if", "io"],
    ("GRU", "input"): ["rh", "zh", "zr"],
    ("GRU", "state"): ["rh", "zh"],
}


def _findings(kind: str, of: str, options: dict[str, Any]) -> dict[str, Any]:
    made = probe.plan(kind, of)
    x, states = probe.data(kind, made)
    layer = getattr(L, kind)(**probe.arguments(kind, of, options, made))
    layer.build(x.shape)
    layer.set_weights(made.weights(2 if options.get("reset_after") else 1))
    start = [torch.from_numpy(s) for s in states]
    runs = [layer(torch.from_numpy(x), initial_state=start, training=True).detach().numpy() for _ in range(2)]
    return probe.findings(kind, of, made, *runs)


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize(("kind", "of", "options"), probe.CASES, ids=lambda v: "_".join(map(str, v.values())) if isinstance(v, dict) else v)
def test_masks(version: str, kind: str, of: str, options: dict[str, Any]) -> None:
    torch.manual_seed(1)
    with keras_version_scope(version):
        found = _findings(kind, of, options)
    forced = of == "state" and version in ("2.15", "3")
    one_for_all = options.get("implementation") == 2 and not forced
    wanted = {
        "one_mask_a_sequence": True,
        "shared": SHARED[kind, of] if one_for_all else [],
        "values": [0.0, 2.0],
        "differs_between_samples": True,
        "drawn_anew": True,
    }
    if (kind, of) == ("GRU", "state"):
        wanted["kept_state_is_dropped"] = one_for_all
    assert found == wanted


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_cells_draw_once_a_sequence(kind: str) -> None:
    cell = getattr(L, f"{kind}Cell")(4, dropout=0.5, recurrent_dropout=0.5, seed=3)
    x, states = torch.ones(2, 6), [torch.ones(2, 4) for _ in range(2 if kind == "LSTM" else 1)]
    first = cell(x, states, training=True)[0]
    assert torch.equal(cell(x, states, training=True)[0], first)
    cell.reset_dropout_mask()
    assert not torch.equal(cell(x, states, training=True)[0], first)
    assert torch.equal(cell(x, states, training=False)[0], cell(x, states)[0])


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "ConvLSTM2D"])
def test_a_seed_repeats_and_moves_on(kind: str) -> None:
    def made() -> Any:
        told = {"filters": 3, "kernel_size": 2} if kind == "ConvLSTM2D" else {"units": 3}
        return getattr(L, kind)(**told, dropout=0.5, seed=7)

    x = torch.ones(2, 3, 4, 5, 2) if kind == "ConvLSTM2D" else torch.ones(2, 4, 8)
    one, other = made(), made()
    one.build(x.shape), other.build(x.shape)
    other.set_weights(one.get_weights())
    first = one(x, training=True)
    assert torch.equal(other(x, training=True), first)
    assert not torch.equal(one(x, training=True), first)


def test_conv_lstm_has_a_mask_for_each_gate() -> None:
    """Windows of one cell over one channel that is 1: gate by gate the output is the mask of the input (Keras 2.2.4, 2.3.1, 3.15)."""
    weights = np.zeros((1, 1, 1, 16), "float32"), np.zeros((1, 1, 4, 16), "float32"), np.zeros(16, "float32")
    for gate, channel in enumerate(range(4)):  # channel 0 shows i, ...
        weights[0][..., gate * 4 + channel] = 1
    for channel, ones in enumerate(([2, 3], [3], [0, 3], [0, 2])):
        for gate in ones:
            weights[2][gate * 4 + channel] = 1
    x, c = torch.ones(2, 3, 6, 6, 1), torch.zeros(2, 6, 6, 4)
    c[..., 1] = 1
    for version in GENERATIONS:
        with keras_version_scope(version):
            layer = L.ConvLSTM2D(
                filters=4, kernel_size=1, activation="linear", recurrent_activation="linear", dropout=0.5, return_sequences=True
            )
        layer.build(tuple(x.shape))
        layer.set_weights(list(weights))
        found = layer(x, initial_state=[torch.zeros_like(c), c], training=True).detach()
        masks = found[:, 0].unbind(-1)
        assert {v.item() for v in masks[0].unique()} == {0.0, 2.0}
        assert all(torch.equal(found[:, t, ..., k], masks[k]) for t in (1, 2) for k in (0, 2, 3))
        assert torch.equal(found[:, 2, ..., 1], masks[1] ** 3)
        assert not any(torch.equal(masks[a], masks[b]) for a in range(4) for b in range(a))
