"""Against Keras 1.2.2 on Theano, as `record_keras1.py` recorded it, and by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from kcompat import layers as L
from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import keras_version_scope

ROWS = json.loads((Path(__file__).parent / "data" / "keras1.json").read_text())["rows"]


def array(told):
    return np.array(told[0], "float32").reshape(told[1])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['class']}-{row['config']}-{row['x'][1]}".replace(" ", ""))
def test_as_recorded(row):
    with keras_version_scope("1.2.2"):
        layer = registry.lookup("layer", row["class"])(**row["config"])
    x = torch.from_numpy(array(row["x"])).requires_grad_(True)
    layer(x)
    assert [list(w.shape) for w in layer.get_weights()] == [w[1] for w in row["weights"]]
    if row["class"] != "PReLU":  # `alphas` is `alpha` since Keras 2
        assert [w.name.split("/")[-1].split(":")[0] for w in layer.weights] == row["names"]
    layer.set_weights([array(w) for w in row["weights"]])
    y = layer(x)
    assert tuple(y.shape) == layer.compute_output_shape(tuple(x.shape))
    np.testing.assert_allclose(y.detach().numpy(), array(row["y"]), rtol=2e-5, atol=2e-6)
    found = torch.autograd.grad((y * torch.from_numpy(array(row["cotangent"]))).sum(), [x, *layer.trainable_weights])
    for gradient, expected in zip(found, row["gradients"], strict=True):
        np.testing.assert_allclose(gradient.numpy(), array(expected), rtol=1e-4, atol=1e-5)


def test_maxout_takes_the_largest_product():
    layer = L.MaxoutDense(1, nb_feature=2)
    layer.build((None, 1))
    layer.set_weights([[[[1.0]], [[-1.0]]], [[0.0], [1.0]]])
    assert layer(torch.tensor([[2.0], [0.0], [-3.0]])).tolist() == [[2.0], [1.0], [4.0]]


def test_starting_values():
    gate = L.Highway()
    gate.build((None, 3))
    assert gate.b_carry.tolist() == [1.0, 1.0, 1.0] and gate.b.tolist() == [0.0, 0.0, 0.0]
    softplus = L.ParametricSoftplus()
    softplus.build((None, 2))
    assert softplus.alphas.tolist() == pytest.approx([0.2, 0.2]) and softplus.betas.tolist() == [5.0, 5.0]
    ramp = L.SReLU()
    ramp.build((None, 2))
    assert ramp.t_left.tolist() == [0.0, 0.0] and ramp.a_right.tolist() == [1.0, 1.0]


def test_first_layer_arguments():
    assert L.MaxoutDense(3, input_dim=5)._batch_input_shape == (None, 5)
    assert L.TimeDistributedDense(3, input_dim=5, input_length=7)._batch_input_shape == (None, 7, 5)
    weights = [np.ones((4, 5, 3), "float32"), np.zeros((4, 3), "float32")]
    layer = L.MaxoutDense(3, weights=weights)
    assert layer(torch.ones(2, 5)).tolist() == [[5.0] * 3] * 2


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: L.MaxoutDense(0), ArgumentError, "`output_dim`"),
        (lambda: L.MaxoutDense(3, nb_feature="two"), ArgumentTypeError, "`nb_feature`"),
        (lambda: L.TimeDistributedDense(-1), ArgumentError, "`output_dim`"),
        (lambda: L.Highway()(torch.ones(2, 3, 4)), ShapeError, "highway"),
        (lambda: L.TimeDistributedDense(2)(torch.ones(2, 3)), ShapeError, "time_distributed_dense"),
        (lambda: L.SReLU(shared_axes=[3])(torch.ones(2, 3)), ArgumentError, "`shared_axes`"),
    ],
)
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()
