"""Convolutional LSTMs over sequences of one to three spatial axes, their cells, and `ConvRNN2D`: a layer around any such cell."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import NOT_GIVEN, behaviour, given, positional
from kcompat.layers.arguments import take
from kcompat.layers.cell import _Cell
from kcompat.layers.cells import LSTMCell, joined_signature
from kcompat.layers.recurrent import _of_cell, _OwnCell
from kcompat.layers.rnn import RNN
from kcompat.layers.states import Lengths, listed, zero_states
from kcompat.layers.windows import known_channels, output_shape, theano_paddings, title, window_arguments
from kcompat.tensor.conv_recurrence import Slide, project, run_conv_lstm
from kcompat.tensor.convolve import KERNEL_ORDER, known_padding
from kcompat.tensor.scan import Options
from kcompat.tensor.shapes import output_length

WINDOW = ("kernel_size", "strides", "padding", "data_format", "dilation_rate")


class _ConvLSTMCell(LSTMCell):
    """One step of a convolutional LSTM: gates i, f, c, o in `kernel` (*kernel_size, channels, 4 filters).

    `strides`, `padding` and `dilation_rate` are those of the input's convolution; the state (batch, *new lengths, filters) is convolved
    with strides of 1 and 'same'. Source: https://keras.io/api/layers/recurrent_layers/conv_lstm2d/
    """

    rank: int
    _size_name = "filters"
    _arguments = (*WINDOW, *_Cell._arguments, "recurrent_activation", "unit_forget_bias")

    @positional(
        "conv_lstm_arguments", "rnn_gate_arguments", "rnn_weight_arguments", "lstm_bias_arguments", "rnn_regularizer_arguments",
        "rnn_constraint_arguments", "simple_rnn_cell_end_arguments",
    )  # fmt: skip
    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
                 dilation_rate: Any = 1, *, recurrent_activation: Any = NOT_GIVEN, **kwargs: Any):  # fmt: skip
        paddings = ("valid", "same", *theano_paddings("same_theano"))
        window = window_arguments(type(self).__name__, self.rank, kernel_size, strides, padding, data_format, dilation_rate, paddings)
        gate = given(recurrent_activation, "conv_lstm_recurrent_activation")
        super().__init__(filters, recurrent_activation=gate, implementation=1, **kwargs)
        take(self, **window)
        self.__dict__["_step_ndim"] = self.rank + 2
        ones = (1,) * self.rank
        self.__dict__["_slide"] = Slide(
            self.strides, known_padding(self.kernel_size, self.strides, self.padding, self.dilation_rate), self.dilation_rate,
            self.data_format,
        )  # fmt: skip
        state_padding = "same" if self.padding == "valid" else self.padding
        self.__dict__["_state_slide"] = Slide(ones, known_padding(self.kernel_size, ones, state_padding, ones), ones, self.data_format)

    def build(self, input_shape: Any) -> None:
        """Make `kernel`, `recurrent_kernel` (*kernel_size, filters, 4 filters) and `bias` (4 filters,)."""
        channels = known_channels(self, input_shape, self.rank, self.data_format)
        self.__dict__["_step_shape"] = tuple(input_shape)
        self.kernel = self._weight("kernel", (*self.kernel_size, channels, 4 * self.filters), "kernel")
        self.recurrent_kernel = self._weight("recurrent_kernel", (*self.kernel_size, self.filters, 4 * self.filters), "recurrent")
        self.bias = self._weight("bias", (4 * self.filters,), "bias") if self.use_bias else None
        super(_Cell, self).build(input_shape)

    def _memory_order(self) -> tuple[int, ...]:
        return KERNEL_ORDER[self.rank]

    def _state_shape(self, step_shape: Any) -> tuple[Any, ...]:
        return state_shape(self, self, self.rank, step_shape, self.filters)

    def get_initial_state(self, inputs: Any = None, batch_size: int | None = None, dtype: Any = None) -> Any:
        """Zeros for a batch of the size of `inputs` (batch, *lengths, channels), or of `batch_size` once the cell is built."""
        if isinstance(inputs, Tensor):
            shape, device = tuple(inputs.shape), inputs.device
        elif batch_size is not None and self.built:
            shape, device = (batch_size, *self._step_shape[1:]), self.kernel.device
        else:
            raise ArgumentError(f"{title(self)}: `get_initial_state` needs `inputs`, or `batch_size` and a cell that is built.")
        return zero_states([torch.Size(self._state_shape(shape)[1:])] * 2, shape[0], self._compute_dtype, device)

    def _run(self, x: Tensor, mask: Tensor | None, start: tuple[Tensor, ...], options: Options, into: Any, back: Any) -> Any:
        weights, rule = self._computing(x.dtype), self._rule
        z = project(x, weights.kernel, weights.bias, self._slide, into)
        return run_conv_lstm(z, weights, self._state_slide, mask, start, options, rule.activation, rule.gate, back)


def state_shape(layer: Any, cell: Any, rank: int, step_shape: Any, channels: int) -> tuple[Any, ...]:
    """The shape of a state of `channels` channels for steps (batch, *lengths, channels) as the cell's window makes it."""

    def length(axis: int, n: int | None) -> int | None:
        return output_length(n, cell.kernel_size[axis], cell.strides[axis], cell.padding, cell.dilation_rate[axis])

    return output_shape(layer, step_shape, rank, cell.data_format, length, channels)


class ConvLSTM1DCell(_ConvLSTMCell):
    """A cell for steps (batch, length, channels)."""

    rank = 1


class ConvLSTM2DCell(_ConvLSTMCell):
    """A cell for steps (batch, rows, columns, channels)."""

    rank = 2


class ConvLSTM3DCell(_ConvLSTMCell):
    """A cell for steps (batch, *three lengths, channels)."""

    rank = 3


class _ConvRNN(RNN):
    """What layers over sequences of images have in common: states are images too."""

    rank: int

    def __init__(self, cell: Any, **kwargs: Any):
        where = type(self).__name__
        if isinstance(cell, (list, tuple)):
            raise ArgumentTypeError(f"{where}: `cell` must be one cell, convolutional cells cannot be stacked; received {cell!r}.")
        missing = [name for name in WINDOW if not hasattr(cell, name)]
        if missing:
            raise ArgumentTypeError(f"{where}: `cell` must have the attributes of a window, {list(WINDOW)}; {cell!r} has no {missing}.")
        if kwargs.get("unroll") and behaviour("conv_rnn_unroll") == "refuse":
            raise ArgumentTypeError(f"{where}: `unroll` must be False, received True; convolutional layers are not unrolled.")
        if kwargs.get("time_major"):
            raise ArgumentError(f"{where}: `time_major` must be False, received True; transpose the input instead.")
        super().__init__(cell, **kwargs)
        self.__dict__["_zeroed_by_bidirectional"] = behaviour("conv_rnn_zero_output")

    def _check_rank(self, shape: Any) -> None:
        if len(shape) != self.rank + 3:
            raise ShapeError(
                f"{title(self)} takes inputs of shape (batch, steps, {self.rank} spatial, channels as `data_format` says): expected "
                f"ndim={self.rank + 3}, found ndim={len(shape)}. Full shape received: {tuple(shape)}"
            )

    def _spec(self, shape: Any) -> InputSpec:
        axis = -1 if self.cell.data_format == "channels_last" else 2
        return InputSpec(ndim=self.rank + 3, axes={axis: shape[axis]})

    def _state_shape(self, step_shape: Any, channels: int) -> tuple[Any, ...]:
        return state_shape(self, self.cell, self.rank, step_shape, channels)

    def _sizes(self, step_shape: Any) -> Any:
        return [Lengths(self._state_shape(step_shape, n)[1:]) for n in listed(self.state_size)]

    def _zeros(self, step_shape: Any, dtype: torch.dtype, device: torch.device) -> list[Any]:
        return [torch.zeros((step_shape[0], *size), dtype=dtype, device=device) for size in self._sizes(step_shape)]

    def _make_states(self, step_shape: Any) -> None:
        if None in step_shape:
            raise ArgumentError(
                f"{title(self)} is stateful, so it needs a fixed batch size and fixed lengths, received steps {tuple(step_shape)}: "
                "give `batch_input_shape` to the first layer, or `batch_shape` to the `Input`."
            )
        super()._make_states(step_shape)

    def compute_output_shape(self, input_shape: Any, *_: Any) -> Any:
        """(batch, *new lengths, filters), or with the steps behind the batch, and with `return_state` the shapes of the states."""
        shape = input_shape[0] if isinstance(input_shape, list) else tuple(input_shape)
        self._check_rank(shape)
        sizes = listed(self.state_size)
        states = [self._state_shape((shape[0], *shape[2:]), n) for n in sizes]
        output = self._state_shape((shape[0], *shape[2:]), getattr(self.cell, "filters", sizes[0]))
        output = (*shape[:2], *output[1:]) if self.return_sequences else output
        return self._outputs(output, states) if self.return_state else output


class ConvRNN2D(_ConvRNN):
    """A layer that runs a cell over the steps of (batch, steps, rows, columns, channels).

    The cell has a window (`kernel_size`, `strides`, `padding`, `data_format`, `dilation_rate`) and a `state_size` of channels: its states
    are images of the size that the window makes of a step. Source: Keras 2.2.
    """

    rank = 2

    @positional("conv_rnn_arguments")
    def __init__(self, cell: Any, **kwargs: Any):
        super().__init__(cell, **kwargs)


class _ConvLSTM(_OwnCell, _ConvRNN):
    """A layer that makes its convolutional cell itself."""

    @positional(
        "conv_lstm_arguments", "rnn_gate_arguments", "rnn_weight_arguments", "lstm_bias_arguments", "rnn_regularizer_arguments",
        "rnn_activity_arguments", "conv_lstm_end_arguments",
    )  # fmt: skip
    def __init__(self, filters: int, kernel_size: Any, **kwargs: Any):
        super().__init__(filters, kernel_size=kernel_size, **kwargs)


class ConvLSTM1D(_ConvLSTM):
    """A convolutional LSTM over (batch, steps, length, channels)."""

    rank, _cell_class, _cell_name = 1, ConvLSTM1DCell, "conv_lstm_cell"


class ConvLSTM2D(_ConvLSTM):
    """A convolutional LSTM over (batch, steps, rows, columns, channels), or with `data_format='channels_first'` channels behind the steps.

    Source: https://keras.io/api/layers/recurrent_layers/conv_lstm2d/

        ConvLSTM2D(64, 3, padding="same", return_sequences=True)(videos)
    """

    rank, _cell_class, _cell_name = 2, ConvLSTM2DCell, "conv_lstm_cell"


class ConvLSTM3D(_ConvLSTM):
    """A convolutional LSTM over (batch, steps, *three lengths, channels)."""

    rank, _cell_class, _cell_name = 3, ConvLSTM3DCell, "conv_lstm_cell"


_inits = (_ConvLSTM.__init__, _ConvLSTMCell.__init__, LSTMCell.__init__, _Cell.__init__, _OwnCell.__init__, RNN.__init__)
_ConvLSTM.__init__.__signature__ = joined_signature(*_inits, without="cell units implementation")  # type: ignore[attr-defined]
_ConvLSTMCell.__init__.__signature__ = joined_signature(*_inits[1:4], without="units implementation")  # type: ignore[attr-defined]
for _layer in (ConvLSTM1D, ConvLSTM2D, ConvLSTM3D):
    for _name in ("filters", *_layer._cell_class._arguments):
        setattr(_layer, _name, _of_cell(_name))

NAMES = {layer.__name__: layer for layer in (ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, ConvLSTM1DCell, ConvLSTM2DCell, ConvLSTM3DCell, ConvRNN2D)}
registry.register("layer", NAMES)
