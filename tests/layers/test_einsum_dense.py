import pytest
import torch

from kcompat import layers as L
from kcompat.errors import ArgumentError, ArgumentTypeError, NotBuiltError, ShapeError
from kcompat.generations import keras_version_scope

DOTS = "'ab,bc->ac', '...a,ab->...b' or 'ab...,bc->ac...'"


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "x", "kernel", "bias", "y"),
    [  # shapes as real tf_keras and Keras 3 made them
        ("abc,cd->abd", (None, 4), "d", (2, 3, 5), (5, 4), (4,), (2, 3, 4)),
        ("...x,xy->...y", 4, "y", (2, 3, 5), (5, 4), (4,), (2, 3, 4)),
        ("ab...,bc->ac...", 4, "c", (2, 5, 3), (5, 4), (4, 1), (2, 4, 3)),
        ("abc,bcde->ade", (8, 4), "ed", (2, 3, 5), (3, 5, 8, 4), (8, 4), (2, 8, 4)),
        ("BSD,DNH->BSNH", (None, 2, 4), "NH", (2, 3, 5), (5, 2, 4), (2, 4), (2, 3, 2, 4)),
        ("abc,cd->abd", (3, 4), "b", (2, 3, 5), (5, 4), (3, 1), (2, 3, 4)),
        ("ab,c->abc", (3, 4), "c", (2, 3), (4,), (4,), (2, 3, 4)),
    ],
)
def test_shapes(equation, output_shape, bias_axes, x, kernel, bias, y):
    layer = L.EinsumDense(equation, output_shape, bias_axes=bias_axes)
    assert layer(torch.ones(x)).shape == y
    assert (tuple(layer.kernel.shape), tuple(layer.bias.shape)) == (kernel, bias)
    assert layer.compute_output_shape(x) == y


def test_is_dense_where_the_equation_says_so():
    dense, einsum = L.Dense(4, "tanh"), L.EinsumDense("...x,xy->...y", 4, "tanh", bias_axes="y")
    x = torch.randn(2, 3, 5)
    expected = dense(x)
    einsum(x)
    einsum.set_weights(dense.get_weights())
    torch.testing.assert_close(einsum(x), expected)


def test_static_sizes_of_axes_given_as_none():
    assert L.EinsumDense("abc,cd->abd", (None, 4)).compute_output_shape((None, 3, 5)) == (None, 3, 4)
    with keras_version_scope("3"):
        assert L.EinsumDense("abc,cd->abd", (None, 4)).compute_output_shape((None, 3, 5)) == (None, None, 4)


def test_lora_trains_two_thin_matrices():
    with keras_version_scope("3"):
        layer = L.EinsumDense("abc,cde->abde", (3, 2, 4), lora_rank=2, lora_alpha=6.0)
    x = torch.randn(2, 3, 5)
    plain = layer(x)  # the second matrix starts as zeros
    assert [tuple(w.shape) for w in layer.trainable_weights] == [(5, 2, 2), (2, 4)]
    with torch.no_grad():
        layer.lora_kernel_b.fill_(1.0)
    step = torch.einsum("abc,cde->abde", x, 3.0 * layer.lora_kernel_a.sum(-1, keepdim=True).expand(5, 2, 4))
    torch.testing.assert_close(layer(x), plain + step)
    assert layer.get_config()["lora_rank"] == 2 and layer.get_config()["lora_alpha"] == 6.0
    with pytest.raises(ArgumentError, match="enabled already"):
        layer.enable_lora(2)
    with pytest.raises(NotBuiltError, match="`enable_lora`"):
        L.EinsumDense("ab,bc->ac", 4).enable_lora(2)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: L.EinsumDense("abc", 3), ArgumentError, DOTS),
        (lambda: L.EinsumDense("ab, bc -> ac", 3), ArgumentError, DOTS),
        (lambda: L.EinsumDense("...ab,bc->ac", 3), ArgumentError, DOTS),
        (lambda: L.EinsumDense(None, 3), ArgumentError, "`equation`"),
        (lambda: L.EinsumDense("ab,bc->ad", 3), ArgumentError, "has 'd' in the output"),
        (lambda: L.EinsumDense("ab,bc->ac", 3, bias_axes="z"), ArgumentError, "`bias_axes`"),
        (lambda: L.EinsumDense("ab,bc->ac", "three"), ArgumentTypeError, "`output_shape`"),
        (lambda: L.EinsumDense("ab,bc->ac", 3, quantization_config="int8"), ArgumentError, "`quantization_config`"),
        (lambda: L.EinsumDense("ab,bc->ac", 3, gptq_unpacked_column_size=3), ArgumentError, "`gptq_unpacked_column_size`"),
        (lambda: L.EinsumDense("ab,bc->ac", 3, lora_rank=0), ArgumentError, "`lora_rank`"),
        (lambda: L.EinsumDense("abc,cd->abd", (2, 4))(torch.ones(2, 3, 5)), ShapeError, "axis 'b' has size 3 in the input and 2"),
        (lambda: L.EinsumDense("abc,cd->abd", (None, 4))(torch.ones(2, 3)), ShapeError, "rank of an input of shape"),
        (lambda: L.EinsumDense("abc,cd->abd", 4)(torch.ones(2, 3, 5)), ShapeError, "`output_shape`"),
        (lambda: L.EinsumDense("ab,bc->ac", 3).build((None, None)), ShapeError, "must be known"),
        (lambda: L.EinsumDense("ab,bcz->ac", 3).build((None, 2)), ShapeError, "kernel's axis 'z'"),
    ],
)
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_another_size_is_refused_before_anything_runs():
    layer = L.EinsumDense("...x,xy->...y", 4)
    layer(torch.ones(2, 3, 5))
    with pytest.raises(ShapeError, match="axis 2 to have value 5"):
        layer(torch.ones(2, 3, 6))
