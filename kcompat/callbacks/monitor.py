"""What callbacks that watch one number share: which way is better, and whether a number is."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch

from kcompat.callbacks.base import Callback
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour

_UP = (
    "accuracy", "auc", "precision", "recall", "specificity", "sensitivity", "iou", "cosine_similarity", "r2_score", "f1_score",
    "fbeta_score", "correlation", "at_recall", "at_precision",
)  # fmt: skip
_DOWN = ("error", "crossentropy", "hinge", "divergence", "poisson", "logcosh", "log_cosh", "loss")
#: what a callback learns while training goes on
_LEARNED = ("best", "best_epoch", "best_weights", "wait", "stopped_epoch", "cooldown_counter", "epochs_since_last_save")


class MonitorCallback(Callback):
    """A callback that compares the number `monitor` with the best so far. `mode` is "min", "max" or "auto".

    "auto" goes by the name in Keras 1 and 2; in Keras 3 by the metric of that name, which must be a known one.
    """

    #: the row that says how "auto" decides before Keras 3: by "acc" anywhere in the name, or by its end
    _names_by = "monitor_auto"

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__}: `mode` must be 'auto', 'min' or 'max', received {mode!r}; taken as 'auto'.", stacklevel=3
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self._given_delta = abs(min_delta)
        self._baseline = baseline
        self._by_metric = behaviour("monitor_by_metric")
        self.monitor_op: Any = None
        self.min_delta = self._given_delta
        self.best: float | None = baseline
        if mode != "auto" or not self._by_metric:
            self._decide()
        self._forget()

    def _forget(self) -> None:
        """Start with no best value, or the baseline."""
        worst = None if self._by_metric else -math.inf if self.monitor_op is np.greater else math.inf
        self.best = worst if self._baseline is None else self._baseline

    def _decide(self) -> None:
        if self.monitor_op is None:
            self.monitor_op = np.greater if self._upwards() else np.less
            self.min_delta = self._given_delta if self.monitor_op is np.greater else -self._given_delta

    def _upwards(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor
        if not self._by_metric:
            if behaviour(self._names_by) == "end":
                return name.endswith(("acc", "accuracy", "auc"))
            return "acc" in name or name.startswith("fmeasure")
        name = name.removeprefix("val_")
        direction = "down" if name == "loss" else _direction(self.model, name)
        if direction is None:
            raise ArgumentError(f"{type(self).__name__}: it is not known which way `monitor` '{self.monitor}' gets better. Pass `mode`.")
        return direction == "up"

    def _better(self, value: float, than: float | None) -> bool:
        self._decide()
        return than is None or bool(self.monitor_op(value - self.min_delta, than))

    def get_state(self) -> dict[str, Any]:
        """What it has learned in this training, as plain data."""
        kept = {name: value for name, value in self.__dict__.items() if name in _LEARNED and value is not None}
        if "best_weights" in kept:
            kept["best_weights"] = [torch.from_numpy(value) for value in kept["best_weights"]]
        return kept

    def set_state(self, state: dict[str, Any]) -> None:
        """Take what `get_state` gave."""
        state = dict(state)
        if "best_weights" in state:
            state["best_weights"] = [value.numpy() for value in state["best_weights"]]
        self.__dict__.update(state)

    def get_monitor_value(self, logs: Any) -> float | None:
        """The monitored number; None, with a warning, where there is none."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            who = type(self).__name__
            warnings.warn(f"{who}: `monitor` '{self.monitor}' is not among the logs: {', '.join(logs)}.", UserWarning, stacklevel=2)
            return None
        return float(value)


def _direction(model: Any, name: str) -> str | None:
    """Whether the model's metric of this name gets better "up" or "down"."""
    metrics = list(getattr(model, "metrics", ()))
    for metric in [inner for outer in metrics for inner in (outer, *(getattr(outer, "metrics", None) or ()))]:
        if getattr(metric, "name", None) != name:
            continue
        if hasattr(metric, "_direction"):
            return str(metric._direction)
        function = getattr(metric, "fn", None) or getattr(metric, "_fn", None)
        known = [getattr(function, "__name__", ""), _snake(type(metric).__name__)]
        for names, way in ((_UP, "up"), (_DOWN, "down")):
            if any(told.endswith(names) for told in known):
                return way
    return None


def _snake(name: str) -> str:
    spread = "".join(f"_{c.lower()}" if c.isupper() and i and not name[i - 1].isupper() else c.lower() for i, c in enumerate(name))
    return spread.lstrip("_")


def epoch_text(epoch: int) -> str:
    """How a message of the generation begins: "Epoch 00003" or "Epoch 3", counted from 1."""
    return f"Epoch {epoch + 1:{behaviour('epoch_in_messages')}}"
