"""The part of the graph between given inputs and outputs, in Keras' order.

Keras orders nodes and layers by depth: the distance to the farthest output behind them, deepest first; inside one depth
layers stand in the order in which a walk from the outputs back to the inputs finishes them. Weights are listed, saved and
loaded in this order, so it is part of the file format.
"""

from __future__ import annotations

from typing import Any

from kcompat.errors import ArgumentError
from kcompat.graph.symbol import KerasTensor, Node


class Network:
    """Nodes and operations between `inputs` and `outputs` (flat lists of symbolic tensors)."""

    def __init__(self, inputs: list[KerasTensor], outputs: list[KerasTensor], name: str = "model"):
        self.inputs = inputs
        self.outputs = outputs
        finished, order = _walk(inputs, outputs, name)
        depths = _depths(finished)
        lowest: dict[int, int] = {}
        for node in finished:
            lowest[id(node.operation)] = max(lowest.get(id(node.operation), 0), depths[id(node)])
        for tensor in inputs:  # an input that no output needs still belongs to the model
            if tensor._node is not None and id(tensor._node.operation) not in lowest:
                finished.append(tensor._node)
                order[id(tensor._node.operation)] = len(order)
                depths[id(tensor._node)] = lowest[id(tensor._node.operation)] = 0
        #: every call, deepest first: an order in which they can run
        self.nodes = sorted(finished, key=lambda node: -depths[id(node)])
        operations = {id(node.operation): node.operation for node in finished}
        #: every operation once, in Keras' order of layers
        self.operations: list[Any] = [operations[key] for key in sorted(operations, key=lambda k: (-lowest[k], order[k]))]

    def calls_of(self, operation: Any) -> list[Node]:
        """The calls of one operation inside this network, in the order in which they were made."""
        mine = {id(node) for node in self.nodes}
        made = getattr(operation, "_inbound_nodes", None) or [n for n in self.nodes if n.operation is operation]
        return [node for node in made if id(node) in mine]


def sources(tensor: KerasTensor) -> list[KerasTensor]:
    """The inputs (tensors that nothing made) that lead to `tensor`, in the order in which a walk back meets them."""
    found: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    stack = [tensor]
    while stack:
        here = stack.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        parents = here._node.parents if here._node is not None else []
        if not parents:
            found[id(here)] = here
        stack.extend(reversed(parents))
    return list(found.values())


def _walk(inputs: list[KerasTensor], outputs: list[KerasTensor], name: str) -> tuple[list[Node], dict[int, int]]:
    """The nodes that the outputs need, each after the ones it needs itself, and when each operation was first met."""
    stop = {id(tensor) for tensor in inputs}
    sources = {id(tensor._node) for tensor in inputs if tensor._node is not None}
    finished: list[Node] = []
    state: dict[int, str] = {}
    order: dict[int, int] = {}
    for output in outputs:
        stack: list[tuple[KerasTensor, bool]] = [(output, False)]
        while stack:
            tensor, done = stack.pop()
            node = tensor._node
            if node is None:
                raise _disconnected(name, tensor, inputs)
            if done:
                state[id(node)] = "finished"
                finished.append(node)
                continue
            if state.get(id(node)) == "finished":
                continue
            if state.get(id(node)) == "open":
                raise ArgumentError(f"The graph of '{name}' is no graph of a model: {node!r} needs its own output.")
            if not node.parents and id(node) not in sources and id(tensor) not in stop:
                raise _disconnected(name, tensor, inputs)
            order.setdefault(id(node.operation), len(order))
            state[id(node)] = "open"
            stack.append((tensor, True))
            if id(tensor) not in stop:
                stack.extend((parent, False) for parent in reversed(node.parents) if state.get(id(parent._node)) != "finished")
    return finished, order


def _depths(finished: list[Node]) -> dict[int, int]:
    """The depth of each node: one more than the deepest call that takes its output, and never less than its layer's."""
    depth: dict[int, int] = {}
    of_operation: dict[int, int] = {}
    for node in reversed(finished):
        mine = max(depth.get(id(node), 0), of_operation.get(id(node.operation), 0))
        depth[id(node)] = of_operation[id(node.operation)] = mine
        for parent in node.parents:
            depth[id(parent._node)] = max(mine + 1, depth.get(id(parent._node), 0))
    return depth


def _disconnected(name: str, tensor: KerasTensor, inputs: list[KerasTensor]) -> ArgumentError:
    return ArgumentError(
        f"Graph disconnected: model '{name}' needs {tensor!r}, which its `inputs` do not lead to. "
        f"`inputs` are {inputs!r}; add the missing `Input`."
    )
