"""Kernels of a model between Keras' backends of old: `keras.utils.layer_utils` of Keras 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kcompat.errors import ArgumentError, ShapeError

#: the layers whose kernels Theano turned by 180 degrees; SeparableConv and DepthwiseConv were never turned (recorded: Keras 2.2.4)
_TURNED = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose"})


def convert_kernel(kernel: np.ndarray) -> np.ndarray:
    """A kernel (spatial..., in, out) of 3 to 5 axes with its spatial axes reversed: Theano's to TensorFlow's, and back."""
    kernel = np.asarray(kernel)
    if not 3 <= kernel.ndim <= 5:
        raise ShapeError(f"`kernel` of `convert_kernel` must have 3 to 5 axes, received the shape {kernel.shape}.")
    return np.flip(kernel, tuple(range(kernel.ndim - 2))).copy()


def convert_all_kernels_in_model(model: Any) -> None:
    """Reverse the kernels of the convolutions of a model, those inside nested models and wrappers left alone, as Keras does."""
    for layer in model.layers:
        if type(layer).__name__ in _TURNED:
            kernel, *others = layer.get_weights()
            layer.set_weights([convert_kernel(kernel), *others])


def convert_dense_weights_data_format(
    dense: Any, previous_feature_map_shape: Sequence[int], target_data_format: str = "channels_first"
) -> None:
    """Put the rows of a Dense kernel behind a Flatten in the order of the other data format.

    `previous_feature_map_shape` (3 numbers) is the shape before the Flatten in the target format, without the batch.
    """
    orders = {"channels_first": ((1, 2, 0), (2, 0, 1)), "channels_last": ((2, 0, 1), (1, 2, 0))}
    if target_data_format not in orders:
        raise ArgumentError(f"`target_data_format` must be 'channels_first' or 'channels_last', received {target_data_format!r}.")
    kernel, *others = dense.get_weights()
    shape = tuple(previous_feature_map_shape)
    if len(shape) != 3 or np.prod(shape) != len(kernel):
        raise ShapeError(
            f"Layer '{dense.name}' has {len(kernel)} inputs, `previous_feature_map_shape` {shape} must have 3 numbers with that product."
        )
    before, order = orders[target_data_format]
    original = kernel.reshape(*(shape[axis] for axis in before), kernel.shape[1])
    dense.set_weights([original.transpose(*order, 3).reshape(kernel.shape), *others])
