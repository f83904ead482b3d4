"""Callbacks that keep or use what training reports: `History`, `LambdaCallback`, `EarlyStopping`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from kcompat.callbacks.base import HOOKS, Callback
from kcompat.errors import ArgumentError, ArgumentTypeError, nearest


class History(Callback):
    """Keeps the logs of every epoch: `history` maps names to lists, `epoch` lists the epochs. `fit` returns it."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Start the list of epochs."""
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the epoch's logs."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)


class LambdaCallback(Callback):
    """A callback from functions: `LambdaCallback(on_epoch_end=lambda epoch, logs: ...)`."""

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_batch_begin: Callable[..., Any] | None = None,
        on_batch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any],
    ):
        super().__init__()
        named = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_batch_begin": on_batch_begin,
            "on_train_batch_end": on_batch_end, "on_train_begin": on_train_begin, "on_train_end": on_train_end,
        }  # fmt: skip
        for hook, function in {**named, **kwargs}.items():
            if hook not in HOOKS:
                raise ArgumentTypeError(f"LambdaCallback has no hook `{hook}`. {nearest(hook, HOOKS)}")
            if function is None:
                continue
            if not callable(function):
                raise ArgumentTypeError(f"LambdaCallback: `{hook}` must be a function, received {function!r}.")
            setattr(self, hook, function)


class EarlyStopping(Callback):
    """Stops training when `monitor` has not improved by `min_delta` for `patience` epochs.

    `mode` "min" or "max" says what is better; "auto" takes "max" for accuracies and AUC. Below `baseline` an epoch does not
    reset the patience. `restore_best_weights` puts back the weights of the best epoch.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(f"EarlyStopping: `mode` must be 'auto', 'min' or 'max', received {mode!r}.")
        self.monitor = monitor
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        upwards = mode == "max" or (mode == "auto" and (monitor.endswith(("acc", "accuracy", "auc")) or "fmeasure" in monitor))
        self.monitor_op = np.greater if upwards else np.less
        self.min_delta = abs(min_delta) if upwards else -abs(min_delta)
        self.on_train_begin()

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget an earlier training."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best = -math.inf if self.monitor_op is np.greater else math.inf
        self.best_weights: list[Any] | None = None
        self.best_epoch = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare with the best epoch so far."""
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if self._better(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._better(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.restore_best_weights and self.best_weights is not None:
                if self.verbose:
                    print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Any = None) -> None:
        """Say where training stopped."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")

    def get_monitor_value(self, logs: Any) -> float | None:
        """The monitored number of an epoch; None, with a warning, where there is none."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(f"EarlyStopping: `monitor` '{self.monitor}' is not among the logs: {', '.join(logs)}.", UserWarning, stacklevel=2)
            return None
        return float(logs[self.monitor])

    def _better(self, value: float, than: float) -> bool:
        return bool(self.monitor_op(value - self.min_delta, than))
