"""Loss functions and classes against calculations by hand and Keras' documented values; names, configs, errors."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch

from kcompat import losses as L
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, UnknownNameError
from kcompat.generations import keras_version_scope


def close(got, expected, rtol=2e-6):
    np.testing.assert_allclose(np.asarray(got.detach()), expected, rtol=rtol, atol=1e-7)


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda: L.mape([[0.0, 2.0]], [[1.0, 1.0]]), [100 * (1 / 1e-7 + 0.5) / 2]),
        (lambda: L.msle([[0.0, 3.0]], [[-5.0, 1.0]]), [math.log(4 / 2) ** 2 / 2]),
        (lambda: L.poisson([[2.0]], [[0.5]]), [0.5 - 2 * math.log(0.5)]),
        (lambda: L.kld([[0.5, 0.5]], [[0.25, 0.75]]), [0.5 * math.log(2) + 0.5 * math.log(0.5 / 0.75)]),
        (lambda: L.log_cosh([[0.0, 1.0]], [[1.0, 1.0]]), [math.log(math.cosh(1)) / 2]),
        (lambda: L.huber([[0.0, 0.0]], [[0.5, 3.0]], delta=1.0), [(0.125 + 2.5) / 2]),
        (lambda: L.cosine_similarity([[1.0, 1.0]], [[1.0, 0.0]]), [-math.sqrt(0.5)]),
        (lambda: L.categorical_hinge([[0.0, 1.0, 0.0]], [[0.3, 0.4, 0.2]]), [0.9]),
        (lambda: L.hinge([[0.0, 1.0]], [[0.5, 0.5]]), [(1.5 + 0.5) / 2]),
        (lambda: L.squared_hinge([[2.0, 1.0]], [[0.5, 0.5]]), [(0 + 0.25) / 2]),
        (lambda: L.binary_focal_crossentropy([[1.0]], [[0.8]]), [0.04 * -math.log(0.8)]),
        (lambda: L.binary_focal_crossentropy([[0.0]], [[0.8]], apply_class_balancing=True), [0.75 * 0.64 * -math.log(0.2)]),
        (lambda: L.categorical_focal_crossentropy([[1.0, 0.0]], [[0.8, 0.2]]), [0.25 * 0.04 * -math.log(0.8)]),
        (lambda: L.categorical_generalized_cross_entropy([0], [[0.8, 0.2]], q=0.5), [(1 - math.sqrt(0.8)) / 0.5]),
        (lambda: L.dice([[1.0, 0.0]], [[0.8, 0.3]]), 1 - 1.6 / 2.1),
        (lambda: L.tversky([[1.0, 0.0]], [[0.8, 0.3]], alpha=1.0, beta=0.0), 1 - 0.8 / 1.0),
        (lambda: L.ctc([[1, 0]], [[[0.0, 0.0], [0.0, 0.0]]]), [-math.log(0.75)]),  # 3 of the 4 paths collapse to 1
    ],
)
def test_formulas(compute, expected):
    close(compute(), expected, rtol=1e-5)


def test_hinge_takes_zeros_as_they_are_in_keras_2_2():
    with keras_version_scope("2.2.4"):
        close(L.hinge([[0.0, 1.0]], [[0.5, 0.5]]), [(1.0 + 0.5) / 2])


def test_huber_of_keras_2_3_gives_every_entry():
    with keras_version_scope("2.3.1"):
        close(L.huber_loss([[0.0, 0.0]], [[0.5, 3.0]]), [[0.125, 2.5]])


def test_circle_of_two_pairs():
    angle = torch.tensor([0.0, 0.1, 2.0, 2.2])
    points = torch.stack([angle.cos(), angle.sin()], 1)
    similar = points @ points.T
    m, g = 0.4, 2.0
    pull = g * (1 + m - similar[0, 1]) * (1 - m - similar[0, 1])
    push = torch.logsumexp(torch.stack([g * (m + s) * (s - m) if m + s > 0 else s * 0 for s in similar[0, 2:]]), 0)
    got = L.circle([0, 0, 1, 1], points, gamma=g, margin=m)[0]
    close(got, torch.nn.functional.softplus(pull + push), rtol=1e-5)


def test_gradient_where_targets_do_not_sum_to_one():
    # TensorFlow's kernel gives softmax(z) - t, whatever the sum of t; the value is the cross entropy all the same
    z, t = torch.tensor([[1.0, 2.0, 0.5]], requires_grad=True), torch.tensor([[2.0, 1.0, 1.0]])
    value = L.categorical_crossentropy(t, z, from_logits=True)
    value.sum().backward()
    close(value, -(t * z.log_softmax(-1)).sum(-1).detach())
    close(z.grad, z.softmax(-1).detach() - t)
    by_vmap = torch.func.vmap(torch.func.grad(lambda q, s: L.categorical_crossentropy(s, q, from_logits=True)))(z.detach(), t)
    close(by_vmap, z.softmax(-1).detach() - t)


def test_second_derivative_of_the_softmax_cross_entropy():
    z, t = torch.tensor([[1.0, 2.0]], dtype=torch.float64, requires_grad=True), torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert torch.autograd.gradgradcheck(lambda q: L.categorical_crossentropy(t, q, from_logits=True), (z,))


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mape", "mean_absolute_percentage_error"), ("MSLE", "mean_squared_logarithmic_error"), ("kld", "kl_divergence"),
        ("KLD", "kl_divergence"), ("kullback_leibler_divergence", "kl_divergence"), ("logcosh", "log_cosh"),
        ("cosine_proximity", "cosine_similarity"), ("cosine", "cosine_similarity"), ("huber_loss", "huber"),
        ("bce", "binary_crossentropy"),
    ],
)  # fmt: skip
def test_aliases(name, function):
    assert L.get(name) is getattr(L, function) is getattr(L, name)


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("2.2.4", ["kullback_leibler_divergence", "logcosh", "cosine_proximity"]),
        ("2.15", ["kl_divergence", "log_cosh", "cosine_similarity"]),
    ],
)
def test_functions_are_written_as_the_generation_calls_them(version, names):
    with keras_version_scope(version):
        assert [L.serialize(f) for f in (L.kld, L.logcosh, L.cosine_similarity)] == names
        assert [L.deserialize(name) for name in names] == [L.kld, L.logcosh, L.cosine_similarity]


@pytest.mark.parametrize("made", L.CLASSES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("version", ["2.15", "3"])
def test_round_trips(made, version):
    with keras_version_scope(version):
        loss = made(name="mine", reduction="sum")
        again = L.deserialize(L.serialize(loss))
        assert type(again) is made
        assert again.get_config() == loss.get_config()
        assert copy.deepcopy(loss).get_config() == pickle.loads(pickle.dumps(loss)).get_config() == loss.get_config()


def test_compiles_whole():
    torch._dynamo.reset()
    step = torch.compile(lambda t, p: L.huber(t, p).sum() + L.hinge(t, p).sum(), fullgraph=True, backend="eager")
    t, p = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.5, 0.5]])
    close(step(t, p), (0.125 + 0.125) / 2 + (1.5 + 0.5) / 2)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: L.get("humber"), UnknownNameError, "'huber'"),
        (lambda: L.BinaryCrossentropy(label_smoothing=1.5), ArgumentError, "BinaryCrossentropy: `label_smoothing` must be a number from 0"),
        (lambda: L.CategoricalGeneralizedCrossEntropy(q=0.0), ArgumentError, "`q` must be a number between 0 and 1"),
        (lambda: L.SparseCategoricalCrossentropy(ignore_class="no"), ArgumentTypeError, "`ignore_class` must be a class index"),
        (lambda: L.Huber(delt=1), ArgumentTypeError, "Huber takes no argument `delt`; it takes delta"),
        (lambda: L.Huber(1.0, delta=2.0), ArgumentTypeError, "`delta` twice"),
        (lambda: L.MeanSquaredError("sum", "a", None, 4), ArgumentTypeError, "takes 3 positional arguments"),
        (lambda: L.mse(np.ones((2, 3)), np.ones((2, 4))), ShapeError, r"mean_squared_error.*\(2, 3\) and \(2, 4\)"),
        (lambda: L.ctc(np.ones((2, 3)), np.ones((2, 4))), ShapeError, "ctc: `y_true`"),
        (lambda: L.circle(np.ones(3), np.ones((2, 4))), ShapeError, "circle: `y_true` must be labels"),
        (lambda: L.circle([0, 1], np.ones((2, 4)), ref_labels=[1]), ArgumentError, "`ref_labels` and `ref_embeddings`"),
        (lambda: L.Reduction.validate("average"), ArgumentError, "`reduction` must be one of"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()
