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
from kcompat.tensor.loop import can_be_fused
from kcompat.tensor.loop import kernel as kernel_of
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
    """Where the steps of masked rows stand once the valid ones are in front."""

    #: (t * b,) which of the b * t steps of x, as they lie in memory, stands at each place; b * t where there is none
    rows: Tensor
    #: (t, b) how many valid steps there are up to each step, in the order of processing
    counts: Tensor
    #: (t, b) the mask in the order of processing
    mask: Tensor

    @property
    def valid(self) -> Tensor:
        """(t, b) whether a place holds a valid step."""
        return torch.arange(len(self.counts), device=self.counts.device).unsqueeze(1) < self.counts[-1:]


def order_of(mask: Tensor, backwards: bool) -> Order:
    """The order of a mask (b, t), True where a step counts."""
    batch, length = mask.shape
    total, device = batch * length, mask.device
    source = torch.arange(total, device=device).view(batch, length).t()
    mask = mask.t()
    if backwards:
        source, mask = source.flip(0), mask.flip(0)
    count = mask.cumsum(0)
    # each valid step writes where it stands in x to its place; the others write behind the last place
    place = torch.where(mask, torch.arange(-batch, 0, device=device).add(count, alpha=batch), total)
    rows = torch.full((total + 1,), total, device=device).scatter(0, place.reshape(-1), source.reshape(-1))
    return Order(rows[:-1], count, mask)


def compact(x: Tensor, order: Order) -> Tensor:
    """`x` (b, t, n) as (t, b, n) with the valid steps of each row in front and zeros behind them."""
    batch, length, *rest = x.shape
    padded = torch.cat([x.reshape(batch * length, *rest), x.new_zeros((1, *rest))])
    return padded.index_select(0, order.rows).view(length, batch, *rest)


def at_count(states: Tensor, start: Tensor, count: Tensor) -> Tensor:
    """Of the states (t, b, u) after each valid step the ones after `count` (s, b) of them: (s, b, u); after none, `start` (b, u)."""
    length, batch, *rest = states.shape
    known = torch.cat([start.expand(1, batch, *rest), states]).view((length + 1) * batch, *rest)
    rows = torch.arange(batch, device=count.device).add(count, alpha=batch)
    return known.index_select(0, rows.reshape(-1)).view(*count.shape, *rest)


#: (x (t, b, n), start, order) -> (outputs (t, b, u), further states: after every step (t, b, u), or behind the last valid one (b, u));
#: the order is None without a mask
Run = Callable[[Tensor, tuple[Tensor, ...], Order | None], tuple[Tensor, ...]]


def scan(run: Run, x: Tensor, mask: Tensor | None, start: tuple[Tensor, ...], options: Options) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Output and final states of `run` over `x` (b, t, ...) under `mask` (b, t) or None.

    The output is (b, u), or (b, t, u), in the order of processing where `options.sequences`. The first state of a cell is its output.
    """
    if mask is None:
        outputs, *others = run(x.transpose(0, 1).flip(0) if options.backwards else x.transpose(0, 1), start, None)
        last = outputs[-1]
        states = (last, *(s[-1] if s.ndim == outputs.ndim else s for s in others))
        return (outputs.transpose(0, 1) if options.sequences else last), states
    order = order_of(mask, options.backwards)
    outputs, *others = run(compact(x, order), start, order)
    shown = order.counts if options.sequences else order.counts[-1:]
    if options.zero_masked:
        shown = torch.where(order.mask if options.sequences else order.mask[-1:], shown, 0)
    found = at_count(outputs, outputs.new_zeros(()), shown)
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

    def run(x: Tensor, start: tuple[Tensor, ...], order: Order | None) -> tuple[Tensor, ...]:
        if fused is not None:
            return fused(weights, x, start, order.valid if order is not None and options.states else None)
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
    exporting = torch.compiler.is_exporting()  # a program has no gradients of its own
    if exporting and not can_be_fused(x):
        return None
    if x.device.type == "meta" or (torch.compiler.is_compiling() and torch.is_grad_enabled() and not exporting) or _transformed():
        return None
    if cell == Cell("lstm", activate.tanh, activate.sigmoid):
        return _fused_lstm
    if x.device.type == "cpu" and not torch.is_autocast_enabled("cpu") and not exporting:
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
    outputs, _, c = kernel_of("lstm")(
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
    return (kernel_of("gru")(x, start[0].unsqueeze(0).contiguous(), parameters, bool(biases), 1, 0.0, True, False, False)[0],)


def _fused_rnn(weights: Weights, x: Tensor, start: tuple[Tensor, ...], valid: Tensor | None) -> tuple[Tensor, ...]:
    parameters = [weights.kernel.t(), weights.recurrent.t(), *_biases(weights.bias, None)]
    h = start[0].unsqueeze(0).contiguous()
    return (kernel_of("rnn_tanh")(x, h, parameters, weights.bias is not None, 1, 0.0, True, False, False)[0],)


def _biases(bias: Tensor | None, recurrent_bias: Tensor | None) -> list[Tensor]:
    if bias is None:
        return []
    return [bias, torch.zeros_like(bias) if recurrent_bias is None else recurrent_bias]


_RNN = (Cell("simple", activate.tanh),)
