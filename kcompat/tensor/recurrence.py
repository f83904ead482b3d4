"""Recurrent cells over whole sequences, with gradients written by hand: what torch's fused kernels do not offer, or do slower.

All products with the input are one product, gates are activated in place, and all weight gradients are one product at the end; what is left
in the loop of the backward pass is three to five calls a step. Step functions that torch differentiates itself stand in `cells`; they are
taken where these functions cannot be (tracing, vmap, gradients of gradients).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kcompat.tensor import activate, cells


class Curve(NamedTuple):
    """An activation: computed in place where possible, its value and slope from what the in-place form leaves behind."""

    apply: Callable[[Tensor], Tensor]
    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


def _same(y: Tensor) -> Tensor:
    return y


def _fifth(x: Tensor) -> Tensor:
    return x.mul_(0.2).add_(0.5).clamp(0.0, 1.0)


def _clipped(line: Tensor) -> Tensor:
    return line.clamp(0.0, 1.0)


CURVES: dict[Any, Curve] = {
    activate.tanh: Curve(torch.tanh_, _same, lambda y: 1 - y * y),
    activate.sigmoid: Curve(torch.sigmoid_, _same, lambda y: y * (1 - y)),
    activate.relu: Curve(torch.relu_, _same, lambda y: (y > 0).to(y.dtype)),
    activate.linear: Curve(_same, _same, torch.ones_like),
    # what stays behind is the line itself: the slope at its two ends is 0.2
    activate.hard_sigmoid_fifth: Curve(_fifth, _clipped, lambda line: ((line >= 0) & (line <= 1)).to(line.dtype).mul_(0.2)),
}


class Cell(NamedTuple):
    """What is computed: 'simple', 'lstm', 'gru_after' or 'gru_before', with its activation and that of its gates."""

    kind: str
    activation: Any
    gate: Any = None


def known(cell: Cell) -> bool:
    """Whether `recurrence` knows the slopes of the cell's activations."""
    return cell.activation in CURVES and (cell.gate is None or cell.gate in CURVES)


def project(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """`x @ kernel + bias` for all steps: (t, b, n) -> (t, b, m), memory of its own."""
    flat = x.reshape(-1, x.shape[-1])
    flat = flat @ kernel if bias is None else torch.addmm(bias, flat, kernel)
    return flat.view(*x.shape[:2], -1)


def steps(
    cell: Cell, z: Tensor, recurrent: Tensor, recurrent_bias: Tensor | None, start: tuple[Tensor, ...], drop: cells.Drop = None
) -> tuple[Tensor, ...]:
    """The states after every step, each (t, b, u), by one call of the cell's step function after the other."""
    found: list[tuple[Tensor, ...]] = []
    states = start
    for row in z.unbind(0):
        h = states[0]
        if cell.kind == "lstm":
            states = cells.lstm(row, h, states[1], recurrent, cell.activation, cell.gate, drop)
        elif cell.kind == "gru_after":
            states = (cells.gru_reset_after(row, h, recurrent, recurrent_bias, cell.activation, cell.gate, drop),)
        elif cell.kind == "gru_before":
            states = (cells.gru_reset_before(row, h, recurrent, cell.activation, cell.gate, drop),)
        else:
            states = (cells.simple_rnn(row, h, recurrent, cell.activation, drop),)
        found.append(states)
    if not found:
        return tuple(s.new_empty((0, *s.shape)) for s in start)
    return tuple(torch.stack(rows) for rows in zip(*found, strict=True))


class _Recurrence(torch.autograd.Function):
    """(x, kernel, bias, recurrent, recurrent_bias, *start) -> the states after every step."""

    @staticmethod
    def forward(ctx: Any, cell: Cell, x: Tensor, kernel: Tensor, bias: Any, recurrent: Tensor, recurrent_bias: Any, *start: Tensor) -> Any:
        gates = project(x, kernel, bias)
        rule = _RULES[cell.kind]
        states, extra = rule.forward(cell, gates, recurrent, recurrent_bias, *start)
        ctx.cell = cell
        ctx.save_for_backward(x, kernel, bias, recurrent, recurrent_bias, gates, *extra, *states, *start)
        ctx.counts = len(extra), len(states)
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        x, kernel, bias, recurrent, recurrent_bias, gates, *rest = ctx.saved_tensors
        extras, count = ctx.counts
        extra, states, start = rest[:extras], rest[extras : extras + count], rest[extras + count :]
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            return _by_autograd(ctx, x, kernel, bias, recurrent, recurrent_bias, start, grads)
        grads = tuple(torch.zeros_like(s) if g is None else g.contiguous().clone() for g, s in zip(grads, states, strict=True))
        rule = _RULES[ctx.cell.kind]
        d_gates, d_recurrent, d_bias, d_start = rule.backward(ctx.cell, gates, extra, states, start, recurrent, grads)
        flat = d_gates.flatten(0, 1)
        needs = ctx.needs_input_grad
        return (
            None,
            (flat @ kernel.t()).view(x.shape) if needs[1] else None,
            x.reshape(-1, x.shape[-1]).t() @ flat if needs[2] else None,
            flat.sum(0) if needs[3] and bias is not None else None,
            d_recurrent,
            d_bias if recurrent_bias is not None else None,
            *d_start,
        )


def _by_autograd(ctx: Any, x: Tensor, kernel: Tensor, bias: Any, recurrent: Tensor, recurrent_bias: Any, start: Any, grads: Any) -> Any:
    inputs = (x, kernel, bias, recurrent, recurrent_bias, *start)
    wanted = [t for t, need in zip(inputs, ctx.needs_input_grad[1:], strict=True) if need]
    # copies that depend on the inputs, so that the gradients of the copies are functions of the inputs
    states = steps(ctx.cell, project(x, kernel, bias), recurrent, recurrent_bias, tuple(start))
    pairs = [(s, g) for s, g in zip(states, grads, strict=True) if g is not None]
    found = iter(torch.autograd.grad([s for s, _ in pairs], wanted, [g for _, g in pairs], create_graph=True, allow_unused=True))
    return (None, *(next(found) if need else None for need in ctx.needs_input_grad[1:]))


class _Rule(NamedTuple):
    forward: Callable[..., Any]
    backward: Callable[..., Any]


def _before(states: Tensor, start: Tensor) -> Tensor:
    """The state before every step."""
    return torch.cat([start.unsqueeze(0), states[:-1]])


def _transposed_product(a: Tensor, b: Tensor) -> Tensor:
    return a.reshape(-1, a.shape[-1]).t() @ b.reshape(-1, b.shape[-1])


def _simple_forward(cell: Cell, gates: Tensor, recurrent: Tensor, recurrent_bias: Any, h: Tensor) -> Any:
    apply = CURVES[cell.activation].apply
    for row in gates.unbind(0):
        h = apply(row.addmm_(h, recurrent))
    return (gates if CURVES[cell.activation].value is _same else CURVES[cell.activation].value(gates),), ()


def _simple_backward(cell: Cell, gates: Tensor, extra: Any, states: Any, start: Any, recurrent: Tensor, grads: Any) -> Any:
    (d_h,) = grads
    slope, back = CURVES[cell.activation].slope(gates), recurrent.t()
    rows, slopes = d_h.unbind(0), slope.unbind(0)
    d_start = None
    for t in range(len(rows) - 1, -1, -1):
        rows[t].mul_(slopes[t])
        if t:
            rows[t - 1].addmm_(rows[t], back)
        else:
            d_start = rows[0] @ back
    return d_h, _transposed_product(_before(states[0], start[0]), d_h), None, (d_start,)


def _lstm_forward(cell: Cell, gates: Tensor, recurrent: Tensor, recurrent_bias: Any, h: Tensor, c: Tensor) -> Any:
    units = h.shape[1]
    act, gate = CURVES[cell.activation], CURVES[cell.gate]
    hs, cs, curved = (gates.new_empty((*gates.shape[:2], units)) for _ in range(3))
    split = [gates[..., : 2 * units].unbind(0), gates[..., 2 * units : 3 * units].unbind(0), gates[..., 3 * units :].unbind(0)]
    line, apply = _line(gates, units) if gate is _HARD else None, _clipped if gate is _HARD else gate.apply
    for row, in_forget, new, out, h_row, c_row, curve_row in zip(
        gates.unbind(0), *split, hs.unbind(0), cs.unbind(0), curved.unbind(0), strict=True
    ):
        row.addmm_(h, recurrent)
        if line is not None:  # the straight part of all gates in one call
            torch.addcmul(line[1], row, line[0], out=row)
        i, f = apply(in_forget).chunk(2, 1)
        torch.mul(f, c, out=c_row)
        c = c_row.addcmul_(i, act.apply(new))
        kept = curve_row.copy_(c) if act is not _TANH else torch.tanh(c, out=curve_row)
        h = torch.mul(apply(out), kept if act is _TANH else act.apply(kept), out=h_row)
    return (hs, cs), (curved,)


def _line(gates: Tensor, units: int) -> tuple[Tensor, Tensor]:
    """Factor and addend of a hard sigmoid's line for the gates of an LSTM; 1 and 0 for the candidate."""
    factor, addend = gates.new_full((4 * units,), 0.2), gates.new_full((4 * units,), 0.5)
    factor[2 * units : 3 * units], addend[2 * units : 3 * units] = 1.0, 0.0
    return factor, addend


def _lstm_backward(cell: Cell, gates: Tensor, extra: Any, states: Any, start: Any, recurrent: Tensor, grads: Any) -> Any:
    hs, cs = states
    d_h, d_c = grads
    units = hs.shape[-1]
    act, gate = CURVES[cell.activation], CURVES[cell.gate]
    (curved,) = extra
    i, f, new, o = gates.chunk(4, 2)
    forget = gate.value(f)
    # what each gradient is multiplied with: the state's for i, f and the candidate, the output's for o
    by_state = torch.stack([act.value(new) * gate.slope(i), _before(cs, start[1]) * gate.slope(f), gate.value(i) * act.slope(new)], 2)
    by_output = act.value(curved) * gate.slope(o)
    to_state = gate.value(o) * act.slope(curved)
    d_gates = torch.empty_like(gates)
    four = d_gates.view(*gates.shape[:2], 4, units)
    back = recurrent.t()
    rows = zip(
        *(t.unbind(0) for t in (d_h, d_c, to_state, forget, by_state, by_output, d_gates, four[:, :, :3], four[:, :, 3])), strict=True
    )
    rows_list = list(rows)
    d_start: tuple[Tensor, ...] = ()
    for t in range(len(rows_list) - 1, -1, -1):
        dh, dc, to_c, f_row, three, one, whole, first, last = rows_list[t]
        dc.addcmul_(dh, to_c)
        torch.mul(dc.unsqueeze(1), three, out=first)
        torch.mul(dh, one, out=last)
        if t:
            rows_list[t - 1][0].addmm_(whole, back)
            rows_list[t - 1][1].addcmul_(dc, f_row)
        else:
            d_start = (whole @ back, dc * f_row)
    return d_gates, _transposed_product(_before(hs, start[0]), d_gates), None, d_start


def _gru_after_forward(cell: Cell, gates: Tensor, recurrent: Tensor, recurrent_bias: Any, h: Tensor) -> Any:
    units = h.shape[1]
    act, gate = CURVES[cell.activation], CURVES[cell.gate]
    hs = gates.new_empty((*gates.shape[:2], units))
    products = torch.empty_like(gates)
    split = [gates[..., : 2 * units].unbind(0), gates[..., 2 * units :].unbind(0)]
    parts = [products[..., : 2 * units].unbind(0), products[..., 2 * units :].unbind(0)]
    for both, new, product, p_both, p_new, h_row in zip(*split, products.unbind(0), *parts, hs.unbind(0), strict=True):
        if recurrent_bias is None:
            torch.mm(h, recurrent, out=product)
        else:
            torch.addmm(recurrent_bias, h, recurrent, out=product)
        share, reset = gate.apply(both.add_(p_both)).chunk(2, 1)
        candidate = act.apply(new.addcmul_(reset, p_new))
        h = torch.lerp(candidate, h, share, out=h_row)
    return (hs,), (products[..., 2 * units :],)


def _gru_after_backward(cell: Cell, gates: Tensor, extra: Any, states: Any, start: Any, recurrent: Tensor, grads: Any) -> Any:
    (d_h,) = grads
    act, gate = CURVES[cell.activation], CURVES[cell.gate]
    update, reset, new = gates.chunk(3, 2)
    share, previous = gate.value(update), _before(states[0], start[0])
    to_new = (1 - share) * act.slope(new)
    to_update = (previous - act.value(new)) * gate.slope(update)
    by_output = torch.stack([to_update, to_new * extra[0] * gate.slope(reset), to_new * gate.value(reset)], 2)
    d_products = torch.empty_like(gates)
    back = recurrent.t()
    rows = list(zip(
        *(t.unbind(0) for t in (d_h, share, by_output, d_products, d_products.view(by_output.shape))), strict=True
    ))  # fmt: skip
    d_start = None
    for t in range(len(rows) - 1, -1, -1):
        dh, share_row, three, whole, split = rows[t]
        torch.mul(dh.unsqueeze(1), three, out=split)
        if t:
            rows[t - 1][0].addcmul_(dh, share_row).addmm_(whole, back)
        else:
            d_start = (dh * share_row).addmm_(whole, back)
    d_recurrent, d_bias = _transposed_product(previous, d_products), d_products.sum((0, 1))
    d_products[..., 2 * d_h.shape[-1] :] = d_h * to_new  # behind the reset gate; the rest is the same for input and state
    return d_products, d_recurrent, d_bias, (d_start,)


def _gru_before_forward(cell: Cell, gates: Tensor, recurrent: Tensor, recurrent_bias: Any, h: Tensor) -> Any:
    units = h.shape[1]
    act, gate = CURVES[cell.activation], CURVES[cell.gate]
    hs, kept = (gates.new_empty((*gates.shape[:2], units)) for _ in range(2))
    first, last = recurrent[:, : 2 * units], recurrent[:, 2 * units :]
    split = [gates[..., : 2 * units].unbind(0), gates[..., 2 * units :].unbind(0)]
    for both, new, kept_row, h_row in zip(*split, kept.unbind(0), hs.unbind(0), strict=True):
        share, reset = gate.apply(both.addmm_(h, first)).chunk(2, 1)
        candidate = act.apply(new.addmm_(torch.mul(reset, h, out=kept_row), last))
        h = torch.lerp(candidate, h, share, out=h_row)
    return (hs,), (kept,)


def _gru_before_backward(cell: Cell, gates: Tensor, extra: Any, states: Any, start: Any, recurrent: Tensor, grads: Any) -> Any:
    (d_h,) = grads
    units = d_h.shape[-1]
    act, gate = CURVES[cell.activation], CURVES[cell.gate]
    update, reset, new = gates.chunk(3, 2)
    share, keep, previous = gate.value(update), gate.value(reset), _before(states[0], start[0])
    to_update = (previous - act.value(new)) * gate.slope(update)
    to_reset = previous * gate.slope(reset)
    to_new = (1 - share) * act.slope(new)
    d_gates = torch.empty_like(gates)
    first, last = recurrent[:, : 2 * units].t(), recurrent[:, 2 * units :].t()
    parts = (d_gates[..., :units], d_gates[..., units : 2 * units], d_gates[..., : 2 * units], d_gates[..., 2 * units :])
    rows = list(zip(*(t.unbind(0) for t in (d_h, share, keep, to_update, to_reset, to_new, *parts)), strict=True))
    d_start = None
    for t in range(len(rows) - 1, -1, -1):
        dh, share_row, keep_row, update_row, reset_row, new_row, d_update, d_reset, d_both, d_new = rows[t]
        torch.mul(dh, new_row, out=d_new)
        d_kept = d_new @ last
        torch.mul(dh, update_row, out=d_update)
        torch.mul(d_kept, reset_row, out=d_reset)
        earlier = rows[t - 1][0].addcmul_(dh, share_row) if t else dh * share_row
        earlier.addcmul_(d_kept, keep_row).addmm_(d_both, first)
        d_start = earlier
    d_recurrent = torch.cat(
        [_transposed_product(previous, d_gates[..., : 2 * units]), _transposed_product(extra[0], d_gates[..., 2 * units :])], 1
    )
    return d_gates, d_recurrent, None, (d_start,)


_TANH, _HARD = CURVES[activate.tanh], CURVES[activate.hard_sigmoid_fifth]
_RULES = {
    "simple": _Rule(_simple_forward, _simple_backward),
    "lstm": _Rule(_lstm_forward, _lstm_backward),
    "gru_after": _Rule(_gru_after_forward, _gru_after_backward),
    "gru_before": _Rule(_gru_before_forward, _gru_before_backward),
}


def recurrence(
    cell: Cell, x: Tensor, kernel: Tensor, bias: Tensor | None, recurrent: Tensor, recurrent_bias: Tensor | None, start: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """The states after every step, each (t, b, u); `x` (t, b, n), `start` the states before the first step, each (b, u)."""
    return _Recurrence.apply(cell, x, kernel, bias, recurrent, recurrent_bias, *start)
