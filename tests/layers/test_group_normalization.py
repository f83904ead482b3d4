"""Numbers from real runs of tf_keras 2.21 and Keras 3.15, and by hand."""

import pytest
import torch

from kcompat import layers as L
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import keras_version_scope

SQUARES = torch.arange(24.0).reshape(2, 3, 4) ** 2


def test_groups():
    y = L.GroupNormalization(2)(SQUARES)
    assert y[0, 0].tolist() == pytest.approx([-1.01022, -0.97781, -1.12428, -1.00994], abs=1e-5)
    assert y[1, 2].tolist() == pytest.approx([1.06851, 1.44348, 1.06781, 1.43508], abs=1e-5)


def test_epsilon_is_a_thousandth():
    assert L.GroupNormalization(1)(torch.tensor([[0.0, 0.02]])).tolist() == [pytest.approx([-0.301511, 0.301511], abs=1e-6)]


def test_each_channel_a_group():
    y = L.GroupNormalization(-1)(torch.arange(24.0).reshape(2, 3, 4))
    assert y[0, :, 0].tolist() == pytest.approx([-1.22469, 0.0, 1.22469], abs=1e-4)


def test_channels_may_stand_anywhere():
    x = torch.randn(2, 5, 4, 3)
    for axis, moved in ((1, x.movedim(-1, 1)), (2, x.movedim(-1, 2)), (-2, x.movedim(-1, -2))):
        expected = L.GroupNormalization(3)(x).movedim(-1, axis)
        torch.testing.assert_close(L.GroupNormalization(3, axis=axis)(moved), expected)


def test_mask_of_tf_keras_by_hand():
    x, mask = torch.tensor([[1.0, 3.0, 100.0, 7.0]]), torch.tensor([[True, True, False, True]])
    y = L.GroupNormalization(2, epsilon=0.0, center=False, scale=False)(x, mask=mask)
    assert y[0, :2].tolist() == [-1.0, 1.0]
    with keras_version_scope("3"):
        layer = L.GroupNormalization(2)
    torch.testing.assert_close(layer(x, mask=mask), layer(x))


def test_unit_normalization():
    assert L.UnitNormalization()(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist() == [pytest.approx([0.6, 0.8]), [0.0, 0.0]]
    tiny = torch.tensor([[0.0, 1e-7]])
    assert L.UnitNormalization()(tiny)[0, 1].item() == pytest.approx(0.1)
    with keras_version_scope("3"):
        assert L.UnitNormalization()(tiny)[0, 1].item() == pytest.approx(1.0)
    assert L.UnitNormalization(dtype="float16")(torch.zeros(1, 2, dtype=torch.float16)).tolist() == [[0.0, 0.0]]


def test_rms_normalization_by_hand():
    layer = L.RMSNormalization(epsilon=0.0)
    y = layer(torch.tensor([[1.0, 7.0]]))
    assert y.tolist() == [pytest.approx([0.2, 1.4])]
    assert [w.name.split("/")[-1].split(":")[0] for w in layer.weights] == ["scale"]


def test_spectral_normalization_step():
    """Kernel ((1, 2), (3, 4)), u = (.6, .8): real Keras gives the kernel over 5.465 and u = (.57616, .81734)."""
    layer = L.SpectralNormalization(L.Dense(2))
    layer.build((3, 2))
    with torch.no_grad():
        layer.layer.kernel.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        layer.vector_u.copy_(torch.tensor([[0.6, 0.8]]))
    x = torch.tensor([[1.0, 1.0]])
    assert layer(x).tolist() == [[4.0, 6.0]]
    y = layer(x, training=True)
    assert y.tolist() == [pytest.approx([0.73193, 1.0979], abs=1e-5)]
    assert layer.layer.kernel.tolist() == [pytest.approx([0.18298, 0.36597], abs=1e-5), pytest.approx([0.54895, 0.73193], abs=1e-5)]
    assert layer.vector_u.tolist() == [pytest.approx([0.57616, 0.81734], abs=1e-5)]
    y.sum().backward()
    assert layer.layer.kernel.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert [tuple(w.shape) for w in layer.weights] == [(2, 2), (2,), (1, 2)]
    with keras_version_scope("3"):
        new = L.SpectralNormalization(L.Dense(2))
    new.build((3, 2))
    assert [tuple(w.shape) for w in new.weights] == [(2, 2), (1, 2), (2,)]


def test_spectral_normalization_reaches_one():
    layer = L.SpectralNormalization(L.Conv2D(4, 3), power_iterations=20)
    layer(torch.ones(1, 5, 5, 2), training=True)
    values = torch.linalg.svdvals(layer.layer.kernel.detach().reshape(-1, 4))
    assert values[0].item() == pytest.approx(1.0, abs=1e-3)
    assert type(L.SpectralNormalization.from_config(layer.get_config()).layer) is L.Conv2D


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: L.GroupNormalization(0), ArgumentError, "`groups`"),
        (lambda: L.GroupNormalization(2.0), ArgumentError, "`groups`"),
        (lambda: L.GroupNormalization(2, axis="a"), ArgumentTypeError, "`axis`"),
        (lambda: L.GroupNormalization(3)(torch.ones(2, 3, 4)), ArgumentError, "`groups` must divide the size 4"),
        (lambda: L.GroupNormalization(2, axis=0)(torch.ones(2, 3, 4)), ArgumentError, "must not be the batch"),
        (lambda: L.GroupNormalization(2, axis=5)(torch.ones(2, 3, 4)), ShapeError, "`axis`"),
        (lambda: L.GroupNormalization(2)(torch.ones(2, 3, 4), mask=torch.ones(2, 3, dtype=torch.bool)), ShapeError, "`mask`"),
        (lambda: L.UnitNormalization("a"), ArgumentTypeError, "`axis`"),
        (lambda: L.UnitNormalization(3)(torch.ones(2, 3)), ShapeError, "`axis`"),
        (lambda: L.RMSNormalization(1)(torch.ones(2, 3, 4)), ShapeError, "`scale` of shape"),
        (lambda: L.SpectralNormalization(L.Dense(2), 0), ArgumentError, "`power_iterations`"),
        (lambda: L.SpectralNormalization("a"), ArgumentTypeError, "`layer`"),
        (lambda: L.SpectralNormalization(L.Activation("relu"))(torch.ones(2, 3)), ArgumentError, "`kernel` or `embeddings`"),
    ],
)
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()
