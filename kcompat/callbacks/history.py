"""Callbacks that keep or use what training reports: `History`, `LambdaCallback`, `EarlyStopping`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kcompat.callbacks.base import HOOKS, Callback
from kcompat.callbacks.monitor import MonitorCallback, epoch_text
from kcompat.errors import ArgumentTypeError, nearest
from kcompat.generations import behaviour, positional


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

    @positional("lambda_callback_arguments")
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


class EarlyStopping(MonitorCallback):
    """Stops training when `monitor` has not improved by `min_delta` for `patience` epochs.

    `mode` "min" or "max" says what is better. Below `baseline` an epoch does not reset the patience (before tf.keras: the baseline is
    the first best). `restore_best_weights` puts back the weights of the best epoch; epochs before `start_from_epoch` do not count.
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
        self._baseline_is_best = behaviour("early_stopping_baseline") == "best"
        super().__init__(monitor, mode, baseline if self._baseline_is_best else None, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._always_restores = behaviour("early_stopping_restores") == "always"
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best_weights: list[Any] | None = None
        self.best_epoch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget an earlier training."""
        self._forget()
        self._reset()

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
            if self._baseline_is_best or self.baseline is None or self._better(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and (epoch > 0 or self._baseline_is_best):
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if not self._always_restores:
                self._restore()

    def _restore(self) -> None:
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Any = None) -> None:
        """Say where training stopped."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"{epoch_text(self.stopped_epoch)}: early stopping")
        if self._always_restores:
            self._restore()
