"""The weights an optimizer knows and the tensors it keeps for each: made, moved, saved, restored."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.optimizers.options import Options


class Plan(NamedTuple):
    """Weights stepped together, their slots as lists, and whether one kernel call can take them all."""

    params: list[Tensor]
    slots: list[list[Tensor] | None]
    uniform: bool


class SlotKeeper(torch.optim.Optimizer):
    """The state of an optimizer: weights, slots, and the order in which Keras saves them."""

    #: names of the tensors kept for each weight, in Keras' order
    slots: tuple[str, ...] = ()
    #: the release whose layout of configs and saved weights it has; None: that of the generation selected
    release: str | None = None
    options: Options
    name: str
    learning_rate: Any
    _schedule: Any
    _known: list[Tensor]
    _constrained: list[tuple[Tensor, Any]]
    _plan: Plan | None

    def _take_groups(self, params: Any) -> None:
        given = list(params)
        if not given:
            raise ArgumentError(f"{self.name}: `params` holds no parameters.")
        if isinstance(given[0], dict):
            self.param_groups.clear()
            for group in given:
                self.add_param_group({"iterations": 0, **group})
        else:
            self.build(given)

    # -- weights -----------------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with settings of its own, as in torch."""
        super().add_param_group(param_group)
        if hasattr(self, "_known"):
            self._note(list(param_group["params"]))

    def build(self, var_list: Iterable[Tensor]) -> None:
        """Take weights to train; those known already keep their slots, new objects for the same weights take them over."""
        weights = list(var_list)
        known = {id(p) for p in self._known}
        if all(id(p) in known for p in weights):
            self._refresh()
            return
        if self._known and _same_shapes(self._known, weights) and not any(id(p) in known for p in weights):
            self._replace(weights)
            return
        fresh = [p for p in weights if id(p) not in known]
        self.param_groups[0]["params"].extend(fresh)
        self._note(fresh)

    def _note(self, weights: Sequence[Tensor]) -> None:
        self._known += weights
        self._constrained += [(p, limit) for p in weights if (limit := getattr(p, "constraint", None)) is not None]
        self._plan = None
        with torch.no_grad():
            for weight in weights:
                self._make_slots(weight)

    def _make_slots(self, weight: Tensor) -> None:
        kept = self.state[weight]
        for slot in self._slot_names():
            kept.setdefault(slot, torch.zeros_like(weight, memory_format=torch.preserve_format, requires_grad=False).detach())
        if self.options.use_ema:
            kept.setdefault(
                "average", weight.detach().clone() if self.options.ema_start == "variable" else torch.zeros_like(weight).detach()
            )
        if self.options.gradient_accumulation_steps:
            kept.setdefault("gradient_accumulator", torch.zeros_like(weight).detach())

    def _replace(self, weights: list[Tensor]) -> None:
        """Let new parameter objects (moved, unpickled) take the places of the old ones, slots included."""
        for old, new in zip(self._known, weights, strict=True):
            kept = self.state.pop(old, {})
            self.state[new] = {k: v.to(new.device, new.dtype) if torch.is_tensor(v) else v for k, v in kept.items()}
        self.param_groups[0]["params"] = list(weights)
        self._known, self._constrained = [], []
        self._note(weights)

    def _refresh(self) -> None:
        """Bring slots to where the weights are now."""
        for weight in self._known:
            kept = self.state[weight]
            for slot, value in kept.items():
                if torch.is_tensor(value) and (value.device != weight.device or value.dtype != weight.dtype):
                    kept[slot] = value.to(weight.device, weight.dtype)
                    self._plan = None

    @property
    def built(self) -> bool:
        """Whether the optimizer knows its weights."""
        return bool(self._known)

    def _made(self) -> int:
        return self.param_groups[0]["iterations"]

    def _set_rate(self, value: Any) -> None:
        raise NotImplementedError

    def _slot_names(self) -> tuple[str, ...]:
        return self.slots

    def _plan_of(self, params: list[Tensor]) -> Plan:
        """Slots of these weights as lists; made once for as long as the weights are the same objects."""
        plan = self._plan
        if plan is not None and len(plan.params) == len(params) and all(map(operator.is_, plan.params, params)):
            return plan
        names, first = self._slot_names(), params[0]
        lists = [[self.state[p][name] for p in params] if name in names else None for name in self.slots]
        uniform = all(p.dtype is first.dtype and p.device == first.device for p in params)
        self._plan = Plan(params, lists, uniform)
        return self._plan

    # -- state ------------------------------------------------------------------------------------------------------------------

    def _slot_tensors(self) -> list[tuple[str, Tensor]]:
        """Every slot with its name, in the order in which the generation saves them."""
        extra = [
            n for n, on in (("average", self.options.use_ema), ("gradient_accumulator", self.options.gradient_accumulation_steps)) if on
        ]
        runs = [(n,) for n in extra] + self._saved_together()
        return [(name, self.state[p][name]) for run in runs for p in self._known for name in run]

    def _saved_together(self) -> list[tuple[str, ...]]:
        """The slots in runs: those of a run are saved weight by weight, one run after the other."""
        names = self._slot_names()
        return [(n,) for n in names] if behaviour("optimizer_slot_order", self.release) == "by_slot" else [names]

    def _placeholders(self) -> list[Tensor]:
        """What the generation saves after the slots although nothing is kept in it."""
        return []

    def _head(self) -> list[Tensor]:
        made = torch.tensor(self._made())
        return [made, torch.tensor(float(self.learning_rate))] if behaviour("optimizer_saves_rate", self.release) else [made]

    @property
    def variables(self) -> list[Tensor]:
        """The number of steps, in Keras 3 the learning rate, then the slots, in the order in which Keras saves them."""
        return [*self._head(), *(tensor for _, tensor in self._slot_tensors()), *self._placeholders()]

    weights = variables

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the state as numpy arrays, in the order of `variables`."""
        return [tensor.detach().cpu().numpy().copy() for tensor in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Restore what `get_weights` gave; the optimizer must know its weights (`build`)."""
        now = self.variables
        if len(weights) != len(now):
            hint = "" if self.built else " The optimizer has no weights yet: call `build(model.trainable_weights)` first."
            raise ArgumentError(f"{self.name}: `weights` must hold {len(now)} arrays, received {len(weights)}.{hint}")
        for index, (old, new) in enumerate(zip(now, weights, strict=True)):
            if tuple(old.shape) != tuple(np.shape(new)):
                raise ShapeError(
                    f"{self.name}: array {index} of `weights` must have shape {tuple(old.shape)}, received {tuple(np.shape(new))}."
                )
        head = len(self._head())
        self.param_groups[0]["iterations"] = int(weights[0])
        if head == 2 and self._schedule is None:
            self._set_rate(float(weights[1]))
        with torch.no_grad():
            for old, new in zip(now[head:], weights[head:], strict=True):
                old.copy_(torch.as_tensor(np.asarray(new)))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` gave; the optimizer must know its weights (`build`)."""
        super().load_state_dict(state_dict)
        self._plan = None

    def __getstate__(self) -> dict[str, Any]:
        hooks = ("_optimizer_", "_warned", "_plan")
        return {key: value for key, value in self.__dict__.items() if not key.startswith(hooks)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "_plan": None})


def _same_shapes(old: Sequence[Tensor], new: Sequence[Tensor]) -> bool:
    return len(old) == len(new) and all(a.shape == b.shape for a, b in zip(old, new, strict=True))
