"""Metrics of whole curves: the area under one, and the best value along one while another is held."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat.core.context import spend_weight
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.losses.convert import as_tensor, floating
from kcompat.metrics.base import Metric
from kcompat.metrics.confusion import ConfusionMetric
from kcompat.tensor import confusion as rules

_CURVES = {"ROC": "ROC", "PR": "PR", "PRGAIN": "PRGAIN", "PR_GAIN": "PRGAIN"}
_SUMMATIONS = {
    "interpolation": "interpolation", "minoring": "minoring", "majoring": "majoring", "Interpolation": "interpolation",
    "Minoring": "minoring", "Majoring": "majoring",
}  # fmt: skip
#: how far the first and last threshold of an area lie outside 0 and 1
_BEYOND = 1e-7


class AUC(ConfusionMetric):
    """Area under a curve, from counts at `num_thresholds` thresholds between 0 and 1.

    `curve`: "ROC", "PR" or "PRGAIN"; `summation_method`: "interpolation" (trapezoids), "minoring" (lower steps), "majoring" (upper
    steps); `thresholds`: those strictly between 0 and 1, in place of a number; `multi_label`: the mean of one area for each column,
    weighed by `label_weights` (without `multi_label` these weigh the entries); `from_logits`: a sigmoid is taken first.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ):
        if curve not in _CURVES:
            raise ArgumentError(f"AUC: `curve` must be one of 'ROC', 'PR', 'PRGAIN', received {curve!r}.")
        if summation_method not in _SUMMATIONS:
            raise ArgumentError(
                f"AUC: `summation_method` must be one of 'interpolation', 'minoring', 'majoring', received {summation_method!r}."
            )
        if num_labels is not None and not multi_label:
            raise ArgumentError(f"AUC: `num_labels` is only for `multi_label=True`, received {num_labels!r}.")
        inner = _inner_thresholds(num_thresholds, thresholds)
        self.num_thresholds = len(inner) + 2
        self.curve, self.summation_method = _CURVES[curve], _SUMMATIONS[summation_method]
        self.multi_label, self.num_labels, self.from_logits = bool(multi_label), num_labels, from_logits
        self._init_thresholds = None if thresholds is None else inner
        self._inner = inner
        self.label_weights = None if label_weights is None else as_tensor(label_weights)
        self._given_weights = label_weights
        super().__init__([-_BEYOND, *inner, 1.0 + _BEYOND], name, dtype, late=self.multi_label and num_labels is None, labels=num_labels)

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, with those just outside 0 and 1."""
        return [-_BEYOND, *self._inner, 1.0 + _BEYOND]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch: targets of 0 and 1, predictions from 0 to 1 (or logits)."""
        if self.multi_label or self.from_logits or self.label_weights is not None:
            with torch.no_grad():
                y_pred, sample_weight = self._prepared(y_pred, sample_weight)
        super().update_state(y_true, y_pred, sample_weight)

    def _prepared(self, y_pred: Any, sample_weight: Any) -> tuple[Tensor, Any]:
        output = floating(as_tensor(y_pred))
        columns = output.shape[-1] if output.ndim else 1
        if self.multi_label:
            if output.ndim != 2 or self._labels not in (None, columns):
                wanted = "(n, labels)" if self._labels is None else f"(n, {self._labels})"
                got = tuple(output.shape)
                raise ShapeError(f"{self.name}: predictions of `multi_label=True` have shape {wanted}, received {got}.")
            self._make_for(columns, output.device)
        if self.label_weights is not None:
            if self.label_weights.numel() != columns:
                many = self.label_weights.numel()
                raise ShapeError(f"{self.name}: `label_weights` must hold one weight for each of {columns} columns, received {many}.")
            self.label_weights = self.label_weights.to(output.device)
            if not self.multi_label:
                given = None if sample_weight is None else self._spread(as_tensor(sample_weight, output.device), output)
                weights = self.label_weights.expand_as(output)
                sample_weight = weights if given is None else weights * given
        return (output.sigmoid() if self.from_logits else output), sample_weight

    def result(self) -> Tensor:
        """The area."""
        self._settle()
        if not self._state:
            return torch.zeros((), dtype=self._dtype)
        counts = torch.stack([v.data for v in self._state])
        weights = self.label_weights.to(counts.dtype) if self.multi_label and self.label_weights is not None else None
        return rules.area(counts, self.curve, self.summation_method, weights)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that the generation knows."""
        curve = behaviour("precision_recall_gain_name") if self.curve == "PRGAIN" else self.curve
        weights = None if self.label_weights is None else [float(w) for w in self._given_weights]
        told = {
            **super().get_config(), "num_thresholds": self.num_thresholds, "curve": curve, "summation_method": self.summation_method,
            "multi_label": self.multi_label, "num_labels": self.num_labels, "label_weights": weights, "from_logits": self.from_logits,
        }  # fmt: skip
        absent = behaviour("config_metric_without").get("AUC", {})
        told = {key: value for key, value in told.items() if key not in absent or value != absent[key]}
        if self._init_thresholds is not None or behaviour("config_auc_thresholds"):
            told["thresholds"] = self._inner
        return told


def _inner_thresholds(count: int, thresholds: Any) -> list[float]:
    if thresholds is not None:
        return sorted(float(t) for t in thresholds)
    if not isinstance(count, int) or isinstance(count, bool) or count <= 1:
        raise ArgumentError(f"AUC: `num_thresholds` must be an integer above 1, received {count!r}.")
    return _even_thresholds("AUC", count)


def _even_thresholds(what: str, count: int) -> list[float]:
    """Those between 0 and 1; a file that asks for many is refused before they are made."""
    spend_weight(f"Metric {what}", "thresholds", 64 * count)
    return [(i + 1) / (count - 1) for i in range(count - 2)]


class _At(ConfusionMetric):
    """The best value along a curve where another is at least `value`."""

    #: the name of `value` among the constructor's arguments
    held: str
    #: pairs of counts (part, rest) whose ratios are held and sought
    constrained: tuple[str, str]
    dependent: tuple[str, str]
    may_be_nearest = False

    def _start(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        what = type(self).__name__
        if not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ArgumentError(f"{what}: `{self.held}` must be a number from 0 to 1, received {value!r}.")
        if not isinstance(num_thresholds, int) or isinstance(num_thresholds, bool) or num_thresholds < 1:
            raise ArgumentError(f"{what}: `num_thresholds` must be an integer of at least 1, received {num_thresholds!r}.")
        setattr(self, self.held, value)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        self._nearest = self.may_be_nearest and behaviour("metric_at_value") == "nearest"
        inner = _even_thresholds(what, num_thresholds)
        self.thresholds = [0.5] if num_thresholds == 1 else [0.0, *inner, 1.0]
        super().__init__(self.thresholds, name, dtype, class_id=class_id)

    def result(self) -> Tensor:
        """The best value; 0 where nothing keeps the bound (Keras 2.3: the value at the threshold nearest to it)."""
        self._settle()
        held, sought = (rules.ratio(*(getattr(self, f"_{name}").data for name in pair)) for pair in (self.constrained, self.dependent))
        return (rules.nearest_to if self._nearest else rules.best_within)(held, sought, self.value)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that the generation knows."""
        told = {**super().get_config(), "num_thresholds": self.num_thresholds, self.held: self.value, "class_id": self.class_id}
        absent = behaviour("config_metric_without").get(type(self).__name__, {})
        return {key: value for key, value in told.items() if key not in absent or value != absent[key]}


_RECALL = ("true_positives", "false_negatives")
_PRECISION = ("true_positives", "false_positives")
_SPECIFICITY = ("true_negatives", "false_positives")


class SensitivityAtSpecificity(_At):
    """The largest sensitivity (recall) where the specificity is at least `specificity`."""

    held, constrained, dependent, may_be_nearest = "specificity", _SPECIFICITY, _RECALL, True

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None, dtype: Any = None
    ):
        self._start(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_At):
    """The largest specificity where the sensitivity (recall) is at least `sensitivity`."""

    held, constrained, dependent, may_be_nearest = "sensitivity", _RECALL, _SPECIFICITY, True

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None, dtype: Any = None
    ):
        self._start(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_At):
    """The largest precision where the recall is at least `recall`."""

    held, constrained, dependent = "recall", _RECALL, _PRECISION

    def __init__(self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None, dtype: Any = None):
        self._start(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_At):
    """The largest recall where the precision is at least `precision`."""

    held, constrained, dependent = "precision", _PRECISION, _RECALL

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None, dtype: Any = None
    ):
        self._start(precision, num_thresholds, class_id, name, dtype)


CLASSES: tuple[type[Metric], ...] = (AUC, SensitivityAtSpecificity, SpecificityAtSensitivity, PrecisionAtRecall, RecallAtPrecision)
