"""`optimizers.legacy`: the optimizers as tf.keras had them before release 2.11 (`decay`, epsilon outside the root).

Their keyword arguments besides those of the signature are `clipnorm`, `clipvalue`, `global_clipnorm`, `decay` and `lr`.
"""

from __future__ import annotations

import inspect
from typing import Any

from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownArgumentError, nearest
from kcompat.generations import keras_version_scope
from kcompat.optimizers import adaptive, classes
from kcompat.optimizers.base import Optimizer, are_parameters

_BEFORE = "2.10"
#: the keyword arguments they share; later ones (`weight_decay`, `use_ema`, ...) they do not know
_SHARED = ("clipnorm", "clipvalue", "decay", "global_clipnorm", "lr")


class _Before(Optimizer):
    """Takes an optimizer's arguments in the order of tf.keras 2.10 (`order`) and makes it under that release's laws."""

    order: tuple[str, ...] = ()
    release = _BEFORE
    _config_module = "keras.optimizers.legacy"
    _config_class_name: str

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if cls.__module__ == __name__:
            cls._config_class_name = cls.__name__
            known = inspect.signature(cls.__mro__[2]).parameters
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            named = [inspect.Parameter(n, kind, default=known[n].default if n in known else cls.__name__) for n in cls.order]
            shared = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)
            cls.__signature__ = inspect.Signature([*named, shared])  # type: ignore[attr-defined]

    def __init__(self, *args: Any, params: Any = None, **kwargs: Any):
        if args and are_parameters(args[0]):
            params, args = args[0], args[1:]
        owner = type(self).__name__
        if len(args) > len(self.order):
            raise ArgumentTypeError(f"legacy.{owner} takes {len(self.order)} positional arguments {self.order}, received {len(args)}.")
        placed = dict(zip(self.order, args, strict=False))
        twice = set(placed) & set(kwargs)
        if twice:
            raise ArgumentTypeError(f"legacy.{owner} received `{min(twice)}` twice, by position and by name.")
        given = {"name": owner, **placed, **kwargs}
        self._check(owner, given)
        with keras_version_scope(_BEFORE):
            super().__init__(params=params, **given)

    def _check(self, owner: str, given: dict[str, Any]) -> None:
        for key, value in given.items():
            if key not in self.order and key not in _SHARED:
                raise UnknownArgumentError(f"legacy.{owner} has no argument `{key}`. {nearest(key, (*self.order, *_SHARED))}")
            if key in _SHARED and key != "lr" and value is not None and value < 0:
                raise ArgumentError(f"legacy.{owner}: `{key}` must be at least 0, received {value!r}.")


class SGD(_Before, classes.SGD):
    """`SGD` under the laws of tf.keras 2.10."""

    order = ("learning_rate", "momentum", "nesterov", "name")


class RMSprop(_Before, adaptive.RMSprop):
    """`RMSprop` under the laws of tf.keras 2.10: epsilon outside the root, but inside it with `momentum`."""

    order = ("learning_rate", "rho", "momentum", "epsilon", "centered", "name")


class Adagrad(_Before, adaptive.Adagrad):
    """`Adagrad` under the laws of tf.keras 2.10: epsilon outside the root."""

    order = ("learning_rate", "initial_accumulator_value", "epsilon", "name")


class Adadelta(_Before, adaptive.Adadelta):
    """`Adadelta` under the laws of tf.keras 2.10."""

    order = ("learning_rate", "rho", "epsilon", "name")


class Adam(_Before, classes.Adam):
    """`Adam` under the laws of tf.keras 2.10."""

    order = ("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad", "name")


class Adamax(_Before, adaptive.Adamax):
    """`Adamax` under the laws of tf.keras 2.10."""

    order = ("learning_rate", "beta_1", "beta_2", "epsilon", "name")


class Nadam(_Before, adaptive.Nadam):
    """`Nadam` under the laws of tf.keras 2.10: its momentum grows 250 times slower; its config calls `schedule_decay` `decay`."""

    order = ("learning_rate", "beta_1", "beta_2", "epsilon", "name")

    def _check(self, owner: str, given: dict[str, Any]) -> None:
        pace = given.pop("schedule_decay", None)
        if given.pop("decay", 0.004) not in (0.004, 0, None) or pace not in (0.004, None):
            raise ArgumentError("legacy.Nadam: `decay` has no effect on this optimizer, its `schedule_decay` is 0.004.")
        super()._check(owner, given)


class Ftrl(_Before, adaptive.Ftrl):
    """`Ftrl` under the laws of tf.keras 2.10."""

    order = (
        "learning_rate", "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
        "name", "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip


__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop"]
