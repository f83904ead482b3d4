"""Models out of files and into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kcompat.errors import ArgumentTypeError
from kcompat.files import formats
from kcompat.models.config import model_from_config


def load_model(
    filepath: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    options: Any = None,
) -> Any:
    """The model in a Keras file, as the release that wrote it would have loaded it (Keras: load_model).

    `filepath` is a path (`.keras`, `.h5`, a SavedModel folder), an open `h5py` file or group, a binary stream, or a mapping of
    names to bytes. `custom_objects` maps names in the file to classes and functions of yours; `compile` restores loss, metrics, optimizer
    and its state; code inside a file runs only with `safe_mode=False`. Raises `FileError` where the file cannot be read.
    """
    if options is not None:
        raise ArgumentTypeError(f"`options` of `load_model` are for TensorFlow's file systems; received {options!r}.")
    return formats.load_model(filepath, model_from_config, custom_objects, compile, safe_mode)


def save_model(model: Any, filepath: Any, *arguments: Any, **options: Any) -> None:
    """Write a whole model to a file (Keras: save_model); the other arguments are those of `Model.save`."""
    model.save(filepath, *arguments, **options)
