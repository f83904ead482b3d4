"""What recurrent cells have in common: weights, dropout, and one step that is a sequence of one.

A cell answers `state_size` (a size or a list of sizes), `output_size`, `get_initial_state` and `call(inputs, states)`, which returns the
output and the list of new states. Cells of this package also run whole sequences at once (`_scan`), which is what the layers use.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import activations
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.layers.arguments import config_of, number, positive, take
from kcompat.layers.states import zero_states
from kcompat.random import SeedGenerator, checked_seed, dropout
from kcompat.tensor import activate
from kcompat.tensor.recurrence import Cell, project
from kcompat.tensor.scan import Options, Weights, run_cell

#: an activation as users name it -> the bare function, whose slope is known
_BARE = {activations.sigmoid: activate.sigmoid, activations.relu: activate.relu}


class _Cell(Layer):
    """What SimpleRNNCell, LSTMCell and GRUCell have in common.

    `dropout` and `recurrent_dropout` drop entries of the input and of the state, the same ones at every step of a sequence; with
    `implementation` 1 each gate has entries of its own. Source: https://keras.io/api/layers/recurrent_layers/
    """

    _passes_down = False
    _gates = 1
    _step_ndim = 2
    #: what the number of units is called
    _size_name = "units"
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
        units = positive(where, self._size_name, units)
        dropout = min(1.0, max(0.0, number(where, "dropout", 0.0 if dropout is None else dropout)))
        recurrent_dropout = number(where, "recurrent_dropout", 0.0 if recurrent_dropout is None else recurrent_dropout)
        recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        seed = checked_seed(seed, where)
        super().__init__(**kwargs)
        take(
            self,
            **{self._size_name: units},
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
            memory_order=None if kind == "bias" else self._memory_order(),
        )

    def _memory_order(self) -> tuple[int, ...]:
        return (1, 0)  # torch's kernels take the transposed matrix

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
        return self.output_size

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self.__dict__[self._size_name]

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

    def _dropped(self, like: Tensor, training: bool) -> tuple[Any, Any]:
        """What input and state are multiplied with, for one step `like`: None, a tensor, or a tuple of them, one a gate."""
        if not training:
            return None, None
        rates, shapes = (self.dropout, self.recurrent_dropout), (tuple(like.shape), self._state_shape(like.shape))
        into, back = (self._drawn(rate, like.new_ones(shape)) if 0 < rate < 1 else None for rate, shape in zip(rates, shapes, strict=True))
        return into, back

    def _drawn(self, rate: float, ones: Tensor) -> Any:
        if not self._each_gate():
            return dropout(ones, rate, None, self.seed_generator)
        return tuple(dropout(ones, rate, None, self.seed_generator) for _ in range(self._gates))

    def _state_shape(self, step_shape: Any) -> tuple[Any, ...]:
        """The shape of a state for inputs of this shape."""
        return (step_shape[0], self.output_size)

    def _scan(self, x: Tensor, mask: Tensor | None, start: tuple[Tensor, ...], options: Options, training: bool) -> Any:
        """Output and final states over `x` (b, t, n)."""
        into, back = self._dropped(x[:, 0], training) if training else (None, None)
        return self._run(x, mask, start, options, into, back)

    def _run(self, x: Tensor, mask: Tensor | None, start: tuple[Tensor, ...], options: Options, into: Any, back: Any) -> Any:
        weights = self._computing(x.dtype)
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
        if inputs.ndim != self._step_ndim:
            raise ShapeError(
                f"{type(self).__name__} '{self.name}' takes one step, with {self._step_ndim} axes, received the shape "
                f"{tuple(inputs.shape)}; a layer or `RNN(cell)` takes sequences."
            )
        given_states = tuple(states) if isinstance(states, (list, tuple)) else (states,)
        self._check_states(given_states, inputs)
        into, back = self._step_dropout(inputs, self._in_training(training))
        output, found = self._run(inputs.unsqueeze(1), None, given_states, Options(), into, back)
        return output, list(found)

    def _check_states(self, states: tuple[Tensor, ...], inputs: Tensor) -> None:
        wanted = [self._state_shape(inputs.shape) for _ in range(2 if isinstance(self.state_size, list) else 1)]
        if len(states) != len(wanted):
            raise ArgumentError(f"{type(self).__name__} '{self.name}': `states` must hold {len(wanted)} tensors, received {len(states)}.")
        found = [tuple(s.shape) for s in states]
        if found != wanted:  # torch's fused kernels would read beyond them
            raise ShapeError(f"{type(self).__name__} '{self.name}': `states` must have the shapes {wanted}, received {found}.")

    def _step_dropout(self, inputs: Tensor, training: bool) -> tuple[Any, Any]:
        """The masks of the sequence under way, drawn at its first step."""
        held = self.__dict__.get("_step_masks")
        if held is None or not training:
            held = self._dropped(inputs, training)
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
        state = self._state_shape(shape)
        return state, [state for _ in range(2 if isinstance(self.state_size, list) else 1)]

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **self._own_config()}

    def _own_config(self) -> dict[str, Any]:
        names = [n for n in (self._size_name, *self._arguments) if n not in ("seed", "implementation")]
        if behaviour("config_rnn_seed", self._keras_version):
            names.append("seed")
        if "implementation" in self._arguments and behaviour("config_rnn_implementation", self._keras_version):
            names.append("implementation")
        return config_of(self, *names)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_step_masks"}
