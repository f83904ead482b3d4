"""Learning-rate schedules: the rate as a function of the number of steps made (0 at the first step)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kcompat import registry
from kcompat.errors import ArgumentError
from kcompat.generations import NOT_GIVEN, given


class LearningRateSchedule:
    """A learning rate that changes with the step; subclasses define `__call__(step)`.

    A subclass of the user is called with a 0-dimensional float tensor, so that torch functions work on it; what it
    returns may be a tensor or a number. The schedules here take numbers too and return floats.
    """

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


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`; `staircase` floors the exponent."""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False, name: str | None = NOT_GIVEN
    ):
        if decay_steps <= 0:
            raise ArgumentError(f"ExponentialDecay: `decay_steps` must be above 0, received {decay_steps!r}.")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = given(name, "schedule_name")

    def __call__(self, step: Any) -> float:
        """The learning rate at `step`."""
        exponent = float(step) / self.decay_steps
        return float(self.initial_learning_rate) * self.decay_rate ** (math.floor(exponent) if self.staircase else exponent)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {key: getattr(self, key) for key in ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")}


registry.register("schedule", {cls.__name__: cls for cls in (ExponentialDecay,)})


def serialize(learning_rate_schedule: Any) -> Any:
    """What stands for a schedule in a config."""
    return registry.serialize("schedule", learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The schedule that `serialize` described."""
    return registry.deserialize("schedule", config, custom_objects)
