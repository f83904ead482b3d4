"""Callbacks that set the learning rate: `LearningRateScheduler`, `ReduceLROnPlateau`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from kcompat.callbacks.base import Callback
from kcompat.callbacks.monitor import MonitorCallback, epoch_text
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour


def learning_rate(optimizer: Any) -> float:
    """The learning rate of an optimizer, one of `torch.optim` included."""
    rate = getattr(optimizer, "learning_rate", None)
    return float(optimizer.param_groups[0]["lr"] if rate is None else rate)


def set_learning_rate(optimizer: Any, value: float) -> None:
    """Set the learning rate of an optimizer, in all groups of one of `torch.optim`."""
    if hasattr(optimizer, "learning_rate"):
        optimizer.learning_rate = value
        return
    for group in optimizer.param_groups:
        group["lr"] = value


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch to `schedule(epoch, rate)` or `schedule(epoch)`, epochs counted from 0."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        super().__init__()
        if not callable(schedule):
            raise ArgumentTypeError(f"LearningRateScheduler: `schedule` must be a function of the epoch, received {schedule!r}.")
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _positional_count(schedule) != 1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the rate."""
        now = learning_rate(self.model.optimizer)
        rate = self.schedule(epoch, now) if self._takes_rate else self.schedule(epoch)
        if isinstance(rate, Tensor):
            rate = rate.item()
        if not isinstance(rate, (float, np.floating)):
            raise ArgumentError(f"LearningRateScheduler: `schedule` must give a float, it gave {rate!r} for epoch {epoch}.")
        set_learning_rate(self.model.optimizer, float(rate))
        if self.verbose > 0:
            print(f"\n{epoch_text(epoch)}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tell the rate."""
        if logs is not None:
            logs[behaviour("rate_log_name")] = learning_rate(self.model.optimizer)


def _positional_count(function: Callable[..., Any]) -> int | None:
    """How many arguments by position a function takes; None if that cannot be told."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` (< 1) when `monitor` has not improved by `min_delta` for `patience` epochs.

    After that `cooldown` epochs pass before it watches again; the rate never goes below `min_lr`. `epsilon` is the old name of
    `min_delta`.
    """

    _names_by = "monitor_auto_by_acc"

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ):
        if "epsilon" in kwargs:
            warnings.warn("ReduceLROnPlateau: `epsilon` is called `min_delta` since Keras 2.1.", DeprecationWarning, stacklevel=2)
            min_delta = kwargs.pop("epsilon")
        if kwargs:
            raise ArgumentTypeError(f"ReduceLROnPlateau has no argument `{min(kwargs)}`.")
        if factor >= 1.0:
            raise ArgumentError(f"ReduceLROnPlateau: `factor` must be below 1, received {factor!r}.")
        super().__init__(monitor, mode, min_delta=min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget an earlier training."""
        self._forget()
        self.cooldown_counter = 0
        self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether it is not watching now."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare with the best epoch so far, and reduce the rate if there was none better for long."""
        logs = {} if logs is None else logs
        rate = learning_rate(self.model.optimizer)
        logs[behaviour("rate_log_name")] = rate
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._better(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and rate > np.float32(self.min_lr):
                self._reduce(epoch, rate)

    def _reduce(self, epoch: int, rate: float) -> None:
        reduced = max(rate * self.factor, self.min_lr)
        set_learning_rate(self.model.optimizer, reduced)
        if self.verbose > 0:
            print(f"\n{epoch_text(epoch)}: ReduceLROnPlateau reducing learning rate to {reduced}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0
