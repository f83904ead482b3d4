"""A network as flat data, and back: what copies and pickles of a model carry.

The symbolic graph itself is a chain as long as the model is deep, which recursive copying cannot follow.
"""

from __future__ import annotations

from typing import Any

from kcompat.graph.network import Network
from kcompat.graph.plan import Slot
from kcompat.graph.symbol import KerasTensor, Node
from kcompat.tree import flatten, map_structure


def freeze(network: Network, *structures: Any) -> dict[str, Any]:
    """The calls of `network` in order, and `structures` of its symbolic tensors, with numbers in place of tensors."""
    number: dict[int, int] = {}
    for node in network.nodes:
        for tensor in flatten(node.outputs):
            number.setdefault(id(tensor), len(number))

    def mark(leaf: Any) -> Any:
        return Slot(number[id(leaf)]) if isinstance(leaf, KerasTensor) and id(leaf) in number else leaf

    def describe(tensor: KerasTensor) -> _Symbol:
        mask = tensor._keras_mask
        return _Symbol(number[id(tensor)], tensor.shape, tensor.dtype, tensor.name, tensor.sparse, getattr(mask, "shape", None))

    calls = [
        (node.operation, map_structure(mark, node.args), map_structure(mark, node.kwargs), map_structure(describe, node.outputs))
        for node in network.nodes
    ]
    return {"calls": calls, "structures": [map_structure(mark, s) for s in structures]}


def thaw(frozen: dict[str, Any]) -> list[Any]:
    """The structures given to `freeze`, on new symbolic tensors; every layer knows its calls again."""
    tensors: dict[int, KerasTensor] = {}

    def find(leaf: Any) -> Any:
        return tensors[leaf.index] if type(leaf) is Slot else leaf

    for operation, args, kwargs, outputs in frozen["calls"]:
        node = Node(operation, map_structure(find, args), map_structure(find, kwargs))
        node.outputs = map_structure(lambda symbol: tensors.setdefault(symbol.number, symbol.make()), outputs)
        for index, tensor in enumerate(flatten(node.outputs)):
            tensor._node, tensor._index = node, index
        calls = getattr(operation, "_inbound_nodes", None)
        if calls is not None:
            if not node.parents:
                calls.clear()  # an input layer makes itself a new tensor when it is copied
            calls.append(node)
    return [map_structure(find, structure) for structure in frozen["structures"]]


class _Symbol:
    """What a symbolic tensor is, without its history."""

    __slots__ = ("data", "number")

    def __init__(self, number: int, *data: Any):
        self.number = number
        self.data = data

    def __reduce__(self) -> Any:
        return _Symbol, (self.number, *self.data)

    def make(self) -> KerasTensor:
        shape, dtype, name, sparse, mask_shape = self.data
        tensor = KerasTensor(shape, dtype, name, sparse)
        tensor._keras_mask = None if mask_shape is None else KerasTensor(mask_shape, "bool")
        return tensor
