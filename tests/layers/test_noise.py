import pytest
import torch

from kcompat import layers as L
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import keras_version_scope

X = torch.ones(200, 500)


def test_alpha_dropout_on_ones():
    """Keras, rate 0.2: -1.2362 and 1.1879."""
    y = L.AlphaDropout(0.2)(X, training=True)
    assert y.unique().tolist() == pytest.approx([-1.2362, 1.1879], abs=1e-4)
    assert (y < 0).float().mean().item() == pytest.approx(0.2, abs=0.01)


def test_alpha_dropout_keeps_mean_and_variance():
    torch.manual_seed(0)
    y = L.AlphaDropout(0.3, seed=1)(torch.randn(500, 500), training=True)
    assert y.mean().item() == pytest.approx(0, abs=0.02) and y.var().item() == pytest.approx(1, abs=0.02)


def test_alpha_dropout_shares_along_noise_shape():
    y = L.AlphaDropout(0.5, noise_shape=(None, 1))(X, training=True)
    assert (y == y[:, :1]).all() and len(y[:, 0].unique()) == 2
    y = L.AlphaDropout(0.5, noise_shape=(500,))(X, training=True)
    assert (y == y[:1]).all()


def test_gaussian_statistics():
    torch.manual_seed(0)
    y = L.GaussianNoise(0.5)(X, training=True)
    assert y.mean().item() == pytest.approx(1, abs=0.01) and y.std().item() == pytest.approx(0.5, abs=0.01)
    y = L.GaussianDropout(0.2)(2 * X, training=True)
    assert y.mean().item() == pytest.approx(2, abs=0.02) and y.std().item() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    "make", [lambda **s: L.GaussianNoise(0.5, **s), lambda **s: L.GaussianDropout(0.5, **s), lambda **s: L.AlphaDropout(0.5, **s)]
)
def test_seeds_and_modes(make):
    first, second = make(seed=3), make(seed=3)
    a, b, c = first(X, training=True), second(X, training=True), first(X, training=True)
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert first(X) is X and first(X, training=False) is X
    first.train()
    assert not torch.equal(first(X), X)
    assert not torch.equal(make()(X, training=True), X)


@pytest.mark.parametrize("layer", [L.GaussianDropout, L.AlphaDropout])
def test_rates_at_and_beyond_one(layer):
    assert layer(1.0)(X, training=True) is X
    assert layer(1.5)(X, training=True) is X
    with keras_version_scope("3"):
        with pytest.raises(ArgumentError, match="`rate` must be a number from 0 to 1, received 1.5"):
            layer(1.5)
        with pytest.raises(ArgumentError, match="`rate` must be below 1"):
            layer(1.0)(X, training=True)
        assert layer(0.0)(X, training=True) is X


def test_bad_input():
    with pytest.raises(ShapeError, match="`noise_shape`"):
        L.AlphaDropout(0.5, noise_shape=(3, 4))(X, training=True)
    with pytest.raises(ArgumentError, match="`stddev`"):
        L.GaussianNoise("a")
    with pytest.raises(ArgumentError, match="`seed`"):
        L.GaussianNoise(0.1, seed="a")
    with keras_version_scope("3"), pytest.raises(ArgumentError, match="`stddev` must be a number from 0 to 1"):
        L.GaussianNoise(2.0)
