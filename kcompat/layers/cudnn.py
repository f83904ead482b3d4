"""CuDNNLSTM and CuDNNGRU of Keras 2.0-2.2: an LSTM and a GRU with the weights in CuDNN's layout. They run on every device here."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError
from kcompat.generations import positional
from kcompat.layers.cells import GRUCell, LSTMCell
from kcompat.layers.recurrent import _of_cell, _OwnCell
from kcompat.layers.rnn import RNN
from kcompat.tensor.gates import joined_bias, plain_from_cudnn
from kcompat.tensor.scan import Weights

_ARGUMENTS = (
    "kernel_initializer", "recurrent_initializer", "bias_initializer", "kernel_regularizer", "recurrent_regularizer",
    "bias_regularizer", "kernel_constraint", "recurrent_constraint", "bias_constraint",
)  # fmt: skip


class _CuDNNLSTMCell(LSTMCell):
    """An LSTM's weights in CuDNN's layout."""

    _arguments = (*_ARGUMENTS, "unit_forget_bias")

    def _bias_shape(self) -> tuple[int, ...]:
        return (8 * self.units,)

    def _forgetful(self, shape: Any, dtype: Any = None) -> Tensor:
        """Ones for the forget gate of the state's half."""
        first, rest = (torch.as_tensor(self.bias_initializer((n * self.units,), dtype=dtype)) for n in (5, 2))
        return torch.cat([first, first.new_ones(self.units), rest])

    def _computing(self, dtype: torch.dtype) -> Weights:
        kernel, recurrent, bias = _plain(self, dtype)
        return Weights(kernel, recurrent, joined_bias(bias))


class _CuDNNGRUCell(GRUCell):
    """A GRU's weights in CuDNN's layout."""

    _arguments = _ARGUMENTS

    def _bias_shape(self) -> tuple[int, ...]:
        return (6 * self.units,)

    def _computing(self, dtype: torch.dtype) -> Weights:
        kernel, recurrent, bias = _plain(self, dtype)
        return Weights(kernel, recurrent, *bias.unbind(0))


def _plain(cell: Any, dtype: torch.dtype) -> tuple[Tensor, Tensor, Any]:
    kernel, recurrent, bias = (w.to(dtype) for w in (cell.kernel, cell.recurrent_kernel, cell.bias))
    return plain_from_cudnn(kernel, recurrent, bias, cell._gates)


class _CuDNN(_OwnCell):
    """What the two have in common: tanh and sigmoid, no masks, and the cell's name in no weight's path."""

    _fixed: dict[str, Any] = {"recurrent_activation": "sigmoid"}

    def __init__(self, units: int, *, activity_regularizer: Any = None, **kwargs: Any):
        inner = {name: kwargs.pop(name) for name in self._cell_class._arguments if name in kwargs}  # type: ignore[attr-defined]
        common = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
        cell = self._cell_class(units, **inner, **common, **self._fixed, name=self._cell_name)
        RNN.__init__(self, cell, activity_regularizer=activity_regularizer, **kwargs)

    def _checked_mask(self, mask: Any, x: Tensor) -> Tensor | None:
        if mask is not None:
            raise ArgumentError(
                f"{type(self).__name__} '{self.name}' takes no `mask`, as in Keras; use {type(self).__name__[5:]} with sigmoid gates."
            )
        return None

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.cell.build((input_shape[0], input_shape[-1]))
        self.cell.built = True
        super().build(input_shape)

    def _options(self) -> dict[str, Any]:
        names = ("return_sequences", "return_state", "go_backwards", "stateful")
        return {name: getattr(self, name) for name in names}


class CuDNNLSTM(_CuDNN):
    """`LSTM` with tanh and sigmoid, its weights in CuDNN's layout: `bias` (8 units,). Source: Keras 2.2, keras.io/layers/recurrent."""

    _cell_class, _cell_name = _CuDNNLSTMCell, "cudnn_lstm_cell"

    @positional("cudnn_lstm_arguments")
    def __init__(self, units: int, **kwargs: Any):
        super().__init__(units, **kwargs)


class CuDNNGRU(_CuDNN):
    """`GRU` with tanh, sigmoid and `reset_after`, its weights in CuDNN's layout: `bias` (6 units,). Source: Keras 2.2."""

    _cell_class, _cell_name = _CuDNNGRUCell, "cudnn_gru_cell"
    _fixed = {"recurrent_activation": "sigmoid", "reset_after": True}

    @positional("cudnn_gru_arguments")
    def __init__(self, units: int, **kwargs: Any):
        super().__init__(units, **kwargs)


for _layer in (CuDNNLSTM, CuDNNGRU):
    for _name in ("units", *_layer._cell_class._arguments):
        setattr(_layer, _name, _of_cell(_name))

NAMES = {"CuDNNLSTM": CuDNNLSTM, "CuDNNGRU": CuDNNGRU}
registry.register("layer", NAMES)
