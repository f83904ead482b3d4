"""The weights an optimizer knows and the tensors it keeps for each: made, moved, saved, restored."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from kcompat.errors import ArgumentError, ShapeError, UnknownArgumentError, nearest
from kcompat.generations import behaviour
from kcompat.optimizers.options import Options

#: settings that a parameter group may have of its own
_OF_GROUPS = ("params", "lr", "initial_lr", "weight_decay", "iterations", "product", "param_names")


class Bucket(NamedTuple):
    """Weights that one kernel call takes together: of one group, device and dtype, with the same slots."""

    group: dict[str, Any]
    params: list[Tensor]
    slots: list[list[Tensor] | None]
    #: places among the weights of the step; None: all of them
    indices: list[int] | None
    decay: float | None
    decayed: list[Tensor]


class Plan(NamedTuple):
    """What a step over these weights does; made once for as long as they are the same objects."""

    params: list[Tensor]
    buckets: list[Bucket]
    constrained: list[tuple[Tensor, Any]]


class Entry(NamedTuple):
    """Something saved: its value, and how another is written back (None: by copying)."""

    value: Tensor
    write: Callable[[Any], None] | None = None


class SlotKeeper(torch.optim.Optimizer):
    """The state of an optimizer: weights, slots, and the order in which Keras saves them."""

    #: names of the tensors kept for each weight, in Keras' order
    slots: tuple[str, ...] = ()
    #: the slots in the runs in which they are saved, weight by weight; None: each for all weights, one after the other
    runs: tuple[tuple[str, ...], ...] | None = None
    #: whether the runs hold in every generation, also in those that save slot by slot
    always_in_runs = False
    #: whether the rule reads the number of steps (before 2.3 it is not saved where it does not)
    reads_iterations = True
    #: the release whose layout of configs and saved weights it has; None: that of the generation selected
    release: str | None = None
    options: Options
    name: str
    learning_rate: Any
    _schedule: Any
    _known: list[Tensor]
    _own: list[Tensor]
    _plan: Plan | None

    def _take_groups(self, params: Any) -> None:
        given = list(params)
        if not given:
            raise ArgumentError(f"{self.name}: `params` holds no parameters.")
        if isinstance(given[0], dict):
            self.param_groups.clear()
            for group in given:
                self.add_param_group(group)
        else:
            self.build([p[1] if isinstance(p, tuple) else p for p in given])

    # -- weights -----------------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; it may have an `lr` and a `weight_decay` of its own."""
        for key in param_group:
            if key not in _OF_GROUPS:
                raise UnknownArgumentError(
                    f"{type(self).__name__}: a parameter group has no setting `{key}` of its own. {nearest(key, _OF_GROUPS)}"
                )
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

    def settle(self, weights: Sequence[Tensor]) -> None:
        """`build` where there is a weight it does not know; a `build` of a subclass runs once."""
        known = {id(p) for p in self._known}
        if not self._known or not all(id(p) in known for p in weights):
            self.build(list(weights))
        else:
            self._refresh()

    def _note(self, weights: Sequence[Tensor]) -> None:
        self._known += weights
        self._plan = None
        with torch.no_grad():
            for weight in weights:
                self._make_slots(weight)

    def _make_slots(self, weight: Tensor) -> None:
        kept = self.state[weight]
        for slot in self._slots_of(weight):
            if slot not in kept:
                kept[slot] = self._first(slot, weight)
        if self.options.use_ema:
            kept.setdefault("average", weight.detach().clone() if self.options.ema_start == "variable" else _zeros(weight))
        if self.options.gradient_accumulation_steps:
            kept.setdefault("gradient_accumulator", _zeros(weight))

    def _slots_of(self, weight: Tensor) -> tuple[str, ...]:
        """The names of the slots kept for a weight."""
        return self._slot_names()

    def _slot_names(self) -> tuple[str, ...]:
        return self.slots

    def _first(self, slot: str, weight: Tensor) -> Tensor:
        """The values a slot starts from."""
        return _zeros(weight)

    def _replace(self, weights: list[Tensor]) -> None:
        """Let new parameter objects (moved, unpickled) take the places of the old ones, slots included."""
        for old, new in zip(self._known, weights, strict=True):
            kept = self.state.pop(old, {})
            self.state[new] = {k: _moved(v, new) for k, v in kept.items()}
        places = {id(old): new for old, new in zip(self._known, weights, strict=True)}
        for group in self.param_groups:
            group["params"] = [places[id(p)] for p in group["params"]]
        self._known = []
        self._note(weights)

    def _refresh(self) -> None:
        """Bring slots to where the weights are now."""
        for weight in self._known:
            kept = self.state[weight]
            for slot, value in kept.items():
                moved = _moved(value, weight)
                if moved is not value:
                    kept[slot] = moved
                    self._plan = None

    @property
    def built(self) -> bool:
        """Whether the optimizer knows its weights."""
        return bool(self._known)

    def _made(self) -> int:
        return self.param_groups[0]["iterations"]

    def _write_made(self, value: Any) -> None:
        self.param_groups[0]["iterations"] = int(value)

    def _set_rate(self, value: Any) -> None:
        raise NotImplementedError

    def _decay_of(self, weight: Tensor) -> float | None:
        """The weight decay of a weight whose group sets none."""
        return self.options.decay_factor

    # -- the plan ----------------------------------------------------------------------------------------------------------

    def _plan_of(self, params: list[Tensor]) -> Plan:
        """What a step over these weights does; made once for as long as the weights are the same objects."""
        plan = self._plan
        if plan is not None and len(plan.params) == len(params) and all(map(operator.is_, plan.params, params)):
            return plan
        found: dict[Any, list[int]] = {}
        groups = {id(p): number for number, group in enumerate(self.param_groups) for p in group["params"]}
        for index, p in enumerate(params):
            found.setdefault((groups[id(p)], p.device, p.dtype, self._slots_of(p), self._decay_in(p, groups)), []).append(index)
        buckets = [self._bucket(key, params, indices) for key, indices in found.items()]
        constrained = [(p, limit) for p in params if (limit := getattr(p, "constraint", None)) is not None]
        self._plan = Plan(params, buckets, constrained)
        return self._plan

    def _decay_in(self, weight: Tensor, groups: dict[int, int]) -> float | None:
        group = self.param_groups[groups[id(weight)]]
        return group["weight_decay"] if "weight_decay" in group else self._decay_of(weight)

    def _bucket(self, key: Any, params: list[Tensor], indices: list[int]) -> Bucket:
        number, _, _, names, decay = key
        chosen = [params[i] for i in indices]
        lists = [[self.state[p][name] for p in chosen] if name in names else None for name in self.slots]
        decayed = [p for p in chosen if self._decays(p)] if decay else []
        return Bucket(self.param_groups[number], chosen, lists, None if len(chosen) == len(params) else indices, decay, decayed)

    def _decays(self, weight: Tensor) -> bool:
        raise NotImplementedError

    # -- state ------------------------------------------------------------------------------------------------------------------

    def _slot_tensors(self) -> list[Tensor]:
        """Every slot, in the order in which the generation saves them."""
        extra = (("average", self.options.use_ema), ("gradient_accumulator", self.options.gradient_accumulation_steps))
        together = [(name,) for name, on in extra if on] + self._saved_together()
        return [tensor for run in together for p in self._known for name in run for tensor in self._saved(p, name)]

    def _saved(self, weight: Tensor, name: str) -> list[Tensor]:
        kept = self.state[weight]
        return [kept[name]] if name in kept else []

    def _saved_together(self) -> list[tuple[str, ...]]:
        """The slots in runs: those of a run are saved weight by weight, one run after the other."""
        by_slot = behaviour("optimizer_slot_order", self.release) == "by_slot" and not self.always_in_runs
        return [(name,) for name in self.slots] if by_slot or self.runs is None else list(self.runs)

    def _placeholders(self) -> list[Tensor]:
        """What the generation saves after the slots although nothing is kept in it."""
        return []

    def _product(self, place: str) -> list[Entry]:
        """A number that the optimizer saves 'first' (after the steps) or 'last'."""
        return []

    def _head(self) -> list[Entry]:
        head = []
        if self.reads_iterations or behaviour("optimizer_saves_iterations", self.release) == "all":
            head.append(Entry(torch.tensor(self._made()), self._write_made))
        if self._schedule is None and behaviour("optimizer_saves_rate", self.release):
            head.append(Entry(torch.tensor(float(self.learning_rate)), lambda value: self._set_rate(float(value))))
        return head + self._product("first")

    def _entries(self) -> list[Entry]:
        kept = [*self._slot_tensors(), *self._own, *self._placeholders()]
        return [*self._head(), *(Entry(tensor) for tensor in kept), *self._product("last")]

    @property
    def variables(self) -> Variables:
        """The number of steps, in Keras 3 the learning rate, then the slots, in the order in which Keras saves them."""
        return Variables(entry.value for entry in self._entries())

    weights = variables

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the state as numpy arrays, in the order of `variables`."""
        return [tensor.detach().cpu().numpy().copy() for tensor in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Restore what `get_weights` gave; the optimizer must know its weights (`build`)."""
        now = self._entries()
        if len(weights) != len(now):
            hint = "" if self.built else " The optimizer has no weights yet: call `build(model.trainable_weights)` first."
            raise ArgumentError(f"{self.name}: `weights` must hold {len(now)} arrays, received {len(weights)}.{hint}")
        arrays = [new.detach().cpu() if isinstance(new, Tensor) else np.asarray(new) for new in weights]
        for index, (entry, new) in enumerate(zip(now, arrays, strict=True)):
            if tuple(entry.value.shape) != tuple(new.shape):
                raise ShapeError(
                    f"{self.name}: array {index} of `weights` must have shape {tuple(entry.value.shape)}, received {tuple(new.shape)}."
                )
        with torch.no_grad():
            for entry, new in zip(now, arrays, strict=True):
                if entry.write is not None:
                    entry.write(new)
                else:
                    entry.value.copy_(torch.as_tensor(new))
        self._restored()

    def _restored(self) -> None:
        """What follows from the state just set."""

    def save_own_variables(self, store: Any) -> None:
        """Write the state into a mapping, under the numbers '0', '1', ... (Keras 3)."""
        for index, array in enumerate(self.get_weights()):
            store[str(index)] = array

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote."""
        self.set_weights([np.asarray(store[str(index)]) for index in range(len(store))])

    def state_dict(self) -> dict[str, Any]:
        """The state as torch keeps it: slots by the number of the weight, settings by group."""
        told = super().state_dict()
        return {**told, "own": [tensor.detach() for tensor in self._own]} if self._own else told

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` gave; the optimizer must know its weights (`build`)."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "own"})
        with torch.no_grad():
            for old, new in zip(self._own, state_dict.get("own", ()), strict=True):
                old.copy_(new)
        self._plan = None

    def __getstate__(self) -> dict[str, Any]:
        hooks = ("_optimizer_", "_warned", "_plan")
        return {key: value for key, value in self.__dict__.items() if not key.startswith(hooks)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "_plan": None})


class Variables(list[Tensor]):
    """The state as a list, which tf.keras gives as a method and Keras 3 as a property: calling it gives it again."""

    def __call__(self) -> Variables:  # noqa: D102
        return self


def _zeros(weight: Tensor) -> Tensor:
    return torch.zeros_like(weight, memory_format=torch.preserve_format, requires_grad=False).detach()


def _moved(value: Any, weight: Tensor) -> Any:
    """A slot on the device of its weight, and in its dtype; the same object where it is there already."""
    if not torch.is_tensor(value):
        return value
    return value.to(weight.device, weight.dtype if value.is_floating_point() else value.dtype)


def _same_shapes(old: Sequence[Tensor], new: Sequence[Tensor]) -> bool:
    return len(old) == len(new) and all(a.shape == b.shape for a, b in zip(old, new, strict=True))
