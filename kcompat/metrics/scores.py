"""Metrics with state by column: F-scores, R2."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from kcompat.core.variable import Variable
from kcompat.errors import ArgumentError, ShapeError
from kcompat.losses.convert import as_tensor, floating, same_rank
from kcompat.metrics.base import Metric
from kcompat.tensor import score as rules


class _ByColumn(Metric):
    """State of one entry for each column of the predictions (n, columns), made at the first batch."""

    names: tuple[str, ...]
    _columns = 0

    def _make(self, columns: int) -> None:
        for name in self.names:
            setattr(self, name, self.add_weight(name=name, shape=self._shape(columns), initializer="zeros"))

    def _shape(self, columns: int) -> tuple[int, ...]:
        return (columns,)

    def _matrices(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        output = floating(as_tensor(y_pred)).to(self._dtype)
        target, output = same_rank(as_tensor(y_true, output.device).to(self._dtype), output)
        if target.ndim != 2 or target.shape != output.shape or (self._state and self._columns != output.shape[1]):
            wanted = f"(n, {self._columns})" if self._state else "(n, columns)"
            got = f"{tuple(target.shape)} and {tuple(output.shape)}"
            raise ShapeError(f"{self.name}: `y_true` and `y_pred` must have shape {wanted}, received {got}.")
        if not self._state:
            self._columns = output.shape[1]
            self._make(self._columns)
        self.to(output.device)
        if sample_weight is None:
            return target, output, None
        weight = as_tensor(sample_weight, output.device).to(self._dtype)
        weight = weight.unsqueeze(1) if weight.ndim == 1 else weight
        try:
            return target, output, weight.expand_as(output)
        except RuntimeError as error:
            what = f"`sample_weight` of shape {tuple(weight.shape)} cannot weigh predictions of shape {tuple(output.shape)}"
            raise ShapeError(f"{self.name}: {what}.") from error


class FBetaScore(_ByColumn):
    """Weighted harmonic mean of precision and recall, recall counting `beta` times as much.

    Predicted is what is above `threshold`, or without one the largest of a row. `average`: None (one score for each class), "micro",
    "macro", "weighted".
    """

    names = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
    true_positives: Variable
    false_positives: Variable
    false_negatives: Variable
    intermediate_weights: Variable

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ):
        what = type(self).__name__
        if average not in (None, "micro", "macro", "weighted"):
            raise ArgumentError(f"{what}: `average` must be None, 'micro', 'macro' or 'weighted', received {average!r}.")
        if not isinstance(beta, float) or beta <= 0:
            raise ArgumentError(f"{what}: `beta` must be a float above 0, received {beta!r}.")
        if threshold is not None and (not isinstance(threshold, float) or not 0 < threshold <= 1):
            raise ArgumentError(f"{what}: `threshold` must be None or a float above 0 and up to 1, received {threshold!r}.")
        super().__init__(name=name, dtype=dtype)
        self.average, self.beta, self.threshold = average, beta, threshold
        self._axis: Any = (0, 1) if average == "micro" else 0

    def _shape(self, columns: int) -> tuple[int, ...]:
        return () if self.average == "micro" else (columns,)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch of targets and predictions (n, classes)."""
        with torch.no_grad():
            target, output, weight = self._matrices(y_true, y_pred, sample_weight)
            if self.threshold is None:
                found = ((output >= output.amax(-1, keepdim=True)) & (output.abs() > 1e-12)).to(self._dtype)
            else:
                found = (output > self.threshold).to(self._dtype)
            parts = (found * target, found * (1 - target), (1 - found) * target, target)
            for name, part in zip(self.names, parts, strict=True):
                getattr(self, name).add_((part if weight is None else part * weight).sum(self._axis))

    def result(self) -> Tensor:
        """The score."""
        if not self._state:
            return torch.zeros((), dtype=self._dtype)
        hit, false, missed, share = (v.data for v in self._state)
        return rules.f_score(hit, false, missed, self.beta, self.average, share)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """Harmonic mean of precision and recall; see `FBetaScore`."""

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = "f1_score", dtype: Any = None):
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {key: value for key, value in super().get_config().items() if key != "beta"}


class R2Score(_ByColumn):
    """Coefficient of determination, `1 - residual / spread`, over all batches.

    `class_aggregation`: None (one for each column), "uniform_average", "variance_weighted_average"; `num_regressors`: if above 0, the
    result is adjusted for that many, samples being counted, as Keras does, once for each column.
    """

    names = ("squared_sum", "sum", "residual", "count")
    squared_sum: Variable
    sum: Variable
    residual: Variable
    count: Variable

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ):
        ways = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in ways:
            raise ArgumentError(f"R2Score: `class_aggregation` must be one of {ways}, received {class_aggregation!r}.")
        if not isinstance(num_regressors, int) or num_regressors < 0:
            raise ArgumentError(f"R2Score: `num_regressors` must be an integer of at least 0, received {num_regressors!r}.")
        super().__init__(name=name, dtype=dtype)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_weight(name="num_samples", initializer="zeros")
        self._state.clear()

    def _make(self, columns: int) -> None:
        super()._make(columns)
        self._state.append(self.num_samples)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch of targets and predictions (n, columns)."""
        with torch.no_grad():
            target, output, weight = self._matrices(y_true, y_pred, sample_weight)
            weight = torch.ones_like(output) if weight is None else weight
            weighed = target * weight
            for name, part in zip(self.names, (weighed * target, weighed, (target - output) ** 2 * weight, weight), strict=True):
                getattr(self, name).add_(part.sum(0))
            self.num_samples.add_(output.numel())

    def result(self) -> Tensor:
        """The score; reads the number of samples where it is adjusted for regressors."""
        if not self._state:
            return torch.zeros((), dtype=self._dtype)
        squared, total, residual, count = (v.data for v in self._state[:4])
        score = rules.r2(squared, total, residual, count, self.class_aggregation)
        if self.num_regressors == 0:
            return score
        samples, regressors = float(self.num_samples), self.num_regressors
        if regressors >= samples - 1:
            few = "more regressors than samples" if regressors > samples - 1 else "a division by 0"
            warnings.warn(f"{self.name}: {few} in the adjusted R2 score; the score is given as it is.", stacklevel=2)
            return score
        return 1 - (1 - score) * (samples - 1) / (samples - regressors - 1)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}


CLASSES: tuple[type[Metric], ...] = (FBetaScore, F1Score, R2Score)
