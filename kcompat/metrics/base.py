"""`Metric`: numbers accumulated over batches. State stays on the device as tensors; `result` computes, nothing waits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from kcompat import config, initializers
from kcompat.core.context import spend_weight
from kcompat.core.naming import auto_name, snake_case
from kcompat.core.variable import Variable, WeightInfo
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour, positional
from kcompat.tensor.dtypes import dtype_name, torch_dtype


class Metric:
    """A number accumulated over batches: `update_state(...)`, `result()`, `reset_state()`.

    A subclass makes its state in `__init__` with `add_weight` and changes it with `assign`, `assign_add`.
    Source: https://keras.io/api/metrics/base_metric/
    """

    @positional("metric_arguments")
    def __init__(self, name: str | None = None, dtype: Any = None):
        self.name = name or auto_name(type(self).__name__)
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
        spend_weight(f"Metric '{self.name}'", name, 8 * math.prod(shape))
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
