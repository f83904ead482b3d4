"""Activations overwrite their input at inference only where nobody can see it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from kcompat import layers
from kcompat.layers import Activation, Add, BatchNormalization, Conv2D, Dense, Flatten, Input, ReLU
from kcompat.models import Model

ACTIVATIONS = [lambda: Activation("relu"), lambda: Activation("tanh"), lambda: Activation("relu6"), lambda: ReLU(6.0),
               lambda: ReLU(2.0), lambda: ReLU(negative_slope=0.3), lambda: ReLU(6.0, 0.2, 0.5), lambda: ReLU(6.0, 0.2),
               lambda: Activation("gelu")]  # fmt: skip


def x() -> Tensor:
    return torch.linspace(-9, 9, 2 * 5 * 5 * 3).reshape(2, 5, 5, 3)


def chain(*parts: Any, outputs: Any = None) -> Model:
    made = [Input((5, 5, 3))]
    for part in parts:
        made.append(part(made[-1]))
    return Model(made[0], [made[i] for i in outputs] if outputs else made[-1])


def both(model: Model) -> None:
    """The same with and without recording; the input stays as it is."""
    expected = model(x())
    given = x()
    with torch.no_grad():
        found = model(given)
    for a, b in zip([found] if isinstance(found, Tensor) else found, [expected] if isinstance(expected, Tensor) else expected, strict=True):
        torch.testing.assert_close(a, b.detach(), rtol=0, atol=0)
    assert torch.equal(given, x())


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("maker", [BatchNormalization, lambda: Conv2D(4, 3), lambda: layers.DepthwiseConv2D(2), lambda: Dense(4)])
def test_the_same_numbers(maker: Any, activation: Any) -> None:
    both(chain(maker(), activation(), Dense(2)))
    both(chain(maker(), activation(), outputs=[1, 2]))
    both(chain(Flatten(), activation()))
    both(chain(activation(), activation()))


@pytest.mark.parametrize("name", ["relu", "tanh", "relu6", "sigmoid", "softmax", "gelu", None])
def test_an_activation_inside_a_convolution(name: Any) -> None:
    both(chain(Conv2D(4, 3, activation=name), layers.Conv2DTranspose(3, 2, activation=name), layers.SeparableConv2D(2, 2, activation=name)))


def test_memory_is_saved() -> None:
    norm, relu = BatchNormalization(), Activation("relu")
    model, seen = chain(norm, relu), []
    with torch.no_grad():
        call = norm.call
        norm.call = lambda inputs: seen.append(call(inputs)) or seen[-1]
        y = model(x())
    assert y.data_ptr() == seen[0].data_ptr()


def test_a_hook_keeps_what_it_saw() -> None:
    norm, relu = BatchNormalization(), Activation("relu")
    model, seen = chain(norm, relu), []
    with torch.no_grad():
        for module in (norm, relu):
            handle = (norm.register_forward_hook if module is norm else relu.register_forward_pre_hook)(
                lambda m, i, *o: seen.extend(o or i)
            )
            model(x())
            handle.remove()
    assert [float(t.min()) < -8 for t in seen] == [True, True]


def test_a_layer_used_by_two_keeps_its_output() -> None:
    start = Input((5, 5, 3))
    y = BatchNormalization()(start)
    both(Model(start, Add()([Activation("relu")(y), y])))
    both(Model(start, Activation("relu")(Add()([Activation("relu")(y), Flatten()(y).reshape(-1, 5, 5, 3)]))))


class Idle(BatchNormalization):
    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        return inputs


class Doubled(ReLU):
    def call(self, inputs: Tensor) -> Tensor:
        return 2 * inputs


def test_overridden_calls_are_obeyed() -> None:
    both(chain(Idle(), Activation("relu")))
    both(chain(BatchNormalization(), Doubled()))
    model = chain(BatchNormalization(), Activation("relu"))
    key = next(name for name, module in model.named_modules() if isinstance(module, BatchNormalization))
    setattr(model, key, torch.nn.Identity())  # returns its input
    both(model)


def test_one_input_added_up_is_a_new_tensor() -> None:
    start = Input((5, 5, 3))
    both(Model(start, Activation("relu")(Add()([start]))))


def test_masks_of_merges_are_not_lost() -> None:
    start = Input((4, 2))
    y = layers.Masking()(start)
    model = Model(start, Add()([y, y]))
    batch = torch.ones(1, 4, 2)
    batch[:, 2:] = 0
    with torch.no_grad():
        assert model(batch)._keras_mask.tolist() == [[True, True, False, False]]
