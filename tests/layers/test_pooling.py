import pytest
import torch

from kcompat.errors import ArgumentError, ArgumentTypeError, MaskError, ShapeError
from kcompat.generations import keras_version_scope
from kcompat.layers.padding import Cropping2D, ZeroPadding1D, ZeroPadding2D
from kcompat.layers.pooling import (
    NAMES,
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)  # fmt: skip
from kcompat.layers.resizing import UpSampling2D

X = torch.zeros(2, 6, 6, 4)


def row(*numbers):
    return torch.tensor(numbers, dtype=torch.float32).reshape(1, -1, 1)


@pytest.mark.parametrize(
    ("layer", "x", "expected"),
    [
        (AveragePooling1D(3, 1, "same"), (1, 2, 6), [1.5, 3, 4]),
        (AveragePooling1D(3, 1, "same"), (1, 2, 3, 4, 5), [1.5, 2, 3, 4, 4.5]),
        (AveragePooling1D(3, 2, "same"), (1, 2, 3, 4, 5, 6), [2, 4, 5.5]),
        (MaxPooling1D(3, 2, "same"), (-4, -3, -2, -1), [-2, -1]),
        (MaxPooling1D(3, 1, "same"), (1, 2, 3, 4, 5), [2, 3, 4, 5, 5]),
        (MaxPooling1D(2, 1, "same"), (-1, -2, -3), [-1, -2, -3]),
        (AveragePooling1D(4, 1, "same"), (2, 4, 6), [4, 4, 5]),
    ],
)  # fmt: skip
def test_padding_is_neither_counted_nor_maximal(layer, x, expected):
    assert layer(row(*x)).flatten().tolist() == expected


def test_gradient_of_equal_maxima():
    x = torch.ones(1, 2, 2, 1, requires_grad=True)
    MaxPooling2D()(x).sum().backward()
    assert x.grad.flatten().tolist() == [1, 0, 0, 0]
    x.grad = None
    GlobalMaxPooling2D()(x).sum().backward()
    assert x.grad.flatten().tolist() == [0.25] * 4


def test_integers_stay_integers():
    y = MaxPooling2D()(torch.arange(16, dtype=torch.int32).reshape(1, 4, 4, 1))
    assert y.dtype is torch.int32
    assert y.flatten().tolist() == [5, 7, 13, 15]
    assert UpSampling2D()(torch.tensor([[[[7]]]])).flatten().tolist() == [7] * 4


def test_repeating_is_exact_for_every_factor():
    x = torch.arange(5.0).reshape(1, 5, 1, 1)
    for n in (1, 2, 3, 7, 41, 49, 103):
        assert torch.equal(UpSampling2D((n, 1))(x).flatten(), x.flatten().repeat_interleave(n))


def test_mask_of_an_average():
    x = torch.arange(12.0).reshape(2, 3, 2)
    y = GlobalAveragePooling1D()(x, mask=torch.tensor([[True, False, True], [False, False, False]]))
    assert y[0].tolist() == [2, 3]
    assert torch.isnan(y[1]).all()
    x._keras_mask = torch.tensor([[True, True, False], [True, True, True]])
    y = GlobalAveragePooling1D(keepdims=True)(x)
    assert y.tolist() == [[[1, 2]], [[8, 9]]]
    assert getattr(y, "_keras_mask", None) is None


def test_old_generations_refuse_a_mask():
    x = torch.zeros(2, 4, 3)
    x._keras_mask = torch.ones(2, 4, dtype=torch.bool)
    with keras_version_scope("2.3.1"):
        layer = MaxPooling1D()
    with pytest.raises(MaskError, match="max_pooling1d"):
        layer(x)
    assert MaxPooling1D()(x).shape == (2, 2, 3)


def test_data_formats_and_shapes():
    assert MaxPooling2D(2, data_format="channels_first").compute_output_shape((None, 4, 6, 7)) == (None, 4, 3, 3)
    assert GlobalMaxPooling2D(keepdims=True).compute_output_shape((None, 5, None, 3)) == (None, 1, 1, 3)
    assert ZeroPadding2D((1, 2)).compute_output_shape((None, 5, None, 3)) == (None, 7, None, 3)
    with keras_version_scope("3"):
        assert ZeroPadding1D(1, data_format="channels_first")(torch.ones(1, 2, 3)).tolist() == [[[0, 1, 1, 1, 0]] * 2]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: MaxPooling2D(0), ArgumentError, "MaxPooling2D: `pool_size`.*received 0"),
        (lambda: MaxPooling2D(2, strides=0), ArgumentError, "`strides`.*received 0"),
        (lambda: MaxPooling1D((2, 3)), ArgumentError, r"`pool_size`.*received \(2, 3\)"),
        (lambda: MaxPooling2D(2, padding="causal"), ArgumentError, "`padding`.*received 'causal'"),
        (lambda: MaxPooling2D(7)(X), ShapeError, "window does not fit"),
        (lambda: AveragePooling2D()(X[0]), ShapeError, "4 axes"),
        (lambda: Cropping2D(3)(X), ShapeError, "does not fit"),
        (lambda: ZeroPadding2D((1, 2, 3)), ArgumentError, r"`padding`.*received \(1, 2, 3\)"),
        (lambda: ZeroPadding2D(-1), ArgumentError, "`padding`.*received"),
        (lambda: UpSampling2D(2, interpolation="foo"), ArgumentError, "`interpolation`.*received 'foo'"),
        (lambda: UpSampling2D(0), ArgumentError, "`size`.*received 0"),
    ],
)  # fmt: skip
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_keras_3_wants_the_size_of_an_average():
    with keras_version_scope("3"), pytest.raises(ArgumentTypeError, match="`pool_size` must be given"):
        AveragePooling2D()


def test_aliases():
    assert NAMES["MaxPool2D"] is NAMES["MaxPooling2D"] is MaxPooling2D
    assert NAMES["GlobalAvgPool1D"] is GlobalAveragePooling1D
