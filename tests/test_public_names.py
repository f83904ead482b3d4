"""The names at the front door, and that each of them leads somewhere."""

from __future__ import annotations

import importlib
import inspect

import pytest

import kcompat

ROOMS = [
    "activations", "callbacks", "config", "constraints", "dtype_policies", "errors", "initializers", "layers", "losses", "metrics",
    "models", "optimizers", "random", "registry", "regularizers", "saving",
]  # fmt: skip
NAMES = [
    "Input",
    "InputSpec",
    "Layer",
    "Model",
    "Sequential",
    "Variable",
    "make_weights_contiguous",
    "keras_version",
    "load_model",
    "set_keras_version",
]


def test_the_front_door_has_these_names_and_no_others():
    assert sorted(kcompat.__all__) == sorted(["__version__", *ROOMS, *NAMES])
    assert set(kcompat.__all__) <= set(dir(kcompat))


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_is_its_module(name: str):
    assert getattr(kcompat, name) is importlib.import_module(f"kcompat.{name}")


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_has_what_it_lists(name: str):
    module = importlib.import_module(f"kcompat.{name}")
    listed = getattr(module, "__all__", None)
    if listed is None:
        assert [n for n in vars(module) if not n.startswith("_")]
        return
    assert len(set(listed)) == len(listed)
    for entry in listed:
        assert hasattr(module, entry), f"kcompat.{name}.__all__ lists {entry}, which is not there"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_at_the_door_is_the_one_of_its_room(name: str):
    thing = getattr(kcompat, name)
    assert callable(thing) and thing.__name__ == name


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Sequentail'"):
        kcompat.Sequentail  # noqa: B018


@pytest.mark.parametrize("name", ROOMS)
def test_public_classes_and_functions_are_documented(name: str):
    module = importlib.import_module(f"kcompat.{name}")
    for entry in getattr(module, "__all__", ()):
        thing = getattr(module, entry)
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__.startswith("kcompat"):
            assert inspect.getdoc(thing), f"kcompat.{name}.{entry} has no docstring"
