"""SimpleRNN, LSTM and GRU: `RNN` with a cell that the layer makes from its own arguments."""

from __future__ import annotations

from typing import Any

import torch

from kcompat import activations, registry
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour, positional
from kcompat.layers.arguments import activity_argument, config_of
from kcompat.layers.cells import GRUCell, LSTMCell, SimpleRNNCell, joined_signature
from kcompat.layers.rnn import RNN


class _OwnCell(RNN):
    """A layer that makes its cell itself: the arguments of the cell are its own."""

    _passes_down = False
    _of_vectors = True
    _cell_class: type
    _cell_name: str
    #: the row that tells whether `activity_regularizer` is obeyed
    _activity_row = "rnn_activity"

    def __init__(self, units: int, *, activity_regularizer: Any = None, **kwargs: Any):
        if not behaviour(self._activity_row):
            activity_regularizer = None
        inner = {name: kwargs.pop(name) for name in self._cell_class._arguments if name in kwargs}  # type: ignore[attr-defined]
        common = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
        cell = self._cell_class(units, **inner, **common, name=self._cell_name)
        super().__init__(cell, activity_regularizer=activity_regularizer, **kwargs)
        if isinstance(self.cell.activation, torch.nn.Module):
            self.__dict__["_passes_down"] = True

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**Layer.get_config(self), **self._options(), **self.cell._own_config(), **config_of(self, *activity_argument(self))}
        if not self._writes_seed:
            config.pop("seed", None)
        if "activity_regularizer" not in config:
            config["activity_regularizer"] = None
        return config

    _writes_seed = True

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from its config; files of early Keras 2 may say `implementation` 0 for 1."""
        with registry.custom_object_scope(custom_objects or {}):
            return cls(**{**config, **({"implementation": 1} if config.get("implementation") == 0 else {})})


def _of_cell(name: str) -> property:
    return property(lambda self: getattr(self.cell, name), lambda self, value: _set_on_cell(self, name, value))


def _set_on_cell(layer: Any, name: str, value: Any) -> None:
    layer.cell.__dict__[name] = activations.get(value) if name.endswith("activation") else value


class SimpleRNN(_OwnCell):
    """The plain recurrent layer: `h = activation(x @ kernel + bias + h @ recurrent_kernel)` at every step of (batch, steps, n).

    Source: https://keras.io/api/layers/recurrent_layers/simple_rnn/
    """

    _cell_class, _cell_name, _writes_seed = SimpleRNNCell, "simple_rnn_cell", False
    _activity_row = "simple_rnn_activity"

    @positional(
        "rnn_cell_arguments", "rnn_weight_arguments", "rnn_regularizer_arguments", "rnn_activity_arguments", "rnn_constraint_arguments",
        "simple_rnn_end_arguments",
    )  # fmt: skip
    def __init__(self, units: int, **kwargs: Any):
        super().__init__(units, **kwargs)


class LSTM(_OwnCell):
    """Long short-term memory over (batch, steps, n). On torch's fused kernels with any mask; `use_cudnn` asks for what happens anyway.

    Source: https://keras.io/api/layers/recurrent_layers/lstm/
    """

    _cell_class, _cell_name = LSTMCell, "lstm_cell"

    @positional(
        "rnn_cell_arguments", "rnn_gate_arguments", "rnn_weight_arguments", "lstm_bias_arguments", "rnn_regularizer_arguments",
        "rnn_activity_arguments", "rnn_constraint_arguments", "lstm_end_arguments",
    )  # fmt: skip
    def __init__(self, units: int, *, use_cudnn: Any = "auto", **kwargs: Any):
        _check_cudnn("LSTM", use_cudnn)
        super().__init__(units, **kwargs)


class GRU(_OwnCell):
    """Gated recurrent unit over (batch, steps, n). `use_cudnn` asks for what happens anyway.

    Source: https://keras.io/api/layers/recurrent_layers/gru/
    """

    _cell_class, _cell_name = GRUCell, "gru_cell"

    @positional(
        "rnn_cell_arguments", "rnn_gate_arguments", "rnn_weight_arguments", "rnn_regularizer_arguments", "rnn_activity_arguments",
        "rnn_constraint_arguments", "gru_end_arguments",
    )  # fmt: skip
    def __init__(self, units: int, *, use_cudnn: Any = "auto", **kwargs: Any):
        _check_cudnn("GRU", use_cudnn)
        super().__init__(units, **kwargs)


def _check_cudnn(where: str, use_cudnn: Any) -> None:
    if use_cudnn not in ("auto", True, False):
        raise ArgumentError(f"{where}: `use_cudnn` must be 'auto', True or False, received {use_cudnn!r}.")


for _layer in (SimpleRNN, LSTM, GRU):
    _inits = (_layer.__init__, _layer._cell_class.__init__, _OwnCell.__init__, RNN.__init__)
    _layer.__init__.__signature__ = joined_signature(*_inits, without="cell")  # type: ignore[attr-defined]
    for _name in ("units", *_layer._cell_class._arguments):
        setattr(_layer, _name, _of_cell(_name))

NAMES = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
registry.register("layer", NAMES)
