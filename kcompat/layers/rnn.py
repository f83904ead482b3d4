"""`RNN`: a layer around any cell. SimpleRNN, LSTM and GRU, which make their cell themselves, are in `recurrent`.

Cells of this package run over a whole sequence at once (`tensor/scan.py`, where masks live); other cells are called step by step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec, is_shape
from kcompat.errors import ArgumentError, MaskError, ShapeError
from kcompat.generations import behaviour, positional
from kcompat.graph import KerasTensor
from kcompat.layers.arguments import config_of
from kcompat.layers.sequences import scan, step_by_step
from kcompat.layers.stacked_cells import StackedRNNCells, build_cell, check_cell, output_size_of, scans, start_of, takes
from kcompat.layers.state_inputs import StatefulLayer
from kcompat.layers.states import check_states, is_size, listed, pack_states, sizes_of
from kcompat.tensor.scan import Options
from kcompat.tree import flatten, map_structure

_OPTIONS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")


class RNN(StatefulLayer):
    """A layer that runs a cell over the steps of (batch, steps, ...).

    The output is the last one (batch, units), or with `return_sequences` all of them (batch, steps, units); with `return_state` a list
    of the output and the final states. A masked step carries the states over and repeats the output before it (zeros with
    `zero_output_for_mask`). `unroll` asks TensorFlow for another graph and changes no number. A list of cells is stacked.
    Source: https://keras.io/api/layers/recurrent_layers/rnn/

        RNN(MyCell(32), return_sequences=True)(x, initial_state=[h, c])
    """

    supports_masking = True
    _training_in_config = False
    _casts_integers = True
    _turns_masks_only = True
    #: whether masked steps of sequences become 0 inside a Bidirectional of later generations
    _zeroed_by_bidirectional = True
    #: whether each step is a vector, and nothing larger
    _of_vectors = False

    @positional("rnn_arguments")
    def __init__(
        self,
        cell: Any,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        time_major: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ):
        where = type(self).__name__
        cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        check_cell(cell, where, "cell")
        super().__init__(**kwargs)
        self.cell = cell
        self.__dict__.update(
            return_sequences=bool(return_sequences),
            return_state=bool(return_state),
            go_backwards=bool(go_backwards),
            stateful=bool(stateful),
            unroll=bool(unroll),
            time_major=bool(time_major),
            zero_output_for_mask=bool(zero_output_for_mask),
        )
        self.__dict__["_num_constants"] = 0
        self.__dict__["_state_shapes"] = None
        self.__dict__["_input"] = None

    # -- shapes ---------------------------------------------------------------------------------------------------------------

    @property
    def state_size(self) -> Any:
        """The cell's state sizes."""
        return self.cell.state_size

    def build(self, input_shape: Any) -> None:
        """Build the cell for one step of the input."""
        shapes = [input_shape] if is_shape(input_shape) else list(input_shape)
        shape, constants = (
            shapes[0],
            list(self._constant_shapes) or (shapes[len(shapes) - self._num_constants :] if len(shapes) > 1 else []),
        )
        if is_shape(shape):
            self._check_rank(shape)
        one_step = map_structure(lambda s: (s[self.time_major], *s[2:]), shape, is_leaf=is_shape)
        told = takes(self.cell, "constants") and behaviour("rnn_cell_built_for_constants", self._keras_version)
        constants = constants if told else []
        if isinstance(self.cell, Layer) and not self.cell.built:
            build_cell(self.cell, [one_step, *constants] if constants else one_step, self._keras_version)
        if self.stateful:
            self._make_states(flatten(one_step, is_leaf=is_shape)[0])
        if is_shape(shape):
            self.__dict__["_input"] = self._spec(shape)
        super().build(input_shape)

    def _check_rank(self, shape: Any) -> None:
        if len(shape) < 3 or (self._of_vectors and len(shape) > 3):
            rest = "features" if self._of_vectors else "..."
            raise ShapeError(
                f"{type(self).__name__} '{self.name}' takes inputs of shape (batch, steps, {rest}): expected ndim=3, found "
                f"ndim={len(shape)}. Full shape received: {tuple(shape)}"
            )

    def _spec(self, shape: Any) -> InputSpec:
        """What inputs must look like once the layer is built for `shape`."""
        return InputSpec(ndim=len(shape), axes={-1: shape[-1]})

    def _sizes(self, step_shape: Any) -> Any:
        """The sizes of the states for steps of this shape, in the structure of `state_size`."""
        return self.state_size

    def _zeros(self, step_shape: Any, dtype: torch.dtype, device: torch.device) -> list[Any]:
        """The states that a sequence starts with by itself."""
        return start_of(self.cell, step_shape[0], dtype, device)

    def _check_shape(self, shape: Any) -> None:
        """The first input must fit; it may stand in a list with states, of which an `input_spec` could not tell."""
        if self._input is not None:
            self._input.check(tuple(shape), None, f"layer '{self.name}' ({type(self).__name__})")

    def compute_output_shape(self, input_shape: Any, *_: Any) -> Any:
        """(batch, units) or (batch, steps, units), and with `return_state` the shapes of the states."""
        shape = input_shape if is_shape(input_shape) else input_shape[0]
        while not is_shape(shape):
            shape = shape[0]
        self._check_shape(shape)
        first = tuple(shape[:2]) if self.return_sequences else (shape[self.time_major],)
        output = (*first, *sizes_of(output_size_of(self.cell)))
        if not self.return_state:
            return output
        sizes = listed(self.state_size)
        states = [map_structure(lambda n: (shape[self.time_major], *sizes_of(n)), size, is_leaf=is_size) for size in sizes]
        return self._outputs(output, states)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The input's mask for a sequence of outputs, none for the last output and for states."""
        mask = flatten(mask)[0] if mask is not None else None
        shown = mask if self.return_sequences else None
        return [shown, *(None for _ in flatten(self.state_size))] if self.return_state else shown

    def _outputs(self, output: Any, states: list[Any]) -> Any:
        together = [output, *states]
        return tuple(together) if behaviour("rnn_outputs", self._keras_version) == "tuple" else together

    # -- calling --------------------------------------------------------------------------------------------------------------

    def forward(self, inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Run or record the layer."""
        if self.unroll and isinstance(inputs, KerasTensor):
            self._check_steps(inputs.shape)
        return super().forward(inputs, *args, **kwargs)

    def _check_states(self, states: list[Any], shape: Any) -> None:
        check_states(self._sizes((shape[0], *shape[2:])), states, self, shape[self.time_major])

    def _check_steps(self, shape: Any) -> None:
        """A graph of old Keras with `unroll` needs to know how many steps there are, Keras 2.2 more than one."""
        least, steps = behaviour("rnn_unroll_needs", self._keras_version), shape[1 - self.time_major]
        if least is not None and (steps is None or steps < least):
            raise ArgumentError(
                f"{type(self).__name__} '{self.name}': with `unroll=True` the number of steps must be known"
                f"{' and above 1' * (least == 2)}, received an input of shape {tuple(shape)}. Give it in the `Input`, or leave "
                "`unroll` away."
            )

    def call(self, inputs: Any, initial_state: Any = None, constants: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        """The output, or the list of the output and the final states."""
        if isinstance(inputs, list):
            inputs, initial_state, constants = self._parts(inputs, initial_state, constants)
        first = inputs if isinstance(inputs, Tensor) else flatten(inputs)[0]
        self._check_shape(first.shape)
        if first.shape[1 - self.time_major] == 0:
            raise ShapeError(
                f"{type(self).__name__} '{self.name}' needs at least one step, received an input of shape {tuple(first.shape)}."
            )
        if constants is not None:
            constants = listed(constants)
            if not takes(self.cell, "constants"):
                raise ArgumentError(
                    f"{type(self).__name__} '{self.name}': `constants` need a cell whose `call` has an argument `constants`; "
                    f"{type(self.cell).__name__} has none."
                )
        mask = self._checked_mask(mask, first)
        if self.time_major:
            inputs = map_structure(lambda t: t.transpose(0, 1), inputs)
            first = first.transpose(0, 1)
            mask = None if mask is None else mask.t()
        start = self._start(initial_state, first)
        active = self._in_training(training)
        if constants is None and scans(self.cell):
            output, states = scan(self.cell, inputs, mask, start, self._how(), active)
        else:
            output, states = step_by_step(self.cell, inputs, mask, start, self._how(), constants, training)
        if self.stateful:
            for held, new in zip(self._held(), flatten(states), strict=True):
                held.copy_(new.detach())
        if self.time_major and self.return_sequences:
            output = output.transpose(0, 1)
        return self._outputs(output, states) if self.return_state else output

    def _check_call(self, x: Tensor, constants: Any) -> None:
        where = f"{type(self).__name__} '{self.name}'"
        if x.shape[1 - self.time_major] == 0:
            raise ShapeError(f"{where} needs at least one step, received an input of shape {tuple(x.shape)}.")
        if constants is not None and not takes(self.cell, "constants"):
            kind = type(self.cell).__name__
            raise ArgumentError(f"{where}: `constants` need a cell whose `call` has an argument `constants`; {kind} has none.")

    def _how(self) -> Options:
        return Options(self.go_backwards, self.return_sequences, self.zero_output_for_mask, self.return_state or self.stateful)

    def _parts(self, inputs: list[Any], initial_state: Any, constants: Any) -> tuple[Any, Any, Any]:
        """A list of inputs taken apart: the sequence, the start states, the constants."""
        if len(inputs) == 1:
            return inputs[0], initial_state, constants
        end = len(inputs) - self._num_constants
        states = inputs[1:end] or None
        return inputs[0], initial_state if states is None else pack_states(self.state_size, states, self), inputs[end:] or constants

    def _checked_mask(self, mask: Any, x: Tensor) -> Tensor | None:
        first = flatten(mask)[0] if isinstance(mask, (list, tuple)) and mask else mask
        mask = first if first is None or isinstance(first, Tensor) else mask
        if mask is None:
            return None
        where = f"{type(self).__name__} '{self.name}'"
        if not isinstance(mask, Tensor) or mask.is_floating_point() or mask.is_complex():
            got = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
            remedy = "`mask.bool()`" if isinstance(mask, Tensor) else "`torch.tensor(mask, dtype=torch.bool)`"
            raise MaskError(f"{where}: `mask` must be a bool tensor, True where a step counts, received {got}; try {remedy}.")
        mask = mask[..., 0] if mask.ndim == 3 and mask.shape[-1] == 1 else mask
        if mask.shape != x.shape[:2]:
            raise ShapeError(
                f"{where}: `mask` must have the shape {tuple(x.shape[:2])}, one entry for each step of the input {tuple(x.shape)}; "
                f"received {tuple(mask.shape)}."
            )
        return mask if mask.dtype is torch.bool else mask.bool()

    # -- configs --------------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), **self._options()}
        if self._num_constants:
            config["num_constants"] = self._num_constants
        return {**config, "cell": registry.serialize("layer", self.cell)}

    def _options(self) -> dict[str, Any]:
        names = list(_OPTIONS)
        if self.time_major or behaviour("config_rnn_time_major", self._keras_version):
            names.append("time_major")
        if self.zero_output_for_mask or behaviour("config_rnn_zero_output", self._keras_version):
            names.append("zero_output_for_mask")
        return config_of(self, *names)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from its config."""
        config = dict(config)
        cell = registry.deserialize("layer", config.pop("cell"), custom_objects)
        constants = config.pop("num_constants", 0)
        layer = cls(cell, **config)
        layer.__dict__["_num_constants"] = constants
        return layer


NAMES = {"RNN": RNN}
registry.register("layer", NAMES)
