"""`optimizers.legacy`: the optimizers as tf.keras had them before release 2.11 (`decay`, epsilon outside the root)."""

from __future__ import annotations

from typing import Any

from kcompat.generations import keras_version_scope
from kcompat.optimizers import classes
from kcompat.optimizers.base import Optimizer

_BEFORE = "2.10"


class SGD(classes.SGD):
    """`SGD` under the laws of tf.keras 2.10."""

    def __init__(self, *args: Any, **kwargs: Any):
        with keras_version_scope(_BEFORE):
            super().__init__(*args, **kwargs)


class Adam(classes.Adam):
    """`Adam` under the laws of tf.keras 2.10."""

    def __init__(self, *args: Any, **kwargs: Any):
        with keras_version_scope(_BEFORE):
            super().__init__(*args, **kwargs)


__all__ = ["SGD", "Adam", "Optimizer"]
