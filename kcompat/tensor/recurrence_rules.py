"""The loops of `recurrence`: each kind of cell forward and backward, step by step, with as few calls a step as there can be.

`forward(act, gate, gates, recurrent, recurrent_bias, *start)` takes the input's products (t, b, gates * u), writes into them, and
returns the states after every step, each (t, b, u), and what `backward` needs beside them.
`backward(act, gate, extra, states, start, recurrent, grads)` returns the gradients of the products, of `recurrent`, of `recurrent_bias`
or None, and of the start states. A gradient in `grads` may be None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kcompat.tensor.curves import Curve

#: the gradients that reach one state at every step, from outside, or None
Rows = Sequence[Tensor | None]


class Rule(NamedTuple):
    """Forward and backward of a kind of cell."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]


def _rows(grad: Tensor | None, length: int) -> Rows:
    """Rows of a copy, to be added to."""
    return [None] * length if grad is None else grad.clone(memory_format=torch.contiguous_format).unbind(0)


def _last(rows: Rows, like: Tensor) -> Tensor:
    last = rows[-1]
    return torch.zeros_like(like) if last is None else last


def _product_and(row: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    return a @ b if row is None else row.addmm_(a, b)


def _outside(rows: Rows, t: int) -> Tensor | None:
    """What comes from outside to the step before `t`; nothing to the start."""
    return rows[t - 1] if t else None


def _before(states: Tensor, start: Tensor) -> Tensor:
    """The state before every step."""
    return torch.cat([start.unsqueeze(0), states[:-1]])


def _weight_gradient(states: Tensor, start: Tensor, grads: Tensor) -> Tensor:
    """The product of the state before every step with the gradients of that step."""
    first = start.t() @ grads[0]
    return first.addmm_(states[:-1].flatten(0, 1).t(), grads[1:].flatten(0, 1)) if len(states) > 1 else first


def _values(curve: Curve, rows: Sequence[Tensor]) -> Sequence[Tensor]:
    """Where the values of a curve go: over what they are computed from, or to one place for all steps where that is kept."""
    return [torch.empty_like(rows[0])] * len(rows) if curve.keeps_input else rows


def _simple_forward(act: Curve, gate: Any, gates: Tensor, recurrent: Tensor, recurrent_bias: Any, h: Tensor) -> Any:
    hs = torch.empty_like(gates) if act.keeps_input else gates
    rows = gates.unbind(0)
    for row, h_row in zip(rows, hs.unbind(0) if act.keeps_input else rows, strict=True):
        row.addmm_(h, recurrent)
        act.apply(row, h_row)
        h = h_row
    return (hs,), (gates,) if act.keeps_input else ()


def _simple_backward(act: Curve, gate: Any, extra: Any, states: Any, start: Any, recurrent: Tensor, grads: Any) -> Any:
    hs, back = states[0], recurrent.t()
    slope = torch.empty_like(hs)
    act.backward(hs.new_ones(()).expand_as(hs), extra[0] if extra else hs, slope)
    d_gates = grads[0].clone(memory_format=torch.contiguous_format)
    rows, slopes = d_gates.unbind(0), slope.unbind(0)
    for t in range(len(rows) - 1, 0, -1):
        row = rows[t]
        rows[t - 1].addmm_(row.mul_(slopes[t]), back)
    d_start = rows[0].mul_(slopes[0]) @ back
    return d_gates, _weight_gradient(hs, start[0], d_gates), None, (d_start,)


def _lstm_forward(act: Curve, gate: Curve, gates: Tensor, recurrent: Tensor, recurrent_bias: Any, h: Tensor, c: Tensor) -> Any:
    units = h.shape[1]
    hs, cs = (gates.new_empty((*gates.shape[:2], units)) for _ in range(2))
    curved = cs if act.keeps_input else torch.empty_like(cs)
    rows, new_rows = gates.unbind(0), gates[..., 2 * units : 3 * units].unbind(0)
    opened = _values(gate, rows)
    first, forget, last = (_columns(opened, part * units, units) for part in (0, 1, 3))
    both = _columns(opened, 0, 2 * units)
    at_once = gate.keeps_input  # the candidate's columns may be spoiled then
    for row, new, value, place, i, f, o, i_f, h_row, c_row, curve_row in zip(
        rows, new_rows, _values(act, new_rows), opened, first, forget, last, both, hs.unbind(0), cs.unbind(0),
        _values(act, curved.unbind(0)), strict=True,
    ):  # fmt: skip
        row.addmm_(h, recurrent)
        act.apply(new, value)
        if at_once:
            gate.apply(row, place)
        else:
            gate.apply(i_f, i_f)
            gate.apply(o, o)
        torch.mul(f, c, out=c_row)
        c = c_row.addcmul_(i, value)
        act.apply(c, curve_row)
        h = torch.mul(o, curve_row, out=h_row)
    return (hs, cs), (gates, curved)


def _columns(rows: Sequence[Tensor], start: int, count: int) -> Sequence[Tensor]:
    """The same columns of all rows."""
    if len(rows) > 1 and rows[0] is rows[1]:
        return [rows[0][:, start : start + count]] * len(rows)
    return [row[:, start : start + count] for row in rows]


def _lstm_backward(act: Curve, gate: Curve, extra: Any, states: Any, start: Any, recurrent: Tensor, grads: Any) -> Any:
    gates, curved = extra
    hs, cs = states
    units, length = hs.shape[-1], len(hs)
    i, f, new, o = gates.chunk(4, 2)
    opened = gate.value(gates).chunk(4, 2)
    # what each gradient is multiplied with: the state's for i, f and the candidate, the output's for o and the state
    by = gates.new_empty((*gates.shape[:2], 4, units))
    to_state = torch.empty_like(hs)
    gate.backward(act.value(new), i, by[:, :, 0])
    gate.backward(start[1], f[0], by[0, :, 1])
    gate.backward(cs[:-1], f[1:], by[1:, :, 1])
    act.backward(opened[0], new, by[:, :, 2])
    gate.backward(act.value(curved), o, by[:, :, 3])
    act.backward(opened[3], curved, to_state)
    d_gates, back = torch.empty_like(gates), recurrent.t()
    four = d_gates.view(by.shape)
    rows = list(zip(
        *(t.unbind(0) for t in (to_state, opened[1], by[:, :, :3], by[:, :, 3], d_gates, four[:, :, :3], four[:, :, 3])), strict=True
    ))  # fmt: skip
    outside, outside_c = _rows(grads[0], length), _rows(grads[1], length)
    d_h, d_c = _last(outside, start[0]), _last(outside_c, start[1])
    for t in range(length - 1, -1, -1):
        to_c, forget, three, one, whole, first, last = rows[t]
        d_c.addcmul_(d_h, to_c)
        torch.mul(d_c.unsqueeze(1), three, out=first)
        torch.mul(d_h, one, out=last)
        d_h = _product_and(_outside(outside, t), whole, back)
        before = _outside(outside_c, t)
        d_c = d_c * forget if before is None else before.addcmul_(d_c, forget)
    return d_gates, _weight_gradient(hs, start[0], d_gates), None, (d_h, d_c)


def _gru_after_forward(act: Curve, gate: Curve, gates: Tensor, recurrent: Tensor, recurrent_bias: Any, h: Tensor) -> Any:
    units = h.shape[1]
    hs, products = gates.new_empty((*gates.shape[:2], units)), torch.empty_like(gates)
    both_rows, new_rows = gates[..., : 2 * units].unbind(0), gates[..., 2 * units :].unbind(0)
    opened = _values(gate, both_rows)
    for both, place, update, reset, new, value, product, added, by_reset, h_row in zip(
        both_rows, opened, _columns(opened, 0, units), _columns(opened, units, units), new_rows, _values(act, new_rows),
        products.unbind(0), products[..., : 2 * units].unbind(0), products[..., 2 * units :].unbind(0), hs.unbind(0), strict=True,
    ):  # fmt: skip
        if recurrent_bias is None:
            torch.mm(h, recurrent, out=product)
        else:
            torch.addmm(recurrent_bias, h, recurrent, out=product)
        gate.apply(both.add_(added), place)
        act.apply(new.addcmul_(reset, by_reset), value)
        h = torch.lerp(value, h, update, out=h_row)
    return (hs,), (gates, products[..., 2 * units :])


def _gru_after_backward(act: Curve, gate: Curve, extra: Any, states: Any, start: Any, recurrent: Tensor, grads: Any) -> Any:
    gates, by_reset = extra
    (hs,) = states
    length, units = len(hs), hs.shape[-1]
    update, reset, new = gates.chunk(3, 2)
    share, keep = gate.value(gates[..., : 2 * units]).chunk(2, 2)
    by, to_new = gates.new_empty((*gates.shape[:2], 3, units)), torch.empty_like(hs)
    act.backward(1 - share, new, to_new)
    gate.backward(_before(hs, start[0]) - act.value(new), update, by[:, :, 0])
    gate.backward(to_new * by_reset, reset, by[:, :, 1])
    torch.mul(to_new, keep, out=by[:, :, 2])
    d_products, back = torch.empty_like(gates), recurrent.t()
    rows = list(zip(*(t.unbind(0) for t in (share, by, d_products, d_products.view(by.shape))), strict=True))
    outside = _rows(grads[0], length)
    d_h, d_hs = _last(outside, start[0]), []
    for t in range(length - 1, -1, -1):
        share_row, three, whole, split = rows[t]
        d_hs.append(d_h)
        torch.mul(d_h.unsqueeze(1), three, out=split)
        before = _outside(outside, t)
        d_h = (d_h * share_row if before is None else before.addcmul_(d_h, share_row)).addmm_(whole, back)
    d_recurrent, d_bias = _weight_gradient(hs, start[0], d_products), d_products.sum((0, 1))
    torch.mul(
        torch.stack(d_hs[::-1]), to_new, out=d_products[..., 2 * units :]
    )  # behind the reset gate; the rest is the same for input and state
    return d_products, d_recurrent, d_bias, (d_h,)


def _gru_before_forward(act: Curve, gate: Curve, gates: Tensor, recurrent: Tensor, recurrent_bias: Any, h: Tensor) -> Any:
    units = h.shape[1]
    hs, kept = (gates.new_empty((*gates.shape[:2], units)) for _ in range(2))
    first, last = recurrent[:, : 2 * units], recurrent[:, 2 * units :]
    both_rows, new_rows = gates[..., : 2 * units].unbind(0), gates[..., 2 * units :].unbind(0)
    opened = _values(gate, both_rows)
    for both, place, update, reset, new, value, kept_row, h_row in zip(
        both_rows, opened, _columns(opened, 0, units), _columns(opened, units, units), new_rows, _values(act, new_rows),
        kept.unbind(0), hs.unbind(0), strict=True,
    ):  # fmt: skip
        gate.apply(both.addmm_(h, first), place)
        act.apply(new.addmm_(torch.mul(reset, h, out=kept_row), last), value)
        h = torch.lerp(value, h, update, out=h_row)
    return (hs,), (gates, kept)


def _gru_before_backward(act: Curve, gate: Curve, extra: Any, states: Any, start: Any, recurrent: Tensor, grads: Any) -> Any:
    gates, kept = extra
    (hs,) = states
    length, units = len(hs), hs.shape[-1]
    update, reset, new = gates.chunk(3, 2)
    share, keep = gate.value(gates[..., : 2 * units]).chunk(2, 2)
    previous = _before(hs, start[0])
    to_update, to_reset, to_new = (torch.empty_like(hs) for _ in range(3))
    gate.backward(previous - act.value(new), update, to_update)
    gate.backward(previous, reset, to_reset)
    act.backward(1 - share, new, to_new)
    d_gates = torch.empty_like(gates)
    first, last = recurrent[:, : 2 * units].t(), recurrent[:, 2 * units :].t()
    parts = (d_gates[..., :units], d_gates[..., units : 2 * units], d_gates[..., : 2 * units], d_gates[..., 2 * units :])
    rows = list(zip(*(t.unbind(0) for t in (share, keep, to_update, to_reset, to_new, *parts)), strict=True))
    outside = _rows(grads[0], length)
    d_h = _last(outside, start[0])
    for t in range(length - 1, -1, -1):
        share_row, keep_row, update_row, reset_row, new_row, d_update, d_reset, d_both, d_new = rows[t]
        torch.mul(d_h, new_row, out=d_new)
        d_kept = d_new @ last
        torch.mul(d_h, update_row, out=d_update)
        torch.mul(d_kept, reset_row, out=d_reset)
        before = _outside(outside, t)
        d_h = d_h * share_row if before is None else before.addcmul_(d_h, share_row)
        d_h.addcmul_(d_kept, keep_row).addmm_(d_both, first)
    d_both, d_new = d_gates[..., : 2 * units], d_gates[..., 2 * units :]
    d_recurrent = torch.cat([previous.flatten(0, 1).t() @ d_both.flatten(0, 1), kept.flatten(0, 1).t() @ d_new.flatten(0, 1)], 1)
    return d_gates, d_recurrent, None, (d_h,)


RULES = {
    "simple": Rule(_simple_forward, _simple_backward),
    "lstm": Rule(_lstm_forward, _lstm_backward),
    "gru_after": Rule(_gru_after_forward, _gru_after_backward),
    "gru_before": Rule(_gru_before_forward, _gru_before_backward),
}
