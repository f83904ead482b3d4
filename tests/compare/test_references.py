"""The recorded references say what is known of Keras from elsewhere: numbers worked out by hand, and its documented laws."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from parity import cases as tables
from parity import draw, store

ROOT = Path(tables.__file__).parents[1]
ALL = ("2.2", "2.3", "2.15", "3")


@cache
def reference(generation, family):
    return store.read(ROOT / "references" / generation / f"{family}.npz")


def record(generation, name):
    return reference(generation, name.split("/")[0])[0][name]


#: x = 1, 2, 3, 6, momentum 0.5: mean 3, variance 3.5 (population) or 14/3 (sample); old Keras has n/(n - 1.001), for images both factors
STATE = [
    ("known_rank2", [(3.0, 14 / 2.999), (1.5, 0.5 + 7 / 2.999), (1.5, 2.25), (1.5, 2.25)]),
    ("known_rank3", [(3.0, 14 / 2.999), (1.5, 0.5 + 7 / 2.999), (1.5, 2.25), (1.5, 2.25)]),
    ("known_rank4", [(3.0, 14 / 3 * 4 / 2.999), (1.5, 0.5 + 7 / 3 * 4 / 2.999), (1.5, 0.5 + 7 / 3), (1.5, 2.25)]),
    ("known_rank4_axis1", [(3.0, 14 / 2.999), (1.5, 0.5 + 7 / 2.999), (1.5, 0.5 + 7 / 3), (1.5, 2.25)]),
]


@pytest.mark.parametrize(("name", "expected"), STATE)
def test_moving_statistics_of_batch_normalization(name, expected):
    for generation, pair in zip(ALL, expected, strict=True):
        held = record(generation, f"normalization/{name}")
        np.testing.assert_allclose([held["state/0"][0], held["state/1"][0]], pair, rtol=2e-5)


@pytest.mark.parametrize(("generation", "loss"), [("2.2", 3.6), ("2.3", 3.6), ("2.15", 0.9), ("3", 0.9)])
def test_activity_regularization_is_divided_by_the_batch_later(generation, loss):
    assert record(generation, "regularization/activity_l1_known")["loss/0"] == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("generation", ALL)
def test_weight_regularization_is_the_same_everywhere(generation):
    assert record(generation, "regularization/kernel_l2_identity")["loss/0"] == pytest.approx(0.2, rel=1e-6)


AND, OR = [[1, 0, 0], [1, 0, 0]], [[1, 1, 0], [1, 1, 1]]


@pytest.mark.parametrize(("generation", "mask"), [("2.2", AND), ("2.3", AND), ("2.15", AND), ("3", OR)])
@pytest.mark.parametrize("name", ["add", "multiply", "average", "maximum", "concatenate"])
def test_masks_through_merges(name, generation, mask):
    assert record(generation, f"masks/{name}_both")["mask/0"].astype(int).tolist() == mask


@pytest.mark.parametrize("generation", ALL)
def test_documented_values(generation):
    assert record(generation, "core/reshape_minus_one_last")["output/0"].tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert record(generation, "core/reshape_minus_one_three")["output/0"].tolist() == [[[1, 2], [3, 4], [5, 6]]]
    assert record(generation, "core/permute_documented")["output/0"].tolist() == [[[1, 4], [2, 5], [3, 6]]]


@pytest.mark.parametrize("generation", ALL)
def test_a_dense_layer_by_hand(generation):
    case = next(c for c in tables.load("core") if c["id"] == "core/dense")
    held = record(generation, "core/dense@float64")
    (x,) = draw.inputs(tables.resolve(case, generation), "float64")
    kernel, bias = draw.weights(case, ["kernel", "bias"], [(7, 5), (5,)], "float64")
    cotangent = draw.cotangent(case, 0, (2, 5), "float64")
    np.testing.assert_allclose(held["output/0"], x @ kernel + bias, rtol=1e-12)
    np.testing.assert_allclose(held["gradient/input/0"], cotangent @ kernel.T, rtol=1e-12)
    np.testing.assert_allclose(held["gradient/weight/0"], x.T @ cotangent, rtol=1e-12)
    np.testing.assert_allclose(held["gradient/weight/1"], cotangent.sum(0), rtol=1e-12)


def test_the_stream_of_drawn_values_is_fixed():
    """MT19937 seeded by the first 32 bits of sha256("core/dense/input/0/0"); a change would make every reference wrong."""
    drawn = draw.uniform("core/dense/input/0/0", (3,))
    seed = int(__import__("hashlib").sha256(b"core/dense/input/0/0").hexdigest()[:8], 16)
    np.testing.assert_array_equal(drawn, np.random.RandomState(seed).random_sample(3) * 2 - 1)


@pytest.mark.parametrize(
    ("generation", "keras"), [("2.2", "2.2.4"), ("2.3", "2.3.1"), ("2.15", "2.21.0"), ("3", "3.15.1")], ids=["2.2", "2.3", "2.15", "3"]
)
def test_references_name_the_versions_that_made_them(generation, keras):
    for family in tables.families():
        if any(generation in tables.generations(case) for case in tables.load(family)):
            versions = reference(generation, family)[1]
            assert versions["keras"] == keras and versions["backend"].startswith("tensorflow") and versions["python"]


LAYERS = [
    "Dense",
    "Activation",
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "Flatten",
    "Reshape",
    "Permute",
    "RepeatVector",
    "Lambda",
    "ActivityRegularization",
    "Masking",
    "Conv2D",
    "MaxPooling2D",
    "BatchNormalization",
]


def test_every_layer_has_cases_in_each_generation_that_knows_it():
    seen = {(case.get("class"), g) for family in tables.families() for case in tables.load(family) for g in tables.generations(case)}
    for name in LAYERS:
        assert {g for n, g in seen if n == name} == set(ALL), name


def test_there_are_enough_cases():
    count = sum(len(tables.generations(case)) for family in tables.families() for case in tables.load(family))
    assert count >= 450


@pytest.mark.parametrize("path", sorted([*ROOT.glob("record*.py"), *ROOT.glob("cases/*.py"), *(ROOT / f"{n}.py" for n in
                         ("draw", "bodies", "store", "summary", "__init__"))]), ids=lambda p: p.name)  # fmt: skip
def test_what_runs_beside_old_keras_is_old_python_and_knows_no_kcompat(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 7))
    imported = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name.split(".")[0] for name in imported} & {"torch", "kcompat"}


def test_a_malformed_case_is_refused_by_name(monkeypatch):
    from parity.cases import regularization

    monkeypatch.setattr(regularization, "CASES", [{"id": "regularization/x", "kind": "layer", "class": "Dense", "colour": 1}])
    with pytest.raises(ValueError, match=r"regularization\.py, case 'regularization/x': unknown fields \['colour'\]"):
        tables.load("regularization")
