"""Cells over whole sequences: those of this package at once, any other step by step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.layers.cell import _Cell
from kcompat.layers.stacked_cells import step
from kcompat.layers.states import listed
from kcompat.tensor.scan import Options
from kcompat.tree import flatten, map_structure, pack


def scan(cell: Any, x: Tensor, mask: Tensor | None, start: list[Any], how: Options, training: bool) -> tuple[Tensor, list[Any]]:
    """A cell of this package over a whole sequence; stacked cells one after the other."""
    if isinstance(cell, _Cell):
        output, states = cell._scan(x, mask, tuple(start), how, training)
        return output, list(states)
    found = []
    for index, (inner, own) in enumerate(zip(cell.cells, cell._split(start), strict=True)):
        last = index == len(cell.cells) - 1
        mine = how if last else Options(how.backwards, True, False, how.states)
        x, states = scan(inner, x, mask, own, mine, training)
        found.append(states)
        if not last and how.backwards:  # outputs come in the order of processing, which is how the next cell reads them
            how = how._replace(backwards=False)
            mask = None if mask is None else mask.flip(1)
    return x, cell._join(found)


def step_by_step(
    cell: Any, inputs: Any, mask: Tensor | None, states: list[Any], how: Options, constants: Any, training: bool | None
) -> tuple[Any, list[Any]]:
    """The cell called at every step; a masked step keeps the states."""
    if hasattr(cell, "reset_dropout_mask"):
        cell.reset_dropout_mask()
    length = flatten(inputs)[0].shape[1]
    outputs: list[Any] = []
    for t in range(length - 1, -1, -1) if how.backwards else range(length):
        output, new = step(cell, map_structure(lambda x, t=t: x[:, t], inputs), states, constants, training)
        new = listed(new)
        if len(flatten(new)) != len(flatten(states)):
            raise ArgumentError(
                f"`call` of the cell {type(cell).__name__} must return {len(flatten(states))} new states, as its `state_size` says, "
                f"received {len(flatten(new))}."
            )
        if mask is not None:
            kept = mask[:, t]
            before = torch.zeros_like(output) if how.zero_masked or not outputs else outputs[-1]
            output = _where(kept, output, before)
            new = pack(states, [_where(kept, a, b) for a, b in zip(flatten(new), flatten(states), strict=True)])
        states = new
        outputs.append(output)
    if hasattr(cell, "reset_dropout_mask"):
        cell.reset_dropout_mask()
    return (torch.stack(outputs, 1) if how.sequences else outputs[-1]), states


def _where(kept: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return torch.where(kept.view(-1, *(1,) * (new.ndim - 1)), new, old)
