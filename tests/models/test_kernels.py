"""Kernels between backends; what is expected was recorded with Keras 2.2.4."""

from __future__ import annotations

import numpy as np
import pytest

from kcompat.layers import Conv1D, Conv2D, Conv2DTranspose, Conv3D, Conv3DTranspose, Dense, DepthwiseConv2D, Flatten, Input, SeparableConv2D
from kcompat.models import Sequential
from kcompat.models.kernels import convert_all_kernels_in_model, convert_dense_weights_data_format, convert_kernel


def counted(*layers, shape):
    model = Sequential([Input(shape), *layers])
    model.set_weights([np.arange(w.size, dtype="float32").reshape(w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize(
    ("layer", "shape", "kernel"),
    [
        (Conv2D(1, (2, 3)), (6, 5, 2), [10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1]),
        (Conv2DTranspose(1, 2), (6, 5, 1), [3, 2, 1, 0]),
        (Conv1D(1, 2), (6, 1), [1, 0]),
        (Conv3D(1, 2), (3, 3, 3, 1), [7, 6, 5, 4, 3, 2, 1, 0]),
        (Conv3DTranspose(1, 2), (3, 3, 3, 1), range(8)),
        (SeparableConv2D(1, 2), (6, 5, 1), range(4)),
        (DepthwiseConv2D(2), (6, 5, 1), range(4)),
    ],
)
def test_all_kernels(layer, shape, kernel):
    model = counted(layer, shape=shape)
    before = model.get_weights()
    convert_all_kernels_in_model(model)
    assert layer.get_weights()[0].ravel().tolist() == list(kernel)
    assert all(np.array_equal(a, b) for a, b in zip(before[1:], model.get_weights()[1:], strict=True))


def test_nested_models_are_left_alone():
    inner = counted(Conv2D(1, 2), shape=(4, 4, 1))
    convert_all_kernels_in_model(Sequential([Input((4, 4, 1)), inner]))
    assert inner.get_weights()[0].ravel().tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="3 to 5 axes"):
        convert_kernel(np.ones((2, 2)))


@pytest.mark.parametrize(
    ("target", "shape", "column"),
    [
        ("channels_first", (2, 2, 3), [0, 4, 8, 12, 16, 20, 2, 6, 10, 14, 18, 22]),
        ("channels_last", (2, 3, 2), [0, 12, 2, 14, 4, 16, 6, 18, 8, 20, 10, 22]),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_dense(target, shape, column, bias):
    dense = Dense(2, use_bias=bias)
    counted(Flatten(), dense, shape=(2, 3, 2))
    convert_dense_weights_data_format(dense, shape, target)
    assert dense.get_weights()[0][:, 0].tolist() == column
    with pytest.raises(ValueError, match="`target_data_format`"):
        convert_dense_weights_data_format(dense, shape, "x")
    with pytest.raises(ValueError, match="12 inputs"):
        convert_dense_weights_data_format(dense, (2, 3, 3))
