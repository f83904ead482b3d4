"""Several optimizers for one model: `MultiOptimizer`, and `OptimizerMap`, which says who has which weight."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.optimizers.around import Around, made_of, unchanged
from kcompat.optimizers.base import Optimizer
from kcompat.optimizers.slots import Entry


class OptimizerMap(MutableMapping[str, Any]):
    """Which optimizer a weight has: that of its path, of the one pattern that matches all of it, or the default one."""

    def __init__(self, default_optimizer: Optimizer, optimizer_map: Mapping[str, Optimizer] | None = None):
        if not isinstance(default_optimizer, Optimizer):
            raise ArgumentTypeError(f"OptimizerMap: `default_optimizer` must be an optimizer, received {default_optimizer!r}.")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise ArgumentTypeError(f"OptimizerMap: `optimizer_map` must be a dict, received {optimizer_map!r}.")
        self.default_optimizer = default_optimizer
        self._held: dict[str, Any] = dict(optimizer_map or {})

    def __getitem__(self, key: str) -> Any:
        if key in self._held:
            return self._held[key]
        found = [pattern for pattern in self._held if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ArgumentError(f"OptimizerMap: several patterns match the weight '{key}': {found}.")
        return self._held[found[0]] if found else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Any) -> None:
        if not isinstance(key, str) or key in self._held:
            raise ArgumentError(f"OptimizerMap: a key must be a string that is not there yet, received {key!r}.")
        _check_inside(optimizer)
        self._held[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._held[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __call__(self, variable: Tensor) -> Any:
        """The optimizer of a weight."""
        return self[getattr(variable, "path", "")]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        held = {key: registry.serialize("optimizer", optimizer) for key, optimizer in self._held.items()}
        return {"default_optimizer": registry.serialize("optimizer", self.default_optimizer), "optimizer_map": held}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> OptimizerMap:
        """A map from `get_config`."""
        held = {key: made_of(described, custom_objects) for key, described in config["optimizer_map"].items()}
        return cls(made_of(config["default_optimizer"], custom_objects), held)


def _check_inside(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, Around):
        raise ArgumentError(f"MultiOptimizer: each optimizer must be a plain one of kcompat, received {optimizer!r}.")


class MultiOptimizer(Around):
    """Several optimizers, each for some of the weights. Source: https://keras.io/api/optimizers/

    `optimizer_map` is an `OptimizerMap`, or a function from a weight to its optimizer.
    """

    def __init__(self, optimizer_map: Any, loss_scale_factor: float | None = None, name: str | None = None):
        if not callable(optimizer_map):
            raise ArgumentTypeError(f"MultiOptimizer: `optimizer_map` must be an OptimizerMap or a function, received {optimizer_map!r}.")
        self.optimizer_map = optimizer_map
        self._steps = 0
        super().__init__([], name)
        self.options.loss_scale_factor = loss_scale_factor
        if isinstance(optimizer_map, OptimizerMap):
            for inner in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._take(inner)

    def _take(self, inner: Any) -> None:
        _check_inside(inner)
        if all(inner is not held for held in self._inside):
            inner.options.set_scale(self.options.loss_scale_factor)
            self._inside.append(inner)

    def build(self, var_list: Iterable[Tensor]) -> None:
        """Share the weights out; those known already stay with their optimizer."""
        known = {id(p) for inner in self._inside for p in inner._known}
        fresh: dict[int, tuple[Any, list[Tensor]]] = {}
        for weight in var_list:
            if id(weight) not in known:
                inner = self.optimizer_map(weight)
                self._take(inner)
                fresh.setdefault(id(inner), (inner, []))[1].append(weight)
        for inner, weights in fresh.values():
            inner.build([*inner._known, *weights])
        self._known = [p for inner in self._inside for p in inner._known]

    def advance(self) -> None:
        """One step of each optimizer from `.grad`."""
        for inner in self._inside:
            inner.advance()
        self._steps += 1

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Tensor]], name: str | None = None, **kwargs: Any) -> int:
        """One step of each optimizer from its share of the pairs."""
        pairs = list(grads_and_vars)
        self.build([v for _, v in pairs])
        for inner in self._inside:
            mine = {id(p) for p in inner._known}
            share = [(g, v) for g, v in pairs if id(v) in mine]
            if any(g is not None for g, _ in share):
                inner.apply_gradients(share)
        self._steps += 1
        return self._steps

    def _no_rate(self, value: Any = None) -> Any:
        raise AttributeError("A MultiOptimizer has no `learning_rate`: see its `optimizers`, each has one of its own.")

    learning_rate = property(_no_rate, _no_rate)
    lr = learning_rate

    def _set_rate(self, value: Any) -> None:
        """Each optimizer has a rate of its own."""

    @property  # type: ignore[misc]
    def iterations(self) -> int:
        """The number of steps made."""
        return self._steps

    def _numbers(self) -> dict[str, Any]:
        return {"_steps": self._steps}

    def _entries(self) -> list[Entry]:
        return [Entry(torch.tensor(self._steps), self._write_steps), Entry(torch.tensor(0.0), unchanged), *super()._entries()]

    def _write_steps(self, value: Any) -> None:
        self._steps = int(value)

    def __repr__(self) -> str:
        return f"<kcompat.optimizers.MultiOptimizer name={self.name}, optimizers={self._inside}>"

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this optimizer again; refused where a function chooses the optimizers."""
        if not isinstance(self.optimizer_map, OptimizerMap):
            raise ArgumentTypeError("MultiOptimizer: a function as `optimizer_map` cannot be written to a config; use an OptimizerMap.")
        described = {
            "module": "keras.optimizers",
            "class_name": "OptimizerMap",
            "config": self.optimizer_map.get_config(),
            "registered_name": None,
        }
        return {"optimizer_map": described, "loss_scale_factor": self.options.loss_scale_factor, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> MultiOptimizer:
        """An optimizer from `get_config`."""
        shares = OptimizerMap.from_config(config["optimizer_map"]["config"], custom_objects)
        return cls(shares, config.get("loss_scale_factor"), config.get("name"))
