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
from kcompat.errors import ArgumentError, ArgumentTypeError, MaskError, NotBuiltError, ShapeError
from kcompat.generations import behaviour, positional
from kcompat.graph import contains_symbol
from kcompat.layers.arguments import config_of
from kcompat.layers.cells import _Cell
from kcompat.layers.stacked_cells import StackedRNNCells, build_cell, listed, output_size_of, scans, sizes_of, start_of, step
from kcompat.tensor.scan import Options
from kcompat.tree import flatten, map_structure, pack

_OPTIONS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")


class StateInputs(Layer):
    """A layer that takes `initial_state` and `constants` beside its input."""

    _num_constants = 0
    _constant_shapes: tuple[Any, ...] | list[Any] = ()

    def forward(self, inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Run or record the layer; in graphs of Keras 1 and 2 symbolic states and constants are further inputs."""
        state = args[0] if args else kwargs.get("initial_state")
        constants = args[1] if len(args) > 1 else kwargs.get("constants")
        if state is None and constants is None:
            return super().forward(inputs, *args, **kwargs) if inputs is not None else super().forward(**kwargs)
        kwargs = {**kwargs, "initial_state": state, "constants": constants}
        self.__dict__["_num_constants"] = len(listed(constants)) if constants is not None else 0
        self.__dict__["_constant_shapes"] = [tuple(c.shape) for c in listed(constants)] if constants is not None else []
        if behaviour("rnn_states_are_inputs", self._keras_version) and contains_symbol(state, constants):
            more = [*(flatten(state) if state is not None else ()), *(flatten(constants) if constants is not None else ())]
            kwargs = {k: v for k, v in kwargs.items() if k not in ("initial_state", "constants")}
            return super().forward([inputs, *more], **kwargs)
        return super().forward(inputs, **kwargs)


class RNN(StateInputs):
    """A layer that runs a cell over the steps of (batch, steps, ...).

    The output is the last one (batch, units), or with `return_sequences` all of them (batch, steps, units); with `return_state` a list
    of the output and the final states. A masked step carries the states over and repeats the output before it (zeros with
    `zero_output_for_mask`). `unroll` asks TensorFlow for another graph and changes no number. A list of cells is stacked.
    Source: https://keras.io/api/layers/recurrent_layers/rnn/

        RNN(MyCell(32), return_sequences=True)(x, initial_state=[h, c])
    """

    supports_masking = True
    _casts_integers = True
    _turns_masks_only = True

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
        if not callable(getattr(cell, "call", None)):
            raise ArgumentTypeError(f"{where}: `cell` must have a `call` method that takes inputs and states, received {cell!r}.")
        if not hasattr(cell, "state_size"):
            raise ArgumentTypeError(f"{where}: `cell` must have an attribute `state_size`, a size or a list of sizes; {cell!r} has none.")
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
        if is_shape(shape) and len(shape) < 3:
            raise ShapeError(
                f"{type(self).__name__} '{self.name}' takes inputs of shape (batch, steps, ...): expected ndim=3, found ndim={len(shape)}. "
                f"Full shape received: {tuple(shape)}"
            )
        one_step = map_structure(lambda s: (s[self.time_major], *s[2:]), shape, is_leaf=is_shape)
        if isinstance(self.cell, Layer) and not self.cell.built:
            build_cell(self.cell, [one_step, *constants] if constants else one_step, self._keras_version)
        if self.stateful:
            self._make_states(map_structure(lambda s: s[self.time_major], shape, is_leaf=is_shape))
        if is_shape(shape):
            self.__dict__["_input"] = InputSpec(ndim=len(shape), axes={-1: shape[-1]})
        super().build(input_shape)

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
        states = [map_structure(lambda n: (shape[self.time_major], *sizes_of(n)), size, is_leaf=_is_size) for size in sizes]
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

    def call(self, inputs: Any, initial_state: Any = None, constants: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        """The output, or the list of the output and the final states."""
        if isinstance(inputs, list):
            inputs, initial_state, constants = self._parts(inputs, initial_state, constants)
        first = inputs if isinstance(inputs, Tensor) else flatten(inputs)[0]
        self._check_shape(first.shape)
        mask = self._checked_mask(mask, first)
        if self.time_major:
            inputs = map_structure(lambda t: t.transpose(0, 1), inputs)
            first = first.transpose(0, 1)
            mask = None if mask is None else mask.t()
        start = self._start(initial_state, first)
        active = self._in_training(training)
        if constants is None and scans(self.cell):
            output, states = _scan(self.cell, inputs, mask, start, self._how(), active)
        else:
            output, states = self._step_by_step(inputs, mask, start, constants, training)
        if self.stateful:
            for held, new in zip(self._held(), flatten(states), strict=True):
                held.copy_(new.detach())
        if self.time_major and self.return_sequences:
            output = output.transpose(0, 1)
        return self._outputs(output, states) if self.return_state else output

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
        mask = flatten(mask)[0] if isinstance(mask, (list, tuple)) and mask else mask
        if mask is None:
            return None
        where = f"{type(self).__name__} '{self.name}'"
        if not isinstance(mask, Tensor) or mask.is_floating_point() or mask.is_complex():
            got = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
            raise MaskError(f"{where}: `mask` must be a bool tensor, True where a step counts, received {got}; try `mask.bool()`.")
        mask = mask[..., 0] if mask.ndim == 3 and mask.shape[-1] == 1 else mask
        if mask.shape != x.shape[:2]:
            raise ShapeError(
                f"{where}: `mask` must have the shape {tuple(x.shape[:2])}, one entry for each step of the input {tuple(x.shape)}; "
                f"received {tuple(mask.shape)}."
            )
        return mask if mask.dtype is torch.bool else mask.bool()

    def _step_by_step(self, inputs: Any, mask: Tensor | None, states: list[Any], constants: Any, training: bool | None) -> tuple[Any, Any]:
        """The cell called at every step; a masked step keeps the states."""
        if hasattr(self.cell, "reset_dropout_mask"):
            self.cell.reset_dropout_mask()
        length = flatten(inputs)[0].shape[1]
        outputs: list[Any] = []
        for t in range(length - 1, -1, -1) if self.go_backwards else range(length):
            output, new = step(self.cell, map_structure(lambda x, t=t: x[:, t], inputs), states, constants, training)
            new = listed(new)
            if mask is not None:
                kept = mask[:, t]
                before = torch.zeros_like(output) if self.zero_output_for_mask or not outputs else outputs[-1]
                output = _where(kept, output, before)
                new = pack(states, [_where(kept, a, b) for a, b in zip(flatten(new), flatten(states), strict=True)])
            states = new
            outputs.append(output)
        if hasattr(self.cell, "reset_dropout_mask"):
            self.cell.reset_dropout_mask()
        return (torch.stack(outputs, 1) if self.return_sequences else outputs[-1]), states

    # -- states ---------------------------------------------------------------------------------------------------------------

    def _start(self, initial_state: Any, x: Tensor) -> list[Any]:
        """The states before the first step: given ones, those of the batch before, or the cell's own."""
        if initial_state is not None:
            return pack_states(self.state_size, flatten(initial_state), self, x)
        if self.stateful:
            held = self._held()
            if held[0].shape[0] != x.shape[0]:
                raise ShapeError(
                    f"{type(self).__name__} '{self.name}' is stateful and was built for batches of {held[0].shape[0]}; received a batch of "
                    f"{x.shape[0]}. Keep the batch size, or make the layer without `stateful`."
                )
            return pack(self.__dict__["_state_shapes"], [s.to(x.dtype, copy=True) for s in held], is_leaf=is_shape)
        return start_of(self.cell, x.shape[0], x.dtype, x.device)

    def _make_states(self, batch: Any) -> None:
        batch = flatten(batch)[0]
        if batch is None:
            raise ArgumentError(
                f"{type(self).__name__} '{self.name}' is stateful, so it needs a fixed batch size: give `batch_input_shape=(batch, steps, "
                "features)` to the first layer, or `batch_size` or `batch_shape` to the `Input`."
            )
        device = next((p.device for p in self.parameters()), torch.empty(0).device)
        start = start_of(self.cell, batch, self._compute_dtype, device)
        self.__dict__["_state_shapes"] = map_structure(lambda s: tuple(s.shape), start)
        for index, state in enumerate(flatten(start)):
            self.register_buffer(f"state_{index}", state.clone(), persistent=False)

    def _held(self) -> list[Tensor]:
        return [self._buffers[f"state_{i}"] for i in range(len(flatten(self.__dict__["_state_shapes"], is_leaf=is_shape)))]

    @property
    def states(self) -> Any:
        """What a stateful layer carries to the next batch; None elsewhere."""
        if not self.stateful or not self.built:
            return [None for _ in listed(self.state_size)]
        return pack(self.__dict__["_state_shapes"], self._held(), is_leaf=is_shape)

    def reset_states(self, states: Any = None) -> None:
        """Let a stateful layer start anew, from zeros or from `states`."""
        if not self.stateful:
            if states is None:
                return
            raise ArgumentError(f"{type(self).__name__} '{self.name}': `reset_states` with values needs a layer with `stateful=True`.")
        if not self.built:
            raise NotBuiltError(f"{type(self).__name__} '{self.name}': `reset_states` needs a built layer; call it on a batch first.")
        held = self._held()
        new = [torch.zeros_like(h) for h in held] if states is None else [torch.as_tensor(s) for s in flatten(states)]
        if [tuple(s.shape) for s in new] != [tuple(h.shape) for h in held]:
            raise ShapeError(
                f"{type(self).__name__} '{self.name}': `states` must have the shapes {[tuple(h.shape) for h in held]}, received "
                f"{[tuple(s.shape) for s in new]}."
            )
        with torch.no_grad():
            for state, value in zip(held, new, strict=True):
                state.copy_(value)

    reset_state = reset_states

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


def _scan(cell: Any, x: Tensor, mask: Tensor | None, start: list[Any], how: Options, training: bool) -> tuple[Tensor, list[Any]]:
    """A cell of this package over a whole sequence; stacked cells one after the other."""
    if isinstance(cell, _Cell):
        output, states = cell._scan(x, mask, tuple(start), how, training)
        return output, list(states)
    found = []
    for index, (inner, own) in enumerate(zip(cell.cells, cell._split(start), strict=True)):
        last = index == len(cell.cells) - 1
        mine = how if last else Options(how.backwards, True, False, how.states)
        x, states = _scan(inner, x, mask, own, mine, training)
        found.append(states)
        if not last and how.backwards:  # outputs come in the order of processing, which is how the next cell reads them
            how = how._replace(backwards=False)
            mask = None if mask is None else mask.flip(1)
    return x, cell._join(found)


def pack_states(state_size: Any, states: list[Any], layer: Any, x: Tensor | None = None) -> list[Any]:
    """Given states in the structure of `state_size`, checked."""
    sizes = listed(state_size)
    flat_sizes = flatten(sizes, is_leaf=_is_size)
    where = f"{type(layer).__name__} '{layer.name}'"
    if len(states) != len(flat_sizes):
        raise ArgumentError(f"{where}: `initial_state` must hold {len(flat_sizes)} tensors, of sizes {flat_sizes}; received {len(states)}.")
    if x is not None:
        for state, size in zip(states, flat_sizes, strict=True):
            if tuple(state.shape) != (x.shape[0], *sizes_of(size)):
                raise ShapeError(
                    f"{where}: `initial_state` must have the shapes {[(x.shape[0], *sizes_of(n)) for n in flat_sizes]}, received "
                    f"{[tuple(s.shape) for s in states]}."
                )
        states = [s if s.dtype is x.dtype else s.to(x.dtype) for s in states]
    return pack(sizes, states, is_leaf=_is_size)


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, torch.Size))


def _where(kept: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return torch.where(kept.view(-1, *(1,) * (new.ndim - 1)), new, old)


NAMES = {"RNN": RNN}
registry.register("layer", NAMES)
