"""Recurrent cells: the weights of a recurrent layer, and one step of it. The layers around them are in `recurrent`.

A cell answers `state_size` (a size or a list of sizes), `output_size`, `get_initial_state` and `call(inputs, states)`, which returns the
output and the list of new states. Cells of this file also run whole sequences at once (`_scan`), which is what the layers use.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from kcompat import activations, registry
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import NOT_GIVEN, behaviour, given, positional
from kcompat.layers.arguments import config_of, number, positive, take
from kcompat.random import SeedGenerator, checked_seed, dropout
from kcompat.tensor import activate
from kcompat.tensor.recurrence import Cell, project
from kcompat.tensor.scan import Options, Weights, run_cell

#: an activation as users name it -> the bare function, whose slope is known
_BARE = {activations.sigmoid: activate.sigmoid, activations.relu: activate.relu}


def zero_states(state_size: Any, batch: int, dtype: torch.dtype, device: torch.device) -> Any:
    """Zeros of shape (batch, size) for every size in the structure `state_size`; a `torch.Size` is one shape."""
    if isinstance(state_size, int):
        return torch.zeros(batch, state_size, dtype=dtype, device=device)
    if isinstance(state_size, torch.Size):
        return torch.zeros(batch, *state_size, dtype=dtype, device=device)
    if isinstance(state_size, dict):
        return {key: zero_states(size, batch, dtype, device) for key, size in state_size.items()}
    return [zero_states(size, batch, dtype, device) for size in state_size]


class _Cell(Layer):
    """What SimpleRNNCell, LSTMCell and GRUCell have in common.

    `dropout` and `recurrent_dropout` drop entries of the input and of the state, the same ones at every step of a sequence; with
    `implementation` 1 each gate has entries of its own. Source: https://keras.io/api/layers/recurrent_layers/
    """

    _passes_down = False
    _gates = 1
    _arguments: tuple[str, ...] = (
        "activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer", "kernel_regularizer",
        "recurrent_regularizer", "bias_regularizer", "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout",
        "recurrent_dropout", "seed",
    )  # fmt: skip

    def __init__(
        self,
        units: int,
        *,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ):
        where = type(self).__name__
        units = positive(where, "units", units)
        dropout = min(1.0, max(0.0, number(where, "dropout", 0.0 if dropout is None else dropout)))
        recurrent_dropout = number(where, "recurrent_dropout", 0.0 if recurrent_dropout is None else recurrent_dropout)
        recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        seed = checked_seed(seed, where)
        super().__init__(**kwargs)
        take(
            self,
            units=units,
            activation=activation,
            use_bias=bool(use_bias),
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
        )
        self.seed_generator = SeedGenerator(seed) if isinstance(seed, int) else seed

    # -- weights --------------------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make `kernel` (n, gates * units), `recurrent_kernel` (units, gates * units) and `bias`."""
        size = input_shape[-1]
        if size is None:
            raise ShapeError(f"{type(self).__name__} '{self.name}': the last axis of the input must have a known size, got {input_shape}.")
        self.kernel = self._weight("kernel", (size, self._gates * self.units), "kernel")
        self.recurrent_kernel = self._weight("recurrent_kernel", (self.units, self._gates * self.units), "recurrent")
        self.bias = self._weight("bias", self._bias_shape(), "bias") if self.use_bias else None
        super().build(input_shape)

    def _bias_shape(self) -> tuple[int, ...]:
        return (self._gates * self.units,)

    def _initial_bias(self) -> Any:
        return self.bias_initializer

    def _weight(self, name: str, shape: tuple[int, ...], kind: str) -> Any:
        return self.add_weight(
            name,
            shape,
            initializer=self._initial_bias() if kind == "bias" else getattr(self, f"{kind}_initializer"),
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
            memory_order=None if kind == "bias" else (1, 0),  # torch's kernels take the transposed matrix
        )

    def _computing(self, dtype: torch.dtype) -> Weights:
        """The weights in a dtype."""
        held = (self.kernel, self.recurrent_kernel, self.bias if self.use_bias else None)
        converted: Any = [w if w is None or w.dtype is dtype else w.to(dtype) for w in held]
        kernel, recurrent, bias = converted
        if bias is not None and bias.ndim == 2:
            return Weights(kernel, recurrent, *bias.unbind(0))
        return Weights(kernel, recurrent, bias)

    # -- states ---------------------------------------------------------------------------------------------------------------

    @property
    def state_size(self) -> Any:
        """The size of the state, or a list of sizes."""
        return self.units

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self.units

    def get_initial_state(self, inputs: Any = None, batch_size: int | None = None, dtype: Any = None) -> Any:
        """Zeros for a batch of the size of `inputs`, or of `batch_size`."""
        batch = inputs if isinstance(inputs, int) else inputs.shape[0] if inputs is not None else batch_size
        if batch is None:
            raise ArgumentError(
                f"{type(self).__name__} '{self.name}': `get_initial_state` needs `inputs` or `batch_size`, received neither."
            )
        device = inputs.device if isinstance(inputs, Tensor) else self.kernel.device if self.built else torch.empty(0).device
        found = zero_states(self.state_size, batch, self._compute_dtype, device)
        return found if isinstance(found, list) else [found]

    # -- computing ------------------------------------------------------------------------------------------------------------

    @property
    def _rule(self) -> Cell:
        return Cell("simple", self._bare(self.activation))

    @staticmethod
    def _bare(activation: Any) -> Any:
        return _BARE.get(activation, activation)

    def _each_gate(self) -> bool:
        """Whether each gate has dropout of its own."""
        return False

    def _dropped(self, rate: float, like: Tensor, size: int, training: bool) -> Any:
        """What the input or the state is multiplied with: None, a tensor (batch, size), or a tuple of them, one a gate."""
        if not training or not 0 < rate < 1:
            return None
        ones = like.new_ones((like.shape[0], size))
        count = self._gates if self._each_gate() else 1
        drawn = tuple(dropout(ones, rate, None, self.seed_generator) for _ in range(count))
        return drawn if self._each_gate() else drawn[0]

    def _scan(self, x: Tensor, mask: Tensor | None, start: tuple[Tensor, ...], options: Options, training: bool) -> Any:
        """Output and final states over `x` (b, t, n)."""
        weights = self._computing(x.dtype)
        into = self._dropped(self.dropout, x, x.shape[-1], training)
        back = self._dropped(self.recurrent_dropout, x, self.units, training)
        return run_cell(self._rule, weights, self._dropping(x, into, weights), mask, start, options, back, isinstance(into, tuple))

    def _dropping(self, x: Tensor, into: Any, weights: Weights) -> Tensor:
        if isinstance(into, Tensor):
            x = x * into.unsqueeze(1)
        elif into is not None:
            x = self._projected(x, weights, into)
        return x

    def _projected(self, x: Tensor, weights: Weights, into: tuple[Tensor, ...]) -> Tensor:
        """The product with the kernel where each gate has an input dropped in its own way."""
        biases: Any = (None,) * self._gates if weights.bias is None else weights.bias.chunk(self._gates)
        kernels = weights.kernel.chunk(self._gates, 1)
        return torch.cat([project(x * d.unsqueeze(1), k, b) for d, k, b in zip(into, kernels, biases, strict=True)], -1)

    def call(self, inputs: Tensor, states: Any, training: bool | None = None) -> Any:  # type: ignore[override]
        """One step: `inputs` (batch, n), `states` a list; the output and the list of new states."""
        given_states = tuple(states) if isinstance(states, (list, tuple)) else (states,)
        self._check_states(given_states)
        active = self._in_training(training)
        weights = self._computing(inputs.dtype)
        into, back = self._step_dropout(inputs, active)
        x = self._dropping(inputs.unsqueeze(1), into, weights)
        options = Options()
        output, found = run_cell(self._rule, weights, x, None, given_states, options, back, isinstance(into, tuple))
        return output, list(found)

    def _check_states(self, states: tuple[Tensor, ...]) -> None:
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        if len(states) != len(sizes):
            raise ArgumentError(f"{type(self).__name__} '{self.name}': `states` must hold {len(sizes)} tensors, received {len(states)}.")

    def _step_dropout(self, inputs: Tensor, training: bool) -> tuple[Any, Any]:
        """The masks of the sequence under way, drawn at its first step."""
        held = self.__dict__.get("_step_masks")
        if held is None or not training:
            held = (
                self._dropped(self.dropout, inputs, inputs.shape[-1], training),
                self._dropped(self.recurrent_dropout, inputs, self.units, training),
            )
            if training and held != (None, None):
                self.__dict__["_step_masks"] = held
        return held

    def reset_dropout_mask(self) -> None:
        """Let the next step draw what is dropped anew."""
        self.__dict__.pop("_step_masks", None)

    reset_recurrent_dropout_mask = reset_dropout_mask

    def compute_output_shape(self, input_shape: Any, *_: Any) -> Any:
        """The shapes of the output and of the states."""
        shape = input_shape if isinstance(input_shape[0], (int, type(None))) else input_shape[0]
        return (*shape[:-1], self.units), [(shape[0], self.units) for _ in range(2 if isinstance(self.state_size, list) else 1)]

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **self._own_config()}

    def _own_config(self) -> dict[str, Any]:
        names = [n for n in ("units", *self._arguments) if n not in ("seed", "implementation")]
        if behaviour("config_rnn_seed", self._keras_version):
            names.append("seed")
        if "implementation" in self._arguments and behaviour("config_rnn_implementation", self._keras_version):
            names.append("implementation")
        return config_of(self, *names)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_step_masks"}


class _GatedCell(_Cell):
    """A cell with gates, whose activation is `recurrent_activation`."""

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
        first, rest = (torch.as_tensor(self.bias_initializer((n * self.units,), dtype=dtype)) for n in (1, 2))
        return torch.cat([first, torch.ones_like(first), rest])

    @property
    def state_size(self) -> Any:
        """The sizes of h and c."""
        return [self.units, self.units]

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
    """The signature of an `__init__` that hands its keywords on to the others."""
    found: dict[str, inspect.Parameter] = {}
    for init in inits:
        for name, parameter in inspect.signature(init).parameters.items():
            if name != without:
                found.setdefault(name, parameter)
    return inspect.Signature(sorted(found.values(), key=lambda p: p.kind))


for _cell in (SimpleRNNCell, LSTMCell, GRUCell):
    _cell.__init__.__signature__ = joined_signature(_cell.__init__, _Cell.__init__)  # type: ignore[attr-defined]

NAMES = {"SimpleRNNCell": SimpleRNNCell, "LSTMCell": LSTMCell, "GRUCell": GRUCell}
registry.register("layer", NAMES)
