"""Callbacks that report elsewhere, and the small ones: `CSVLogger`, `RemoteMonitor`, `BaseLogger`, `TerminateOnNaN`, `SwapEMAWeights`."""

from __future__ import annotations

import csv
import json
import math
import os
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from kcompat.callbacks.base import Callback
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour


class BaseLogger(Callback):
    """Averages the numbers of the batches into those of the epoch, by their sizes; names in `stateful_metrics` are taken as they come."""

    def __init__(self, stateful_metrics: Iterable[str] | None = None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen = 0
        self.totals: dict[str, Any] = {}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start anew."""
        self.seen = 0
        self.totals = {}

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take in a batch."""
        logs = logs or {}
        size = logs.get("size", 0) if behaviour("batch_logs_size") else 1
        self.seen += size
        for name, value in logs.items():
            self.totals[name] = value if name in self.stateful_metrics else self.totals.get(name, 0) + value * size

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Put the averages into the epoch's logs."""
        if logs is None:
            return
        for name in self.params.get("metrics", list(self.totals)):
            if name in self.totals:
                total = self.totals[name]
                logs[name] = total if name in self.stateful_metrics else total / max(self.seen, 1)


class TerminateOnNaN(Callback):
    """Stops training when the loss of a batch is no number, or infinite; `raise_error=True` raises instead.

    The loss is read after every batch, which waits for the device.
    """

    lazy_logs = True

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the loss."""
        loss = ((logs() if callable(logs) else logs) or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        message = f"Epoch {self._epoch + 1}, batch {batch}: invalid loss {float(loss)}, terminating training"
        if self.raise_error:
            raise RuntimeError(message)
        print(message)
        self.model.stop_training = True


class CSVLogger(Callback):
    """Writes the logs of every epoch as a line of a CSV file; `append` continues a file that is there."""

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self.append_header = True

    def on_train_begin(self, logs: Any = None) -> None:
        """Empty the file, or see whether the one that is there has a header."""
        there = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self.append_header = not there
        if not self.append:
            self._open("w").close()
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write a line; the file is open only for that, so that a training that breaks off leaves none open."""
        logs = logs or {}
        first = self.keys is None
        if first:
            self.keys = sorted(logs)
            if behaviour("csv_validation_columns") and not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        with self._open("a") as file:
            writer = csv.DictWriter(file, ["epoch", *(self.keys or ())], delimiter=self.sep)
            if first and self.append_header:
                writer.writeheader()
            writer.writerow({"epoch": epoch, **{key: _cell(logs.get(key, "NA")) for key in self.keys or ()}})

    def _open(self, mode: str) -> Any:
        return open(self.filename, mode, newline="", encoding="utf-8")


def _cell(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'


class RemoteMonitor(Callback):
    """Sends the logs of every epoch to `root + path` by HTTP POST: as the form field `field`, or as JSON with `send_as_json`.

    A server that cannot be reached is a warning.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        if not str(root).startswith(("http://", "https://")):
            raise ArgumentError(f"RemoteMonitor: `root` must begin with 'http://' or 'https://', received {root!r}.")
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Send the epoch's numbers."""
        told = {"epoch": epoch, **{name: _plain(value) for name, value in (logs or {}).items()}}
        text = json.dumps(told)
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        request = urllib.request.Request(self.root + self.path, body.encode(), {"Content-Type": kind, **(self.headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=10):
                pass
        except urllib.error.HTTPError:
            pass  # the server has it, whatever it answers
        except OSError as error:
            warnings.warn(f"RemoteMonitor could not reach {self.root}: {error}", UserWarning, stacklevel=2)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.item() if value.size == 1 else value.tolist()
    return value


class SwapEMAWeights(Callback):
    """Puts the optimizer's running averages into the weights for evaluation and prediction, and back (optimizer: `use_ema=True`).

    With `swap_on_epoch` the averages are in the weights at the end of each epoch too, for a `ModelCheckpoint` listed after it.
    """

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    def _to(self, averages: bool) -> None:
        """The averages into the weights, or the weights back; the optimizer's averages stay what they are."""
        with torch.no_grad():
            if averages and not self._kept:
                for weight, average in self._averages():
                    self._kept.append((weight, weight.detach().clone()))
                    weight.copy_(average)
            elif not averages:
                for weight, value in self._kept:
                    weight.copy_(value)
                self._kept = []

    def _averages(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        optimizer = self.model.optimizer
        if optimizer is None:
            return []
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not getattr(getattr(optimizer, "options", None), "use_ema", False):
            raise ArgumentTypeError(f"SwapEMAWeights needs an optimizer with `use_ema=True`, the model has {optimizer!r}.")
        return [(w, optimizer.state[w]["average"]) for w in self.model.trainable_weights if "average" in optimizer.state.get(w, ())]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Train the weights themselves."""
        if self.swap_on_epoch:
            self._to(False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Put the averages in until the next epoch."""
        if self.swap_on_epoch:
            self._to(True)

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget an earlier training."""
        self._kept = []

    def on_train_end(self, logs: Any = None) -> None:
        """After training the weights are the averages: the optimizer has put them in."""
        self._kept = []

    def on_test_begin(self, logs: Any = None) -> None:
        """Put the averages in."""
        self._to(True)

    def on_test_end(self, logs: Any = None) -> None:
        """Put the weights back."""
        self._to(False)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Put the averages in."""
        self._to(True)

    def on_predict_end(self, logs: Any = None) -> None:
        """Put the weights back."""
        self._to(False)
