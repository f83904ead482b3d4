"""Global settings: floatx, epsilon, image_data_format, device, the Keras generation, and `~/.keras/keras.json`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch

from kcompat.errors import ArgumentError
from kcompat.generations import keras_version, keras_version_scope, set_keras_version

__all__ = [
    "device", "epsilon", "floatx", "image_data_format", "keras_version", "keras_version_scope",
    "set_device", "set_epsilon", "set_floatx", "set_image_data_format", "set_keras_version",
]  # fmt: skip

_FLOATX = ("bfloat16", "float16", "float32", "float64")
_FORMATS = ("channels_last", "channels_first")
_settings: dict[str, Any] = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "device": None}


def floatx() -> str:
    """The float dtype of weights and inputs that name none, as a string."""
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Set the default float dtype: 'float32', 'float64', 'float16' or 'bfloat16'."""
    if value not in _FLOATX:
        raise ArgumentError(f"`floatx` must be one of {_FLOATX}, received {value!r}.")
    _settings["floatx"] = value


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite (1e-7)."""
    return _settings["epsilon"]


def set_epsilon(value: float) -> None:
    """Set the fuzz factor."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0:
        raise ArgumentError(f"`epsilon` must be a number not below 0, received {value!r}.")
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """Where images carry their channels by default: 'channels_last' or 'channels_first'."""
    return _settings["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set the default data format of image layers."""
    _settings["image_data_format"] = checked_data_format(data_format)


def checked_data_format(data_format: str | None, where: str = "") -> str:
    """`data_format` in lower case, the default for None, or an error that names the two there are."""
    if data_format is None:
        return image_data_format()
    lowered = data_format.lower() if isinstance(data_format, str) else data_format
    if lowered not in _FORMATS:
        raise ArgumentError(f"{where}`data_format` must be 'channels_last' or 'channels_first', received {data_format!r}.")
    return lowered


def device() -> torch.device:
    """The device on which weights are made: the one set here, else torch's default device."""
    return torch.get_default_device() if _settings["device"] is None else _settings["device"]


def device_is_set() -> bool:
    """Whether `set_device` chose a device."""
    return _settings["device"] is not None


def set_device(value: str | torch.device | None) -> None:
    """Make weights on `value` from now on ('cpu', 'cuda', ...); None follows `torch.set_default_device`."""
    _settings["device"] = None if value is None else torch.device(value)


def _read_keras_json() -> None:
    """Take floatx, epsilon and image_data_format from keras.json, where it exists and makes sense."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        stored = json.loads((home / "keras.json").read_text())
    except (OSError, ValueError):
        return
    if not isinstance(stored, dict):
        return
    if stored.get("floatx") in _FLOATX:
        set_floatx(stored["floatx"])
    if isinstance(stored.get("epsilon"), float) and stored["epsilon"] > 0:
        set_epsilon(stored["epsilon"])
    data_format = stored.get("image_data_format") or {"tf": "channels_last", "th": "channels_first"}.get(
        str(stored.get("image_dim_ordering"))
    )
    if data_format in _FORMATS:
        set_image_data_format(data_format)


_read_keras_json()
