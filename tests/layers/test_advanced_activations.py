"""Numbers from real runs of Keras 2.2 to 3 and by hand; the mass of cases is in `parity/cases/advanced_activations.py`."""

import pytest
import torch

from kcompat import layers as L
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, UnknownArgumentError
from kcompat.generations import keras_version_scope


def test_relu_with_everything():
    layer = L.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.5)
    assert layer(torch.tensor([-1.0, 0.0, 0.5, 1.0, 4.0])).tolist() == pytest.approx([-0.15, -0.05, 0.0, 1.0, 1.5])


def test_thresholded_relu_is_strict():
    assert L.ThresholdedReLU(1.0)(torch.tensor([0.5, 1.0, 1.5])).tolist() == [0.0, 0.0, 1.5]


def test_leaky_relu_has_both_names():
    x = torch.tensor([-10.0, 10.0])
    assert L.LeakyReLU()(x).tolist() == [-3.0, 10.0]
    assert L.LeakyReLU(alpha=0.5)(x).tolist() == L.LeakyReLU(negative_slope=0.5)(x).tolist() == [-5.0, 10.0]
    assert L.LeakyReLU(0.5).get_config()["alpha"] == 0.5
    with keras_version_scope("3"):
        assert L.LeakyReLU(0.5).get_config()["negative_slope"] == 0.5
        with pytest.warns(DeprecationWarning, match="negative_slope"):
            assert L.LeakyReLU(alpha=0.5).alpha == 0.5


def test_prelu_shares_along_axes_and_has_no_derivative_at_zero():
    layer = L.PReLU("ones", shared_axes=[1])
    x = torch.tensor([[[0.0, -2.0, 3.0], [1.0, -1.0, 0.0]]], requires_grad=True)
    y = layer(x)
    assert tuple(layer.alpha.shape) == (1, 3)
    y.sum().backward()
    assert x.grad.tolist() == [[[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]]
    assert layer.alpha.grad.tolist() == [[0.0, -3.0, 0.0]]
    assert layer(torch.ones(4, 7, 3)).shape == (4, 7, 3)
    with pytest.raises(ShapeError, match="axis 2 to have value 3"):
        layer(torch.ones(4, 7, 2))


def test_softmax_of_a_row_without_entries():
    x, mask = torch.tensor([[1.0, 2.0, 1.0], [1.0, 2.0, 3.0]]), torch.tensor([[True, False, True], [False] * 3])
    assert L.Softmax()(x, mask=mask).tolist() == [[0.5, 0.0, 0.5], pytest.approx([1 / 3] * 3)]
    with keras_version_scope("3"):
        assert L.Softmax()(x, mask=mask).tolist() == [[0.5, 0.0, 0.5], [0.0] * 3]
    with keras_version_scope("2.2"):
        assert L.Softmax()(x, mask=mask)[1].tolist() == pytest.approx([0.09003057, 0.24472848, 0.66524094])


def test_robust_masking_ignores_the_size_of_masked_logits():
    x, mask = torch.tensor([[0.0, 1e9]]), torch.tensor([[True, False]])
    assert L.Softmax()(x, mask=mask).tolist() == [[0.5, 0.5]]
    layer = L.Softmax(robust_masking=True)
    assert layer(x, mask=mask).tolist() == [[1.0, 0.0]]
    assert L.Softmax.from_config(layer.get_config()).robust_masking


def test_softmax_in_half_precision_stays_finite():
    y = L.Softmax(dtype="float16")(torch.ones(1, 3, dtype=torch.float16), mask=torch.tensor([[True, False, True]]))
    assert y.tolist() == [[0.5, 0.0, 0.5]]


def test_softmax_hands_its_logits_to_losses():
    x = torch.tensor([[1.0, 2.0]])
    assert L.Softmax()(x)._keras_logits is x


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: L.LeakyReLU(None), ArgumentError, "`negative_slope` must be a number, received None"),
        (lambda: L.LeakyReLU("a"), ArgumentError, "`negative_slope`"),
        (lambda: L.ELU(None), ArgumentError, "`alpha`"),
        (lambda: L.ReLU(max_value=-1), ArgumentError, "`max_value` must be a number not below 0, received -1"),
        (lambda: L.ReLU(negative_slope=None), ArgumentError, "`negative_slope`"),
        (lambda: L.ReLU(threshold=-0.5), ArgumentError, "`threshold`"),
        (lambda: L.ThresholdedReLU(-1), ArgumentError, "`theta`"),
        (lambda: L.PReLU(shared_axes="a"), ArgumentTypeError, "`shared_axes`"),
        (lambda: L.PReLU(shared_axes=[3])(torch.ones(2, 3, 4)), ArgumentError, "`shared_axes` must be among 1 to 2"),
        (lambda: L.PReLU().build((None, None, 4)), ShapeError, "must be known"),
        (lambda: L.Softmax("a"), ArgumentTypeError, "`axis`"),
        (lambda: L.Softmax()(torch.ones(2, 3), mask=torch.ones(2, 4, dtype=torch.bool)), ShapeError, "`mask`"),
        (lambda: L.ReLU(6.0, no_such=1), UnknownArgumentError, "`no_such`"),
    ],
)
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_what_older_generations_let_pass():
    with keras_version_scope("2.2"):
        assert L.ReLU(threshold=-1.0)(torch.tensor([-0.5])).item() == -0.5
        assert L.ThresholdedReLU(-1.0)(torch.tensor([-0.5])).item() == -0.5
    with keras_version_scope("3"), pytest.raises(ArgumentError, match="not below 0"):
        L.LeakyReLU(-0.1)
    assert L.LeakyReLU(-0.5)(torch.tensor([-2.0])).item() == 1.0
