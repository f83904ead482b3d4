"""`Merge` and `merge` of Keras 1. Files with them are in `parity/corpus/1`; here hand-computed values, masks, configs, errors."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from kcompat.config import keras_version_scope
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.layers import Dense, Embedding, Input, Merge, merge
from kcompat.models import Model, Sequential

A = torch.tensor([[1.0, 2.0, 3.0]])
B = torch.tensor([[4.0, 0.0, -1.0]])
MODES = [
    ("sum", [[5, 2, 2]]), ("ave", [[2.5, 1, 1]]), ("mul", [[4, 0, -3]]), ("max", [[4, 2, 3]]), ("concat", [[1, 2, 3, 4, 0, -1]]),
    ("dot", [[1.0]]), ("cos", [[[1 / (14 * 17) ** 0.5]]]),
]  # fmt: skip


@pytest.fixture(autouse=True)
def keras1():
    with keras_version_scope("1.2.2"):
        yield


@pytest.mark.parametrize(("mode", "expected"), MODES)
def test_modes(mode, expected):
    torch.testing.assert_close(Merge(mode=mode)([A, B]), torch.tensor(expected, dtype=torch.float32))
    a, b = Input((3,)), Input((3,))
    assert tuple(Model([a, b], merge([a, b], mode=mode))([A, B]).shape) == torch.tensor(expected).shape


def test_a_function_as_mode():
    layer = Merge(mode=lambda x, k=1: x[0] - k * x[1], output_shape=lambda shapes: shapes[0], arguments={"k": 2})
    assert layer([A, B]).tolist() == [[-7, 2, 5]]
    assert layer.compute_output_shape([(None, 3), (None, 3)]) == (None, 3)
    assert Merge(mode=lambda x: x[0][:, :2], output_shape=(2,)).compute_output_shape([(None, 3), (None, 3)]) == (None, 2)


def branches():
    left = Sequential([Dense(2, input_dim=2), Dense(3)])
    right = Sequential([Dense(3, input_dim=4)])
    return Sequential([Merge([left, right], mode="concat"), Dense(1)])


def test_a_sequential_of_branches_has_the_inputs_and_weights_of_all():
    model = branches()
    x = [np.ones((5, 2), "float32"), np.ones((5, 4), "float32")]
    assert [t.shape for t in model.inputs] == [(None, 2), (None, 4)]
    assert model.output_shape == (None, 1)
    assert [w.shape for w in model.get_weights()] == [(2, 2), (2,), (2, 3), (3,), (4, 3), (3,), (6, 1), (1,)]
    assert [layer.units for layer in model.flattened_layers] == [2, 3, 3, 1]
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.train_on_batch(x, np.zeros((5, 1), "float32"))
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    expected = model.predict(x, verbose=0)
    twin = Sequential.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    for other in (twin, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_allclose(other.predict(x, verbose=0), expected, rtol=1e-6)


def test_masks_are_joined_by_and():
    a, b = Input((3,), dtype="int32"), Input((3,), dtype="int32")
    summed = merge([Embedding(5, 2, mask_zero=True)(a), Embedding(5, 2, mask_zero=True)(b)], mode="sum")
    one = torch.tensor([[1, 0, 2]])
    two = torch.tensor([[1, 1, 0]])
    assert Model([a, b], summed)([one, two])._keras_mask.tolist() == [[True, False, False]]
    joined = Merge(mode="concat", concat_axis=1)
    wide = merge([Embedding(5, 2, mask_zero=True)(a), Embedding(5, 2, mask_zero=True)(b)], mode="concat", concat_axis=1)
    assert Model([a, b], wide)([one, two])._keras_mask.tolist() == [[True, False, True, True, True, False]]
    assert joined.compute_mask([one, two], [None, None]) is None


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="`mode` must be one of sum, mul.*received 'plus'"):
        Merge(mode="plus")
    with pytest.raises(ArgumentTypeError, match="`dot_axes` must be an integer or two integers, received 'x'"):
        Merge(mode="dot", dot_axes="x")
    with pytest.raises(ArgumentTypeError, match="at least 2 tensors"):
        Merge()([A])
    with pytest.raises(ShapeError, match=r"`mode` 'sum' needs inputs of one shape, received \[\(1, 3\), \(1, 2\)\]"):
        Merge()([A, A[:, :2]])
    with pytest.raises(ShapeError, match="`mode` 'dot' takes 2 inputs, received 3"):
        Merge(mode="dot")([A, B, A])
    with pytest.raises(ArgumentError, match="branch 'dense_.' in `layers` has no input yet"):
        Merge([Dense(2), Dense(2)])
