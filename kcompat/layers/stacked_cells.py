"""Stacked cells, and what is asked of any cell, also of the user's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.layers.cell import _Cell
from kcompat.layers.states import listed, sizes_of, zero_states


class StackedRNNCells(Layer):
    """Cells one behind the other, as one cell. Source: https://keras.io/api/layers/recurrent_layers/stacked_rnn_cell/

    `reverse_state_order`, known up to tf.keras, has the states of the last cell first; in tf.keras it turns the sizes alone, so that all
    cells must have the same, and changes nothing. Configs do not hold it, in Keras neither.
    """

    def __init__(self, cells: Any, **kwargs: Any):
        backwards = bool(kwargs.pop("reverse_state_order", False)) if behaviour("stacked_reverse_state_order") else False
        if not isinstance(cells, (list, tuple, torch.nn.ModuleList)) or not len(cells):
            raise ArgumentTypeError(f"StackedRNNCells: `cells` must be a list of at least one cell, received {cells!r}.")
        for cell in cells:
            check_cell(cell, "StackedRNNCells", "cells")
        flat = behaviour("stacked_states") == "flat"
        sizes = [cell.state_size for cell in cells]
        if backwards and not flat and any(size != sizes[0] for size in sizes):
            raise ArgumentError(
                f"StackedRNNCells: `reverse_state_order=True` needs cells of one state size in tf.keras, received cells of {sizes}; leave "
                "it away."
            )
        super().__init__(**kwargs)
        self.cells = torch.nn.ModuleList(cells) if all(isinstance(c, torch.nn.Module) for c in cells) else list(cells)
        self.__dict__.update(_flat=flat, reverse_state_order=backwards)

    def build(self, input_shape: Any) -> None:
        """Build each cell for the output of the one before."""
        shape, constants = (input_shape[0], input_shape[1:]) if isinstance(input_shape, list) else (input_shape, [])
        seen: dict[str, int] = {}
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                build_cell(cell, [shape, *constants] if constants and takes(cell, "constants") else shape, self._keras_version)
                if not behaviour("rnn_cell_in_path", self._keras_version):
                    _number(cell, seen)
            shape = (shape[0], *sizes_of(output_size_of(cell)))
        super().build(input_shape)

    def _in_state_order(self, things: Iterable[Any]) -> list[Any]:
        """What there is for each cell in the order of states, or back in the order of cells."""
        return list(things)[:: -1 if self.reverse_state_order else 1]

    @property
    def state_size(self) -> Any:
        """The state sizes of the cells, one after the other."""
        sizes = self._in_state_order(cell.state_size for cell in self.cells)
        return [size for part in sizes for size in listed(part)] if self._flat else sizes

    @property
    def output_size(self) -> Any:
        """The output size of the last cell."""
        return output_size_of(self.cells[-1])

    def _split(self, states: Any) -> list[list[Any]]:
        """The states of each cell, as a list of lists."""
        if not self._flat:
            return [listed(s) for s in states]
        counts, rest = self._in_state_order(len(listed(cell.state_size)) for cell in self.cells), list(states)
        return self._in_state_order([rest.pop(0) for _ in range(count)] for count in counts)

    def _join(self, states: list[list[Any]]) -> Any:
        """The states of each cell as the states of the whole."""
        if self._flat:
            return [s for part in self._in_state_order(states) for s in part]
        return [part if isinstance(cell.state_size, (list, tuple)) else part[0] for part, cell in zip(states, self.cells, strict=True)]

    def get_initial_state(self, inputs: Any = None, batch_size: int | None = None, dtype: Any = None) -> Any:
        """The start states of all cells."""
        batch = inputs if isinstance(inputs, int) else inputs.shape[0] if inputs is not None else batch_size
        device = inputs.device if isinstance(inputs, Tensor) else next((p.device for p in self.parameters()), torch.empty(0).device)
        return self._join([start_of(cell, batch, self._compute_dtype, device) for cell in self.cells])

    def call(self, inputs: Any, states: Any, constants: Any = None, training: bool | None = None) -> Any:  # type: ignore[override]
        """One step through all cells."""
        found = []
        for cell, own in zip(self.cells, self._split(states), strict=True):
            inputs, new = step(cell, inputs, own, constants, training)
            found.append(listed(new))
        return inputs, self._join(found)

    def reset_dropout_mask(self) -> None:
        """Let the next step draw what is dropped anew."""
        for cell in self.cells:
            if hasattr(cell, "reset_dropout_mask"):
                cell.reset_dropout_mask()  # type: ignore[operator]

    reset_recurrent_dropout_mask = reset_dropout_mask

    def get_config(self) -> dict[str, Any]:
        """The cells' configs."""
        return {**super().get_config(), "cells": [registry.serialize("layer", cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Stacked cells from their configs."""
        cells = [registry.deserialize("layer", cell, custom_objects) for cell in config["cells"]]
        return cls(cells, **{k: v for k, v in config.items() if k != "cells"})


# -- any cell ----------------------------------------------------------------------------------------------------------------


def check_cell(cell: Any, where: str, argument: str) -> None:
    """Refuse what is no cell: a class, a recurrent layer, anything without `call` and `state_size`."""
    if isinstance(cell, type):
        raise ArgumentTypeError(f"{where}: `{argument}` must be made, as in `{cell.__name__}(32)`; received the class {cell.__name__}.")
    if not callable(getattr(cell, "call", None)):
        raise ArgumentTypeError(f"{where}: `{argument}` must have a `call` method that takes inputs and states, received {cell!r}.")
    if isinstance(cell, Layer) and hasattr(cell, "return_sequences"):
        raise ArgumentTypeError(f"{where}: `{argument}` must be a cell (`LSTMCell`), which computes one step, received a layer: {cell!r}.")
    if not hasattr(cell, "state_size"):
        raise ArgumentTypeError(f"{where}: `{argument}` must have a `state_size`, a size or a list of sizes; {cell!r} has none.")


def step(cell: Any, inputs: Any, states: Any, constants: Any, training: bool | None) -> tuple[Any, Any]:
    """One call of a cell, with the arguments that it takes."""
    keywords: dict[str, Any] = {}
    if constants and takes(cell, "constants"):
        keywords["constants"] = constants
    if takes(cell, "training"):
        keywords["training"] = training
    run = cell if callable(cell) else cell.call
    found = run(inputs, states, **keywords)
    if not isinstance(found, (list, tuple)) or len(found) != 2:
        raise ArgumentTypeError(
            f"`call` of the cell {type(cell).__name__} must return the output and the list of new states, received {type(found).__name__}."
        )
    return found[0], found[1]


def scans(cell: Any) -> bool:
    """Whether a cell can run whole sequences: one of this file that no subclass has changed."""
    if isinstance(cell, StackedRNNCells):
        return type(cell) is StackedRNNCells and all(scans(inner) for inner in cell.cells)
    return isinstance(cell, _Cell) and type(cell).call is _Cell.call


def build_cell(cell: Any, shape: Any, version: str) -> None:
    """Build a cell inside a layer; old Keras leaves the cell's name out of the weights' paths."""
    if behaviour("rnn_cell_in_path", version):
        cell._build_once(shape)
    else:
        cell.build(shape)
        cell.built = True


def start_of(cell: Any, batch: Any, dtype: torch.dtype, device: torch.device) -> list[Any]:
    """The start states of a cell as a list: what its own `get_initial_state` says, or zeros."""
    own = getattr(cell, "get_initial_state", None)
    if own is None or isinstance(cell, _Cell):
        return listed(zero_states(cell.state_size, batch, dtype, device))
    if isinstance(cell, StackedRNNCells):
        return cell._join([start_of(inner, batch, dtype, device) for inner in cell.cells])
    like = torch.empty(batch, 1, dtype=dtype, device=device)
    names = own.__code__.co_varnames[: own.__code__.co_argcount] if hasattr(own, "__code__") else ()
    if "inputs" in names:
        return listed(own(inputs=like, **{k: v for k, v in (("batch_size", batch), ("dtype", dtype)) if k in names}))
    return listed(own(batch_size=batch))


def takes(cell: Any, argument: str) -> bool:
    """Whether the `call` of a cell has the argument."""
    return argument in cell.call.__code__.co_varnames[: cell.call.__code__.co_argcount + cell.call.__code__.co_kwonlyargcount]


def output_size_of(cell: Any) -> Any:
    """The cell's `output_size`, or the size of its first state."""
    size = getattr(cell, "output_size", None)
    return size if size is not None else listed(cell.state_size)[0]


def _number(cell: Layer, seen: dict[str, int]) -> None:
    """Old Keras on TensorFlow numbers weights that have the name of an earlier one: kernel, kernel_1."""
    for info in cell._infos.values():
        count = seen.get(info.short_name, 0)
        seen[info.short_name] = count + 1
        if count:
            info.name = info.name.replace(f"{info.short_name}:", f"{info.short_name}_{count}:")
            info.path = f"{info.path}_{count}"


NAMES = {"StackedRNNCells": StackedRNNCells}
registry.register("layer", NAMES)
