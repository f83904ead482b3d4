"""SimpleRNNCell, LSTMCell and GRUCell. What they have in common is in `cell`, the layers around them in `recurrent`."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from kcompat import initializers, registry
from kcompat.errors import ArgumentError
from kcompat.generations import NOT_GIVEN, behaviour, given, positional
from kcompat.layers.arguments import take
from kcompat.layers.cell import _Cell
from kcompat.tensor.recurrence import Cell


def recurrent_identity(shape: Any, dtype: Any = None) -> Tensor:
    """The identity for each gate: what Keras 2.3 makes of 'identity', and writes into configs, for recurrent kernels (u, gates * u)."""
    return initializers.Identity()((shape[0], shape[0]), dtype).repeat(1, shape[1] // shape[0])


class _GatedCell(_Cell):
    """A cell with gates, whose activation is `recurrent_activation`."""

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        if behaviour("rnn_identity_each_gate", self._keras_version) and isinstance(self.recurrent_initializer, initializers.Identity):
            self.__dict__["recurrent_initializer"] = recurrent_identity
        super().build(input_shape)

    def _take_gate(self, recurrent_activation: Any, implementation: Any) -> None:
        gate = given(recurrent_activation, "rnn_recurrent_activation")
        implementation = given(implementation, "rnn_implementation")
        if implementation not in (0, 1, 2):
            raise ArgumentError(f"{type(self).__name__}: `implementation` must be 1 or 2, received {implementation!r}.")
        forced = behaviour("rnn_recurrent_dropout_implementation") if self.recurrent_dropout else None
        take(self, recurrent_activation=gate, implementation=implementation if forced is None else forced)

    def _each_gate(self) -> bool:
        return self.implementation != 2


class SimpleRNNCell(_Cell):
    """`h = activation(x @ kernel + bias + h @ recurrent_kernel)`; the output is `h`.

    Source: https://keras.io/api/layers/recurrent_layers/simple_rnn_cell/
    """

    @positional(
        "rnn_cell_arguments",
        "rnn_weight_arguments",
        "rnn_regularizer_arguments",
        "rnn_constraint_arguments",
        "simple_rnn_cell_end_arguments",
    )
    def __init__(self, units: int, **kwargs: Any):
        super().__init__(units, **kwargs)


class LSTMCell(_GatedCell):
    """Long short-term memory; gates i, f, c, o in `kernel` (n, 4 units); states h and c, the output is h.

    `unit_forget_bias` starts the forget gate's bias at 1. Source: https://keras.io/api/layers/recurrent_layers/lstm_cell/
    """

    _gates = 4
    _arguments = (*_Cell._arguments, "recurrent_activation", "unit_forget_bias", "implementation")

    @positional(
        "rnn_cell_arguments", "rnn_gate_arguments", "rnn_weight_arguments", "lstm_bias_arguments", "rnn_regularizer_arguments",
        "rnn_constraint_arguments", "lstm_cell_end_arguments",
    )  # fmt: skip
    def __init__(
        self,
        units: int,
        *,
        recurrent_activation: Any = NOT_GIVEN,
        unit_forget_bias: bool = True,
        implementation: Any = NOT_GIVEN,
        **kwargs: Any,
    ):
        super().__init__(units, **kwargs)
        self._take_gate(recurrent_activation, implementation)
        self.__dict__["unit_forget_bias"] = bool(unit_forget_bias)

    def _initial_bias(self) -> Any:
        return self._forgetful if self.unit_forget_bias else self.bias_initializer

    def _forgetful(self, shape: Any, dtype: Any = None) -> Tensor:
        """The initializer's bias with ones for the forget gate."""
        first, rest = (torch.as_tensor(self.bias_initializer((n * self.output_size,), dtype=dtype)) for n in (1, 2))
        return torch.cat([first, torch.ones_like(first), rest])

    @property
    def state_size(self) -> Any:
        """The sizes of h and c."""
        return [self.output_size, self.output_size]

    @property
    def _rule(self) -> Cell:
        return Cell("lstm", self._bare(self.activation), self._bare(self.recurrent_activation))


class GRUCell(_GatedCell):
    """Gated recurrent unit; gates z, r, h in `kernel` (n, 3 units); the output is the state h.

    With `reset_after` the reset gate is applied behind the recurrent product, and the bias is (2, 3 units): a row for the input and one for
    the state. Source: https://keras.io/api/layers/recurrent_layers/gru_cell/
    """

    _gates = 3
    _arguments = (*_Cell._arguments, "recurrent_activation", "reset_after", "implementation")

    @positional(
        "rnn_cell_arguments", "rnn_gate_arguments", "rnn_weight_arguments", "rnn_regularizer_arguments", "rnn_constraint_arguments",
        "gru_cell_end_arguments",
    )  # fmt: skip
    def __init__(
        self,
        units: int,
        *,
        recurrent_activation: Any = NOT_GIVEN,
        reset_after: bool = NOT_GIVEN,
        implementation: Any = NOT_GIVEN,
        **kwargs: Any,
    ):
        super().__init__(units, **kwargs)
        self._take_gate(recurrent_activation, implementation)
        self.__dict__["reset_after"] = bool(given(reset_after, "gru_reset_after"))

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    @property
    def _rule(self) -> Cell:
        kind = "gru_after" if self.reset_after else "gru_before"
        return Cell(kind, self._bare(self.activation), self._bare(self.recurrent_activation))


def joined_signature(*inits: Any, without: str = "") -> inspect.Signature:
    """The signature of an `__init__` that hands its keywords on to the others; what is `without` stands in none."""
    found: dict[str, inspect.Parameter] = {}
    for init in inits:
        for name, parameter in inspect.signature(init).parameters.items():
            if name not in without.split():
                found.setdefault(name, parameter)
    return inspect.Signature(sorted(found.values(), key=lambda p: p.kind))


for _cell in (SimpleRNNCell, LSTMCell, GRUCell):
    _cell.__init__.__signature__ = joined_signature(_cell.__init__, _Cell.__init__)  # type: ignore[attr-defined]

NAMES = {"SimpleRNNCell": SimpleRNNCell, "LSTMCell": LSTMCell, "GRUCell": GRUCell}
registry.register("layer", NAMES)
registry.register("initializer", {"recurrent_identity": recurrent_identity})
