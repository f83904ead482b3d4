"""Recurrent layers of the user's own as Keras 1 wrote them, on the bases `Recurrent` and `ConvRecurrent2D` of Keras 2.2."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from kcompat import layers as L
from kcompat.config import keras_version_scope
from kcompat.core import Input
from kcompat.errors import UnknownMethodError
from kcompat.models import Model


class _Leaky(L.Recurrent):
    """`h = decay * h + x @ kernel`, and how many steps there were as a second state."""

    def __init__(self, units: int, decay: float = 0.5, **kwargs: Any):
        super().__init__(**kwargs)
        self.units, self.decay = units, decay

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units), initializer="ones")
        self.states = [None, None]
        self.built = True

    def preprocess_input(self, inputs: Tensor, training: Any = None) -> Tensor:
        return inputs @ self.kernel

    def get_constants(self, inputs: Tensor, training: Any = None) -> list[Tensor]:
        return [torch.full((), self.decay)]

    def step(self, inputs: Tensor, states: Any) -> Any:
        h, count, decay = states
        h = decay * h + inputs
        return h, [h, count + 1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "decay": self.decay}


X = torch.tensor([1.0, 2, 4, 8]).view(1, 4, 1)


def test_numbers() -> None:
    with keras_version_scope("2.2.4"):
        assert _Leaky(1)(X).item() == 10.625  # ((1 / 2 + 2) / 2 + 4) / 2 + 8
        output, h, count = _Leaky(2, return_sequences=True, return_state=True)(X)
    assert output[0, :, 1].tolist() == [1, 2.5, 5.25, 10.625]
    assert (h.tolist(), count.tolist()) == ([[10.625] * 2], [[4, 4]])
    assert _Leaky(1, go_backwards=True)(X).item() == 1 + (2 + (4 + 8 / 2) / 2) / 2
    masked = _Leaky(1, return_sequences=True)(X, mask=torch.tensor([[True, False, False, True]]))
    assert masked.flatten().tolist() == [1, 1, 1, 8.5]
    start = [torch.full((1, 1), 16.0), torch.zeros(1, 1)]
    assert _Leaky(1)(X, initial_state=start).item() == 11.625


def test_stateful() -> None:
    layer = _Leaky(1, stateful=True)
    layer.reset_states()
    assert layer(X).item() == 10.625
    assert copy.deepcopy(layer)(X).item() == layer(X).item() == 10.625 + 10.625 / 16
    layer.reset_states()
    assert layer(X).item() == 10.625


def test_in_a_model_and_its_config() -> None:
    a = Input((4, 1))
    model = Model(a, _Leaky(3, 0.25)(a))
    assert model.outputs[0].shape == (None, 3)
    twin = Model.from_config(model.get_config(), custom_objects={"_Leaky": _Leaky})
    twin.set_weights([np.array([[1.0, 2, 3]])])
    model.set_weights([np.array([[1.0, 2, 3]])])
    assert torch.equal(twin(X), model(X))
    model(X).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_images() -> None:
    class Sums(L.ConvRecurrent2D):
        def step(self, inputs: Tensor, states: Any) -> Any:
            total = states[0] + inputs[:, 1:, 1:]
            return total, [total]

    x = torch.rand(2, 3, 5, 4, 2)
    layer = Sums(2, 2, return_sequences=True)
    torch.testing.assert_close(layer(x), x[:, :, 1:, 1:].cumsum(1))
    assert layer.compute_output_shape((None, 3, 5, 4, 2)) == (None, 3, 4, 3, 2)
    config = layer.get_config()
    assert [config[k] for k in ("filters", "kernel_size", "data_format")] == [2, (2, 2), "channels_last"]
    torch.testing.assert_close(Sums.from_config(config)(x), layer(x))


def test_without_a_step() -> None:
    class Nothing(L.Recurrent):
        units = 2

    with pytest.raises(UnknownMethodError, match="Nothing 'nothing.*`step"):
        Nothing()(X)
    with pytest.raises(NotImplementedError):
        Nothing()(X)
