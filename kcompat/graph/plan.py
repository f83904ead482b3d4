"""A network as a flat list of steps, fixed once; running it looks nothing up in the graph.

A step names a module by its key in the owner's `_modules` (so that a replaced module takes effect, and copies of the
model need no rewiring) or holds a function. Values live in numbered slots; a slot is taken over by a later value as
soon as nothing needs the earlier one, so a plan holds no more activations than hand-written code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn.modules.module import _global_forward_hooks, _global_forward_pre_hooks

from kcompat.graph.network import Network
from kcompat.graph.symbol import KerasTensor, Node
from kcompat.tree import flatten, leaves, map_structure


class Slot:
    """The place of a value in the arguments of a step."""

    __slots__ = ("index",)

    def __init__(self, index: int):
        self.index = index

    def __reduce__(self) -> Any:
        return Slot, (self.index,)


class Constant(Slot):
    """The place of a tensor that the model owns as a buffer."""

    def __reduce__(self) -> Any:
        return Constant, (self.index,)


class Plan:
    """The steps of a network. `key_of` gives the name under which the owner holds a module."""

    def __init__(self, network: Network, key_of: Callable[[Any], str]):
        self.constants: list[torch.Tensor] = []
        self._free: list[int] = []
        self._size = 0
        last_use = _last_uses(network)
        slots: dict[int, int] = {id(tensor): self._take() for tensor in network.inputs}
        self.input_slots = [slots[id(tensor)] for tensor in network.inputs]
        given = {id(tensor._node) for tensor in network.inputs}
        uses = Counter(id(tensor) for node in network.nodes for tensor in node.parents)
        keep = {id(tensor) for tensor in network.outputs}
        self.steps: list[tuple[Any, Any, Any, Any, Any]] = []
        for position, node in enumerate(network.nodes):
            if id(node) in given:
                continue
            arguments = self._arguments(node, slots)
            for tensor in {id(t): t for t in node.parents}.values():
                if last_use[id(tensor)] == position and id(tensor) not in keep:
                    self._free.append(slots[id(tensor)])
            made = flatten(node.outputs)
            for tensor in made:
                slots[id(tensor)] = self._take()
            operation = key_of(node.operation) if isinstance(node.operation, torch.nn.Module) else node.operation
            out = slots[id(node.outputs)] if isinstance(node.outputs, KerasTensor) else [slots[id(t)] for t in made]
            maker = None
            if arguments[1] is None and uses[id(node.args[0])] == 1 and id(node.args[0]) not in keep:
                maker = _maker(node, key_of)
            self.steps.append((operation, *arguments, out, maker))
            self._free.extend(slots[id(t)] for t in made if id(t) not in last_use and id(t) not in keep)
        self.output_slots = [slots[id(tensor)] for tensor in network.outputs]
        self.chain = self._as_chain()
        self.dtypes = {t.dtype for t in (*network.inputs, *(made for node in network.nodes for made in flatten(node.outputs)))}

    def _as_chain(self) -> list[tuple[Any, str | None]] | None:
        """(operation, maker) of each step, if every step takes what the one before gave and nothing else; else None."""
        if len(self.input_slots) != 1 or len(self.output_slots) != 1:
            return None
        at = self.input_slots[0]
        for _, arguments, keywords, out, _ in self.steps:
            if keywords is not None or type(arguments) is not int or arguments != at or type(out) is not int:
                return None
            at = out
        return [(operation, maker) for operation, _, _, _, maker in self.steps] if at == self.output_slots[0] else None

    def run_chain(self, modules: Mapping[str, Any], value: Any) -> Any:
        """The output of a plan that is a `chain`, for its one input."""
        assert self.chain is not None
        for operation, maker in self.chain:
            call = modules[operation] if type(operation) is str else operation
            value = call.overwrite(value) if maker is not None and _may_overwrite(call, modules[maker]) else call(value)
        return value

    def straight_calls(self, modules: Mapping[str, Any], dtype: torch.dtype) -> list[Callable[[Any], Any]] | None:
        """What each layer of a `chain` computes for tensors of this dtype, without what surrounds a call.

        None where that matters: casts, hooks, masks, layers in layers.
        """
        if self.dtypes != {dtype}:
            return None
        calls = []
        for operation, maker in self.chain or ():
            layer = modules[operation] if type(operation) is str else None
            if layer is None or not getattr(layer, "_goes_straight", False) or layer._compute_dtype is not dtype:
                return None
            overwrites = maker is not None and _may_overwrite(layer, modules[maker])
            calls.append(layer._call_in_place if overwrites else layer.call)
        return calls or None

    def _take(self) -> int:
        if self._free:
            return self._free.pop()
        self._size += 1
        return self._size - 1

    def _arguments(self, node: Node, slots: dict[int, int]) -> tuple[Any, Any]:
        """(slot, None) for a call with one tensor, (slots, None) with one list of them, else (argument template, keyword template)."""
        if len(node.args) == 1 and not node.kwargs:
            argument = node.args[0]
            if isinstance(argument, KerasTensor):
                return slots[id(argument)], None
            if type(argument) is list and all(isinstance(leaf, KerasTensor) for leaf in argument):
                return tuple(slots[id(leaf)] for leaf in argument), None

        def place(leaf: Any) -> Any:
            if isinstance(leaf, KerasTensor):
                return Slot(slots[id(leaf)])
            if isinstance(leaf, torch.Tensor):
                self.constants.append(leaf)
                return Constant(len(self.constants) - 1)
            return leaf

        return map_structure(place, node.args), map_structure(place, node.kwargs)

    def run(self, modules: Mapping[str, Any], inputs: list[Any], constants: list[torch.Tensor]) -> list[Any]:
        """The outputs for `inputs`, both flat."""
        values: list[Any] = [None] * self._size
        for slot, value in zip(self.input_slots, inputs, strict=True):
            values[slot] = value
        for operation, args, kwargs, out, maker in self.steps:
            call = modules[operation] if type(operation) is str else operation
            if kwargs is not None:
                result = call(*_fill(args, values, constants), **_fill(kwargs, values, constants))
            elif type(args) is tuple:
                result = call([values[slot] for slot in args])
            elif maker is not None and _may_overwrite(call, modules[maker]):
                result = call.overwrite(values[args])
            else:
                result = call(values[args])
            if type(out) is int:
                values[out] = result
            else:
                for slot, leaf in zip(out, leaves(result), strict=True):
                    values[slot] = leaf
        return [values[slot] for slot in self.output_slots]


def _fill(template: Any, values: list[Any], constants: list[torch.Tensor]) -> Any:
    def value(leaf: Any) -> Any:
        if type(leaf) is Slot:
            return values[leaf.index]
        return constants[leaf.index] if type(leaf) is Constant else leaf

    return map_structure(value, template)


def _maker(node: Node, key_of: Callable[[Any], str]) -> str | None:
    """The key of the layer that made the one input of `node`, if such inputs are new tensors and the node's layer can overwrite them."""
    made_by = node.args[0]._node.operation
    if getattr(made_by, "_makes_new", False) and getattr(node.operation, "_call_in_place", None) is not None:
        return key_of(made_by)
    return None


def _may_overwrite(layer: Any, maker: Any) -> bool:
    """Whether nothing can be lost if `layer` overwrites what `maker` made: no gradient is recorded, and no hook has seen it."""
    return not (
        torch.is_grad_enabled()
        or layer._forward_pre_hooks
        or layer._forward_hooks
        or maker._forward_hooks
        or _global_forward_hooks
        or _global_forward_pre_hooks
        or not getattr(maker, "_makes_new", False)
        or getattr(layer, "_call_in_place", None) is None
    )


def _last_uses(network: Network) -> dict[int, int]:
    """For each symbolic tensor that is used, the position of the last node that takes it."""
    return {id(tensor): position for position, node in enumerate(network.nodes) for tensor in node.parents}
