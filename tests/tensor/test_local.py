"""Unshared convolution against loops written here."""

from __future__ import annotations

import itertools

import pytest
import torch

from kcompat.tensor.local import local_convolve, local_edges, local_index, local_kernel


def _by_hand(x, kernel, size, strides):
    """channels_last, no padding: every place, every window."""
    places = [range((n - k) // s + 1) for n, k, s in zip(x.shape[1:-1], size, strides, strict=True)]
    rows = []
    for number, place in enumerate(itertools.product(*places)):
        cut = x[(slice(None), *(slice(p * s, p * s + k) for p, s, k in zip(place, strides, size, strict=True)))]
        rows.append(cut.reshape(x.shape[0], -1) @ kernel[number])
    return torch.stack(rows, 1).reshape(x.shape[0], *map(len, places), -1)


@pytest.mark.parametrize(("lengths", "size", "strides"), [((7,), (3,), (2,)), ((5, 6), (2, 3), (1, 2)), ((4, 3, 5), (2, 1, 2), (1, 1, 3))])
def test_every_place_has_its_own_weights(lengths, size, strides):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, *lengths, 3, generator=generator)
    places = [(n - k) // s + 1 for n, k, s in zip(lengths, size, strides, strict=True)]
    kernel = torch.rand(torch.Size(places).numel(), torch.Size(size).numel() * 3, 4, generator=generator)
    expected = _by_hand(x, kernel, size, strides)
    torch.testing.assert_close(local_convolve(x, kernel, size, strides), expected)
    rank = len(lengths)
    turned = kernel.unflatten(1, (*size, 3)).movedim(rank + 1, 1).flatten(1, rank + 1)
    first = local_convolve(x.movedim(-1, 1), turned, size, strides, data_format="channels_first")
    torch.testing.assert_close(first.movedim(1, -1), expected)


def test_same_centres_windows_as_keras_does():
    # cell `size // 2` of each window lies on every second cell: windows from -2, 0, 2, 4 over 7 cells
    assert local_edges((7,), (4,), (2,), "same") == [(2, 1)]
    assert local_edges((6,), (3,), (1,), "same") == [(1, 1)]
    assert local_edges((7,), (2,), (3,), "same") == [(1, 0)]


def test_layouts_by_hand():
    # 3 steps, 1 channel, 1 filter, windows of 2: places (0, 1) and (1, 2)
    index, count = local_index((3,), 1, 1, (2,), (1,), "valid", "channels_last", packed=False)
    assert (index.flatten().tolist(), count) == ([0, 2, 3, 5], 6)  # matrix (steps, places), row by row
    index, count = local_index((3,), 1, 1, (2,), (1,), "valid", "channels_last", packed=True)
    assert (index.flatten().tolist(), count) == ([0, 1, 2, 3], 4)
    index, count = local_index((3,), 1, 1, (2,), (1,), "same", "channels_last", packed=True)
    assert (index.flatten().tolist(), count) == ([5, 0, 1, 2, 3, 4], 5)  # the first window begins before the first step
    kernel = local_kernel(torch.arange(1.0, 6), index)
    assert kernel.flatten().tolist() == [0, 1, 2, 3, 4, 5]
