"""Optimizers around others, and the one around a `torch.optim` optimizer. `loss_scale` and `several` have the rest."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownMethodError
from kcompat.optimizers.base import Optimizer
from kcompat.optimizers.slots import Entry


class Around(Optimizer):
    """Base: the parameter groups, and with them the learning rates, are those of the optimizers inside (`optimizers`)."""

    _inside: list[Any]

    def __init__(self, inside: Sequence[Any], name: str | None = None):
        self._inside = []
        super().__init__(0.0, **({} if name is None else {"name": name}))
        self._inside = list(inside)

    @property
    def optimizers(self) -> list[Any]:
        """The optimizers inside."""
        return self._inside

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The parameter groups of the optimizers inside; its own (without parameters) before there are any."""
        groups = [group for inner in self._inside for group in inner.param_groups]
        return groups or self.__dict__["_own_groups"]

    @param_groups.setter
    def param_groups(self, groups: list[dict[str, Any]]) -> None:
        self.__dict__["_own_groups"] = groups

    @property
    def state(self) -> Any:  # type: ignore[override]
        """What the optimizers inside keep."""
        return ChainMap(*(inner.state for inner in self._inside))

    @state.setter
    def state(self, value: Any) -> None:
        """Nothing is kept here."""

    @property
    def built(self) -> bool:
        """Whether the optimizers inside know their weights."""
        return any(getattr(inner, "built", bool(inner.param_groups)) for inner in self._inside)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters to the first optimizer inside."""
        if "_own_groups" in self.__dict__ and not self.__dict__["_own_groups"]:  # torch's first, without which it does not start
            self.__dict__["_own_groups"].append({"iterations": 0, "lr": 0.0, **param_group})
        else:
            self._inside[0].add_param_group(param_group)

    def settle(self, weights: Sequence[Tensor]) -> None:
        """`build`."""
        self.build(weights)

    def finalize_variable_values(self, var_list: Iterable[Tensor]) -> None:
        """Replace each weight by its running average, where its optimizer keeps one."""
        wanted = {id(weight) for weight in var_list}
        for inner in self._inside:
            if getattr(inner, "built", False):
                inner.finalize_variable_values([weight for weight in inner._known if id(weight) in wanted])

    def state_dict(self) -> dict[str, Any]:
        """The states of the optimizers inside, under their places, and its own numbers."""
        return {"own": self._numbers(), "inside": [inner.state_dict() for inner in self._inside]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        if len(state_dict["inside"]) != len(self._inside):
            raise ArgumentError(
                f"{self.name}: `state_dict` holds {len(state_dict['inside'])} optimizers, there are {len(self._inside)} inside."
            )
        for inner, state in zip(self._inside, state_dict["inside"], strict=True):
            inner.load_state_dict(state)
        self.__dict__.update(state_dict["own"])

    def _numbers(self) -> dict[str, Any]:
        return {}

    def _entries(self) -> list[Entry]:
        return [entry for inner in self._inside for entry in inner._entries()]

    def _restored(self) -> None:
        for inner in self._inside:
            inner._restored()


def unchanged(value: Any) -> None:
    """Numbers that Keras saves and never changes."""


def made_of(described: Any, custom_objects: Mapping[str, Any] | None) -> Any:
    """An optimizer from its config; one that is made already stays as it is."""
    if not isinstance(described, dict):
        return described
    name = described.get("class_name")
    told = {**described, "class_name": name.removeprefix("Custom>")} if isinstance(name, str) else described  # as tf.keras files say it
    return registry.deserialize("optimizer", told, custom_objects)


class TFOptimizer(Around):
    """A `torch.optim` optimizer, or a function that makes one from parameters, where Keras 2 takes one of TensorFlow's.

        model.compile(TFOptimizer(lambda parameters: torch.optim.RAdam(parameters, 1e-3)), "mse")

    Constraints of the weights hold after each step. It cannot be written to a config, its state is that of `state_dict`.
    """

    def __init__(self, optimizer: Any):
        made = isinstance(optimizer, torch.optim.Optimizer)
        if not made and not callable(optimizer):
            raise ArgumentTypeError(
                f"TFOptimizer: `optimizer` must be an optimizer of torch.optim or a function of parameters, received {optimizer!r}."
            )
        self._make: Callable[[list[Tensor]], Any] | None = None if made else optimizer
        super().__init__([optimizer] if made else [])
        self._limits: list[tuple[Tensor, Any]] = []

    @property
    def optimizer(self) -> Any:
        """The optimizer of torch, None before it knows its weights."""
        return self._inside[0] if self._inside else None

    def build(self, var_list: Iterable[Tensor]) -> None:
        """Take weights to train; those new to the optimizer come into a group of their own."""
        weights = list(var_list)
        if self._make is not None and not self._inside:
            self._inside = [self._make(weights)]
        known = {id(p) for group in self.param_groups for p in group["params"]}
        fresh = [p for p in weights if id(p) not in known]
        if fresh:
            self._inside[0].add_param_group({"params": fresh})
        self._known = weights
        self._limits = [(p, limit) for p in weights if (limit := getattr(p, "constraint", None)) is not None]

    def advance(self) -> None:
        """One step from `.grad`."""
        if self._inside:
            self._inside[0].step()
        for weight, constraint in self._limits:
            weight.copy_(constraint(weight))

    def _advance(self, params: list[Tensor], grads: list[Tensor]) -> None:
        kept = [p.grad for p in params]
        for p, given in zip(params, grads, strict=True):
            p.grad = given
        try:
            self.advance()
        finally:
            for p, g in zip(params, kept, strict=True):
                p.grad = g

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the first group."""
        return self.param_groups[0]["lr"]

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        for group in self.param_groups:
            group["lr"] = float(value)

    lr = learning_rate

    def _set_rate(self, value: Any) -> None:
        """The rate is the inner optimizer's."""

    @property  # type: ignore[misc]
    def iterations(self) -> int:
        """Not counted: the optimizer of torch keeps its own counts."""
        raise UnknownMethodError("TFOptimizer counts no `iterations`: the optimizer of torch keeps its own counts.")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Tensor]], name: str | None = None, **kwargs: Any) -> None:
        """One step from pairs of gradient and weight; weights whose gradient is None stay as they are."""
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        self.build([v for _, v in pairs])
        with torch.no_grad():
            self._advance([v for _, v in pairs], [torch.as_tensor(g, dtype=v.dtype, device=v.device) for g, v in pairs])

    def finalize_variable_values(self, var_list: Iterable[Tensor]) -> None:
        """Weights stay as they are: an optimizer of torch keeps no averages."""

    def _entries(self) -> list[Entry]:
        raise UnknownMethodError("TFOptimizer has no Keras weights; save its `state_dict()`.")

    def get_config(self) -> dict[str, Any]:
        """Refused, as in Keras."""
        raise UnknownMethodError("TFOptimizer cannot be written to a config; save the `state_dict()` of the optimizer of torch.")
