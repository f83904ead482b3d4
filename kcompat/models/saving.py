"""Models out of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kcompat.files import legacy
from kcompat.models.config import model_from_config


def load_model(filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True) -> Any:
    """The model in a Keras file, as the release that wrote it would have loaded it (Keras: load_model).

    `custom_objects` maps names in the file to classes and functions of yours; `compile` restores loss, metrics, optimizer and its
    state; code inside a file runs only with `safe_mode=False`. Raises `FileError` where the file cannot be read.
    """
    return legacy.load_model(filepath, model_from_config, custom_objects, compile, safe_mode)
