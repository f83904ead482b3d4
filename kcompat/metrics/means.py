"""`Mean`, `Sum`, and the mean of a function's values: what most metrics are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.variable import Variable
from kcompat.errors import ShapeError
from kcompat.generations import behaviour
from kcompat.losses.bind import bound
from kcompat.losses.convert import as_tensor, same_rank, squeeze_longer
from kcompat.metrics.base import Metric
from kcompat.tensor import metric as rules
from kcompat.tensor.loss import divide_or_zero


class Sum(Metric):
    """The (weighted) sum of values."""

    def __init__(self, name: str | None = "sum", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values."""
        with torch.no_grad():
            total, _ = rules.weighted_sum(*_values(self, values, sample_weight))
            self.total.add_(total)

    def result(self) -> Tensor:
        """The sum."""
        return self.total.detach().clone()


class Mean(Metric):
    """The (weighted) mean of values: `sum(w v) / sum(w)`, 0 before the first."""

    def __init__(self, name: str | None = "mean", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take in values."""
        with torch.no_grad():
            self.add(*rules.weighted_sum(*_values(self, values, sample_weight)))

    def add(self, total: Tensor, count: Tensor | float) -> None:
        """Add a weighted sum and the sum of its weights, without gradient recording."""
        self.total.add_(total)
        self.count.add_(count)

    def result(self) -> Tensor:
        """The mean."""
        with torch.no_grad():
            count = self.count.data
            return torch.where(count == 0, torch.zeros_like(count), self.total.data / torch.where(count == 0, 1.0, count))


class MeanTensor(Metric):
    """The (weighted) mean of each entry of tensors of one shape, which the first one tells if `shape` does not."""

    def __init__(self, name: str | None = "mean_tensor", dtype: Any = None, shape: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.total: Variable | None = None
        self.count: Variable | None = None
        self.shape = None if shape is None else tuple(shape)
        if self.shape is not None:
            self._make()

    def _make(self) -> None:
        self.total = self.add_weight(name="total", shape=self.shape, initializer="zeros")
        self.count = self.add_weight(name="count", shape=self.shape, initializer="zeros")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take in a tensor; weights are broadcast to its shape."""
        tensor, weight = _values(self, values, sample_weight)
        if self.total is None:
            self.shape = tuple(tensor.shape)
            self._make()
            self.to(tensor.device)
        assert self.total is not None and self.count is not None
        if tuple(tensor.shape) != self.shape:
            raise ShapeError(f"{self.name}: `values` must keep the shape {self.shape}, received {tuple(tensor.shape)}.")
        with torch.no_grad():
            if weight is None:
                weight = torch.ones((), dtype=tensor.dtype, device=tensor.device)
            weight = weight.to(tensor.dtype)
            weight = weight.squeeze(-1) if weight.ndim == tensor.ndim + 1 else weight
            weight = weight.reshape(weight.shape + (1,) * (tensor.ndim - weight.ndim)).expand_as(tensor)
            self.total.add_(tensor * weight)
            self.count.add_(weight)

    def result(self) -> Tensor:
        """The means, of the tensors' shape."""
        if self.total is None or self.count is None:
            raise ShapeError(f"{self.name}: there is no result before the first `update_state`, which tells the shape.")
        return divide_or_zero(self.total.detach(), self.count.detach())


def _values(metric: Metric, values: Any, weight: Any) -> tuple[Tensor, Tensor | None]:
    tensor = as_tensor(values)
    metric.to(tensor.device)
    if tensor.dtype != metric._dtype:
        tensor = tensor.to(metric._dtype)
    return tensor, None if weight is None else as_tensor(weight, tensor.device)


class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred, **options)`."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **options: Any):
        super().__init__(name=name or function_name(fn), dtype=dtype)
        self.fn = fn
        self._options = options
        self._body = bound(fn)
        self._rank = behaviour("loss_object_rank")
        self._leaves_out = behaviour("metric_ignored_class") == "leave_out"
        self._masks = behaviour("metric_masks") == "own"

    def values(self, y_true: Any, y_pred: Any) -> Tensor:
        """The function's values, ranks brought together first."""
        if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor) and y_true.ndim != y_pred.ndim and self._rank != "broadcast":
            y_true, y_pred = (squeeze_longer if self._rank == "squeeze" else same_rank)(y_true, y_pred)
        return as_tensor(self._body(y_true, y_pred, **self._options))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in a batch. In Keras 3 masked entries of `y_pred` do not count; before, the compiled metrics make weights of masks."""
        if torch.is_grad_enabled():
            with torch.no_grad():
                self._update(y_true, y_pred, sample_weight)
        else:
            self._update(y_true, y_pred, sample_weight)

    def _update(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        mask = getattr(y_pred, "_keras_mask", None) if self._masks else None
        values = self.values(y_true, y_pred)
        ignored = getattr(values, "_keras_mask", None) if self._leaves_out or sample_weight is not None else None
        if ignored is not None:
            mask = ignored if mask is None else mask & ignored
        weight = combined_weight(values, mask, sample_weight)
        if values.dtype != self._dtype:
            values = values.to(self._dtype)
        if self.total.device != values.device:
            self.to(values.device)
        try:
            self.add(*rules.weighted_sum(values, weight))
        except RuntimeError as error:
            raise self._misfit(values, mask, sample_weight) from error

    def _misfit(self, values: Tensor, mask: Tensor | None, sample_weight: Any) -> ShapeError:
        parts = {"sample_weight": sample_weight, "mask": mask}
        given = [f"`{name}` of shape {tuple(as_tensor(part).shape)}" for name, part in parts.items() if part is not None]
        return ShapeError(f"{self.name}: {' and '.join(given)} cannot weigh values of shape {tuple(values.shape)}.")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {"fn": registry.serialize("metric", self.fn)} if type(self) is MeanMetricWrapper else {}
        return {**super().get_config(), **own, **self._options}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Metric:
        """A metric from `get_config`."""
        own = {"fn": registry.get("metric", config["fn"])} if cls is MeanMetricWrapper else {}
        return cls(**{**config, **own})


def combined_weight(values: Tensor, mask: Tensor | None, sample_weight: Any) -> Tensor | None:
    """Mask and sample weights as one weight for `values`."""
    weight = None if sample_weight is None else as_tensor(sample_weight, values.device)
    if mask is None:
        return weight
    kept = mask.to(values.dtype)
    if weight is None:
        return kept
    if weight.ndim == kept.ndim + 1 and weight.shape[-1] == 1:
        weight = weight.squeeze(-1)
    return kept * weight.reshape(weight.shape + (1,) * max(kept.ndim - weight.ndim, 0)).to(values.dtype)


def function_name(fn: Any) -> str:
    """The name that a metric of a function gets."""
    name = registry.function_name(fn)
    return behaviour("metric_lambda_name") if name == "<lambda>" else name
