"""`Recurrent` and `ConvRecurrent2D`: bases for recurrent layers of the user's own as Keras 1 and early Keras 2 wrote them.

Such a layer is its own cell: `build` sets `states` to a list as long as there are states, `step(inputs, states)` gives the output and the
new states of one step (`states` goes on with what `get_constants` gave), `preprocess_input` may turn the whole sequence before.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, UnknownMethodError
from kcompat.layers.arguments import positive
from kcompat.layers.conv_lstm import WINDOW, _ConvRNN
from kcompat.layers.rnn import RNN
from kcompat.layers.windows import window_arguments


class _Step:
    """A layer's `step` as a cell."""

    def __init__(self, layer: Any):
        self.layer = layer

    @property
    def state_size(self) -> Any:
        """A size for each of the layer's states."""
        return [self.layer.__dict__.get("units", 0)] * self.layer.__dict__["_count"]

    @property
    def output_size(self) -> int:
        """The layer's `units`."""
        return self.layer.units

    def __getattr__(self, name: str) -> Any:
        if name in WINDOW:
            return self.layer.__dict__[name]
        raise AttributeError(name)

    def call(self, inputs: Tensor, states: Any, constants: Any = None) -> Any:
        """One step."""
        return self.layer.step(inputs, [*states, *(constants or ())])


class Recurrent(RNN):
    """Base of recurrent layers that write `step(inputs, states)`, set `units` and, in `build`, `states`. Source: Keras 2.2."""

    def __init__(
        self,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        implementation: int = 0,
        **kwargs: Any,
    ):
        self.__dict__.update(_count=1, implementation=implementation, dropout=0, recurrent_dropout=0)
        super().__init__(
            _Step(self), return_sequences=return_sequences, return_state=return_state, go_backwards=go_backwards, stateful=stateful,
            unroll=unroll, **kwargs,
        )  # fmt: skip

    def step(self, inputs: Tensor, states: Any) -> Any:
        """The output and the list of new states; written by the user."""
        raise UnknownMethodError(f"{type(self).__name__} '{self.name}' must have a method `step(inputs, states)`.")

    def get_constants(self, inputs: Any, training: bool | None = None) -> list[Any]:
        """What every step gets behind its states."""
        return []

    def preprocess_input(self, inputs: Any, training: bool | None = None) -> Any:
        """The sequence that the steps see."""
        return inputs

    def get_initial_state(self, inputs: Any) -> list[Tensor]:
        """Zeros (batch, units) for each state."""
        return self._zeros((inputs.shape[0], *inputs.shape[2:]), inputs.dtype, inputs.device)

    def _zeros(self, step_shape: Any, dtype: torch.dtype, device: torch.device) -> list[Any]:
        sizes = [size if isinstance(size, tuple) else (size,) for size in self._sizes(step_shape)]
        return [torch.zeros((step_shape[0], *size), dtype=dtype, device=device) for size in sizes]

    def _start(self, initial_state: Any, x: Tensor) -> list[Any]:
        if initial_state is None and not self.stateful:
            return list(self.get_initial_state(x))
        return super()._start(initial_state, x)

    @property
    def states(self) -> Any:
        """What a stateful layer carries on; None for each state elsewhere."""
        return [None] * self.__dict__["_count"] if self.__dict__.get("_state_shapes") is None else list(self._held())

    @states.setter
    def states(self, value: Any) -> None:
        self.__dict__["_count"] = len(value)

    def build(self, input_shape: Any) -> None:
        """Note the input's shape; users' layers make their weights here."""
        Layer.build(self, input_shape)

    def call(self, inputs: Any, initial_state: Any = None, constants: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        """The output, or the list of the output and the final states."""
        if constants is not None:
            raise ArgumentError(f"{type(self).__name__} '{self.name}' takes no `constants`: it makes its own in `get_constants`.")
        if isinstance(inputs, list):
            inputs, initial_state, _ = self._parts(inputs, initial_state, None)
        if self.stateful and self.__dict__.get("_state_shapes") is None:
            self._make_states((inputs.shape[0], *inputs.shape[2:]))
        start = self._start(initial_state, inputs)
        own = list(self.get_constants(inputs, training=training))
        seen = self.preprocess_input(inputs, training=training)
        return super().call(seen, start, own or None, mask, training)

    def reset_states(self, states: Any = None) -> None:
        """Let a stateful layer start anew, from zeros or from `states`; before the first call there is nothing to forget."""
        if states is None and self.stateful and self.__dict__.get("_state_shapes") is None:
            return
        super().reset_states(states)

    reset_state = reset_states

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "implementation")
        return {**Layer.get_config(self), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from its config."""
        return cls(**config)


class ConvRecurrent2D(Recurrent, _ConvRNN):
    """`Recurrent` over sequences of images, with the window of a convolution. Source: Keras 2.2."""

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: Any = None,
        dilation_rate: Any = (1, 1),
        return_sequences: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ):
        where = type(self).__name__
        window = window_arguments(where, 2, kernel_size, strides, padding, data_format, dilation_rate)
        filters = positive(where, "filters", filters)
        self.__dict__.update(window, filters=filters, units=filters)
        super().__init__(return_sequences=return_sequences, go_backwards=go_backwards, stateful=stateful, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **{name: getattr(self, name) for name in ("filters", *WINDOW)}}


NAMES = {"Recurrent": Recurrent, "ConvRecurrent2D": ConvRecurrent2D}
registry.register("layer", NAMES)
