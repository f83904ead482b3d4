"""Learning-rate schedules: the rate as a function of the number of steps made (0 at the first step).

A schedule takes a number and gives a float, or takes a tensor (or array) and gives one of the same shape, computed where it lies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError
from kcompat.generations import NOT_GIVEN, behaviour
from kcompat.optimizers.options import number


class LearningRateSchedule:
    """A learning rate that changes with the step; subclasses define `__call__(step)`.

    A subclass of the user is called with a 0-dimensional float tensor, so that torch functions work on it; what it
    returns may be a tensor or a number.
    """

    #: whether an optimizer may call it with a plain number
    takes_numbers = False

    def __call__(self, step: Any) -> Any:
        """The learning rate at `step`."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, step)`.")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        raise NotImplementedError(f"{type(self).__name__} must define `get_config(self)` to be saved.")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LearningRateSchedule:
        """A schedule from `get_config`."""
        return cls(**config)


class _Formula(LearningRateSchedule):
    """Base of the schedules here: `_rate(step, xp)` is written once for numbers, arrays (`xp` numpy) and tensors (`xp` torch)."""

    takes_numbers = True
    #: names of the arguments, in the order of Keras' configs
    arguments: tuple[str, ...] = ()
    default_name = ""

    def _named(self, name: Any) -> Any:
        if name is NOT_GIVEN:
            return self.default_name or type(self).__name__ if behaviour("schedule_name") else None
        return name

    def _positive(self, name: str, value: Any) -> Any:
        """A number of steps, which must be above 0; a 0-dimensional tensor or variable is taken as it is now."""
        value = value.item() if isinstance(value, (Tensor, np.generic)) else value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise ArgumentError(f"{type(self).__name__}: `{name}` must be above 0, received {value!r}.")
        return value

    def _number(self, name: str, value: Any) -> Any:
        value = value.item() if isinstance(value, (Tensor, np.generic)) else value
        return number(type(self).__name__, name, value)

    def __call__(self, step: Any) -> Any:
        """The learning rate at `step`."""
        if isinstance(step, Tensor):
            return self._rate(step if step.is_floating_point() else step.to(torch.get_default_dtype()), torch)
        if isinstance(step, (np.ndarray, list, tuple)):
            return self._rate(np.asarray(step, "float64"), np)
        return float(self._rate(np.float64(step), np))

    def _rate(self, step: Any, xp: Any) -> Any:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {key: getattr(self, key) for key in self.arguments}


class _Decay(_Formula):
    """Base of the two that decay by `decay_rate` every `decay_steps`, evenly or (`staircase`) at once."""

    arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False, name: str | None = NOT_GIVEN
    ):
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._positive("decay_steps", decay_steps)
        self.decay_rate = self._number("decay_rate", decay_rate)
        self.staircase = staircase
        self.name = self._named(name)

    def _periods(self, step: Any, xp: Any) -> Any:
        periods = step / self.decay_steps
        return xp.floor(periods) if self.staircase else periods


class ExponentialDecay(_Decay):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`; `staircase` floors the exponent."""

    def _rate(self, step: Any, xp: Any) -> Any:
        return self.initial_learning_rate * self.decay_rate ** self._periods(step, xp)


class InverseTimeDecay(_Decay):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`; `staircase` floors the quotient."""

    def _rate(self, step: Any, xp: Any) -> Any:
        return self.initial_learning_rate / (1.0 + self.decay_rate * self._periods(step, xp))


class PiecewiseConstantDecay(_Formula):
    """`values[i]` up to and with step `boundaries[i]`, after the last boundary the last value."""

    arguments = ("boundaries", "values", "name")
    default_name = "PiecewiseConstant"

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str | None = NOT_GIVEN):
        if len(boundaries) + 1 != len(values):
            raise ArgumentError(
                f"PiecewiseConstantDecay: `values` must hold one more than `boundaries`, received {len(boundaries)} boundaries "
                f"and {len(values)} values."
            )
        self.boundaries = [self._number("boundaries", bound) for bound in boundaries]
        self.values = [self._number("values", value) for value in values]
        if any(a > b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ArgumentError(f"PiecewiseConstantDecay: `boundaries` must not fall, received {self.boundaries}.")
        self.name = self._named(name)

    def _rate(self, step: Any, xp: Any) -> Any:
        rate = 0.0 * step + self.values[0]
        for bound, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = xp.where(step > bound, value, rate)
        return rate


class PolynomialDecay(_Formula):
    """From `initial_learning_rate` to `end_learning_rate` in `decay_steps` as `(1 - step / decay_steps) ** power`.

    With `cycle` the number of steps doubles, trebles, ... each time they are over, so that the rate rises again.
    """

    arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = NOT_GIVEN,
    ):
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._positive("decay_steps", decay_steps)
        self.end_learning_rate = self._number("end_learning_rate", end_learning_rate)
        self.power = self._number("power", power)
        self.cycle = cycle
        self.name = self._named(name)

    def _rate(self, step: Any, xp: Any) -> Any:
        if self.cycle:
            left = 1.0 - step / (self.decay_steps * xp.clip(xp.ceil(step / self.decay_steps), 1.0, math.inf))
        else:
            left = 1.0 - xp.clip(step, 0.0, float(self.decay_steps)) / self.decay_steps
        return (self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate


class CosineDecay(_Formula):
    """Half a cosine from the initial rate to `alpha` times it in `decay_steps`.

    With `warmup_target` the rate first rises to it in a line during `warmup_steps`, and the cosine starts there.
    """

    arguments = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str | None = NOT_GIVEN,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._positive("decay_steps", decay_steps)
        self.alpha = self._number("alpha", alpha)
        self.name = self._named(name)
        self.warmup_target = None if warmup_target is None else self._number("warmup_target", warmup_target)
        self.warmup_steps = self._positive("warmup_steps", warmup_steps) if warmup_steps else 0

    def _rate(self, step: Any, xp: Any) -> Any:
        if self.warmup_target is None:
            return self._fall(step, self.initial_learning_rate, xp)
        if not self.warmup_steps:
            return self._fall(step, self.warmup_target, xp)
        rise = self.initial_learning_rate + (self.warmup_target - self.initial_learning_rate) * (step / self.warmup_steps)
        fall = self._fall(step - self.warmup_steps, self.warmup_target, xp)
        return xp.where(step < self.warmup_steps, rise, fall)

    def _fall(self, step: Any, start: float, xp: Any) -> Any:
        share = xp.clip(step, 0.0, float(self.decay_steps)) / self.decay_steps
        return start * ((1.0 - self.alpha) * 0.5 * (1.0 + xp.cos(math.pi * share)) + self.alpha)


class CosineDecayRestarts(_Formula):
    """Half cosines one after the other, the first over `first_decay_steps`, each `t_mul` times as long and `m_mul` times as high."""

    arguments = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")
    default_name = "SGDRDecay"

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = NOT_GIVEN,
    ):
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = self._positive("first_decay_steps", first_decay_steps)
        self.t_mul = self._positive("t_mul", t_mul)
        self.m_mul = self._number("m_mul", m_mul)
        self.alpha = self._number("alpha", alpha)
        self.name = self._named(name)

    def _rate(self, step: Any, xp: Any) -> Any:
        done = step / self.first_decay_steps
        if self.t_mul == 1.0:
            restarts = xp.floor(done)
            share = done - restarts
        else:
            restarts = xp.floor(xp.log(1.0 - done * (1.0 - self.t_mul)) / math.log(self.t_mul))
            started = (1.0 - self.t_mul**restarts) / (1.0 - self.t_mul)
            share = (done - started) / self.t_mul**restarts
        height = self.m_mul**restarts
        return self.initial_learning_rate * ((1.0 - self.alpha) * 0.5 * height * (1.0 + xp.cos(math.pi * share)) + self.alpha)


__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule", "PiecewiseConstantDecay",
    "PolynomialDecay", "deserialize", "serialize",
]  # fmt: skip

_ALL = (CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay)
registry.register("schedule", {cls.__name__: cls for cls in _ALL})


def serialize(learning_rate_schedule: Any, use_legacy_format: bool = False) -> Any:
    """What stands for a schedule in a config; the legacy format names no module."""
    return registry.serialize("schedule", learning_rate_schedule, use_legacy_format)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The schedule that `serialize` described; both formats are read, whatever `use_legacy_format` says."""
    return registry.deserialize("schedule", config, custom_objects)
