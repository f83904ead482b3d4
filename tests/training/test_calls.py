"""The short ways of `fit` and `predict` give what whole calls give, and see what whole calls see."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kcompat import layers
from kcompat.models import Sequential
from kcompat.training.calls import RepeatedCall
from kcompat.training.jit import TRIES, Faster

X = torch.linspace(-1, 1, 24).reshape(8, 3)


def stack(*more):
    torch.manual_seed(0)
    return Sequential([layers.Dense(4, activation="relu", input_shape=(3,)), *more, layers.Dense(2, activation="softmax")])


@pytest.mark.parametrize("more", [(), (layers.Dropout,), (layers.BatchNormalization,)])
@pytest.mark.parametrize("training", [True, False])
def test_a_repeated_call_is_the_whole_call(more, training):
    rate = (0.5,) if more == (layers.Dropout,) else ()
    model = stack(*(kind(*rate) for kind in more))
    twin = stack(*(kind(*rate) for kind in more))
    twin.set_weights(model.get_weights())
    short = RepeatedCall(model, training)
    for batch in (X, X * 2, X[:5], X):  # whole, straight, of another shape, straight
        torch.manual_seed(1)
        found = short(batch)
        torch.manual_seed(1)
        assert torch.equal(found, twin(batch, training=training))
    assert short._straight is not None
    for own, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


def test_hooks_and_casts_keep_the_call_whole():
    model = stack()
    seen = []
    model.layers[0].register_forward_hook(lambda module, given, made: seen.append(1))
    short = RepeatedCall(model, False)
    short(X), short(X)
    assert short._straight is None and len(seen) == 2
    cast = Sequential([layers.Dense(4, input_shape=(3,)), layers.Dense(2, dtype="float64")])
    short = RepeatedCall(cast, False)
    assert short(X).dtype is short(X).dtype is torch.float64


@pytest.mark.parametrize("slow", [0, 1])
def test_the_faster_way_is_kept(slow):
    calls = []

    def way(number):
        def work(x):
            calls.append(number)
            sum(range(200_000 if number == slow else 10))
            return x + number

        return work

    faster = Faster(way(0), way(1))
    assert [faster(1) for _ in range(2)] == [1, 2]
    for _ in range(2 * TRIES - 2):
        faster(1)
    assert calls == [0, 1] * TRIES
    assert faster(1) == 1 + (1 - slow)


def test_regularization_counts_in_every_batch():
    """One weight of 1, loss 0 (targets met), l2(0.5) on it: the loss is 0.5, in each batch."""
    model = Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", kernel_regularizer="l2", input_shape=(1,))])
    model.layers[0].kernel_regularizer.l2 = 0.5
    model.compile(torch.optim.SGD(model.parameters(), lr=0.0), "mse")
    x = np.arange(6.0, dtype="float32")[:, None]
    history = model.fit(x, x, batch_size=2, epochs=2, verbose=0).history["loss"]
    np.testing.assert_allclose(history, [0.5, 0.5], rtol=1e-6)
