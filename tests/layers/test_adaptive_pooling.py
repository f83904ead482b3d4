"""Adaptive pooling by hand, and its errors."""

from __future__ import annotations

import pytest
import torch

from kcompat import layers as L
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError

STEPS = torch.tensor([0.0, 1, 2, 3, 10]).reshape(1, 5, 1)


def test_windows_by_hand():
    # 5 cells to 3: cells 0-1, 1-3, 3-4
    assert L.AdaptiveAveragePooling1D(3)(STEPS).ravel().tolist() == [0.5, 2, 6.5]
    assert L.AdaptiveMaxPooling1D(3)(STEPS).ravel().tolist() == [1, 3, 10]
    # 2 cells to 4: each twice
    assert L.AdaptiveMaxPooling1D(4)(STEPS[:, 3:]).ravel().tolist() == [3, 3, 10, 10]


def test_formats_agree():
    x = torch.rand(2, 5, 6, 4, 3)
    for name in ("AdaptiveAveragePooling3D", "AdaptiveMaxPooling3D"):
        last = getattr(L, name)((2, 3, 3))(x)
        first = getattr(L, name)((2, 3, 3), data_format="channels_first")(x.movedim(-1, 1))
        torch.testing.assert_close(first.movedim(1, -1), last)


def test_maxima_of_integers_stay_integers():
    made = L.AdaptiveMaxPooling2D(1)(torch.arange(8).reshape(1, 2, 4, 1))
    assert (made.dtype, made.item()) == (torch.int64, 7)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: L.AdaptiveMaxPooling1D((2, 2)), ArgumentError),
        (lambda: L.AdaptiveMaxPooling1D(2.5), ArgumentTypeError),
        (lambda: L.AdaptiveAveragePooling2D((2, 2, 2)), ArgumentTypeError),
        (lambda: L.AdaptiveAveragePooling3D(0), ArgumentTypeError),
    ],
)
def test_bad_sizes(make, error):
    with pytest.raises(error, match="`output_size`"):
        make()


def test_bad_rank():
    with pytest.raises(ShapeError, match="adaptive_max_pooling2d"):
        L.AdaptiveMaxPooling2D(2)(torch.ones(2, 3, 4))
