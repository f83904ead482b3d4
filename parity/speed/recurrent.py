"""Recurrent layers: training steps against `nn.LSTM`, `nn.GRU`, packed sequences and loops over cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from kcompat.layers import GRU, LSTM, Bidirectional, SimpleRNN
from kcompat.tensor.activate import hard_sigmoid_fifth
from parity.speed import Case

BATCH, STEPS, UNITS, CALLS = 32, 80, 64, 3


def _masks() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(STEPS // 4, STEPS + 1, (BATCH, 1), generator=generator)
    right = torch.arange(STEPS).unsqueeze(0) < lengths
    return {"right": right, "left": right.flip(1), "gaps": torch.rand(BATCH, STEPS, generator=generator) < 0.6}


def _step(run: Callable[[], Tensor]) -> Callable[[], None]:
    """A training step: forward and backward, repeated."""

    def timed() -> None:
        for _ in range(CALLS):
            run().sum().backward()

    return timed


def _built(layer: Any, x: Tensor) -> Any:
    layer(x)
    return layer


def _packed(module: nn.Module, x: Tensor, mask: Tensor, whole: bool) -> Callable[[], Tensor]:
    """As most write it: lengths read, packed, unpacked."""
    lengths = mask.sum(1).clamp(min=1)

    def run() -> Tensor:
        out, state = module(pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False))
        return pad_packed_sequence(out, batch_first=True)[0] if whole else (state[0] if isinstance(state, tuple) else state)

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
    projected = x @ wx + b
    h = torch.zeros(x.shape[0], wh.shape[0])
    c = torch.zeros(x.shape[0], wh.shape[0])
    for t in range(x.shape[1]):
        i, f, g, o = (projected[:, t] + h @ wh).chunk(4, 1)
        c = torch.clamp(0.2 * f + 0.5, 0.0, 1.0) * c + torch.clamp(0.2 * i + 0.5, 0.0, 1.0) * torch.tanh(g)
        h = torch.clamp(0.2 * o + 0.5, 0.0, 1.0) * torch.tanh(c)
    return h


def cases() -> list[Case]:
    torch.manual_seed(0)
    x = torch.randn(BATCH, STEPS, UNITS)
    lstm, gru = nn.LSTM(UNITS, UNITS, batch_first=True), nn.GRU(UNITS, UNITS, batch_first=True)
    twice = nn.LSTM(UNITS, UNITS, batch_first=True, bidirectional=True)
    ours, whole = _built(LSTM(UNITS), x), _built(LSTM(UNITS, return_sequences=True), x)
    ours_gru, both = _built(GRU(UNITS), x), _built(Bidirectional(LSTM(UNITS, return_sequences=True)), x)
    found = [
        Case("recurrent_lstm", {"kcompat": _step(lambda: ours(x)), "torch": _step(lambda: lstm(x)[1][0])}, {"torch": 1.05}, CALLS),
        Case("recurrent_gru", {"kcompat": _step(lambda: ours_gru(x)), "torch": _step(lambda: gru(x)[1])}, {"torch": 1.05}, CALLS),
    ]
    for name, mask in _masks().items():
        rows: list[tuple[str, Callable[[], Tensor], nn.Module, bool, dict[str, float], Callable[[], Tensor]]] = [
            ("lstm", lambda m=mask: ours(x, mask=m), lstm, False, {"packed": 1 / 3, "unmasked": 1.5}, lambda: ours(x)),
            ("lstm_sequences", lambda m=mask: whole(x, mask=m), lstm, True, {"packed": 1 / 3, "unmasked": 1.5}, lambda: whole(x)),
            ("bidirectional", lambda m=mask: both(x, mask=m), twice, True, {"packed": 1 / 3, "unmasked": 1.5}, lambda: both(x)),
            ("gru", lambda m=mask: ours_gru(x, mask=m), gru, False, {"packed": 1.0}, lambda: ours_gru(x)),
        ]
        for kind, run, module, sequences, bounds, plain in rows:
            sides = {"kcompat": _step(run), "packed": _step(_packed(module, x, mask, sequences)), "unmasked": _step(plain)}
            found.append(Case(f"recurrent_{kind}_{name}", sides, bounds, CALLS))
    for kind, layer in (
        ("lstm", LSTM(UNITS, recurrent_activation="hard_sigmoid")), ("gru", GRU(UNITS, reset_after=False)), ("simple", SimpleRNN(UNITS)),
    ):  # fmt: skip
        mine, loop = _built(layer, x), _Loop(kind)
        sides = {"kcompat": _step(lambda mine=mine: mine(x)), "loop": _step(lambda loop=loop: loop(x))}
        bounds = {"loop": 0.5}
        if kind == "lstm":
            weights = [
                w.detach().requires_grad_() for w in (torch.rand(UNITS, 4 * UNITS), torch.rand(UNITS, 4 * UNITS), torch.zeros(4 * UNITS))
            ]
            sides["scripted"] = _step(lambda weights=weights: _scripted_lstm(x, *weights))
            bounds["scripted"] = 1.0
        found.append(Case(f"recurrent_loop_{kind}", sides, bounds, CALLS))
    long = torch.randn(BATCH, 1024, UNITS)
    short = long[:, :64].contiguous()
    many: dict[str, Callable[[], object]] = {
        "kcompat": lambda: ours(long).sum().backward(),
        "short": lambda: [ours(short).sum().backward() for _ in range(16)],
    }
    many["torch"] = lambda: lstm(long)[1][0].sum().backward()
    # 16 short sequences stay in the cache, one long one does not: linear in the steps, to that factor
    found.append(Case("recurrent_lstm_1024", many, {"short": 2.0, "torch": 1.05}))
    return found
