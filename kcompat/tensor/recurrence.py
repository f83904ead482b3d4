"""Recurrent cells over whole sequences, with gradients written by hand: what torch's fused kernels do not offer, or do slower.

All products with the input are one product, and all weight gradients are one product at the end; what is left in the loops is two to eight
calls a step (`recurrence_rules`). Step functions that torch differentiates itself stand in `cells`; they are taken where these functions
cannot be (tracing, vmap, gradients of gradients).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from kcompat.tensor import cells, curves
from kcompat.tensor.loop import loop, stays_a_loop
from kcompat.tensor.recurrence_rules import RULES


class Cell(NamedTuple):
    """What is computed: 'simple', 'lstm', 'gru_after' or 'gru_before', with its activation and that of its gates."""

    kind: str
    activation: Any
    gate: Any = None


def known(cell: Cell) -> bool:
    """Whether `recurrence` knows the slopes of the cell's activations."""
    return curves.known(cell.activation, cell.gate)


def project(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """`x @ kernel + bias` for all steps: (t, b, n) -> (t, b, m), memory of its own."""
    flat = x.reshape(-1, x.shape[-1])
    flat = flat @ kernel if bias is None else torch.addmm(bias, flat, kernel)
    return flat.view(*x.shape[:2], kernel.shape[1])


def steps(
    cell: Cell, z: Tensor, recurrent: Tensor, recurrent_bias: Tensor | None, start: tuple[Tensor, ...], drop: cells.Drop = None
) -> tuple[Tensor, ...]:
    """The states after every step, each (t, b, u), by one call of the cell's step function after the other."""

    def step(row: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h = states[0]
        if cell.kind == "lstm":
            return cells.lstm(row, h, states[1], recurrent, cell.activation, cell.gate, drop)
        if cell.kind == "gru_after":
            return (cells.gru_reset_after(row, h, recurrent, recurrent_bias, cell.activation, cell.gate, drop),)
        if cell.kind == "gru_before":
            return (cells.gru_reset_before(row, h, recurrent, cell.activation, cell.gate, drop),)
        return (cells.simple_rnn(row, h, recurrent, cell.activation, drop),)

    if stays_a_loop(z):
        return loop(step, z, start)
    found: list[tuple[Tensor, ...]] = []
    states = start
    for row in z.unbind(0):
        states = step(row, states)
        found.append(states)
    if not found:
        return tuple(s.new_empty((0, *s.shape)) for s in start)
    return tuple(torch.stack(rows) for rows in zip(*found, strict=True))


class _Recurrence(torch.autograd.Function):
    """(x, kernel, bias, recurrent, recurrent_bias, *start) -> the states after every step."""

    @staticmethod
    def forward(ctx: Any, cell: Cell, x: Tensor, kernel: Tensor, bias: Any, recurrent: Tensor, recurrent_bias: Any, *start: Tensor) -> Any:
        gates = project(x, kernel, bias)
        states, extra = RULES[cell.kind].forward(*_curves(cell), gates, recurrent, recurrent_bias, *start)
        ctx.cell = cell
        ctx.save_for_backward(x, kernel, bias, recurrent, recurrent_bias, *extra, *states, *start)
        ctx.counts = len(extra), len(states)
        ctx.set_materialize_grads(False)
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        x, kernel, bias, recurrent, recurrent_bias, *rest = ctx.saved_tensors
        extras, count = ctx.counts
        extra, states, start = rest[:extras], rest[extras : extras + count], rest[extras + count :]
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            return _by_autograd(ctx, x, kernel, bias, recurrent, recurrent_bias, start, grads)
        rule = RULES[ctx.cell.kind]
        d_gates, d_recurrent, d_bias, d_start = rule.backward(*_curves(ctx.cell), extra, states, start, recurrent, grads)
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


def _curves(cell: Cell) -> tuple[curves.Curve, Any]:
    return curves.CURVES[cell.activation], curves.gate_curve(cell.gate)


def _by_autograd(ctx: Any, x: Tensor, kernel: Tensor, bias: Any, recurrent: Tensor, recurrent_bias: Any, start: Any, grads: Any) -> Any:
    inputs = (x, kernel, bias, recurrent, recurrent_bias, *start)
    wanted = [t for t, need in zip(inputs, ctx.needs_input_grad[1:], strict=True) if need]
    # copies that depend on the inputs, so that the gradients of the copies are functions of the inputs
    cell = ctx.cell._replace(gate=curves.plain_gate(ctx.cell.gate))
    states = steps(cell, project(x, kernel, bias), recurrent, recurrent_bias, tuple(start))
    pairs = [(s, g) for s, g in zip(states, grads, strict=True) if g is not None]
    found = iter(torch.autograd.grad([s for s, _ in pairs], wanted, [g for _, g in pairs], create_graph=True, allow_unused=True))
    return (None, *(next(found) if need else None for need in ctx.needs_input_grad[1:]))


def recurrence(
    cell: Cell, x: Tensor, kernel: Tensor, bias: Tensor | None, recurrent: Tensor, recurrent_bias: Tensor | None, start: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """The states after every step, each (t, b, u); `x` (t, b, n), `start` the states before the first step, each (b, u)."""
    if cell.gate is not None:
        units = recurrent.shape[0]
        candidate = slice(2 * units, 3 * units)
        kernel, bias, recurrent, recurrent_bias = curves.straightened(cell.gate, candidate, kernel, bias, recurrent, recurrent_bias)
    return _Recurrence.apply(cell, x.contiguous(), kernel, bias, recurrent, recurrent_bias, *start)
