"""Loss functions and objects against numbers that real Keras printed (tf_keras 2.21, Keras 3.15.1, Keras 2.2.4, 2.3.1)."""

import math

import numpy as np
import pytest
import torch

from kcompat import losses as L
from kcompat.errors import ArgumentError, ShapeError, UnknownNameError
from kcompat.generations import keras_version_scope

P = np.array([[0.2, 0.6, 0.1], [0.3, 0.3, 0.4]], "float32")
ONE_HOT = np.array([[1.0, 0, 0], [0, 1.0, 0]])
BOTH = ("2.15", "3")


def close(got, expected):
    np.testing.assert_allclose(np.asarray(got.detach()), expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("version", "missed", "false"),
    [("2.2.4", 16.118095, 15.942385), ("2.3.1", 15.424949, 15.333239), ("2.15", 15.424949, 15.333239), ("3", 16.118095, 15.942385)],
)
def test_binary_crossentropy_of_saturated_probabilities(version, missed, false):
    with keras_version_scope(version):
        close(L.binary_crossentropy(np.array([[1.0]]), np.array([[0.0]], "float32")), [missed])
        np.testing.assert_allclose(L.binary_crossentropy(np.array([[0.0]]), np.array([[1.0]], "float32")), [false], rtol=3e-5)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda: L.sparse_categorical_crossentropy(np.array([0, 2]), P), [1.5040773, 0.91629076]),
        (lambda: L.sparse_categorical_crossentropy(np.array([[0], [2]]), P), [1.5040773, 0.91629076]),
        (lambda: L.sparse_categorical_crossentropy(np.array([0.0, 2.0]), P), [1.5040773, 0.91629076]),
        (lambda: L.sparse_categorical_crossentropy(np.array([0, 2]), P, ignore_class=2), [1.5040773, 0.0]),
        (lambda: L.sparse_categorical_crossentropy(np.array([0, -1]), P, ignore_class=-1), [1.5040773, 0.0]),
        (lambda: L.sparse_categorical_crossentropy(np.array([0]), np.array([[2.0, 6.0]])), [0.693147]),
        (lambda: L.SparseCategoricalCrossentropy(ignore_class=2)(np.array([0, 2]), P), 1.5040773),
        (lambda: L.SparseCategoricalCrossentropy(ignore_class=2)(np.array([0, 2]), P, sample_weight=np.array([3.0, 5.0])), 4.512232),
        (lambda: L.SparseCategoricalCrossentropy(ignore_class=2, reduction="sum")(np.array([0, 2]), P), 1.5040773),
        (lambda: L.categorical_crossentropy(np.array([[1.0, 0, 1], [0, 1, 0]]), P, axis=0), [0.9162907, 1.0986123, 1.609438]),
        (lambda: L.categorical_crossentropy(ONE_HOT, P, label_smoothing=0.1), [1.490562, 1.1943834]),
        (lambda: L.categorical_crossentropy(ONE_HOT, P, label_smoothing=0.1, from_logits=True), [1.2127934, 1.1297355]),
        (lambda: L.categorical_crossentropy(np.array([[1.0, 0]]), np.array([[0.2, 0.6]])), [1.386294]),
        (lambda: L.categorical_crossentropy(np.array([[1.0, 0]]), np.array([[0.0, 1.0]])), [16.118095]),
        (lambda: L.binary_crossentropy(ONE_HOT, P, label_smoothing=0.1, axis=0), [0.9695811, 1.0288124, 0.37316012]),
        (lambda: L.binary_crossentropy(ONE_HOT[:1], P[:1], label_smoothing=0.2), [0.89054495]),
        (lambda: L.mse(np.array([1.0, 2.0]), np.array([2.0, 4.0])), 2.5),
        (lambda: L.MeanAbsoluteError()(np.array([[1.0], [2.0]]), np.array([[2.0], [4.0]])), 1.5),
    ],
)
def test_values_both_generations_agree_on(version, compute, expected):
    with keras_version_scope(version):
        close(compute(), expected)


@pytest.mark.parametrize(("version", "expected"), [("2.15", [0.7393967, 0.8393553, 0.07043553]), ("3", [0.7162501, 0.8158768, 0.04695702])])
def test_smoothing_counts_the_classes_of(version, expected):
    with keras_version_scope(version):
        close(L.categorical_crossentropy(ONE_HOT, P, label_smoothing=0.1, from_logits=True, axis=0), expected)


@pytest.mark.parametrize(("version", "expected"), [("2.15", 2), ("3", 2.5)])
def test_integers(version, expected):
    with keras_version_scope(version):
        assert L.mean_squared_error([1, 2], [2, 4]).item() == expected
        assert L.mean_squared_error(np.array([1, 2]), np.array([2, 4])).item() == expected


@pytest.mark.parametrize(("version", "function", "wrapped"), [("2.15", [0.5, 2.5], 1.0), ("3", [0.0, 1.0], [0.0, 1.0])])
def test_targets_of_one_rank_less(version, function, wrapped):
    with keras_version_scope(version):
        t, p = torch.tensor([1.0, 2.0]), torch.tensor([[1.0], [3.0]])
        close(L.mean_squared_error(t, p), function)
        close(L.MeanSquaredError(reduction="none")(t, p), wrapped if version == "3" else 0.5)


@pytest.mark.parametrize(
    ("version", "reduction", "expected"),
    [
        *[(v, r, e) for v in BOTH for r, e in (("sum", 19.0), ("none", [1.0, 0.0, 18.0, 0.0]), ("sum_over_batch_size", 4.75))],
        ("2.15", "auto", 4.75), ("3", None, [1.0, 0.0, 18.0, 0.0]), ("3", "mean", 4.75), ("3", "mean_with_sample_weight", 6.3333335),
    ],
)  # fmt: skip
def test_reductions(version, reduction, expected):
    with keras_version_scope(version):
        loss = L.MeanSquaredError(reduction=reduction)
        close(loss(np.zeros((4, 1)), np.array([[1.0], [2], [3], [4]]), sample_weight=np.array([1.0, 0, 2, 0])), expected)


@pytest.mark.parametrize(("version", "reduction"), [("2.15", None), ("2.15", "mean"), ("2.15", "bad"), ("3", "auto"), ("3", "bad")])
def test_unknown_reductions_are_refused(version, reduction):
    with keras_version_scope(version), pytest.raises(ArgumentError, match="`reduction` must be one of"):
        L.MeanSquaredError(reduction=reduction)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        ([[1.0], [2.0]], [[4, 4, 4], [8, 8, 8]]),
        ([[1.0, 2, 3], [0, 1, 0]], [[4, 8, 12], [0, 4, 0]]),
        ([[[1.0], [2], [3]], [[0], [1], [0]]], [[4, 8, 12], [0, 4, 0]]),
        (2.0, [[8, 8, 8], [8, 8, 8]]),
    ],
)
def test_weights_by_step(version, weight, expected):
    with keras_version_scope(version):
        loss = L.MeanSquaredError(reduction="none")
        close(loss(np.zeros((2, 3, 1)), np.full((2, 3, 1), 2.0), sample_weight=np.array(weight)), expected)


def test_weights_by_sample_of_step_losses():
    t, p, w = np.zeros((2, 3, 1)), np.full((2, 3, 1), 2.0), np.array([1.0, 2.0])
    with keras_version_scope("2.15"):
        close(L.MeanSquaredError(reduction="none")(t, p, sample_weight=w), [[4, 4, 4], [8, 8, 8]])
    with keras_version_scope("3"), pytest.raises(ShapeError, match="`sample_weight` of shape"):
        L.MeanSquaredError()(t, p, sample_weight=w)


@pytest.mark.parametrize("version", BOTH)
def test_masked_entries_do_not_count(version):
    with keras_version_scope(version):
        p = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]])
        p._keras_mask = torch.tensor([[True, True, True, False]])
        t = torch.zeros(1, 4, 1)
        close(L.MeanSquaredError()(t, p), 4.666667)
        close(L.MeanSquaredError(reduction="sum")(t, p), 14)
        close(L.MeanSquaredError(reduction="none")(t, p), [[1, 4, 9, 0]])
        close(L.MeanSquaredError()(t, p, sample_weight=torch.tensor([[1.0, 1, 2, 5]])), 7.666667)


@pytest.mark.parametrize(("version", "expected"), [("2.15", math.nan), ("3", 0.0)])
def test_nothing_kept(version, expected):
    with keras_version_scope(version):
        p = torch.ones(2, 3, 1)
        p._keras_mask = torch.zeros(2, 3, dtype=torch.bool)
        close(L.MeanSquaredError()(torch.zeros(2, 3, 1), p), expected)


def with_logits(logits, activation):
    z = torch.tensor(logits, requires_grad=True)
    y = torch.sigmoid(z) if activation == "sigmoid" else torch.softmax(z, -1)
    y._keras_logits, y._keras_logits_of = z, activation
    return y


Z = [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]


@pytest.mark.parametrize(
    ("version", "fits", "crosses"),
    [("2.2.4", 15.942385, 1.3262613), ("2.3.1", 150.0, 1.3262607), *[(version, 150.0, 2.2727218) for version in BOTH]],
)
def test_logits_ride_on_predictions(version, fits, crosses):
    with keras_version_scope(version):
        saturated = L.BinaryCrossentropy()(torch.zeros(2, 1), with_logits([[100.0], [200.0]], "sigmoid"))
        close(saturated, fits)
        close(L.BinaryCrossentropy()(torch.tensor(ONE_HOT), with_logits(Z, "softmax")), crosses)


@pytest.mark.parametrize(("version", "expected"), [("2.3.1", 1.3817778), ("2.15", 2.2752688), ("3", 2.2752688)])
def test_from_logits_of_a_softmax(version, expected):
    with keras_version_scope(version):
        close(L.CategoricalCrossentropy(from_logits=True)(torch.tensor(ONE_HOT), with_logits(Z, "softmax")), expected)


@pytest.mark.parametrize("index", [3, -1, -100])
def test_wrong_class_indices_are_named(index):
    with pytest.raises(ArgumentError, match=r"must lie in \[0, 3\).*received indices"):
        L.sparse_categorical_crossentropy(np.array([0, index]), P)


def test_indices_for_one_hot_are_refused():
    with pytest.raises(ShapeError, match="sparse_categorical_crossentropy"):
        L.categorical_crossentropy(np.array([0, 2]), P)


@pytest.mark.parametrize("name", ["mse", "MSE", "mean_squared_error", "mae", "MAE", "bce", "BCE", "categorical_crossentropy"])
def test_names(name):
    assert L.get(name) is getattr(L, name)
    assert isinstance(L.as_loss(name), L.Loss)


def test_unknown_name_names_a_near_one():
    with pytest.raises(UnknownNameError, match="mean_squared_error"):
        L.get("mean_squared_eror")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.15", {"reduction": "auto", "fn": "binary_crossentropy"}),
        ("3", {"reduction": "sum_over_batch_size"}),
    ],
)  # fmt: skip
def test_config(version, expected):
    with keras_version_scope(version):
        loss = L.BinaryCrossentropy(label_smoothing=0.1)
        shared = {"name": "binary_crossentropy", "from_logits": False, "label_smoothing": 0.1, "axis": -1}
        assert loss.get_config() == {**shared, **expected}
        again = L.deserialize(L.serialize(loss))
        close(again(ONE_HOT, P), loss(ONE_HOT, P).numpy())


def test_positional_order_of_generations():
    t = np.array([0, 2])
    with keras_version_scope("2.15"):
        close(L.sparse_categorical_crossentropy(t, P, False, -1, 2), [1.5040773, 0.0])
        assert L.Loss("sum", "mine").reduction == "sum"
    with keras_version_scope("3"):
        close(L.sparse_categorical_crossentropy(t, P, False, 2, -1), [1.5040773, 0.0])
        assert L.Loss("mine", "sum").reduction == "sum"


def test_own_loss_class():
    class Mine(L.Loss):
        def call(self, y_true, y_pred):
            return ((y_true - y_pred) ** 2).mean(-1)

    close(Mine(name="x")(torch.zeros(2, 2), torch.ones(2, 2), sample_weight=torch.tensor([1.0, 3.0])), 2.0)


def test_gradient_through_probabilities_equals_that_of_logits():
    z = torch.tensor(Z, dtype=torch.float64, requires_grad=True)
    (by_probability,) = torch.autograd.grad(L.CategoricalCrossentropy()(torch.tensor(ONE_HOT), torch.softmax(z, -1)), z)
    (by_logit,) = torch.autograd.grad(L.CategoricalCrossentropy(from_logits=True)(torch.tensor(ONE_HOT), z), z)
    np.testing.assert_allclose(by_probability, by_logit, rtol=1e-6)
