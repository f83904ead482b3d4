"""Recurrent layers: training steps against `nn.LSTM`, `nn.GRU`, packed sequences and loops over cells, plain and scripted.

Masked LSTMs are held to a third of packed sequences. At 64 units that is out of reach: the fused kernel alone, without any mask, takes
0.32-0.40 of packed sequences (AMD EPYC, one thread; 0.55 at 128 units); the kernel itself (`fused`) is the other thing they are held to.
Right- and left-padded rows hold 5/8 of the steps on average; with gaps one step in five is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from kcompat.layers import GRU, LSTM, Bidirectional, SimpleRNN
from kcompat.tensor.activate import hard_sigmoid_fifth
from parity.speed import Case

BATCH, STEPS, UNITS, SMALL, CALLS = 32, 80, 64, 32, 3


def _masks() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(STEPS // 4, STEPS + 1, (BATCH, 1), generator=generator)
    right = torch.arange(STEPS).unsqueeze(0) < lengths
    return {"right": right, "left": right.flip(1), "gaps": torch.rand(BATCH, STEPS, generator=generator) < 0.8}


def _step(run: Callable[[], Tensor], calls: int = CALLS) -> Callable[[], None]:
    """A training step: forward and backward, repeated."""

    def timed() -> None:
        for _ in range(calls):
            run().sum().backward()

    return timed


def _built(layer: Any, x: Tensor) -> Any:
    layer(x)
    return layer


def _packed(module: nn.Module, x: Tensor, mask: Tensor, whole: bool, moved: bool) -> Callable[[], Tensor]:
    """As most write it: lengths read, packed, unpacked; where padding is not on the right the valid steps are moved there and back."""

    def run() -> Tensor:
        lengths = mask.sum(1).clamp(min=1)
        seen = x
        if moved:
            order = torch.argsort(~mask, dim=1, stable=True)
            seen = x.gather(1, order.unsqueeze(-1).expand_as(x))
        out, state = module(pack_padded_sequence(seen, lengths.cpu(), batch_first=True, enforce_sorted=False))
        if not whole:
            return state[0] if isinstance(state, tuple) else state
        found = pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0]
        if moved:
            back = (mask.cumsum(1) - 1).clamp(min=0)
            found = found.gather(1, back.unsqueeze(-1).expand_as(found))
        return found

    return run


class _Loop(nn.Module):
    """A loop over a cell written out: one product of input and state a step."""

    def __init__(self, kind: str):
        super().__init__()
        gates = {"lstm": 4, "gru": 3, "simple": 1}[kind]
        self.kind, self.wx, self.wh = kind, nn.Linear(UNITS, gates * UNITS), nn.Linear(UNITS, gates * UNITS, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(x.shape[0], UNITS)
        for t in range(x.shape[1]):
            h, c = self.step(x[:, t], h, c)
        return h

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        if self.kind == "simple":
            return torch.tanh(self.wx(x) + self.wh(h)), c
        if self.kind == "lstm":
            i, f, g, o = (self.wx(x) + self.wh(h)).chunk(4, 1)
            c = hard_sigmoid_fifth(f) * c + hard_sigmoid_fifth(i) * torch.tanh(g)
            return hard_sigmoid_fifth(o) * torch.tanh(c), c
        z, r, n = self.wx(x).chunk(3, 1)
        kernel = self.wh.weight
        both = h @ kernel[: 2 * UNITS].t()
        z, r = torch.sigmoid(z + both[:, :UNITS]), torch.sigmoid(r + both[:, UNITS:])
        return z * h + (1 - z) * torch.tanh(n + (r * h) @ kernel[2 * UNITS :].t()), c


@torch.jit.script
def _scripted_lstm(x: Tensor, wx: Tensor, wh: Tensor, b: Tensor) -> Tensor:
    h, c = torch.zeros(x.shape[0], wh.shape[0]), torch.zeros(x.shape[0], wh.shape[0])
    for z in (x @ wx + b).unbind(1):
        i, f, g, o = (z + h @ wh).chunk(4, 1)
        c = torch.clamp(0.2 * f + 0.5, 0.0, 1.0) * c + torch.clamp(0.2 * i + 0.5, 0.0, 1.0) * torch.tanh(g)
        h = torch.clamp(0.2 * o + 0.5, 0.0, 1.0) * torch.tanh(c)
    return h


@torch.jit.script
def _scripted_gru(x: Tensor, wx: Tensor, wh: Tensor, b: Tensor) -> Tensor:
    h = torch.zeros(x.shape[0], wh.shape[0])
    units = wh.shape[0]
    first, last = wh[:, : 2 * units], wh[:, 2 * units :]
    for row in (x @ wx + b).unbind(1):
        z, r = torch.sigmoid(row[:, : 2 * units] + h @ first).chunk(2, 1)
        h = z * h + (1 - z) * torch.tanh(row[:, 2 * units :] + (r * h) @ last)
    return h


@torch.jit.script
def _scripted_simple(x: Tensor, wx: Tensor, wh: Tensor, b: Tensor) -> Tensor:
    h = torch.zeros(x.shape[0], wh.shape[0])
    for z in (x @ wx + b).unbind(1):
        h = torch.tanh(z + h @ wh)
    return h


_SCRIPTED = {"lstm": _scripted_lstm, "gru": _scripted_gru, "simple": _scripted_simple}


def _unmasked(x: Tensor) -> list[Case]:
    lstm, gru = nn.LSTM(UNITS, UNITS, batch_first=True), nn.GRU(UNITS, UNITS, batch_first=True)
    ours, ours_gru = _built(LSTM(UNITS), x), _built(GRU(UNITS), x)
    return [
        Case("recurrent_lstm", {"kcompat": _step(lambda: ours(x)), "torch": _step(lambda: lstm(x)[1][0])}, {"torch": 1.05}, CALLS),
        Case("recurrent_gru", {"kcompat": _step(lambda: ours_gru(x)), "torch": _step(lambda: gru(x)[1])}, {"torch": 1.05}, CALLS),
    ]


def _masked(units: int) -> list[Case]:
    """Every shape of mask; `fused` is `nn.LSTM` without a mask."""
    x = torch.randn(BATCH, STEPS, units)
    lstm, gru = nn.LSTM(units, units, batch_first=True), nn.GRU(units, units, batch_first=True)
    twice = nn.LSTM(units, units, batch_first=True, bidirectional=True)
    layers = {
        "lstm": (LSTM(units), lstm),
        "lstm_sequences": (LSTM(units, return_sequences=True), lstm),
        "bidirectional": (Bidirectional(LSTM(units, return_sequences=True)), twice),
        "gru": (GRU(units), gru),
    }
    found = []
    for name, mask in _masks().items():
        for kind, (layer, module) in layers.items():
            ours, sequences = _built(layer, x), kind in ("lstm_sequences", "bidirectional")
            sides = {
                "kcompat": _step(lambda ours=ours, mask=mask: ours(x, mask=mask)),
                "packed": _step(_packed(module, x, mask, sequences, name != "right")),
                "unmasked": _step(lambda ours=ours: ours(x)),
            }
            bounds = {"packed": 1.0 if kind == "gru" else 1 / 3, "unmasked": 1.5}
            if kind != "gru":
                sides["fused"] = _step(lambda module=module: module(x)[0])
                if units != SMALL:  # at few units the calls around the kernel weigh more
                    bounds["fused"] = 1.25
            found.append(Case(f"recurrent_{kind}_{name}_{units}", sides, bounds, CALLS))
    return found


def _loops(x: Tensor) -> list[Case]:
    """What has no fused kernel, against loops."""
    found = []
    for kind, layer in (
        ("lstm", LSTM(UNITS, recurrent_activation="hard_sigmoid")), ("gru", GRU(UNITS, reset_after=False)), ("simple", SimpleRNN(UNITS)),
    ):  # fmt: skip
        mine, loop, scripted = _built(layer, x), _Loop(kind), _SCRIPTED[kind]
        weights = [torch.as_tensor(w).clone().requires_grad_() for w in layer.get_weights()]
        sides = {
            "kcompat": _step(lambda mine=mine: mine(x)),
            "loop": _step(lambda loop=loop: loop(x)),
            "scripted": _step(lambda scripted=scripted, weights=weights: scripted(x, *weights)),
        }
        found.append(Case(f"recurrent_loop_{kind}", sides, {"loop": 0.5, "scripted": 1.0}, CALLS))
    return found


def _growth() -> list[Case]:
    """One sequence of 1,024 steps against 16 of 64: the cost of a step stays the same."""
    long = torch.randn(BATCH, 1024, UNITS)
    short = long[:, :64].contiguous()
    lstm = nn.LSTM(UNITS, UNITS, batch_first=True)
    layers = {
        "lstm": LSTM(UNITS),
        "gru": GRU(UNITS),
        "hard_lstm": LSTM(UNITS, recurrent_activation="hard_sigmoid"),
        "gru_before": GRU(UNITS, reset_after=False),
        "simple": SimpleRNN(UNITS),
    }
    found = []
    for name, layer in layers.items():
        ours = _built(layer, short)
        sides = {"kcompat": _step(lambda ours=ours: ours(long), 1), "short": _step(lambda ours=ours: ours(short), 16)}
        bounds = {"short": 1.2}
        if name == "lstm":
            sides["torch"], bounds["torch"] = _step(lambda: lstm(long)[1][0], 1), 1.05
        found.append(Case(f"recurrent_1024_{name}", sides, bounds))
    return found


def cases() -> list[Case]:
    torch.manual_seed(0)
    x = torch.randn(BATCH, STEPS, UNITS)
    return [*_unmasked(x), *_masked(SMALL), *_masked(UNITS), *_loops(x), *_growth()]
