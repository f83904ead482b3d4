import pytest
import torch

from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import keras_version_scope
from kcompat.layers import convolution, separable
from kcompat.layers.convolution import Conv1D, Conv2D, Conv2DTranspose, Conv3DTranspose
from kcompat.layers.separable import DepthwiseConv2D, SeparableConv2D

NAMES = {**convolution.NAMES, **separable.NAMES}
X = torch.zeros(2, 6, 6, 4)


def values(shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) - 0.5


@pytest.mark.parametrize(
    "layer",
    [Conv2D(5, 3), Conv2DTranspose(5, 3), Conv1D(5, 3), DepthwiseConv2D(3), SeparableConv2D(5, 3)],
    ids=lambda la: type(la).__name__,
)
def test_strides_of_a_kernel_have_no_meaning(layer):
    x = values((2, 6, 6, 4)[4 - layer.rank - 2 :])
    y = layer(x)
    for weight in layer.parameters():
        weight.data = weight.data.contiguous().clone(memory_format=torch.contiguous_format)
    assert all(w.is_contiguous() for w in layer.parameters())
    torch.testing.assert_close(layer(x), y)


@pytest.mark.parametrize("name", ["Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "SeparableConv2D"])
def test_strides_of_an_input_have_no_meaning(name):
    layer = NAMES[name](3, 2, strides=2, padding="same", data_format="channels_first")
    x = values((*(2, 5, 4, 6, 3)[: layer.rank + 1], 3)).movedim(-1, 1)
    assert not x.is_contiguous()
    torch.testing.assert_close(layer(x), layer(x.contiguous()))


@pytest.mark.parametrize(
    ("layer", "view"),
    [
        (Conv2D(5, 3), (3, 2, 0, 1)),
        (Conv2DTranspose(5, 3), (3, 2, 0, 1)),
        (convolution.Conv3D(5, 2), (4, 3, 0, 1, 2)),
    ],
    ids=lambda v: str(getattr(v, "rank", "")),
)
def test_kernels_lie_in_memory_as_torch_wants_them(layer, view):
    layer(torch.zeros(1, *(4,) * layer.rank, 3))
    form = torch.channels_last if layer.rank == 2 else torch.channels_last_3d
    assert layer.kernel.permute(view).is_contiguous(memory_format=form)
    assert layer.kernel.shape[-2:] == ((3, 5) if type(layer) is not Conv2DTranspose else (5, 3))


def test_documented_shapes():
    images = (4, 28, 28, 3)
    for padding_, strides, size in [("same", 1, 28), ("valid", 1, 30), ("same", 2, 56), ("valid", 2, 57)]:
        layer = Conv2DTranspose(10, 3, strides=strides, padding=padding_)
        assert layer(torch.zeros(images)).shape == layer.compute_output_shape(images) == (4, size, size, 10)
    assert Conv2D(2, 3, padding="same")(torch.zeros(images)).shape == (4, 28, 28, 2)
    assert Conv2D(64, 3, padding="same", data_format="channels_first").compute_output_shape((None, 3, 32, 32)) == (None, 64, 32, 32)
    assert Conv2D(2, 3, strides=2).compute_output_shape((None, None, 28, 3)) == (None, None, 13, 2)


def test_weights_and_names():
    layer = SeparableConv2D(2, 3, name="s")
    layer(X)
    assert [w.name for w in layer.weights] == ["s/depthwise_kernel:0", "s/pointwise_kernel:0", "s/bias:0"]
    assert [tuple(w.shape) for w in layer.weights] == [(3, 3, 4, 1), (1, 1, 4, 2), (2,)]
    with keras_version_scope("3"):
        layer = DepthwiseConv2D(3, name="d")
    layer(X)
    assert [w.name for w in layer.weights] == ["kernel", "bias"]
    assert layer.kernel is layer.depthwise_kernel


def test_positional_arguments_mean_what_they_meant():
    with keras_version_scope("2.2.4"):
        with pytest.raises(ArgumentTypeError, match="2 positional arguments"):  # they may be Keras 1's
            Conv2D(2, 3, 1, "same", None, 1, "relu")
        assert DepthwiseConv2D(3, 1, "same", 1, None, "relu").get_config()["activation"] == "relu"
    assert Conv2D(4, 3, 1, "same", None, 1, 2, "relu").get_config()["groups"] == 2
    with keras_version_scope("3"):
        assert Conv3DTranspose(2, 3, 1, "same", "channels_first").data_format == "channels_first"


def test_regularizers_and_activity():
    layer = Conv2D(2, 3, kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2", kernel_constraint="non_neg")
    layer(torch.ones(2, 6, 6, 4))
    assert len(layer.losses) == 3
    assert layer.kernel.constraint is not None


def test_mixed_precision_computes_in_half():
    layer = Conv2D(2, 3, dtype="mixed_bfloat16")
    assert layer(torch.ones(2, 6, 6, 4)).dtype is torch.bfloat16
    assert layer.kernel.dtype is torch.float32


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Conv2D(0, 3), ArgumentError, "Conv2D: `filters`.*received 0"),
        (lambda: Conv2D(-1, 3), ArgumentError, "`filters`.*received -1"),
        (lambda: Conv2D("a", 3), ArgumentTypeError, "`filters`.*received 'a'"),
        (lambda: Conv2D(2, 0), ArgumentError, "`kernel_size`.*received 0"),
        (lambda: Conv2D(2, (3, 3, 3)), ArgumentError, r"`kernel_size`.*tuple of 2, received \(3, 3, 3\)"),
        (lambda: Conv2D(2, "ab"), ArgumentError, "`kernel_size`.*received 'ab'"),
        (lambda: Conv2D(2, 3.5), ArgumentError, "`kernel_size`.*received 3.5"),
        (lambda: Conv2D(2, 3, strides=0), ArgumentError, "`strides`.*received 0"),
        (lambda: Conv2D(2, 3, strides=(2, 1), dilation_rate=(1, 2)), ArgumentError, "`strides` and `dilation_rate`"),
        (lambda: Conv2D(3, 3, groups=2), ArgumentError, "multiple of `groups`.*filters=3 and groups=2"),
        (lambda: Conv2D(3, 3, groups=0), ArgumentError, "`groups`.*received 0"),
        (lambda: Conv2D(3, 3, groups=3)(X), ShapeError, "`groups`=3, received 4 channels"),
        (lambda: Conv2D(2, 3, padding="foo"), ArgumentError, "`padding` must be 'valid' or 'same', received 'foo'"),
        (lambda: Conv2D(2, 3, padding="causal"), ArgumentError, "`padding`.*received 'causal'"),
        (lambda: Conv2D(2, 3, data_format="foo"), ArgumentError, "`data_format`.*received 'foo'"),
        (lambda: Conv2D(2, 7)(X), ShapeError, "window does not fit"),
        (lambda: Conv2D(2, 3)(X[0]), ShapeError, r"4 axes.*received \(6, 6, 4\)"),
        (lambda: Conv2D(2, 3).compute_output_shape((None, 2, 2, 3)), ShapeError, "window does not fit"),
        (lambda: Conv2D(2, 3).build((None, 6, 6, None)), ShapeError, "channels.*must be known"),
        (lambda: DepthwiseConv2D(3, groups=2), ArgumentError, "`groups` must be 1"),
        (lambda: DepthwiseConv2D(3, depth_multiplier=0), ArgumentError, "`depth_multiplier`"),
        (lambda: Conv2DTranspose(2, 3, output_padding=1), ArgumentError, "`output_padding` must be below `strides`"),
        (lambda: Conv2DTranspose(2, 4, 2, "same", 0), ArgumentError, r"`output_padding` must be at least 1.*received \(0, 0\)"),
        (lambda: Conv3DTranspose(2, 3, dilation_rate=2), ArgumentError, "`dilation_rate` must be 1 before Keras 3"),
        (lambda: Conv2D(2, 3, foo=1), TypeError, "`foo`"),
    ],
)  # fmt: skip
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_failed_call_leaves_the_layer_as_it_was():
    layer = Conv2D(2, 7)
    with pytest.raises(ShapeError):
        layer(X)
    assert not layer.built
    assert layer.weights == []
    assert layer(torch.zeros(2, 8, 8, 3)).shape == (2, 2, 2, 2)
    with pytest.raises(ShapeError, match="axis -1 to have value 3"):
        layer(X)


def test_kernel_arguments_of_separable_layers_are_said_to_be_void():
    with pytest.warns(UserWarning, match="kernel_regularizer.*has no effect"):
        SeparableConv2D(2, 3, kernel_regularizer="l2")


def test_aliases():
    for alias, layer in {"Convolution2D": Conv2D, "Deconvolution2D": Conv2DTranspose, "SeparableConvolution2D": SeparableConv2D}.items():
        assert NAMES[alias] is layer
