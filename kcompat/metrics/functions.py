"""Accuracy functions; what is also a loss comes from `losses`."""

from __future__ import annotations

import functools
from typing import Any

from torch import Tensor

from kcompat.generations import behaviour
from kcompat.losses.convert import as_tensor, same_rank
from kcompat.metrics.base import _BINDERS
from kcompat.tensor import metric as rules


def _both(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    output = as_tensor(y_pred)
    return as_tensor(y_true, output.device), output


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where prediction and target are equal, else 0."""
    return rules.accuracy(*_both(y_true, y_pred))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Share of targets met by `y_pred > threshold`, along the last axis; in Keras 3 the hits themselves."""
    return _binary_accuracy(*_binary_laws(), y_true, y_pred, threshold)


def binary_hits(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where a target is met by `y_pred > threshold`, else 0."""
    return _binary_hits(behaviour("metric_binary_accuracy"), y_true, y_pred, threshold)


def _binary_hits(law: str, y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    return rules.binary_hits(*_both(y_true, y_pred), threshold, rounded=law == "round")


def _binary_laws() -> tuple[str, bool]:
    return behaviour("metric_binary_accuracy"), behaviour("metric_binary_accuracy_mean")


def _binary_accuracy(law: str, mean: bool, y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    target, output = _both(y_true, y_pred)
    if not mean:
        target, output = same_rank(target, output)
    hits = rules.binary_hits(target, output, threshold, rounded=law == "round")
    return hits.mean(-1) if mean else hits


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction stands at the one-hot target's class."""
    return rules.categorical_accuracy(*_both(y_true, y_pred))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction stands at the target's class index."""
    return rules.sparse_categorical_accuracy(*_both(y_true, y_pred))


_BINDERS[binary_hits] = lambda: functools.partial(_binary_hits, behaviour("metric_binary_accuracy"))
_BINDERS[binary_accuracy] = lambda: functools.partial(_binary_accuracy, *_binary_laws())
