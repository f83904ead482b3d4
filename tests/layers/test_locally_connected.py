"""LocallyConnected layers: the three layouts hold the same function; errors."""

from __future__ import annotations

import pytest
import torch

from kcompat import layers as L
from kcompat.config import keras_version_scope
from kcompat.core import Input
from kcompat.errors import ArgumentError, ShapeError, UnknownArgumentError


def test_kernel_shapes():
    # 5 steps of 2 channels, windows of 2, 3 filters
    shapes = []
    for implementation in (1, 2, 3):
        layer = L.LocallyConnected1D(3, 2, implementation=implementation)
        layer(torch.ones(1, 5, 2))
        shapes.append([tuple(w.shape) for w in layer.weights])
    assert shapes == [[(4, 4, 3), (4, 3)], [(5, 2, 4, 3), (4, 3)], [(48,), (4, 3)]]
    layer = L.LocallyConnected2D(2, (2, 2))
    layer(torch.ones(1, 6, 7, 3))
    assert [tuple(w.shape) for w in layer.weights] == [(30, 12, 2), (5, 6, 2)]


def test_sums_of_windows():
    # kernels of ones: each output is the sum of its window; 'same' windows lie around the cells and lose what is outside
    x = torch.tensor([1.0, 2, 4, 8]).reshape(1, 4, 1)
    for implementation in (1, 2, 3):
        layer = L.LocallyConnected1D(1, 2, kernel_initializer="ones", implementation=implementation)
        assert layer(x).ravel().tolist() == [3, 6, 12]
    for implementation in (2, 3):
        layer = L.LocallyConnected1D(1, 2, padding="same", kernel_initializer="ones", implementation=implementation)
        assert layer(x).ravel().tolist() == [1, 3, 6, 12]


def test_layouts_are_one_function():
    x = torch.rand(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    dense = L.LocallyConnected2D(2, (3, 2), strides=(2, 1), padding="same", implementation=2)
    packed = L.LocallyConnected2D(2, (3, 2), strides=(2, 1), padding="same", implementation=3)
    dense(x), packed(x)
    index = dense._index.flatten()
    flat = torch.cat([dense.kernel.detach().flatten(), torch.zeros(1)])
    held = torch.zeros(packed.kernel.numel() + 1)
    held[packed._index.flatten()] = flat[index]
    packed.set_weights([held[:-1].numpy(), dense.bias.detach().numpy()])
    torch.testing.assert_close(packed(x), dense(x))


def test_buffers_are_no_weights_and_follow_the_device():
    layer = L.LocallyConnected1D(3, 2, implementation=3)
    layer(torch.ones(1, 5, 2))
    assert len(layer.weights) == 2 and list(layer.state_dict()) == ["kernel", "bias"]
    assert layer.to("meta")._index.device.type == "meta"


@pytest.mark.parametrize(
    ("version", "make", "error", "words"),
    [
        ("2.15", lambda: L.LocallyConnected1D(2, 2, padding="same"), ArgumentError, "`padding` must be 'valid' with `implementation=1`"),
        ("2.15", lambda: L.LocallyConnected1D(2, 2, implementation=4), ArgumentError, "`implementation` must be 1 or 2 or 3"),
        ("2.2.4", lambda: L.LocallyConnected1D(2, 2, implementation=2), UnknownArgumentError, "`implementation`"),
        ("2.2.4", lambda: L.LocallyConnected1D(2, 2, data_format="channels_first"), ArgumentError, "`data_format`"),
        ("2.15", lambda: L.LocallyConnected2D(2, 9)(torch.ones(1, 4, 4, 1)), ShapeError, "locally_connected2d"),
        ("2.15", lambda: L.LocallyConnected2D(2, 2)(Input((None, 4, 1))), ShapeError, "must be known"),
        ("2.15", lambda: L.LocallyConnected1D(2, 2)(torch.ones(1, 4, 4, 1)), ShapeError, "locally_connected1d"),
    ],
)
def test_refused(version, make, error, words):
    with keras_version_scope(version), pytest.raises(error, match=words):
        make()
