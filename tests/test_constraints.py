"""Numbers are printed by real Keras; all generations agree."""

import copy
import pickle

import pytest
import torch

from kcompat import config, constraints, registry
from kcompat.errors import ShapeError, UnknownNameError
from kcompat.generations import keras_version_scope

W = torch.tensor([[3.0, 0.1, -1.0], [4.0, 0.0, 0.5]])


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        (constraints.MaxNorm(1), [0.6, 0.0999999, -0.894427, 0.8, 0, 0.447214]),
        (constraints.MaxNorm(1, axis=1), [0.948209, 0.031607, -0.316070, 0.992278, 0, 0.124035]),
        (constraints.MaxNorm(1, axis=[0, 1]), [0.585429, 0.019514, -0.195143, 0.780571, 0, 0.097571]),
        (constraints.NonNeg(), [3, 0.1, 0, 4, 0, 0.5]),
        (constraints.UnitNorm(), [0.6, 0.999999, -0.894427, 0.8, 0, 0.447214]),
        (constraints.MinMaxNorm(0.5, 1, 0.5), [1.8, 0.3, -0.947213, 2.4, 0, 0.473607]),
    ],
)
def test_value(constraint, expected):
    assert constraint(W).flatten().tolist() == pytest.approx(expected, abs=1e-6)
    torch.compiler.reset()
    assert torch.equal(torch.compile(constraint, fullgraph=True, backend="eager")(W), constraint(W))


def test_epsilon_is_the_global_one():
    before = config.epsilon()
    config.set_epsilon(0.5)
    try:
        assert constraints.UnitNorm()(torch.tensor([[1.0]])).item() == pytest.approx(1 / 1.5)
    finally:
        config.set_epsilon(before)


@pytest.mark.parametrize(
    ("size", "entries"),
    [(2, [0, 0]), (3, [1, 0, 1]), (4, [3, 1, 1, 3]), (5, [3, 2, 1, 2, 3]), (6, [5, 4, 2, 2, 4, 5]), (7, [5, 4, 3, 2, 3, 4, 5]),
     (8, [7, 6, 5, 3, 3, 5, 6, 7])],
)  # fmt: skip
def test_radial_constraint_takes_diagonal_entries(size, entries):
    w = torch.arange(2.0 * size * size).reshape(size, size, 2, 1)
    ringed = constraints.RadialConstraint()(w)
    diagonal = w[range(size), range(size)]
    assert torch.equal(ringed[range(size), range(size)], diagonal[entries])
    assert torch.equal(ringed[0], ringed[0, :1].expand_as(ringed[0]))


def test_radial_constraint_needs_square_kernels():
    for shape in ((3, 3), (3, 4, 1, 1), (1, 1, 2, 2)):
        with pytest.raises(ShapeError, match="RadialConstraint"):
            constraints.RadialConstraint()(torch.ones(shape))


@pytest.mark.parametrize(
    ("name", "cls", "settings"),
    [
        ("max_norm", "MaxNorm", {"max_value": 2, "axis": 0}), ("maxnorm", "MaxNorm", {"max_value": 2, "axis": 0}),
        ("non_neg", "NonNeg", {}), ("nonneg", "NonNeg", {}), ("unit_norm", "UnitNorm", {"axis": 0}), ("unitnorm", "UnitNorm", {"axis": 0}),
        ("min_max_norm", "MinMaxNorm", {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0}),
        ("radial_constraint", "RadialConstraint", {}),
    ],
)  # fmt: skip
def test_names_and_configs(name, cls, settings):
    made = constraints.get(name)
    assert constraints.serialize(made) == {"module": "keras.constraints", "class_name": cls, "config": settings, "registered_name": None}
    with keras_version_scope("2.2.4"):
        assert constraints.serialize(made) == {"class_name": cls, "config": settings}
    for again in (constraints.deserialize(constraints.serialize(made)), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert type(again) is type(made)
        assert again.get_config() == settings
    assert type(constraints.get(cls)) is getattr(constraints, name)


def test_keras_1_config():
    assert constraints.get({"name": "MaxNorm", "m": 3, "axis": 1}).get_config() == {"max_value": 3, "axis": 1}


class Clip(constraints.Constraint):
    def __init__(self, top):
        self.top = top

    def __call__(self, w):
        return w.clamp(max=self.top)

    def get_config(self):
        return {"top": self.top}


def test_users_own():
    read = constraints.deserialize(constraints.serialize(Clip(1.0)), custom_objects={"Clip": Clip})
    assert read(W).max().item() == 1.0
    registry.register_keras_serializable("mine")(Clip)
    try:
        written = constraints.serialize(Clip(2.0))
        assert written == {"module": None, "class_name": "Clip", "config": {"top": 2.0}, "registered_name": "mine>Clip"}
        assert constraints.get(written).top == 2.0
    finally:
        registry.get_custom_objects().pop("mine>Clip")
    assert constraints.get(None) is None
    assert constraints.get(torch.abs) is torch.abs
    assert constraints.Constraint()(W) is W
    with pytest.raises(UnknownNameError, match="'max_nrm'.*'max_norm'"):
        constraints.get("max_nrm")
