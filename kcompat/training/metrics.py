"""The compiled metrics: names in the logs, which function a name like 'accuracy' means, and the running values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.losses import binary_crossentropy, sparse_categorical_crossentropy
from kcompat.metrics import CHOICES, MeanMetricWrapper, as_metric
from kcompat.metrics.base import reset
from kcompat.metrics.confusion import ConfusionMetric
from kcompat.metrics.means import combined_weight
from kcompat.tensor.loss import reduce_weighted
from kcompat.training.losses import align_to_outputs, by_output, conform, is_spec, output_names
from kcompat.tree import flatten


class BatchMean(MeanMetricWrapper):
    """The mean over batches, by their sizes, of each batch's own (masked, weighted) value: Keras before 2.3."""

    own: Tensor | None = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in a batch."""
        mask = getattr(y_pred, "_keras_mask", None)
        with torch.no_grad():
            values = self.values(y_true, y_pred).to(self._dtype)
            size = float(y_pred.shape[0])
            self.own = reduce_weighted(values, sample_weight, mask, "mean", "nonzero")
            self.to(self.own.device)
            self.add(self.own * size, size)


class Entry:
    """One metric of one output."""

    __slots__ = ("choice", "counting", "index", "key", "metric", "written")

    def __init__(self, index: int, written: str, metric: Any, choice: tuple[Any, Any, Any] | None):
        self.index = index
        self.written = written
        self.metric = metric
        self.choice = choice
        self.key = ""
        #: what entries share that count a batch alike: they count it once
        self.counting: Any = None


class CompiledMetrics:
    """The metrics given to `compile`. `update_state` takes structures as the model has them; `results` gives tensors."""

    name = "compile_metrics"

    def __init__(self, metrics: Any = None, weighted_metrics: Any = None, output_names: Sequence[str] | None = None, loss: Any = None):
        self._specs = (metrics, weighted_metrics)
        self._names = list(output_names or ())
        self._loss = loss
        laws = ("averages", "log_name", "accuracy_name", "class_log_name", "accuracy_by", "repeated", "spread")
        self._laws = {name: behaviour(f"metric_{name}") for name in laws}
        self._weighted_name = behaviour("weighted_metric_name")
        self._masks = behaviour("metric_masks") == "compiled"
        self.plain: list[Entry] = []
        self.weighted: list[Entry] = []
        self.settled = False
        for spec in flatten(list(self._specs), is_leaf=is_spec):
            if isinstance(spec, str) and spec not in CHOICES:
                registry.lookup("metric", spec)
        if self._names:
            self._plan()

    # -- the plan ------------------------------------------------------------------------------------------------------------

    def settle(self, names: Sequence[str], targets: Sequence[Any], outputs: Sequence[Tensor]) -> None:
        """Fix the metrics of each output, for targets and outputs of these shapes."""
        if self.settled:
            return
        if list(names) != self._names or not (self.plain or self.weighted):
            self._names = list(names)
            self._plan()
        for entry in (*self.plain, *self.weighted):
            if entry.choice is not None:
                entry.metric = self._wrap(self._chosen(entry, targets, outputs), entry.written)
            if hasattr(entry.metric, "to"):
                entry.metric.to(outputs[0].device)
            if isinstance(entry.metric, BatchMean) or entry.choice is not None:
                entry.metric.name = entry.key
        self._share()
        self.settled = True

    def _share(self) -> None:
        """Let the metrics of an output that count at the same thresholds count once."""
        by_counting: dict[Any, list[Entry]] = {}
        for entry in self.plain:
            counting = getattr(entry.metric, "counting", None) if isinstance(entry.metric, ConfusionMetric) else None
            if counting is not None:
                by_counting.setdefault((entry.index, counting), []).append(entry)
        for number, entries in enumerate(by_counting.values()):
            for entry in entries if len(entries) > 1 else ():
                entry.counting = number

    def _plan(self) -> None:
        self.plain = self._entries(self._specs[0], "metrics")
        self.weighted = self._entries(self._specs[1], "weighted_metrics")
        self._name()

    def _entries(self, spec: Any, argument: str) -> list[Entry]:
        entries = []
        for index, given in enumerate(self._per_output(spec, argument)):
            listed = [] if given is None else [given] if is_spec(given) else list(given)
            entries += [self._entry(index, item) for item in listed if item is not None]
        return entries

    def _per_output(self, spec: Any, argument: str) -> list[Any]:
        count = len(self._names)
        if spec is None:
            return [None] * count
        if is_spec(spec):
            return [[spec]] * count
        if isinstance(spec, (list, tuple)):
            nested = any(not is_spec(item) for item in spec)
            if count == 1:
                return [flatten(list(spec), is_leaf=is_spec)]
            if not nested and self._laws["spread"]:
                return [list(spec)] * count
        return by_output(spec, self._names, argument)

    def _entry(self, index: int, item: Any) -> Entry:
        if isinstance(item, str) and item in CHOICES:
            return Entry(index, self._choice_name(item), None, CHOICES[item])
        function = registry.lookup("metric", item) if isinstance(item, str) else item
        if (
            callable(function)
            and not isinstance(function, type)
            and not hasattr(function, "update_state")
            and not hasattr(function, "compute")
        ):
            name = item if isinstance(item, str) and self._laws["log_name"] == "written" else None
            metric = self._wrap(function, name)
            return Entry(index, metric.name, metric, None)
        metric = as_metric(item)
        return Entry(index, item if isinstance(item, str) and self._laws["class_log_name"] == "written" else metric.name, metric, None)

    def _choice_name(self, written: str) -> str:
        if self._laws["accuracy_name"] == "written":
            return written
        return "acc" if written in ("acc", "accuracy") else "ce"

    def _wrap(self, function: Any, name: str | None) -> MeanMetricWrapper:
        return (BatchMean if self._laws["averages"] == "batches" else MeanMetricWrapper)(function, name=name)

    def _chosen(self, entry: Entry, targets: Sequence[Any], outputs: Sequence[Tensor]) -> Any:
        binary, sparse, categorical = entry.choice or (None, None, None)
        target, output = targets[entry.index], outputs[entry.index]
        if self._laws["accuracy_by"] == "loss":
            made = self._loss.losses[entry.index] if self._loss is not None else None
            function = getattr(made, "fn", None)
            if output.shape[-1] == 1 or function is binary_crossentropy:
                return binary
            return sparse if function is sparse_categorical_crossentropy else categorical
        if target is None:
            raise ArgumentError(f"The metric '{entry.written}' of the output '{self._names[entry.index]}' needs targets `y`.")
        if output.shape[-1] == 1:
            return binary
        return sparse if target.ndim < output.ndim or target.shape[-1] == 1 else categorical

    def _name(self) -> None:
        several = len(self._names) > 1
        prefix = [f"{name}_" if several else "" for name in self._names]
        taken: set[str] = set()
        plain = {(e.index, e.written) for e in self.plain}
        for entry in self.plain:
            entry.key = self._free(prefix[entry.index] + entry.written, taken)
        for entry in self.weighted:
            written = entry.written
            repeated = (entry.index, written) in plain
            if self._weighted_name == "always" or (self._weighted_name == "if_repeated" and repeated):
                written = f"weighted_{written}"
            force = self._weighted_name == "number" and repeated
            entry.key = self._free(prefix[entry.index] + written, taken, force)

    def _free(self, key: str, taken: set[str], number: bool = False) -> str:
        law = self._laws["repeated"]
        if key in taken and law == "refuse":
            raise ArgumentError(f"`metrics` holds two metrics named '{key}': give them different names.")
        if key in taken and (law == "number" or number):
            index = 1
            while f"{key}_{index}" in taken:
                index += 1
            key = f"{key}_{index}"
        taken.add(key)
        return key

    # -- values ------------------------------------------------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:
        """The metric objects."""
        return [entry.metric for entry in (*self.plain, *self.weighted) if entry.metric is not None]

    @property
    def needs(self) -> bool:
        """Whether there is anything to update."""
        return bool(self.plain or self.weighted)

    def update(self, targets: Sequence[Any], outputs: Sequence[Tensor], weights: Sequence[Any]) -> None:
        """Take in a batch, one target, prediction and weight for each output, without gradient recording."""
        counted: dict[Any, Tensor] = {}
        for entry in self.plain:
            mask = getattr(outputs[entry.index], "_keras_mask", None) if self._masks else None
            if mask is None and entry.counting in counted:
                entry.metric.take(counted[entry.counting])
            elif mask is None and entry.counting is not None:
                counted[entry.counting] = entry.metric.count(targets[entry.index], outputs[entry.index])
            elif mask is None or isinstance(entry.metric, BatchMean):
                entry.metric.update_state(targets[entry.index], outputs[entry.index])
            else:
                entry.metric.update_state(targets[entry.index], outputs[entry.index], sample_weight=mask)
        for entry in self.weighted:
            weight = weights[entry.index]
            mask = getattr(outputs[entry.index], "_keras_mask", None) if self._masks else None
            if mask is not None and not isinstance(entry.metric, BatchMean):
                weight = combined_weight(outputs[entry.index], mask, weight)
            if weight is None:
                entry.metric.update_state(targets[entry.index], outputs[entry.index])
            else:
                entry.metric.update_state(targets[entry.index], outputs[entry.index], weight)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch in the model's structures (`model.compiled_metrics.update_state` in a `train_step`)."""
        outputs = flatten(y_pred)
        names = self._names or output_names(y_pred)
        used = self._loss.used if self._loss is not None and self._loss.losses else [True] * len(names)
        targets = [conform(t, o) for t, o in zip(align_to_outputs(y_true, names, used, "y"), outputs, strict=True)]
        self.settle(names, targets, outputs)
        with torch.no_grad():
            self.update(targets, outputs, align_to_outputs(sample_weight, names, used, "sample_weight"))

    def results(self, own: bool = False) -> dict[str, Any]:
        """The running values; `own`: those of the last batch where the metric keeps them."""
        found: dict[str, Any] = {}
        for entry in (*self.plain, *self.weighted):
            last = getattr(entry.metric, "own", None) if own else None
            value = entry.metric.result() if last is None else last
            if isinstance(value, Mapping):
                found.update(value)
            else:
                found[entry.key] = value
        return found

    def result(self) -> dict[str, Any]:
        """The running values."""
        return self.results()

    def reset_state(self) -> None:
        """Start anew."""
        for metric in self.metrics:
            reset(metric)
