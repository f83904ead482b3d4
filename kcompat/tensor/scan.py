"""Recurrent layers over whole sequences with masks of any shape: Keras' step rule on kernels that know no masks.

Keras' rule: a masked step carries the states over and repeats the output before it; before the first valid step the output is 0, also where
a start state is given; with `zero_masked` every masked step's output is 0. A step that carries everything over may as well stand behind the
others: the valid steps of every row are moved to the front, the kernel runs once over the whole, and output `t` is that of valid step
number `cumsum(mask)[t]`. Nothing is read on the host. (Checked step by step against real Keras: `parity/cases/recurrent_masks.py`.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kcompat.tensor import activate, cells
from kcompat.tensor.recurrence import Cell, known, project, recurrence, steps

#: gates in front of a sigmoid that are shut or open for good, also in float16
_SHUT = 1e4


class Weights(NamedTuple):
    """What a cell computes with: `kernel` (n, gates * u), `recurrent` (u, gates * u), biases (gates * u,) or None."""

    kernel: Tensor
    recurrent: Tensor
    bias: Tensor | None = None
    recurrent_bias: Tensor | None = None


class Options(NamedTuple):
    """How a sequence is read and what of it is wanted."""

    backwards: bool = False
    sequences: bool = False
    zero_masked: bool = False
    #: whether the states behind the last step are used
    states: bool = True


class Order(NamedTuple):
    """Where the valid steps of masked rows stand. Rows are numbered step * batch + row, as in (t, b, n) flattened."""

    #: (t * b,) the row of x that stands at each place once the valid steps are in front
    rows: Tensor
    #: (t, b) whether a place holds a valid step
    valid: Tensor
    #: (t, b) how many valid steps there are up to each step, in the order of processing
    counts: Tensor
    #: (t, b) the mask in the order of processing
    mask: Tensor


def order_of(mask: Tensor, backwards: bool) -> Order:
    """The order of a mask (b, t), True where a step counts."""
    mask = mask.t()
    steps_, batch = mask.shape
    mask = mask.flip(0) if backwards else mask
    count = mask.cumsum(0)
    place = torch.argsort(mask.to(torch.uint8), dim=0, descending=True, stable=True)
    valid = torch.arange(steps_, device=mask.device).unsqueeze(1) < count[-1:]
    place = steps_ - 1 - place if backwards else place
    rows = place * batch + torch.arange(batch, device=mask.device)
    return Order(rows.reshape(-1), valid, count, mask)


def compact(x: Tensor, order: Order) -> Tensor:
    """`x` (b, t, n) as (t, b, n) with the valid steps of each row in front and zeros behind them."""
    batch, length = x.shape[:2]
    rows = order.rows % batch * length + torch.div(order.rows, batch, rounding_mode="floor")
    moved = x.reshape(batch * length, *x.shape[2:]).index_select(0, rows).view(length, batch, *x.shape[2:])
    return moved.masked_fill(~order.valid.view(length, batch, *(1,) * (x.ndim - 2)), 0.0)


def at_count(states: Tensor, start: Tensor, count: Tensor) -> Tensor:
    """Of the states (t, b, u) after each valid step the ones after `count` (s, b) of them: (s, b, u); after none, `start`."""
    length, batch = states.shape[:2]
    row = torch.arange(batch, device=count.device)
    found = states.reshape(length * batch, -1).index_select(0, ((count - 1).clamp(min=0) * batch + row).reshape(-1))
    found = found.view(*count.shape, -1)
    return torch.where((count > 0).unsqueeze(-1), found, start)


#: (x (t, b, n), start, valid) -> (outputs (t, b, u), further states: after every step (t, b, u), or behind the last valid one (b, u))
Run = Callable[[Tensor, tuple[Tensor, ...], Tensor | None], tuple[Tensor, ...]]


def scan(run: Run, x: Tensor, mask: Tensor | None, start: tuple[Tensor, ...], options: Options) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Output and final states of `run` over `x` (b, t, n) under `mask` (b, t) or None.

    The output is (b, u), or (b, t, u) in the order of processing where `options.sequences`. The first state of a cell is its output.
    """
    if mask is None:
        outputs, *others = run(x.transpose(0, 1).flip(0) if options.backwards else x.transpose(0, 1), start, None)
        last = outputs[-1]
        states = (last, *(s[-1] if s.ndim == outputs.ndim else s for s in others))
        return (outputs.transpose(0, 1) if options.sequences else last), states
    order = order_of(mask, options.backwards)
    outputs, *others = run(compact(x, order), start, order.valid)
    zero = outputs.new_zeros(())
    shown = order.counts if options.sequences else order.counts[-1:]
    found = at_count(outputs, zero, shown)
    if options.zero_masked:
        found = torch.where((order.mask if options.sequences else order.mask[-1:]).unsqueeze(-1), found, zero)
    states = start
    if options.states:
        last = order.counts[-1:]
        states = tuple(
            at_count(s, begin, last)[0] if s.ndim == outputs.ndim else s for s, begin in zip((outputs, *others), start, strict=True)
        )
    return (found.transpose(0, 1) if options.sequences else found[0]), states


def run_cell(
    cell: Cell,
    weights: Weights,
    x: Tensor,
    mask: Tensor | None,
    start: tuple[Tensor, ...],
    options: Options,
    drop: cells.Drop = None,
    projected: bool = False,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """`scan` of a cell: by torch's fused kernel, by `recurrence`, or step by step, whichever is fastest and can do it.

    `drop` is the dropout of the state. `projected` says that `x` is the product with the kernel already (its dropout differs by gate).
    """
    fused = None if drop is not None or projected else _fused(cell, x)
    traced = drop is not None or projected or not _own_gradients(x) or not known(cell)

    def run(x: Tensor, start: tuple[Tensor, ...], valid: Tensor | None) -> tuple[Tensor, ...]:
        if fused is not None:
            return fused(weights, x, start, valid if options.states else None)
        if traced:
            z = x if projected else project(x, weights.kernel, weights.bias)
            return steps(cell, z, weights.recurrent, weights.recurrent_bias, start, drop)
        return recurrence(cell, x, weights.kernel, weights.bias, weights.recurrent, weights.recurrent_bias, start)

    return scan(run, x, mask, start, options)


def _transformed() -> bool:
    """Whether torch.func looks on (vmap, grad, jvp): torch's functions with own gradients and in-place steps are not for it."""
    return torch._C._functorch.peek_interpreter_stack() is not None


def _own_gradients(x: Tensor) -> bool:
    device = x.device.type
    return not (device == "meta" or torch.compiler.is_compiling() or _transformed() or torch.is_autocast_enabled(device))


def _fused(cell: Cell, x: Tensor) -> Any:
    """The fused kernel to take, or None."""
    if x.device.type == "meta" or (torch.compiler.is_compiling() and torch.is_grad_enabled()) or _transformed():
        return None
    if cell == Cell("lstm", activate.tanh, activate.sigmoid):
        return _fused_lstm
    if x.device.type == "cpu" and not torch.is_autocast_enabled("cpu"):
        return None  # torch has no fused kernels for the others there: `recurrence` is faster than its loops
    if cell == Cell("gru_after", activate.tanh, activate.sigmoid):
        return _fused_gru
    return _fused_rnn if cell in _RNN else None


def _fused_lstm(weights: Weights, x: Tensor, start: tuple[Tensor, ...], valid: Tensor | None) -> tuple[Tensor, ...]:
    kernel, bias = weights.kernel, weights.bias
    if valid is not None:
        # One more input, 1 behind the valid steps, shuts the input gate and opens the forget gate: what is in c stays to the end.
        units = weights.recurrent.shape[0]
        gates = kernel.new_zeros((1, 4 * units))
        gates[:, :units], gates[:, units : 2 * units] = -_SHUT, _SHUT
        kernel = torch.cat([kernel, gates])
        x = torch.cat([x, (~valid).unsqueeze(-1).to(x.dtype)], -1)
    parameters = [kernel.t(), weights.recurrent.t(), *_biases(bias, None)]
    outputs, _, c = torch._VF.lstm(
        x, [s.unsqueeze(0).contiguous() for s in start], parameters, bias is not None, 1, 0.0, True, False, False
    )
    return outputs, c[0]


def _fused_gru(weights: Weights, x: Tensor, start: tuple[Tensor, ...], valid: Tensor | None) -> tuple[Tensor, ...]:
    def reset_first(w: Tensor | None) -> Tensor | None:
        if w is None:
            return None
        update, reset, new = w.chunk(3, -1)
        return torch.cat([reset, update, new], -1)

    kernel, recurrent = reset_first(weights.kernel), reset_first(weights.recurrent)
    assert kernel is not None and recurrent is not None
    biases = _biases(reset_first(weights.bias), reset_first(weights.recurrent_bias))
    parameters = [kernel.t(), recurrent.t(), *biases]
    return (torch._VF.gru(x, start[0].unsqueeze(0).contiguous(), parameters, bool(biases), 1, 0.0, True, False, False)[0],)


def _fused_rnn(weights: Weights, x: Tensor, start: tuple[Tensor, ...], valid: Tensor | None) -> tuple[Tensor, ...]:
    parameters = [weights.kernel.t(), weights.recurrent.t(), *_biases(weights.bias, None)]
    return (torch._VF.rnn_tanh(x, start[0].unsqueeze(0).contiguous(), parameters, weights.bias is not None, 1, 0.0, True, False, False)[0],)


def _biases(bias: Tensor | None, recurrent_bias: Tensor | None) -> list[Tensor]:
    if bias is None:
        return []
    return [bias, torch.zeros_like(bias) if recurrent_bias is None else recurrent_bias]


_RNN = (Cell("simple", activate.tanh),)
