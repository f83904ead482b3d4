"""Numbers are printed by real Keras (tf_keras 2.21, Keras 3.15, 2.2.4, 2.3.1)."""

import copy
import math
import pickle

import pytest
import torch

from kcompat import registry, regularizers
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, UnknownNameError
from kcompat.generations import keras_version_scope

X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]])


@pytest.mark.parametrize(
    ("made", "x", "expected"),
    [
        (regularizers.L1(0.1), X, 1.15), (regularizers.L2(0.1), X, 3.125), (regularizers.L1L2(0.1, 0.2), X, 7.4),
        (regularizers.OrthogonalRegularizer(1.0), X, 0.387585), (regularizers.OrthogonalRegularizer(1.0, "columns"), X, 0.904534),
        (regularizers.OrthogonalRegularizer(0.5), X[:2], 0.491935), (regularizers.L1L2(), X, 0.0),
    ],
)  # fmt: skip
def test_value(made, x, expected):
    penalty = made(x)
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx(expected, rel=1e-6)
    torch.compiler.reset()
    assert torch.compile(made, fullgraph=True, backend="eager")(x).item() == pytest.approx(expected, rel=1e-6)


def test_gradient_is_zero_at_zero():
    x = torch.tensor([[1.0, 0.0], [-2.0, 0.5]], requires_grad=True)
    (gradient,) = torch.autograd.grad(regularizers.L1L2(0.1, 0.2)(x), x)
    assert gradient.flatten().tolist() == pytest.approx([0.5, 0.0, -0.9, 0.3])


def test_orthogonal_needs_a_matrix():
    assert math.isnan(regularizers.OrthogonalRegularizer()(X[:1]).item())
    with pytest.raises(ShapeError, match="rank 2"):
        regularizers.OrthogonalRegularizer()(X[0])
    with pytest.raises(ArgumentError, match="`mode`"):
        regularizers.OrthogonalRegularizer(mode="diagonal")


def test_defaults():
    assert (regularizers.L1().l1, regularizers.L2().l2, regularizers.L1(None).l1, regularizers.l2(l=0.3).l2) == (0.01, 0.01, 0.01, 0.3)
    assert regularizers.L1L2().get_config() == {"l1": 0.0, "l2": 0.0}
    for version, factor in (("2.2.4", 0.01), ("2.15", 0.01), ("3", 0.0)):
        with keras_version_scope(version):
            assert regularizers.l1_l2().get_config() == {"l1": factor, "l2": factor}


def test_l1_l2_is_no_name_in_keras_3():
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}
    with keras_version_scope("3"), pytest.raises(UnknownNameError):
        regularizers.get("l1_l2")


def test_factors_are_checked():
    for value in (math.nan, math.inf, "x", [1.0, 2.0]):
        with pytest.raises(ArgumentError, match="`l1`"):
            regularizers.L1(value)
    assert regularizers.L2(-1.0).l2 == -1.0
    with keras_version_scope("3"), pytest.raises(ArgumentError, match="negative"):
        regularizers.L2(-1.0)


def test_configs():
    in_215 = {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.3}, "registered_name": None}
    both = {"module": "keras.regularizers", "class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}, "registered_name": None}
    for version in ("2.15", "3"):
        with keras_version_scope(version):
            assert regularizers.serialize(regularizers.L2(0.3)) == in_215
            assert regularizers.serialize(regularizers.l1_l2(0.1, 0.2)) == both
    for version in ("2.2.4", "2.3.1"):
        with keras_version_scope(version):
            assert regularizers.serialize(regularizers.l2(0.3)) == {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.3}}
            assert registry.serialize("regularizer", regularizers.l1(0.3)) == {"class_name": "L1L2", "config": {"l1": 0.3, "l2": 0.0}}
    assert regularizers.serialize(regularizers.L2(0.3), use_legacy_format=True) == {"class_name": "L2", "config": {"l2": 0.3}}


@pytest.mark.parametrize("version", ["2.2.4", "2.15", "3"])
@pytest.mark.parametrize(
    "made", [regularizers.L1(0.1), regularizers.L2(0.2), regularizers.L1L2(0.1, 0.2), regularizers.OrthogonalRegularizer()]
)
def test_round_trip(made, version):
    with keras_version_scope(version):
        for again in (regularizers.deserialize(regularizers.serialize(made)), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert again(X).item() == made(X).item()


def test_keras_1_config():
    read = regularizers.get({"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.25})
    assert read.get_config() == {"l1": 0.0, "l2": 0.25}
    with pytest.raises(ArgumentTypeError, match="EigenvalueRegularizer"):
        regularizers.get({"name": "EigenvalueRegularizer", "k": 9})


class Half(regularizers.L1L2):
    """A user's subclass keeps its own name."""


class Mean(regularizers.Regularizer):
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x.mean()

    def get_config(self):
        return {"factor": self.factor}


def test_users_own():
    with registry.custom_object_scope({"Mean": Mean, "Half": Half}):
        assert regularizers.get(regularizers.serialize(Mean(2.0)))(X).item() == pytest.approx(2 * 9.5 / 6)
        assert type(regularizers.get(regularizers.serialize(Half(2.0)))) is Half
    assert regularizers.get(torch.sum) is torch.sum
    assert regularizers.get(None) is None
    assert isinstance(regularizers.get(regularizers.L2), regularizers.L2)
    assert regularizers.Regularizer()(X) == 0.0
    with pytest.raises(NotImplementedError):
        regularizers.Regularizer().get_config()
    with pytest.raises(UnknownNameError, match="'l3'"):
        regularizers.get("l3")
