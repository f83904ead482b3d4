"""As measured on tf_keras 2.21 and Keras 3.15."""

import copy
import pickle

import numpy as np
import pytest
import torch

from kcompat import config, dtype_policies, registry
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownNameError
from kcompat.generations import keras_version_scope


@pytest.fixture(autouse=True)
def _no_global_policy():
    yield
    dtype_policies.set_global_policy(None)


@pytest.mark.parametrize(
    ("name", "compute", "variable"),
    [
        ("float32", "float32", "float32"), ("mixed_float16", "float16", "float32"), ("mixed_bfloat16", "bfloat16", "float32"),
        ("float16", "float16", "float16"), ("float64", "float64", "float64"), ("int32", "int32", "int32"), ("string", "string", "string"),
    ],
)  # fmt: skip
def test_dtypes(name, compute, variable):
    policy = dtype_policies.DTypePolicy(name)
    assert (policy.name, policy.compute_dtype, policy.variable_dtype, policy.get_config()) == (name, compute, variable, {"name": name})
    for again in (dtype_policies.deserialize(dtype_policies.serialize(policy)), copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):
        assert again == policy
        assert hash(again) == hash(policy)
    assert policy != dtype_policies.Policy("uint8")


@pytest.mark.parametrize("name", ["nope", "mixed_float32", "mixed_float64", "int8_from_float32", "float8_from_mixed_bfloat16"])
def test_unknown_names(name):
    with pytest.raises(ArgumentError, match=f"`name`.*'{name}'"):
        dtype_policies.DTypePolicy(name)
    with pytest.raises(ArgumentTypeError):
        dtype_policies.DTypePolicy(5)


def test_global_policy():
    assert dtype_policies.global_policy().name == "float32"
    config.set_floatx("float64")
    assert dtype_policies.dtype_policy().name == dtype_policies.DTypePolicy().name == "float64"
    dtype_policies.set_global_policy("mixed_bfloat16")
    assert dtype_policies.get(None).compute_dtype == "bfloat16"
    assert config.floatx() == "float64"
    dtype_policies.set_dtype_policy(dtype_policies.Policy("float16"))
    assert dtype_policies.global_policy().name == "float16"
    for bad in ("int32", "nope", 5):
        with pytest.raises(ValueError):
            dtype_policies.set_global_policy(bad)
    assert dtype_policies.global_policy().name == "float16"


def test_get():
    for identifier in ("float16", torch.float16, np.float16, np.dtype("float16"), dtype_policies.Policy("float16")):
        assert dtype_policies.get(identifier).name == "float16"
    with pytest.raises(ArgumentError, match="`dtype`"):
        dtype_policies.get(5)


def test_configs_by_generation():
    policy = dtype_policies.DTypePolicy("mixed_float16")
    for version, module, name in (("2.15", "keras.mixed_precision", "Policy"), ("3", "keras", "DTypePolicy")):
        with keras_version_scope(version):
            written = {"module": module, "class_name": name, "config": {"name": "mixed_float16"}, "registered_name": None}
            assert dtype_policies.serialize(policy) == registry.serialize("dtype_policy", policy) == written
            assert dtype_policies.get(written) == policy


@pytest.mark.parametrize("name", ["QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy", "GPTQDTypePolicy", "DTypePolicyMap"])
def test_what_is_not_supported_says_so(name):
    with pytest.raises(UnknownNameError, match=f"`{name}` is not supported"):
        dtype_policies.get({"class_name": name, "config": {"mode": "int8", "source_name": "float32"}})
    with pytest.raises(AttributeError, match=name):
        getattr(dtype_policies, name)


def test_convert_input():
    policy = dtype_policies.Policy("float16")
    assert policy.convert_input(np.ones(2), True, "float16").dtype == torch.float16
    assert policy.convert_input(np.ones(2), False, "float16").dtype == torch.float64
    assert policy.convert_input(torch.arange(2), True, "float16").dtype == torch.int64
    assert policy.convert_input(3.0, True, "float16") == 3.0
