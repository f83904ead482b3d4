"""`kcompat.saving`: the forms of configs were printed by Keras 3.15.1 and tf_keras 2.21 for the same objects."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kcompat import activations, initializers, losses, optimizers, registry, saving
from kcompat.config import keras_version_scope
from kcompat.core import Input
from kcompat.errors import ArgumentTypeError, UnknownNameError, UnsafeFileError
from kcompat.layers import Dense, Layer
from kcompat.models import Model, Sequential, clone_model, model_from_json


@saving.register_keras_serializable(package="pk")
class Mine(Layer):
    """A layer of a user's."""

    def __init__(self, n: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.n = n

    def call(self, inputs):
        return inputs * self.n

    def get_config(self):
        return {**super().get_config(), "n": self.n}


@saving.register_keras_serializable(package="pk")
def squash(x):
    """A function of a user's."""
    return x / (1 + abs(x))


PLAIN = [
    (None, None),
    ("a", "a"),
    (np.float32(2), 2.0),
    (np.int64(3), 3),
    (b"ab", {"class_name": "__bytes__", "config": {"value": "ab"}}),
    ([1, (2, 3)], [1, (2, 3)]),
    ({"a": (1,)}, {"a": (1,)}),
    (np.ones(2, "float32"), {"class_name": "__numpy__", "config": {"value": [1.0, 1.0], "dtype": "float32"}}),
    (torch.ones(2), {"class_name": "__tensor__", "config": {"value": [1.0, 1.0], "dtype": "float32"}}),
    (torch.float32, "float32"),
    (activations.relu, {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}),
    (squash, {"module": "builtins", "class_name": "function", "config": "pk>squash", "registered_name": "function"}),
]


@pytest.mark.parametrize("version", ["2.15", "3"])
@pytest.mark.parametrize(("thing", "written"), PLAIN)
def test_plain_things(version: str, thing, written):
    with keras_version_scope(version):
        assert saving.serialize_keras_object(thing) == written


@pytest.mark.parametrize(
    ("thing", "written"),
    [
        (slice(1, None, 2), {"class_name": "__slice__", "config": {"start": 1, "stop": None, "step": 2}}),
        (..., {"class_name": "__ellipsis__", "config": {}}),
    ],
)
def test_what_only_keras_3_writes(thing, written):
    with keras_version_scope("3"):
        assert saving.serialize_keras_object(thing) == written
        assert saving.deserialize_keras_object(written) == thing
    with keras_version_scope("2.15"), pytest.raises(ArgumentTypeError, match="get_config"):
        saving.serialize_keras_object(thing)


@pytest.mark.parametrize("version", ["2.15", "3"])
def test_objects_come_back(version: str):
    with keras_version_scope(version):
        things = [Dense(2, name="d"), Mine(3, name="m"), losses.MeanSquaredError(), optimizers.SGD(0.5), initializers.HeNormal()]
        written = saving.serialize_keras_object({"all": things})["all"]
        assert [w["module"] for w in written] == ["keras.layers", None, "keras.losses", "keras.optimizers", "keras.initializers"]
        assert written[1]["registered_name"] == "pk>Mine" and written[1]["class_name"] == "Mine"
        again = saving.deserialize_keras_object({"all": written})["all"]
        assert [type(a) for a in again] == [type(t) for t in things]
        assert again[0].units == 2 and again[1].n == 3 and float(again[3].learning_rate) == 0.5
        array = saving.deserialize_keras_object(saving.serialize_keras_object(np.arange(3)))
        assert array.dtype == np.int64 and array.tolist() == [0, 1, 2]


def test_a_compiled_model_comes_back_compiled():
    with keras_version_scope("3"):
        model = Sequential([Input((2,)), Dense(1)])
        model.compile(optimizers.Adam(0.25), "mse", metrics=["mae"])
        again = saving.deserialize_keras_object(saving.serialize_keras_object(model))
    assert float(again.optimizer.learning_rate) == 0.25 and again.built


def test_a_lambda_needs_permission():
    with keras_version_scope("3"):
        written = saving.serialize_keras_object(lambda x: x + 1)
        for options in ({}, {"safe_mode": True}, {"safe_mode": None}):
            with pytest.raises(UnsafeFileError):
                saving.deserialize_keras_object(written, **options)
        assert saving.deserialize_keras_object(written, safe_mode=False)(2) == 3


def test_unknown_names_are_errors():
    for config in (
        {"module": "builtins", "class_name": "function", "config": "free", "registered_name": "function"},
        {"module": None, "class_name": "Plain", "config": {}, "registered_name": "Plain"},
    ):
        with pytest.raises(UnknownNameError, match="custom_objects"):
            saving.deserialize_keras_object(config)
    with pytest.raises(ArgumentTypeError, match="Dense"):
        saving.serialize_keras_object(Dense)


def test_registered_names():
    assert saving.get_registered_name(Mine) == "pk>Mine" and saving.get_registered_name(Dense) == "Dense"
    assert saving.get_registered_object("pk>Mine") is Mine and saving.get_registered_object("zz") is None
    with saving.CustomObjectScope({"Other": Mine}):
        assert saving.get_registered_object("Other") is Mine
    assert "Other" not in saving.get_custom_objects() and registry.get_custom_objects() is saving.get_custom_objects()


@pytest.mark.parametrize("version", ["2.15", "3"])
def test_layers_shared_between_models_stay_shared(version: str):
    with keras_version_scope(version):
        shared, entry, a = Dense(3, name="both"), Input((3,), name="entry"), Input((3,), name="a")
        inner = Model(entry, shared(entry), name="inner")
        model = Model(a, [shared(a), inner(a)])
        for again in (model_from_json(model.to_json()), saving.deserialize_keras_object(saving.serialize_keras_object(model))):
            assert again.get_layer("both") is again.get_layer("inner").get_layer("both")


def test_clone_model_takes_registered_layers():
    model = Sequential([Input((2,)), Mine(4)])
    assert clone_model(model).layers[0].n == 4


def test_a_json_text_selects_its_generation():
    dense = '{"class_name": "Dense", "config": {"name": "d", "units": 2, "batch_input_shape": [null, 3]}}'
    text = '{"class_name": "Sequential", "config": [' + dense + "]"
    assert model_from_json(text + ', "keras_version": "2.1.6", "backend": "tensorflow"}')._keras_version == "2.1.6"
