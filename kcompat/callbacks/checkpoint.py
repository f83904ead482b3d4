"""`ModelCheckpoint`: the model, or its weights, in a file after epochs or batches. A file appears under its name when it is complete."""

from __future__ import annotations

import glob
import os
import re
import warnings
from typing import Any

import numpy as np

from kcompat.callbacks.monitor import MonitorCallback, epoch_text
from kcompat.errors import ArgumentError, ArgumentTypeError, FileError, UnknownNameError, nearest
from kcompat.generations import behaviour, positional

_OLD = ("period", "load_weights_on_restart")


class BatchCounter:
    """Says after which batches something is due: every `every` of them, counted over epochs, also where hooks skip some."""

    def __init__(self, every: int):
        self.every = every
        self.seen = 0
        self._last = -1

    def due(self, batch: int) -> bool:
        """Whether it is due after this batch of an epoch."""
        self.seen += batch - self._last if batch > self._last else batch + 1
        self._last = batch
        if self.seen < self.every:
            return False
        self.seen = 0
        return True

    def start_epoch(self, batch: int = -1) -> None:
        """The next batch is the first of an epoch, or the one after `batch`."""
        self._last = batch


def checked_frequency(owner: str, save_freq: Any) -> int | None:
    """None for "epoch", else the number of batches."""
    if save_freq == "epoch":
        return None
    if not isinstance(save_freq, int) or isinstance(save_freq, bool) or save_freq < 1:
        raise ArgumentError(f"{owner}: `save_freq` must be 'epoch' or a number of batches, received {save_freq!r}.")
    return save_freq


class ModelCheckpoint(MonitorCallback):
    """Saves the model (`save_weights_only`: its weights) to `filepath` every epoch, or every `save_freq` batches.

    `filepath` may hold names of logs and `epoch` (counted from 1) and `batch` in braces: "{epoch:02d}-{val_loss:.2f}.h5". With
    `save_best_only` only where `monitor` is better than all before and than `initial_value_threshold`. `period` (Keras 2.0 to 2.3)
    counts epochs between two files; `load_weights_on_restart` (tf.keras) begins with the newest file there is.
    """

    _names_by = "monitor_auto_by_acc"
    lazy_logs = True

    @positional("checkpoint_arguments")
    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        options: Any = None,
        initial_value_threshold: float | None = None,
        **kwargs: Any,
    ):
        for name in kwargs:
            if name not in _OLD:
                raise ArgumentTypeError(f"ModelCheckpoint has no argument `{name}`. {nearest(name, _OLD)}")
        if options is not None:
            raise ArgumentError(f"ModelCheckpoint: `options` are for TensorFlow's file formats, received {options!r}.")
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.period = kwargs.get("period", 1)
        self.load_weights_on_restart = bool(kwargs.get("load_weights_on_restart", False))
        self.epochs_since_last_save = 0
        every = checked_frequency("ModelCheckpoint", save_freq)
        self._counter = None if every is None else BatchCounter(every)
        self._epoch = 0
        if behaviour("checkpoint_names") == "suffix":
            self._check_suffix()

    def _check_suffix(self) -> None:
        wanted = (".weights.h5",) if self.save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(wanted):
            kind = "with `save_weights_only=True` " if self.save_weights_only else ""
            raise ArgumentError(f"ModelCheckpoint: `filepath` {kind}must end in {' or '.join(wanted)}, received '{self.filepath}'.")

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin with the newest file, if asked for."""
        if not self.load_weights_on_restart:
            return
        found = glob.glob(re.sub(r"\\\[.*?\\\]|\{.*?\}", "*", self.filepath))
        if found:
            self.model.load_weights(max(found, key=lambda path: (os.path.getmtime(path), path)))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self._epoch = epoch
        if self._counter is not None:
            self._counter.start_epoch()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save after every `save_freq` batches."""
        if self._counter is not None and self._counter.due(batch):
            self._consider(self._epoch, batch, (logs() if callable(logs) else logs) or {})

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save after an epoch."""
        self.epochs_since_last_save += 1
        if self._counter is None and self.epochs_since_last_save >= self.period:
            self.epochs_since_last_save = 0
            self._consider(epoch, None, logs or {})

    def _consider(self, epoch: int, batch: int | None, logs: Any) -> None:
        path = self._path(epoch, batch, logs)
        if self._wanted(epoch, logs, path):
            folder = os.path.dirname(path)
            if folder:
                os.makedirs(folder, exist_ok=True)
            if os.path.isdir(path):
                raise FileError(f"ModelCheckpoint: `filepath` '{path}' is a folder.")
            (self.model.save_weights if self.save_weights_only else self.model.save)(path, overwrite=True)

    def _path(self, epoch: int, batch: int | None, logs: Any) -> str:
        known = {**({} if batch is None else {"batch": batch + 1}), **logs, "epoch": epoch + 1}
        try:
            return self.filepath.format(**known)
        except KeyError as error:
            name = str(error.args[0])
            raise UnknownNameError(
                f"ModelCheckpoint: `filepath` '{self.filepath}' asks for '{name}', the logs have {sorted(known)}. {nearest(name, known)}"
            ) from None

    def _wanted(self, epoch: int, logs: Any, path: str) -> bool:
        head = epoch_text(epoch)
        if not self.save_best_only:
            self._say(f"{head}: saving model to {path}")
            return True
        current = logs.get(self.monitor)
        if current is None or np.ndim(current):
            why = "is not among the logs" if current is None else "is no single number"
            warnings.warn(f"ModelCheckpoint: `monitor` '{self.monitor}' {why}: {', '.join(logs)}.", UserWarning, stacklevel=2)
            return current is not None or behaviour("checkpoint_without_monitor") == "save"
        before = "None" if self.best is None else f"{self.best:.5f}"
        if not self._better(current, self.best):
            self._say(f"{head}: {self.monitor} did not improve from {before}")
            return False
        self._say(f"{head}: {self.monitor} improved from {before} to {current:.5f}, saving model to {path}")
        self.best = current
        return True

    def _say(self, text: str) -> None:
        if self.verbose > 0:
            print(f"\n{text}")
