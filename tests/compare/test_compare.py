"""The comparison fails on every kind of wrong pair, and passes on an equal one."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from kcompat.compare import BARS, compare


def record():
    """An expectation with something of everything."""
    return {
        "output/0": np.array([[1.0, -4.0], [0.5, 2.0]], "float32"),
        "output/1": np.array([1, 2], "int64"),
        "mask/0": np.array([True, False]),
        "mask/1": None,
        "loss/0": np.array(0.5, "float32"),
        "loss/1": np.array(0.25, "float32"),
        "state/0": np.array([0.0, 0.0], "float32"),
        "gradient/input/0": np.array([3.0, 0.001], "float32"),
        "gradient/weight/0": None,
        "facts": {
            "weights": [["kernel", [2, 3]], ["bias", [3]]],
            "config": {"units": 3, "rate": 0.1, "use_bias": True, "function": "<code>", "seed": None},
            "static_shape": [None, 3],
        },
    }


def changed(key, value, field=None):
    """The record with one thing replaced (`field` inside facts)."""
    other = copy.deepcopy(record())
    if field is None:
        other[key] = value
    else:
        other["facts"][key] = field(other["facts"][key])
    return other


def without(key):
    other = record()
    del other[key]
    return other


def config(**more):
    return changed("config", None, lambda held: {**held, **more})


SAME = [
    record(),
    changed("output/0", np.array([[1.0, -4.00002], [0.5, 2.0]], "float32")),
    changed("gradient/input/0", np.array([3.0002, 0.001], "float32")),
    changed("gradient/weight/0", np.zeros((2, 3), "float32")),
    {**record(), "loss/0": record()["loss/1"], "loss/1": record()["loss/0"]},
    without("mask/1"),
    config(rate=0.10000000149),
    config(function="some_function"),
]

WRONG = {
    "value": (changed("output/0", np.array([[1.0, -4.0], [0.5, 2.0001]], "float32")), "output/0"),
    "permuted values": (changed("output/0", record()["output/0"].T.copy()), "output/0"),
    "nan": (changed("output/0", np.array([[1.0, -4.0], [0.5, np.nan]], "float32")), "output/0"),
    "infinity": (changed("output/0", np.array([[1.0, -4.0], [np.inf, 2.0]], "float32")), "output/0"),
    "value where zero is expected": (changed("state/0", np.array([0.0, 1e-4], "float32")), "state/0"),
    "shape": (changed("output/0", record()["output/0"].reshape(4)), "output/0 shape"),
    "shape that would broadcast": (changed("output/0", record()["output/0"][None]), "output/0 shape"),
    "dtype": (changed("output/0", record()["output/0"].astype("float64")), "output/0 dtype"),
    "integer": (changed("output/1", np.array([1, 3], "int64")), "output/1"),
    "integer dtype": (changed("output/1", np.array([1, 2], "int32")), "output/1 dtype"),
    "missing output": (without("output/1"), "output/1"),
    "additional output": ({**record(), "output/2": np.zeros(2, "float32")}, "output/2"),
    "mask values": (changed("mask/0", np.array([True, True])), "mask/0"),
    "mask lost": (changed("mask/0", None), "mask/0"),
    "mask invented": (changed("mask/1", np.array([True, True])), "mask/1"),
    "gradient": (changed("gradient/input/0", np.array([3.001, 0.001], "float32")), "gradient/input/0"),
    "gradient None": (changed("gradient/input/0", None), "gradient/input/0"),
    "gradient missing": (without("gradient/input/0"), "gradient/input/0"),
    "gradient invented": (changed("gradient/weight/0", np.ones((2, 3), "float32")), "gradient/weight/0"),
    "loss": (changed("loss/1", np.array(0.2501, "float32")), "losses"),
    "loss missing": (without("loss/1"), "losses shape"),
    "weight order": (changed("weights", None, lambda held: held[::-1]), "weights"),
    "weight shape": (changed("weights", None, lambda held: [["kernel", [3, 2]], held[1]]), "weights"),
    "weight too many": (changed("weights", None, lambda held: [*held, ["extra", [1]]]), "weights"),
    "config value": (config(units=4), "config.units"),
    "config float": (config(rate=0.1001), "config.rate"),
    "config number for bool": (config(use_bias=1), "config.use_bias"),
    "config key too many": (config(colour="red"), "config.colour"),
    "config None": (config(units=None), "config.units"),
    "config code lost": (config(function=None), "config.function"),
    "static shape": (changed("static_shape", None, lambda _: [None, 4]), "static_shape"),
    "raises": ({"error": ["ArgumentError", "KcompatError", "ValueError", "Exception"], "message": "no"}, "call"),
}


@pytest.mark.parametrize("got", SAME, ids=range(len(SAME)))
def test_equal_pairs_hold(got):
    verdict = compare(record(), got)
    assert verdict and not verdict.differences


@pytest.mark.parametrize("name", WRONG)
def test_wrong_pairs_fall_short(name):
    got, what = WRONG[name]
    verdict = compare(record(), got)
    assert not verdict
    assert {d.what.split(", error")[0].split("[")[0] for d in verdict.differences} == {what}


@pytest.mark.parametrize("name", [n for n, (_, what) in WRONG.items() if not what.startswith(("gradient", "losses", "call"))])
def test_the_helper_sees_it_from_the_other_side(name):
    assert not compare(WRONG[name][0], record())


def test_the_errors_are_relative_to_the_largest_value():
    got = changed("output/0", np.array([[1.0, -4.0], [0.5, 2.00002]], "float32"))
    verdict = compare(record(), got)
    assert verdict.forward == pytest.approx(2e-5 / 4, rel=0.02)
    assert verdict.gradient == 0.0


def test_float64_has_its_own_bar():
    expected = {"output/0": np.array([1.0, 2.0])}
    assert compare(expected, {"output/0": np.array([1.0, 2.0 + 1e-9])}, BARS["float32"])
    assert not compare(expected, {"output/0": np.array([1.0, 2.0 + 1e-9])}, BARS["float64"])


def test_nan_and_infinity_at_the_same_places_are_equal():
    held = {"output/0": np.array([np.nan, np.inf, -np.inf, 1.0], "float32")}
    assert compare(held, copy.deepcopy(held))
    assert not compare(held, {"output/0": np.array([np.nan, -np.inf, -np.inf, 1.0], "float32")})


def test_what_is_skipped_is_not_compared():
    assert compare(record(), config(units=4), skip=["config"])
    assert not compare(record(), config(units=4), skip=["static_shape"])
    assert compare(record(), changed("gradient/input/0", None), skip=["gradient"])


RAISED = {"error": ["ValueError", "Exception"], "message": "bad"}


@pytest.mark.parametrize(
    ("expected", "got", "holds"),
    [
        (RAISED, {"error": ["ArgumentError", "KcompatError", "ValueError", "Exception"]}, True),
        (RAISED, {"error": ["ArgumentTypeError", "KcompatError", "TypeError", "Exception"]}, False),
        ({"error": ["IndexError", "LookupError", "Exception"]}, {"error": ["ShapeError", "KcompatError", "ValueError", "Exception"]}, True),
        ({"error": ["IndexError", "LookupError", "Exception"]}, {"error": ["IndexError", "LookupError", "Exception"]}, False),
        (RAISED, {"error": ["ValueError", "Exception"]}, False),  # an accident of torch or Python, not said on purpose
        (RAISED, record(), False),
        (
            {"error": ["InvalidArgumentError", "OpError", "Exception"]},
            {"error": ["ShapeError", "KcompatError", "ValueError", "Exception"]},
            True,
        ),
    ],
)
def test_errors(expected, got, holds):
    assert bool(compare(expected, got)) is holds


def summary(**more):
    told = {
        "mean": 1.0, "std": 0.5, "low": 0.0, "high": 1.25, "zeros": 0.2, "count": 2000, "values": [0.0, 1.25],
        "constant_axes": [1], "shape": [50, 40], "dtype": "float32",
    }  # fmt: skip
    return {"summary/0": {**told, **more}}


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ({}, True), ({"mean": 1.02}, True), ({"mean": 1.2}, False), ({"std": 0.4}, False), ({"zeros": 0.35}, False),
        ({"values": [0.0, 1.0]}, False),
        ({"constant_axes": []}, False), ({"shape": [40, 50]}, False), ({"dtype": "float64"}, False), ({"high": 9.0}, False),
    ],
)  # fmt: skip
def test_random_values_are_compared_by_their_statistics(more, holds):
    assert bool(compare(summary(), summary(**more))) is holds
