"""`optimizers.legacy`: the optimizers as tf.keras had them before release 2.11 (`decay`, epsilon outside the root)."""

from __future__ import annotations

from typing import Any

from kcompat.errors import ArgumentError, UnknownArgumentError, nearest
from kcompat.generations import keras_version_scope
from kcompat.optimizers import classes
from kcompat.optimizers.base import Optimizer, arguments

_BEFORE = "2.10"
#: the keyword arguments they share; later ones (`weight_decay`, `use_ema`, ...) they do not know
_SHARED = ("clipnorm", "clipvalue", "decay", "global_clipnorm", "lr")


class SGD(classes.SGD):
    """`SGD` under the laws of tf.keras 2.10; keyword arguments `clipnorm`, `clipvalue`, `global_clipnorm`, `decay`, `lr`."""

    release = _BEFORE
    _config_module, _config_class_name = "keras.optimizers.legacy", "SGD"

    @arguments()
    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        name: str = "SGD",
        *,
        params: Any = None,
        **kwargs: Any,
    ):
        _check("SGD", kwargs)
        with keras_version_scope(_BEFORE):
            super().__init__(learning_rate, momentum=momentum, nesterov=nesterov, name=name, params=params, **kwargs)


class Adam(classes.Adam):
    """`Adam` under the laws of tf.keras 2.10; keyword arguments `clipnorm`, `clipvalue`, `global_clipnorm`, `decay`, `lr`."""

    release = _BEFORE
    _config_module, _config_class_name = "keras.optimizers.legacy", "Adam"

    @arguments()
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        name: str = "Adam",
        *,
        params: Any = None,
        **kwargs: Any,
    ):
        _check("Adam", kwargs)
        own = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon, "amsgrad": amsgrad}
        with keras_version_scope(_BEFORE):
            super().__init__(learning_rate, **own, name=name, params=params, **kwargs)  # type: ignore[misc]


def _check(owner: str, shared: dict[str, Any]) -> None:
    for key, value in shared.items():
        if key not in _SHARED:
            raise UnknownArgumentError(f"legacy.{owner} has no argument `{key}`. {nearest(key, _SHARED)}")
        if key != "lr" and value is not None and value < 0:
            raise ArgumentError(f"legacy.{owner}: `{key}` must be at least 0, received {value!r}.")


__all__ = ["SGD", "Adam", "Optimizer"]
