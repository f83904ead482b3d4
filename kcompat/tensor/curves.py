"""Activations inside recurrences: values written where they are wanted, gradients from what a step left behind, in one call each.

A gate's hard sigmoid is a straight line and a clip. The line is taken into the weights once (`straightened`), so that only the clip is
left to do at every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from kcompat.tensor import activate

_aten = torch.ops.aten


class Curve(NamedTuple):
    """`apply(x, out)` writes the values; `backward(grad, kept, out)` writes `grad` times the slope.

    What is kept of a step is its value, which may stand in the place of `x`, or with `keeps_input` the `x` itself.
    """

    apply: Callable[[Tensor, Tensor], Any]
    backward: Callable[[Tensor, Tensor, Tensor], Any]
    keeps_input: bool = False

    def value(self, kept: Tensor) -> Tensor:
        """The values, of what was kept."""
        if not self.keeps_input:
            return kept
        found = torch.empty_like(kept)
        self.apply(kept, found)
        return found


def _fifth(x: Tensor, out: Tensor) -> None:
    torch.mul(x, 0.2, out=out).add_(0.5).clamp_(0.0, 1.0)


def _fifth_backward(grad: Tensor, x: Tensor, out: Tensor) -> None:
    _clip_backward(grad * 0.2, (0.2 * x).add_(0.5), out)


def _clip_backward(grad: Tensor, line: Tensor, out: Tensor) -> None:
    """The slope is 1 at the two ends too; torch's kernel leaves its ends out."""
    limits = torch.finfo(line.dtype)
    below = 2.0**-24 if line.dtype is torch.float16 else limits.tiny  # half types know no flushing of denormals
    _aten.hardtanh_backward.grad_input(grad, line, -below, 1 + limits.eps, grad_input=out)


CURVES: dict[Any, Curve] = {
    activate.tanh: Curve(lambda x, out: torch.tanh(x, out=out), lambda g, y, out: _aten.tanh_backward.grad_input(g, y, grad_input=out)),
    activate.sigmoid: Curve(
        lambda x, out: torch.sigmoid(x, out=out), lambda g, y, out: _aten.sigmoid_backward.grad_input(g, y, grad_input=out)
    ),
    activate.relu: Curve(
        lambda x, out: torch.clamp(x, min=0, out=out), lambda g, y, out: _aten.threshold_backward.grad_input(g, y, 0, grad_input=out)
    ),
    activate.linear: Curve(lambda x, out: out if out is x else out.copy_(x), lambda g, y, out: out.copy_(g)),
    activate.hard_sigmoid_fifth: Curve(_fifth, _fifth_backward, keeps_input=True),
}


class _Line(NamedTuple):
    """A hard sigmoid `clip(factor * x + 0.5)`: the factor, the clip, and the clip as torch differentiates it."""

    factor: float
    clip: Curve
    plain: Callable[[Tensor], Tensor]


def _apply_clip(x: Tensor, out: Tensor) -> None:
    torch.clamp(x, 0.0, 1.0, out=out)


_LINES: dict[Any, _Line] = {
    activate.hard_sigmoid_fifth: _Line(0.2, Curve(_apply_clip, _clip_backward, True), lambda x: x.clamp(0.0, 1.0)),
    activate.hard_sigmoid_sixth: _Line(
        1 / 6,
        Curve(_apply_clip, lambda g, x, out: _aten.hardtanh_backward.grad_input(g, x, 0.0, 1.0, grad_input=out), True),
        lambda x: F.hardtanh(x, 0.0, 1.0),
    ),
}


def known(activation: Any, gate: Any) -> bool:
    """Whether slopes of a cell's activation and of its gates' (or None) are known here."""
    return activation in CURVES and (gate is None or gate in CURVES or gate in _LINES)


def gate_curve(gate: Any) -> Curve | None:
    """What is left to do for a gate at every step, once its weights are `straightened`."""
    return _LINES[gate].clip if gate in _LINES else CURVES.get(gate)


def plain_gate(gate: Any) -> Any:
    """The same as torch differentiates it."""
    return _LINES[gate].plain if gate in _LINES else gate


def straightened(gate: Any, candidate: slice, kernel: Tensor, bias: Any, recurrent: Tensor, recurrent_bias: Any) -> tuple[Any, ...]:
    """The weights with a hard sigmoid's line in the columns of the gates; those of the `candidate` stay."""
    if gate not in _LINES:
        return kernel, bias, recurrent, recurrent_bias
    factor, addend = kernel.new_full((kernel.shape[1],), _LINES[gate].factor), kernel.new_full((kernel.shape[1],), 0.5)
    factor[candidate], addend[candidate] = 1.0, 0.0
    bias = addend if bias is None else torch.addcmul(addend, bias, factor)
    return kernel * factor, bias, recurrent * factor, None if recurrent_bias is None else recurrent_bias * factor
