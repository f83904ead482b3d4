# ruff: noqa: B905 - runs under Python 3.7 too, which knows no strict=
"""Inputs, weights and cotangents, drawn alike beside real Keras and beside kcompat, so that they need not be stored.

numpy's legacy generator (MT19937) gives the same stream in every numpy release. Seeds come from the case's id.
"""

import hashlib

import numpy as np


def uniform(key, shape, low=-1.0, high=1.0):
    """float64 values from [low, high) that depend on the text `key` and the shape alone."""
    seed = int(hashlib.sha256(key.encode("ascii")).hexdigest()[:8], 16)
    return np.random.RandomState(seed).uniform(low, high, tuple(shape))


def array(key, spec, floatx):
    """The array that an input of a case describes."""
    dtype = floatx if spec.get("dtype", "floatx") == "floatx" else spec["dtype"]
    if "values" in spec:
        return np.array(spec["values"], dtype=dtype)
    low, high = spec.get("low", -1), spec.get("high", 2 if dtype == "bool" else 1)
    drawn = uniform(key, spec["shape"], low, high)
    return (drawn if "float" in dtype and not spec.get("whole") else np.floor(drawn)).astype(dtype)


def inputs(case, floatx, step=0):
    """The arrays of one call of a case, with `step` counting its calls."""
    return [array(f"{case['id']}/input/{i}/{step}", spec, floatx) for i, spec in enumerate(case["inputs"])]


def masks(case):
    """For each input its mask as a bool array, or None."""
    return [None if spec.get("mask") is None else np.array(spec["mask"], dtype=bool) for spec in case["inputs"]]


def cotangent(case, index, shape, floatx):
    """The fixed weights that make a scalar of output `index`, whose gradient is taken."""
    return uniform(f"{case['id']}/cotangent/{index}", shape).astype(floatx)


def taught(case, shapes, floatx, step):
    """What a model whose outputs have these shapes is trained towards at one step, and the weights that go with it as keywords."""
    told = case["train"]
    drawn = {"targets": [{"shape": list(shape)} for shape in shapes], **told}
    arrays = {
        name: [array(f"{case['id']}/{key}/{index}/{step}", spec, floatx) for index, spec in enumerate(drawn[name])]
        for name, key in (("targets", "target"), ("sample_weight", "sample_weight")) if name in drawn
    }  # fmt: skip
    given = {name: found if len(found) > 1 else found[0] for name, found in arrays.items()}
    if "class_weight" in told:
        given["class_weight"] = {int(index): weight for index, weight in told["class_weight"].items()}
    return given.pop("targets"), given


def weights(case, names, shapes, floatx):
    """Values for the weights of a case in the order of `get_weights()`, or None where they stay as made."""
    told = case.get("weights") or {}
    if told == "initial":
        return None
    drawn = []
    for index, (name, shape) in enumerate(zip(names, shapes)):
        spec = told.get(str(index), _range(name))
        literal = len(spec) != 2 or isinstance(spec[0], list)
        values = np.array(spec) if literal else uniform(f"{case['id']}/weight/{index}", shape, *spec)
        drawn.append(values.reshape(tuple(shape)).astype(floatx))
    return drawn


def _range(name):
    positive = any(word in name for word in ("gamma", "variance", "stddev"))
    return (0.5, 1.5) if positive else (-1.0, 1.0)
