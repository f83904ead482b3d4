"""`Loss`: weighs, masks and averages loss values; a function or a torch module as such an object."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from kcompat import config, registry
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import NOT_GIVEN, behaviour, positional
from kcompat.losses.bind import bound, bound_mean
from kcompat.losses.convert import as_tensor, carry_logits, laws, same_rank, squeeze_longer
from kcompat.tensor import loss as rules
from kcompat.tensor.dtypes import dtype_name, torch_dtype


class Loss:
    """A loss: `call(y_true, y_pred)` gives one value for each sample (or step), `__call__` weighs and averages them.

    `reduction`: "sum_over_batch_size" (the mean over all values; "auto" is the same), "sum", "none" or None, and in
    Keras 3 "mean" and "mean_with_sample_weight". Source: https://keras.io/api/losses/
    """

    @positional("loss_arguments")
    def __init__(self, reduction: Any = NOT_GIVEN, name: str | None = None, dtype: Any = None):
        self.reduction = behaviour("loss_reduction") if reduction is NOT_GIVEN else reduction
        known = behaviour("loss_reductions")
        if self.reduction not in known:
            raise ArgumentError(f"{type(self).__name__}: `reduction` must be one of {known} in this generation, received {reduction!r}.")
        self._casts = behaviour("loss_casts")
        self.name = name if name is not None or not self._casts else _snake(type(self).__name__)
        self._dtype = None if dtype is None else torch_dtype(dtype)
        self._laws = laws()
        self._how = _REDUCTIONS[self.reduction]

    @property
    def dtype(self) -> str:
        """The float dtype in which the loss is computed (Keras 3); before, that of the predictions."""
        return dtype_name(self._dtype or config.floatx())

    #: what gives the mean of all values at once, where there is such a thing
    _mean: Callable[..., Tensor] | None = None

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The loss values before weighing and averaging; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(self, y_true, y_pred)`.")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss as one number, or as values for `reduction="none"`. Masked entries of `y_pred` do not count."""
        mask = getattr(y_pred, "_keras_mask", None)
        if self._casts:
            y_true, y_pred = self._cast(y_true), self._cast(y_pred)
        if self._mean is not None and sample_weight is None and mask is None:
            return self._mean(y_true, y_pred)
        values = self.call(y_true, y_pred)
        ignored = getattr(values, "_keras_mask", None)
        if ignored is not None:
            mask = ignored if mask is None else mask & ignored
        if sample_weight is None and mask is None:
            return rules.reduce_weighted(values, reduction=self._how)
        weight = None if sample_weight is None else as_tensor(sample_weight, values.device)
        try:
            return rules.reduce_weighted(values, weight, mask, self._how, self._laws.weighting, self._laws.weight_alignment)
        except RuntimeError as error:
            raise self._misfit(values, weight, mask) from error

    def _misfit(self, values: Tensor, weight: Tensor | None, mask: Tensor | None) -> ShapeError:
        given = [f"`{n}` of shape {tuple(t.shape)}" for n, t in (("sample_weight", weight), ("mask", mask)) if t is not None]
        what = " and ".join(given)
        return ShapeError(f"{self.name or type(self).__name__}: {what} cannot weigh loss values of shape {tuple(values.shape)}.")

    def _cast(self, value: Any) -> Any:
        """`value` as a float tensor of the loss's dtype; it keeps the logits it came from."""
        wanted = self._dtype or torch_dtype(config.floatx())
        tensor = as_tensor(value)
        if tensor.dtype == wanted or not tensor.is_floating_point():
            return tensor
        cast = tensor.to(wanted)
        hidden = getattr(value, "_keras_logits", None)
        if hidden is not None:
            cast._keras_logits = hidden.to(wanted)  # type: ignore[attr-defined]
        return cast

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "reduction": self.reduction} if self._casts else {"reduction": self.reduction, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Loss:
        """A loss from `get_config`."""
        return cls(**{key: value for key, value in config.items() if key != "fn" or cls is LossFunctionWrapper})


_REDUCTIONS = {
    "auto": "mean", "sum_over_batch_size": "mean", "mean": "mean", "mean_with_sample_weight": "weighted_mean",
    "sum": "sum", "none": "none", None: "none",
}  # fmt: skip


def _snake(name: str) -> str:
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


class LossFunctionWrapper(Loss):
    """A function `fn(y_true, y_pred, **options)` as a loss object."""

    def __init__(self, fn: Callable[..., Any], reduction: Any = NOT_GIVEN, name: str | None = None, dtype: Any = None, **options: Any):
        super().__init__(reduction=reduction, name=name or getattr(fn, "__name__", None), dtype=dtype)
        self.fn = fn
        self._body = functools.partial(bound(fn), **options) if options else bound(fn)
        self._options = options
        if self._how == "mean" and type(self).call is LossFunctionWrapper.call:
            self._mean = bound_mean(fn, options)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The function's values, ranks brought together as the generation's loss objects do."""
        rank = self._laws.object_rank
        if rank != "broadcast" and isinstance(y_true, Tensor) and isinstance(y_pred, Tensor) and y_true.ndim != y_pred.ndim:
            hidden = y_pred
            y_true, y_pred = (squeeze_longer if rank == "squeeze" else same_rank)(y_true, y_pred)
            carry_logits(hidden, y_pred)
        return self._body(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        extra = {"fn": registry.serialize("loss", self.fn)} if type(self) is LossFunctionWrapper or behaviour("loss_config_fn") else {}
        absent = behaviour("config_loss_without").get(type(self).__name__, {})
        options = {key: value for key, value in self._options.items() if key not in absent or value != absent[key]}
        return {**super().get_config(), **options, **extra}


class TorchLoss(Loss):
    """A torch loss module, called as `module(y_pred, y_true)`; it averages as its own `reduction` says."""

    def __init__(self, module: torch.nn.Module):
        super().__init__(name=_snake(type(module).__name__))
        self.module = module

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The module's value; `sample_weight` needs a module made with `reduction="none"`."""
        values = self.module(y_pred, y_true)
        if values.ndim == 0 and sample_weight is not None:
            raise ArgumentError(f"{self.name}: `sample_weight` needs a loss module with reduction='none', this one averages by itself.")
        weight = None if sample_weight is None else as_tensor(sample_weight, values.device)
        return rules.reduce_weighted(values, weight, None, "mean", self._laws.weighting, self._laws.weight_alignment)
