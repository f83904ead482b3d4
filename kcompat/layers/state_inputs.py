"""Layers that take start states and constants beside their input, and those that carry states from batch to batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kcompat.core.layer import Layer
from kcompat.core.spec import is_shape
from kcompat.errors import ArgumentError, NotBuiltError, NotStatefulError, ShapeError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor, contains_symbol
from kcompat.layers.states import as_state, check_states, listed, pack_states
from kcompat.tree import flatten, map_structure, pack


class StateInputs(Layer):
    """A layer that takes `initial_state` and `constants` beside its input."""

    _num_constants = 0
    _constant_shapes: tuple[Any, ...] | list[Any] = ()

    def forward(self, inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Run or record the layer; in graphs of Keras 1 and 2 symbolic states and constants are further inputs."""
        state = args[0] if args else kwargs.get("initial_state")
        constants = args[1] if len(args) > 1 else kwargs.get("constants")
        if isinstance(inputs, (list, tuple)) and len(inputs) > 1 and not self._num_constants and state is None and contains_symbol(inputs):
            self._check_states(flatten(inputs[1:]), inputs[0].shape)
        if state is None and constants is None:
            return super().forward(inputs, *args, **kwargs) if inputs is not None else super().forward(**kwargs)
        kwargs = {**kwargs, "initial_state": state, "constants": constants}
        if state is not None and isinstance(inputs, KerasTensor):
            self._check_states(flatten(state), inputs.shape)
        self.__dict__["_num_constants"] = len(listed(constants)) if constants is not None else 0
        self.__dict__["_constant_shapes"] = [tuple(c.shape) for c in listed(constants)] if constants is not None else []
        if behaviour("rnn_states_are_inputs", self._keras_version) and contains_symbol(state, constants):
            more = [*(flatten(state) if state is not None else ()), *(flatten(constants) if constants is not None else ())]
            kwargs = {k: v for k, v in kwargs.items() if k not in ("initial_state", "constants")}
            return super().forward([inputs, *more], **kwargs)
        return super().forward(inputs, **kwargs)

    def _check_states(self, states: list[Any], shape: Any) -> None:
        """Refuse start states that do not fit inputs of this shape; what is None in a shape fits all."""


class StatefulLayer(StateInputs):
    """A layer whose states may go on from one batch to the next."""

    if TYPE_CHECKING:
        state_size: Any
        _sizes: Any
        _zeros: Any

    def _start(self, initial_state: Any, x: Tensor) -> list[Any]:
        """The states before the first step: given ones, those of the batch before, or the cell's own."""
        step_shape = (x.shape[0], *x.shape[2:])
        if initial_state is not None:
            given = flatten(initial_state)
            check_states(self._sizes(step_shape), given, self, step_shape[0])
            return pack_states(self.state_size, [s if s.dtype is x.dtype else s.to(x.dtype) for s in given], self)
        if self.stateful:
            held = self._held()
            if held[0].shape[0] != x.shape[0]:
                raise ShapeError(
                    f"{type(self).__name__} '{self.name}' is stateful and was built for batches of {held[0].shape[0]}; received a batch of "
                    f"{x.shape[0]}. Keep the batch size, or make the layer without `stateful`."
                )
            return pack(self.__dict__["_state_shapes"], [s.to(x.dtype, copy=True) for s in held], is_leaf=is_shape)
        return self._zeros(step_shape, x.dtype, x.device)

    def _make_states(self, step_shape: Any) -> None:
        if step_shape[0] is None:
            raise ArgumentError(
                f"{type(self).__name__} '{self.name}' is stateful, so it needs a fixed batch size: give `batch_input_shape=(batch, steps, "
                "features)` to the first layer, or `batch_size` or `batch_shape` to the `Input`."
            )
        device = next((p.device for p in self.parameters()), torch.empty(0).device)
        start = self._zeros(step_shape, self._compute_dtype, device)
        self.__dict__["_state_shapes"] = map_structure(lambda s: tuple(s.shape), start)
        for index, state in enumerate(flatten(start)):
            self.register_buffer(f"state_{index}", state.clone(), persistent=False)

    def _held(self) -> list[Tensor]:
        return [self._buffers[f"state_{i}"] for i in range(len(flatten(self.__dict__["_state_shapes"], is_leaf=is_shape)))]

    @property
    def states(self) -> Any:
        """What a stateful layer carries to the next batch; None for each, or in Keras 3 for all, elsewhere."""
        if not self.stateful or not self.built:
            if behaviour("rnn_states_unset", self._keras_version) == "none":
                return None
            return [None for _ in listed(self.state_size)]
        return pack(self.__dict__["_state_shapes"], self._held(), is_leaf=is_shape)

    def reset_states(self, states: Any = None) -> None:
        """Let a stateful layer start anew, from zeros or from `states`."""
        if not self.stateful:
            if states is None and not behaviour("rnn_reset_needs_stateful", self._keras_version):
                return
            raise NotStatefulError(f"{type(self).__name__} '{self.name}': `reset_states` needs a layer made with `stateful=True`.")
        if not self.built:
            raise NotBuiltError(f"{type(self).__name__} '{self.name}': `reset_states` needs a built layer; call it on a batch first.")
        held = self._held()
        new = [torch.zeros_like(h) for h in held] if states is None else [as_state(s, self) for s in flatten(states)]
        if [tuple(s.shape) for s in new] != [tuple(h.shape) for h in held]:
            raise ShapeError(
                f"{type(self).__name__} '{self.name}': `states` must have the shapes {[tuple(h.shape) for h in held]}, received "
                f"{[tuple(s.shape) for s in new]}."
            )
        with torch.no_grad():
            for state, value in zip(held, new, strict=True):
                state.copy_(value)

    reset_state = reset_states
