"""The compiled loss: which loss meets which output, target and weight is settled at the first batch, then only summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, nearest
from kcompat.generations import behaviour
from kcompat.losses import Loss, TorchLoss, as_loss
from kcompat.metrics import Mean
from kcompat.tree import flatten, map_structure


def is_spec(value: Any) -> bool:
    """Whether `value` describes one loss or metric (a dict with `class_name` does), rather than a structure of them."""
    return not isinstance(value, (list, tuple, dict)) or (isinstance(value, dict) and "class_name" in value)


def by_output(value: Any, names: Sequence[str], argument: str) -> list[Any]:
    """One value for each output, from a list in their order or a dict by their names."""
    if isinstance(value, Mapping) and not is_spec(value):
        unknown = [key for key in value if key not in names]
        if unknown and all(isinstance(key, str) for key in value):
            raise ArgumentError(f"`{argument}` names the output '{unknown[0]}', the model has {list(names)}. {nearest(unknown[0], names)}")
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        flat = value if len(value) == len(names) else flatten(value, is_leaf=is_spec)
        if len(flat) != len(names):
            raise ArgumentError(f"`{argument}` must hold one entry for each of {len(names)} outputs {list(names)}, received {len(flat)}.")
        return list(flat)
    return [value] * len(names)


def align_to_outputs(value: Any, names: Sequence[str], used: Sequence[bool], argument: str) -> list[Any]:
    """Targets or weights of a batch, one for each output; where only some outputs are trained, theirs alone may be given."""
    if value is None:
        return [None] * len(names)
    if isinstance(value, Mapping):
        return [value.get(name) for name in names]
    if not isinstance(value, (list, tuple)):
        if len(names) == 1 or argument == "sample_weight":
            return [value] * len(names)
        value = [value]
    flat = list(value) if len(value) == len(names) else flatten(value, is_leaf=lambda v: isinstance(v, Tensor) or v is None)
    if len(flat) == len(names):
        return flat
    if len(flat) == sum(used):
        supply = iter(flat)
        return [next(supply) if use else None for use in used]
    raise ArgumentError(f"`{argument}` must hold one array for each of {len(names)} outputs {list(names)}, received {len(flat)}.")


def conform(target: Any, output: Tensor) -> Any:
    """Targets of shape (n,) as (n, 1) where the output has two axes."""
    if isinstance(target, Tensor) and target.ndim == 1 and output.ndim == 2:
        return target.unsqueeze(-1)
    return target


class CompiledLoss:
    """The total loss of a model, and the losses of its outputs as running means.

    Called with targets, predictions and weights, it gives the total as one tensor; nothing is read on the host.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: Sequence[str] | None = None):
        self._spec = loss
        self._weights_spec = loss_weights
        self._names = list(output_names or ())
        self._made = None if loss is None else _resolve(loss)
        self.by_samples = behaviour("output_losses_average") == "samples"
        self.every_output = behaviour("loss_for_every_output")
        self.same_shape = behaviour("target_shape") == "same"
        self.settled = False
        self.losses: list[Loss | None] = []
        self.factors: list[Any] = []
        self.trackers: list[Mean | None] = []
        self.own: list[Tensor | None] = []
        if self._names and self._made is not None:
            self._assign()

    # -- the plan -----------------------------------------------------------------------------------------------------------

    def settle(self, names: Sequence[str], outputs: Sequence[Tensor]) -> None:
        """Fix which loss meets which output, for outputs of these names."""
        if self.settled and list(names) == self._names:
            return
        self._names = list(names)
        self._assign()
        for tracker in self.trackers:
            if tracker is not None:
                tracker.to(outputs[0].device)
        self.settled = True

    def _assign(self) -> None:
        made = [None] * len(self._names) if self._made is None else by_output(self._made, self._names, "loss")
        if self.every_output and isinstance(self._spec, Mapping) and any(m is None for m in made) and is_spec(self._spec) is False:
            missing = [n for n, m in zip(self._names, made, strict=True) if m is None]
            raise ArgumentError(f"`loss` must name a loss for every output in Keras 3, there is none for {missing}.")
        self.losses = made
        factors = by_output(self._weights_spec, self._names, "loss_weights")
        self.factors = [None if f is None or (not isinstance(f, Tensor) and f == 1) else _factor(f) for f in factors]
        several = (sum(m is not None for m in made) if self.every_output else len(made)) > 1
        self.trackers = [Mean(name=f"{n}_loss") if several and m is not None else None for n, m in zip(self._names, made, strict=True)]
        self.own = [None] * len(made)

    @property
    def used(self) -> list[bool]:
        """Which outputs have a loss."""
        return [made is not None for made in self.losses]

    @property
    def any(self) -> bool:
        """Whether there is a loss at all."""
        return self._made is not None and any(m is not None for m in flatten(self._made, is_leaf=is_spec))

    def check(self, targets: Sequence[Any], outputs: Sequence[Tensor]) -> None:
        """Refuse targets that no loss could be computed from, before anything is trained."""
        for name, made, target, output in zip(self._names, self.losses, targets, outputs, strict=True):
            if made is None or isinstance(made, TorchLoss):
                continue
            if target is None:
                raise ArgumentError(f"There is no target `y` for the output '{name}', which has the loss {made.name}.")
            self._check_shape(name, made, target, output)

    def _check_shape(self, name: str, made: Loss, target: Any, output: Tensor) -> None:
        function = getattr(made, "fn", None)
        if not isinstance(target, Tensor):
            return
        own = getattr(function, "__module__", "").startswith("kcompat.losses") and "sparse" not in getattr(function, "__name__", "")
        if self.same_shape and own and conform(target, output).shape[1:] != output.shape[1:]:
            got = f"received {tuple(target.shape)} and predictions of shape {tuple(output.shape)}"
            raise ShapeError(f"Output '{name}': the loss {made.name} needs {_SAME_SHAPE_TEXT} in this generation, {got}.")
        if getattr(function, "__name__", "") not in _SAME_SHAPE:
            return
        try:
            torch.broadcast_shapes(tuple(conform(target, output).shape), tuple(output.shape))
        except RuntimeError:
            got = f"targets of shape {tuple(target.shape)} and predictions of shape {tuple(output.shape)}"
            raise ShapeError(f"Output '{name}': the loss {made.name} needs {_SAME_SHAPE_TEXT}, received {got}.") from None

    # -- computing -------------------------------------------------------------------------------------------------------------

    def total(self, targets: Sequence[Any], outputs: Sequence[Tensor], weights: Sequence[Any], extra: Sequence[Tensor] = ()) -> Tensor:
        """The sum of the losses of the outputs times their weights, plus `extra` (regularization)."""
        total: Tensor | None = None
        for index, made in enumerate(self.losses):
            if made is None:
                continue
            value = made(targets[index], outputs[index], weights[index])
            if self.trackers[index] is not None:
                self.own[index] = value.detach()
            factor = self.factors[index]
            value = value if factor is None else value * factor
            total = value if total is None else total + value
        for value in extra:
            total = value if total is None else total + value
        if total is None:
            raise ArgumentError("There is no loss to compute: give `loss` in `compile`, or call `add_loss` in a layer.")
        return total

    def track(self, size: int) -> None:
        """Take the output losses of the last batch, of `size` samples, into their running means."""
        count = float(size) if self.by_samples else 1.0
        for tracker, value in zip(self.trackers, self.own, strict=True):
            if tracker is not None and value is not None:
                tracker.add(value.mean() * count, count)

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Sequence[Tensor] | None = None
    ) -> Tensor:
        """The total loss of targets and predictions in the model's structures (`model.compiled_loss` in a `train_step`)."""
        outputs = flatten(y_pred)
        if not self.settled:
            self.settle(self._names or output_names(y_pred), outputs)
        targets = align_to_outputs(y_true, self._names, self.used, "y")
        targets = [conform(t, o) if not isinstance(m, TorchLoss) else t for t, o, m in zip(targets, outputs, self.losses, strict=True)]
        weights = align_to_outputs(sample_weight, self._names, self.used, "sample_weight")
        return self.total(targets, outputs, weights, regularization_losses or ())


_SAME_SHAPE = ("mean_squared_error", "mean_absolute_error", "binary_crossentropy", "categorical_crossentropy")
_SAME_SHAPE_TEXT = "targets of the predictions' shape"


def _resolve(loss: Any) -> Any:
    return map_structure(as_loss, loss, is_leaf=is_spec)


def _factor(value: Any) -> Any:
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.reshape(())  # one that a callback may change while training
    if not isinstance(value, (int, float, np.number)):
        raise ArgumentTypeError(f"`loss_weights` must hold numbers, received {value!r}.")
    return float(value)


def output_names(y_pred: Any) -> list[str]:
    """Names for the outputs of a model that has none: the keys of a dict, or output_1, output_2, ..."""
    if isinstance(y_pred, Mapping) and all(isinstance(v, Tensor) for v in y_pred.values()):
        return sorted(y_pred)
    return [f"output_{i + 1}" for i in range(len(flatten(y_pred)))]
