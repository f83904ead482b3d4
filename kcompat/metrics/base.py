"""`Metric`: numbers accumulated over batches. State stays on the device as tensors; `result` computes, nothing waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from kcompat import config, initializers, registry
from kcompat.core.naming import snake_case
from kcompat.core.variable import Variable, WeightInfo
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import behaviour, positional
from kcompat.losses.convert import as_tensor, same_rank, squeeze_longer
from kcompat.losses.functions import bound as bound_loss
from kcompat.tensor import metric as rules
from kcompat.tensor.dtypes import dtype_name, torch_dtype


class Metric:
    """A number accumulated over batches: `update_state(...)`, `result()`, `reset_state()`.

    A subclass makes its state in `__init__` with `add_weight` and changes it with `assign`, `assign_add`.
    Source: https://keras.io/api/metrics/base_metric/
    """

    @positional("metric_arguments")
    def __init__(self, name: str | None = None, dtype: Any = None):
        self.name = name or snake_case(type(self).__name__)
        self._dtype = torch_dtype(dtype or config.floatx())
        self._state: list[Variable] = []

    @property
    def dtype(self) -> str:
        """The dtype of the state."""
        return dtype_name(self._dtype)

    def add_weight(
        self,
        name: Any = None,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: Any = None,
        synchronization: Any = None,
    ) -> Variable:
        """A state variable. Keras 3 gives the shape first; `aggregation` and `synchronization` say how several replicas of
        a model share it, and there is one.
        """
        if isinstance(name, (tuple, list)):
            name, shape = (shape if isinstance(shape, str) else None), name
        name = name or f"variable_{len(self._state)}"
        made = initializers.get("zeros" if initializer is None else initializer)(tuple(shape), dtype=dtype or self.dtype)
        written = name if behaviour("variable_name") == "own" else f"{name}:0"
        info = WeightInfo(name, written, f"{self.name}/{name}", False, None, None, initializer)
        variable = Variable(made, trainable=False, info=info)
        self._state.append(variable)
        return variable

    add_variable = add_weight

    @property
    def variables(self) -> list[Variable]:
        """The state."""
        return list(self._state)

    weights = non_trainable_weights = non_trainable_variables = variables

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take in a batch; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define `update_state`.")

    def result(self) -> Any:
        """The metric so far; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define `result`.")

    def reset_state(self) -> None:
        """Start anew."""
        with torch.no_grad():
            for variable in self._state:
                variable.zero_()

    def reset_states(self) -> None:
        """`reset_state` under its name before tf.keras 2.5."""
        self.reset_state()

    def to(self, device: Any) -> Metric:
        """Move the state to `device`."""
        for variable in self._state:
            if variable.device != device:
                variable.data = variable.data.to(device)
        return self

    def merge_state(self, metrics: list[Metric]) -> None:
        """Add the state of other metrics of this class."""
        for other in metrics:
            if len(other._state) != len(self._state):
                raise ArgumentError(f"{self.name}: `metrics` must be of the class {type(self).__name__}, received {type(other).__name__}.")
            for own, theirs in zip(self._state, other._state, strict=True):
                own.assign_add(theirs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in a batch and give the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Metric:
        """A metric from `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def reset(metric: Any) -> None:
    """Start a metric anew, whichever of the names its class knows for that."""
    for name in ("reset_state", "reset_states"):
        own = getattr(type(metric), name, None)
        if own is not None and own is not getattr(Metric, name):
            getattr(metric, name)()
            return
    metric.reset_state()


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


def _values(metric: Metric, values: Any, weight: Any) -> tuple[Tensor, Tensor | None]:
    tensor = as_tensor(values)
    metric.to(tensor.device)
    if tensor.dtype != metric._dtype:
        tensor = tensor.to(metric._dtype)
    return tensor, None if weight is None else as_tensor(weight, tensor.device)


class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred, **options)`."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **options: Any):
        super().__init__(name=name or _function_name(fn), dtype=dtype)
        self.fn = fn
        self._options = options
        self._body = bound(fn)
        self._rank = behaviour("loss_object_rank")

    def values(self, y_true: Any, y_pred: Any) -> Tensor:
        """The function's values, ranks brought together first."""
        if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor) and y_true.ndim != y_pred.ndim and self._rank != "broadcast":
            y_true, y_pred = (squeeze_longer if self._rank == "squeeze" else same_rank)(y_true, y_pred)
        return as_tensor(self._body(y_true, y_pred, **self._options))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in a batch; masked entries of `y_pred` do not count."""
        mask = getattr(y_pred, "_keras_mask", None)
        with torch.no_grad():
            values = self.values(y_true, y_pred)
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


def _function_name(fn: Any) -> str:
    name = getattr(fn, "__name__", type(fn).__name__)
    return behaviour("metric_lambda_name") if name == "<lambda>" else name


#: function -> a function of no arguments that gives it under the laws selected now
_BINDERS: dict[Callable[..., Any], Callable[[], Callable[..., Any]]] = {}


def bound(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A metric or loss function under the laws of the generation selected now; a function of the user as it is."""
    return _BINDERS[fn]() if fn in _BINDERS else bound_loss(fn)


class TorchMetric:
    """An object with `update(preds, target)`, `compute()`, `reset()` (torchmetrics) as a metric."""

    def __init__(self, metric: Any, name: str | None = None):
        self.metric = metric
        self.name = name or snake_case(type(metric).__name__)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch."""
        if sample_weight is not None:
            raise ArgumentTypeError(f"{self.name}: a metric of torchmetrics takes no `sample_weight`; list it under `metrics`.")
        with torch.no_grad():
            self.metric.update(y_pred, y_true)

    def result(self) -> Any:
        """The metric so far."""
        return self.metric.compute()

    def reset_state(self) -> None:
        """Start anew."""
        self.metric.reset()

    def to(self, device: Any) -> TorchMetric:
        """Move the state to `device`, where the metric can."""
        if hasattr(self.metric, "to"):
            self.metric.to(device)
        return self
