"""Metrics of true and false positives and negatives at thresholds: counts, precision, recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat.core.variable import Variable
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.losses.convert import as_tensor, floating, same_rank
from kcompat.metrics.base import Metric
from kcompat.tensor import confusion as rules

#: names of the counts, as `at_thresholds` orders them
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
#: what stands for predictions outside the k largest, and below which nothing stands
LEAST = -1e10


class ConfusionMetric(Metric):
    """Counts at sorted thresholds. `counts` names those that are state; a subclass makes a number of them in `result`.

    A batch is counted into buckets, which are made counts when someone looks: at `result`, `variables`, `true_positives`, ...
    """

    counts: tuple[str, ...] = COUNTS

    def __init__(
        self,
        thresholds: Sequence[float],
        name: str | None = None,
        dtype: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        labels: int | None = None,
        late: bool = False,
        order: Sequence[int] | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self._top_k, self._class_id = top_k, class_id
        within = [min(max(t, 0.0), 1.0) for t in thresholds]
        even = behaviour("metric_even_thresholds") == "scale" and rules.evenly_spaced(within)
        self._edges = rules.edges(thresholds, even, self._dtype)
        self._one = torch.ones(1, dtype=torch.float64)
        self._unsort = None if order is None else torch.as_tensor(list(order))
        self._labels = labels
        self._buckets: Tensor | None = None
        if not late:
            self._make()

    def _make(self) -> None:
        """Make the state: one count for each threshold, or threshold and label."""
        size = len(self._edges)
        shape = (size,) if self._labels is None else (size, self._labels)
        for name in self.counts:
            setattr(self, f"_{name}", self.add_weight(name=name, shape=shape, initializer="zeros"))
        self._buckets = torch.zeros(2 * (size + 1) * (self._labels or 1), dtype=self._one.dtype, device=self._one.device)

    def _make_for(self, labels: int, device: torch.device) -> None:
        """Make the state for a number of labels, unless it is there."""
        if self._buckets is None:
            self._labels = labels
            self._make()
            self.to(device)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch: targets count as true where they are not 0."""
        if torch.is_grad_enabled():
            with torch.no_grad():
                self._update(y_true, y_pred, sample_weight)
        else:
            self._update(y_true, y_pred, sample_weight)

    @property
    def counting(self) -> Any:
        """What two metrics must have in common to count a batch alike; None for one that prepares batches in its own way."""
        if type(self).update_state is not ConfusionMetric.update_state:
            return None
        return (tuple(self._edges.tolist()), self._top_k, self._class_id, self._labels, self._dtype)

    def count(self, y_true: Any, y_pred: Any) -> Tensor:
        """Take in a batch, without gradient recording, and give its places for others that count alike (`take`)."""
        return self._update(y_true, y_pred, None)

    def take(self, places: Tensor) -> None:
        """Take in a batch that another metric has counted."""
        assert self._buckets is not None
        if self._buckets.device != places.device:
            self.to(places.device)
        self._buckets.index_add_(0, places, self._one.expand(places.shape[0]))

    def _update(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Tensor:
        output = floating(as_tensor(y_pred))
        target = as_tensor(y_true, output.device)
        weight = None if sample_weight is None else as_tensor(sample_weight, output.device)
        if target.shape != output.shape:
            target, output = self._fitting(target, output)
        if self._top_k is not None:
            output = rules.largest_only(output, self._top_k, LEAST)
        if weight is not None:
            weight = self._spread(weight, output)
        if self._class_id is not None:
            target, output = target[..., self._class_id], output[..., self._class_id]
            weight = None if weight is None else weight[..., self._class_id]
        return self._count(target, output, weight)

    def _count(self, target: Tensor, output: Tensor, weight: Tensor | None) -> Tensor:
        if self._edges.device != output.device:
            self.to(output.device)
        if output.dtype != self._dtype:
            output = output.to(self._dtype)
        assert self._buckets is not None
        return rules.add_counts(self._buckets, output, self._edges, target, weight, self._one)

    def _fitting(self, target: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
        target, output = same_rank(target, output)
        if target.shape != output.shape:
            got = f"{tuple(target.shape)} and {tuple(output.shape)}"
            raise ShapeError(f"{self.name}: `y_true` and `y_pred` must have one shape, received {got}.")
        return target, output

    def _spread(self, weight: Tensor, output: Tensor) -> Tensor:
        given = weight.shape
        if weight.ndim == output.ndim + 1 and weight.shape[-1] == 1:
            weight = weight.squeeze(-1)
        weight = weight.reshape(weight.shape + (1,) * max(output.ndim - weight.ndim, 0))
        try:
            return weight.expand_as(output)
        except RuntimeError as error:
            what = f"`sample_weight` of shape {tuple(given)} cannot weigh predictions of shape {tuple(output.shape)}"
            raise ShapeError(f"{self.name}: {what}.") from error

    # -- state ---------------------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Make counts of what is in the buckets."""
        if self._buckets is None:
            return
        with torch.no_grad():
            size = len(self._edges) + 1
            buckets = self._buckets.reshape(2, size) if self._labels is None else self._buckets.reshape(2, self._labels, size)
            found = rules.at_thresholds(buckets)
            if self._labels is not None:
                found = found.movedim(1, 2)
            if self._unsort is not None:
                found = found[:, self._unsort.to(found.device)]
            for name, value in zip(COUNTS, found, strict=True):
                if name in self.counts:
                    getattr(self, f"_{name}").add_(value.to(self._dtype))
            self._buckets.zero_()

    def _counted(self, name: str) -> Variable:
        if name not in self.counts:
            raise AttributeError(f"{type(self).__name__} does not count {name}.")
        self._settle()
        return getattr(self, f"_{name}")

    true_positives = property(lambda self: self._counted("true_positives"))
    false_positives = property(lambda self: self._counted("false_positives"))
    true_negatives = property(lambda self: self._counted("true_negatives"))
    false_negatives = property(lambda self: self._counted("false_negatives"))

    @property
    def variables(self) -> list[Variable]:
        """The counts."""
        self._settle()
        return list(self._state)

    weights = non_trainable_weights = non_trainable_variables = variables

    def reset_state(self) -> None:
        """Start anew."""
        super().reset_state()
        if self._buckets is not None:
            self._buckets.zero_()

    def to(self, device: Any) -> Metric:
        """Move the state to `device`."""
        if self._edges.device != torch.device(device):
            kind = torch.float32 if torch.device(device).type == "mps" else torch.float64
            self._edges, self._one = self._edges.to(device), self._one.to(device, kind)
            if self._buckets is not None:
                self._buckets = self._buckets.to(device, kind)
        return super().to(device)

    def merge_state(self, metrics: list[Metric]) -> None:
        """Add the state of other metrics of this class."""
        self._settle()
        for other in metrics:
            if isinstance(other, ConfusionMetric):
                other._settle()
        super().merge_state(metrics)


def checked(what: str, thresholds: Any, default: float) -> list[float]:
    """Thresholds as a list of numbers from 0 to 1."""
    if thresholds is None:
        return [default]
    given = [float(t) for t in (thresholds if isinstance(thresholds, (list, tuple)) else [thresholds])]
    if not given or any(not 0 <= t <= 1 for t in given):
        raise ArgumentError(f"{what}: `thresholds` must be numbers from 0 to 1, received {thresholds!r}.")
    return given


def _by_size(thresholds: list[float]) -> tuple[list[float], list[int] | None]:
    """Thresholds in rising order, and where each of the given ones went."""
    order = sorted(range(len(thresholds)), key=thresholds.__getitem__)
    if order == list(range(len(thresholds))):
        return thresholds, None
    return [thresholds[i] for i in order], [order.index(i) for i in range(len(thresholds))]


class _Thresholded(ConfusionMetric):
    def __init__(self, thresholds: Any, default: float, name: str | None, dtype: Any, **more: Any):
        given, order = _by_size(checked(type(self).__name__, thresholds, default))
        self.init_thresholds = thresholds
        self.thresholds = checked(type(self).__name__, thresholds, default)
        super().__init__(given, name, dtype, order=order, **more)

    def _one_or_all(self, values: Tensor) -> Tensor:
        return values[0] if values.shape[0] == 1 else values


class _Count(_Thresholded):
    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(thresholds, 0.5, name, dtype)

    def result(self) -> Tensor:
        """The count, one for each threshold where several are given."""
        return self._one_or_all(self._counted(self.counts[0]).data.clone())

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "thresholds": self.init_thresholds}

    @property
    def accumulator(self) -> Variable:
        """The counts."""
        return self._counted(self.counts[0])


class TruePositives(_Count):
    """How many (or the weights of) true targets have predictions above the threshold (0.5 if none are given)."""

    counts = ("true_positives",)


class FalsePositives(_Count):
    """How many (or the weights of) false targets have predictions above the threshold (0.5 if none are given)."""

    counts = ("false_positives",)


class TrueNegatives(_Count):
    """How many (or the weights of) false targets have predictions not above the threshold (0.5 if none are given)."""

    counts = ("true_negatives",)


class FalseNegatives(_Count):
    """How many (or the weights of) true targets have predictions not above the threshold (0.5 if none are given)."""

    counts = ("false_negatives",)


class _Ratio(_Thresholded):
    def __init__(
        self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None, name: str | None = None, dtype: Any = None
    ):
        if top_k is not None and (not isinstance(top_k, int) or top_k < 1):
            raise ArgumentError(f"{type(self).__name__}: `top_k` must be an integer of at least 1, received {top_k!r}.")
        self.top_k, self.class_id = top_k, class_id
        super().__init__(thresholds, 0.5 if top_k is None else LEAST, name, dtype, top_k=top_k, class_id=class_id)

    def result(self) -> Tensor:
        """The ratio, one for each threshold where several are given; 0 where there is nothing to divide by."""
        self._settle()
        part, rest = (getattr(self, f"_{name}").data for name in self.counts)
        return self._one_or_all(rules.ratio(part, rest))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}


class Precision(_Ratio):
    """Share of the predictions above the threshold (or among the `top_k` of a sample) whose targets are true."""

    counts = ("true_positives", "false_positives")


class Recall(_Ratio):
    """Share of the true targets whose predictions are above the threshold (or among the `top_k` of a sample)."""

    counts = ("true_positives", "false_negatives")


CLASSES: tuple[type[Metric], ...] = (TruePositives, FalsePositives, TrueNegatives, FalseNegatives, Precision, Recall)
