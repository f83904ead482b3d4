"""What runs over the steps of a sequence in a program of `torch.export`: loops that stay loops, so that a length can stay open.

torch's own recurrent kernels fix the length in a program, as their shapes are found by running their steps. Inside `whole_kernels` they are
traced as one operation of the same arguments, which only a writer of source can use.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

#: up to so many steps a program of fixed length has them one after the other
_WRITTEN_OUT = 8


def stays_a_loop(rows: Tensor) -> bool:
    """Whether the steps `rows` (t, ...) are to be kept as a loop: a program is exported, for any length or for a great one."""
    return torch.compiler.is_exporting() and (isinstance(rows.shape[0], torch.SymInt) or rows.shape[0] > _WRITTEN_OUT)


def loop(step: Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]], rows: Tensor, start: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The states after every step, each (t, ...): `step(row, states)` gives the new states."""
    from torch._higher_order_ops.scan import scan

    def combined(states: list[Tensor], row: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        new = step(row, tuple(states))
        return list(new), [state.clone() for state in new]  # what is returned twice may not be one tensor

    return tuple(scan(combined, [s.contiguous() for s in start], rows, dim=0)[1])


# -- torch's recurrent kernels as one operation ------------------------------------------------------------------------------------

_whole: contextvars.ContextVar[bool] = contextvars.ContextVar("whole kernels", default=False)
_REST = "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first"
_SCHEMAS = {
    "lstm": f"(Tensor input, Tensor[] hx, {_REST}) -> (Tensor, Tensor, Tensor)",
    "gru": f"(Tensor input, Tensor hx, {_REST}) -> (Tensor, Tensor)",
    "rnn_tanh": f"(Tensor input, Tensor hx, {_REST}) -> (Tensor, Tensor)",
}


@contextlib.contextmanager
def whole_kernels() -> Iterator[None]:
    """Inside, programs hold `kcompat.lstm`, `kcompat.gru` and `kcompat.rnn_tanh` where they would hold the steps of torch's kernels."""
    _operations()
    token = _whole.set(True)
    try:
        yield
    finally:
        _whole.reset(token)


def can_be_fused(x: Tensor) -> bool:
    """Whether a program that is being exported can hold a fused kernel for `x` (t, b, n) or (b, t, n)."""
    return _whole.get() or not any(isinstance(n, torch.SymInt) for n in x.shape[:2])


def kernel(name: str) -> Callable[..., Any]:
    """torch's recurrent kernel, or inside `whole_kernels` the operation that stands for it."""
    whole = _whole.get() and torch.compiler.is_exporting()
    return getattr(torch.ops.kcompat, name) if whole else getattr(torch._VF, name)


@functools.cache
def _operations() -> torch.library.Library:
    library = torch.library.Library("kcompat", "DEF")
    for name, schema in _SCHEMAS.items():
        library.define(name + schema)
        library.impl(name, functools.partial(_shapes, len(schema.split("->")[1].split(","))), "Meta")
    return library


def _shapes(count: int, x: Tensor, hx: Any, *rest: Any) -> tuple[Tensor, ...]:
    """Tensors of the shapes that a kernel gives: all outputs and the last states."""
    last = hx[0] if isinstance(hx, (list, tuple)) else hx
    states = [torch.empty_like(last) for _ in range(count - 1)]
    return (x.new_empty((*x.shape[:2], last.shape[-1])), *states)
