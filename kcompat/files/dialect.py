"""Write a model for another Keras release than its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from kcompat import registry
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour, keras_version_scope
from kcompat.tree import leaves

#: function name -> the rows that say what it computes: a file for a release that computes something else by the name would be wrong
_MEANINGS = {"hard_sigmoid": ("hard_sigmoid",)}


@contextlib.contextmanager
def in_generation(model: Any, version: str | None) -> Iterator[None]:
    """Inside the block the model and all it holds write themselves as Keras `version` does; None is the model's own release."""
    if version is None or version == model._keras_version:
        yield
        return
    with keras_version_scope(version):  # which refuses what is no release
        pass
    _check_meanings(model, version)
    things = [module for module in model.modules() if "_keras_version" in module.__dict__]
    made = getattr(model, "_compiled", None)
    if made is not None:
        things += [
            thing for thing in leaves(list(made.given.values())) if hasattr(thing, "__dict__") and "_keras_version" in thing.__dict__
        ]
    before = [(thing, thing.__dict__["_keras_version"]) for thing in things]
    try:
        for thing in things:
            thing.__dict__["_keras_version"] = version
        with keras_version_scope(version):
            yield
    finally:
        for thing, own in before:
            thing.__dict__["_keras_version"] = own


def _check_meanings(model: Any, version: str) -> None:
    written = set(_texts(registry.serialize("layer", model)))
    for name, rows in _MEANINGS.items():
        if name in written and any(behaviour(row, version) != behaviour(row, model._keras_version) for row in rows):
            raise ArgumentError(
                f"Model '{model.name}' uses `{name}`, by which Keras {version} computes something else than Keras {model._keras_version}: "
                f"a file for `keras_version={version!r}` would give other numbers."
            )


def _texts(config: Any) -> Iterator[str]:
    return (leaf for leaf in leaves(config) if isinstance(leaf, str))
