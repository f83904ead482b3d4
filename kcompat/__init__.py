"""Keras' semantics on PyTorch: Keras layers that are torch modules, and Keras models of any generation without TensorFlow.

    from kcompat.layers import Conv2D, Dense      # put them into a torch.nn.Module
    from kcompat.models import load_model         # open what Keras 2 or tf.keras saved

`import kcompat` alone loads next to nothing: a room is imported when its name is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0.dev0"

#: the public doors, each a module of its own
_ROOMS = (
    "activations", "callbacks", "config", "constraints", "dtype_policies", "errors", "initializers", "layers", "losses", "metrics",
    "models", "optimizers", "random", "registry", "regularizers", "saving",
)  # fmt: skip
#: names that are used so often that they stand here too -> the room they live in
_NAMES = {
    "Input": "core", "InputSpec": "core", "Layer": "core", "Variable": "core", "make_weights_contiguous": "core",
    "Model": "models", "Sequential": "models", "load_model": "models",
    "keras_version": "config", "set_keras_version": "config",
}  # fmt: skip

__all__ = ["__version__", *_ROOMS, *sorted(_NAMES)]


def __getattr__(name: str) -> Any:
    """Import a room, or the room of a name, when it is first asked for."""
    if name in _ROOMS:
        return importlib.import_module(f"kcompat.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(f"kcompat.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'kcompat' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
