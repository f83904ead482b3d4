"""Numbers printed by real Keras 2.15 and 3 (they agree), and that nothing is copied on the way."""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from kcompat.generations import keras_version_scope
from kcompat.layers.convolution import Conv2D
from kcompat.layers.normalization import BatchNormalization
from kcompat.layers.pooling import AveragePooling2D, MaxPooling2D
from kcompat.tensor.convolve import convolve, convolve_transposed, depthwise, separable


def row(*numbers):
    return torch.tensor(numbers, dtype=torch.float32).reshape(1, -1, 1)


@pytest.mark.parametrize(
    ("x", "kernel", "options", "expected"),
    [
        ((1, 2, 3), 2, {"padding": "same"}, [3, 5, 3]),
        ((1, 2, 4, 8), 3, {"padding": "same", "strides": (2,)}, [7, 12]),
        ((1, 2, 4, 8, 16), 3, {"padding": "causal", "dilation": (2,)}, [1, 2, 5, 10, 21]),
        ((1, 2, 4), 3, {"padding": "full"}, [1, 3, 7, 6, 4]),
        ((1, 2, 4), 3, {"padding": "valid"}, [7]),
    ],
)  # fmt: skip
def test_ones(x, kernel, options, expected):
    options = {"strides": (1,), "dilation": (1,), **options}
    assert convolve(row(*x), torch.ones(kernel, 1, 1), **options).flatten().tolist() == expected


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "output_padding", "expected"),
    [
        (3, 2, "valid", None, [1, 2, 13, 20, 130, 200, 300]),
        (3, 2, "same", None, [1, 2, 13, 20, 130, 200]),
        (3, 2, "same", 0, [2, 13, 20, 130, 200]),
        (3, 2, "same", 1, [1, 2, 13, 20, 130, 200]),
        (3, 2, "valid", 1, [1, 2, 13, 20, 130, 200, 300, 0]),
        (2, 3, "valid", None, [1, 2, 0, 10, 20, 0, 100, 200, 0]),
        (2, 3, "same", None, [1, 2, 0, 10, 20, 0, 100, 200, 0]),
        (4, 2, "same", None, [2, 13, 24, 130, 240, 300]),
        (4, 1, "same", None, [12, 123, 234]),
        (5, 3, "same", None, [2, 3, 14, 25, 30, 140, 250, 300, 400]),
    ],
)  # fmt: skip
def test_transposed(kernel, stride, padding, output_padding, expected):
    weights = torch.arange(1.0, kernel + 1).reshape(-1, 1, 1)
    beyond = None if output_padding is None else (output_padding,)
    y = convolve_transposed(row(1, 10, 100), weights, strides=(stride,), padding=padding, dilation=(1,), output_padding=beyond)
    assert y.flatten().tolist() == expected


def test_depthwise_channels_are_ordered_by_input_then_multiplier():
    kernel = torch.arange(1.0, 7).reshape(1, 1, 2, 3)
    y = depthwise(torch.tensor([1.0, 10.0]).reshape(1, 1, 1, 2), kernel, strides=(1, 1), padding="valid", dilation=(1, 1))
    assert y.flatten().tolist() == [1, 2, 3, 40, 50, 60]


def test_separable_is_depthwise_then_mixing():
    x = torch.tensor([1.0, 10.0]).reshape(1, 1, 2)
    apart, mixing = torch.arange(1.0, 5).reshape(1, 2, 2), torch.tensor([[1.0], [10.0], [100.0], [1000.0]]).reshape(1, 4, 1)
    y = separable(x, apart, mixing, torch.tensor([0.5]), strides=(1,), padding="valid", dilation=(1,))
    assert y.item() == 1 + 20 + 3000 + 40000 + 0.5


@pytest.mark.parametrize("generation", ["2.2.4", "2.15", "3"])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("pool", [MaxPooling2D, AveragePooling2D])
def test_a_stack_copies_no_activation_and_no_kernel(generation, training, pool):
    with keras_version_scope(generation):
        stack = torch.nn.Sequential(Conv2D(8, 3, padding="same"), BatchNormalization(), torch.nn.ReLU(), pool(3, 2, "same"), Conv2D(8, 2))
    x = torch.ones(2, 9, 9, 4)
    stack(x)
    stack.train(training)
    assert copies(lambda: stack(x)) == []
    assert copies(lambda: stack(x.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1))) != []  # other strides do copy, and are seen


def copies(run):
    """Shapes of the copies of more than one axis that are made while `run` runs."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as found, torch.no_grad():
        run()
    names = {"aten::copy_", "aten::clone", "aten::contiguous", "aten::_to_copy"}
    return [(e.name, e.input_shapes[0]) for e in found.events() if e.name in names and len(e.input_shapes[0]) > 1]
