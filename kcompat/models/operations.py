"""Functions in the graph of a model, in configs of tf.keras and of Keras 3: how their calls are written and read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError
from kcompat.files.symbols.inverse import Written, written
from kcompat.files.symbols.layers import OperationLayer, write_index
from kcompat.graph import KerasTensor, Network
from kcompat.graph.symbol import Node
from kcompat.tree import flatten, leaves, map_structure

CONSTANT = "_CONSTANT_VALUE"
Place = Callable[[KerasTensor], list[Any]]
Plain = Callable[[Any], Any]


class FunctionCalls:
    """The calls of torch functions in a network, each a layer of its own in the config."""

    def __init__(self, network: Network, model_name: str, rows: bool):
        self.rows = rows
        self.named: dict[int, tuple[str, Written]] = {}
        taken = {operation.name for operation in network.operations if isinstance(operation, Layer)}
        for operation in network.operations:
            for node in [] if isinstance(operation, Layer) else network.calls_of(operation):
                found = written(operation, node.args, node.kwargs, model_name)
                title = found.symbol if rows else found.operation
                if title is None:
                    raise ArgumentError(
                        f"Model '{model_name}' applies `{getattr(operation, '__name__', operation)}`, which files of this generation "
                        "cannot hold. Put it into a layer."
                    )
                self.named[id(node)] = _unique(f"tf.{title}" if rows else _snake(title), taken), found

    def entries(self, nodes: Iterable[Node], place: Place, plain: Plain) -> Iterable[dict[str, Any]]:
        """The layers for calls of one function."""
        for node in nodes:
            name, call = self.named[id(node)]
            if self.rows:
                yield self._row_entry(name, call, place, plain)
            else:
                room, _, title = str(call.operation).rpartition(".")
                inbound = {"args": [_argument(a, place, plain) for a in call.arguments], "kwargs": {}}
                yield {
                    "module": f"keras.src.ops.{room}", "class_name": title, "config": {"name": name, **call.fixed},
                    "registered_name": title, "name": name, "inbound_nodes": [inbound],
                }  # fmt: skip

    def _row_entry(self, name: str, call: Written, place: Place, plain: Plain) -> dict[str, Any]:
        slicing = call.symbol == "__operators__.getitem"
        class_name = "SlicingOpLambda" if slicing else "TFOpLambda"
        config = {"name": name, "trainable": True, "dtype": "float32", "function": call.symbol}
        keywords = call.keywords if slicing or call.symbol in _NAMELESS else {**call.keywords, "name": None}
        return {
            "module": "keras.layers", "class_name": class_name, "config": config, "registered_name": class_name, "name": name,
            "inbound_nodes": [_rows(call.first, keywords, place, plain)],
        }  # fmt: skip


#: functions of TensorFlow's Python layer that take no `name`
_NAMELESS = ("math.reduce_sum", "math.reduce_mean", "math.reduce_max", "math.reduce_min", "math.reduce_prod", "math.reduce_all",
             "math.reduce_any", "math.reduce_logsumexp", "concat", "stack")  # fmt: skip


def _unique(base: str, taken: set[str]) -> str:
    name, number = base, 1
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name


def _snake(title: str) -> str:
    from kcompat.core.naming import snake_case

    return snake_case(title.rsplit(".", 1)[-1])


def operation_rows(node: Node, place: Place, plain: Plain) -> Any:
    """A call of an operation layer as tf.keras writes it: one flat row for a tensor, a list of rows for a list."""
    first = node.args[0] if node.args else node.kwargs.get("inputs")
    if any(isinstance(a, KerasTensor) for a in node.args[1:]):
        raise ArgumentError(f"The call of '{node.operation.name}' has tensors among its further positional arguments; pass them by name.")
    if type(node.operation).__name__ == "TensorFlowOpLayer":  # TF 2.0 to 2.3: one row for each tensor
        return [[*place(t), {}] for t in flatten(first)]
    return _rows(first, node.kwargs, place, plain)


def _rows(first: Any, keywords: dict[str, Any], place: Place, plain: Plain) -> Any:
    told = {key: _written(value, place, plain) for key, value in keywords.items()}

    def row(value: Any) -> list[Any]:
        if isinstance(value, (list, tuple)):
            return [row(item) for item in value]
        return [*place(value), told] if isinstance(value, KerasTensor) else [CONSTANT, -1, plain(value), told]

    constants = isinstance(first, (list, tuple)) and not any(isinstance(leaf, KerasTensor) for leaf in leaves(first))
    return [CONSTANT, -1, plain(first), told] if constants else row(first)


def _written(value: Any, place: Place, plain: Plain) -> Any:
    if isinstance(value, KerasTensor):
        return place(value)
    if isinstance(value, (list, tuple)):
        return [_written(item, place, plain) for item in value]
    if isinstance(value, slice):
        return {key: _written(item, place, plain) for key, item in write_index(value).items()}
    if isinstance(value, dict):
        return {key: _written(item, place, plain) for key, item in value.items()}
    return write_index(value) if value is Ellipsis else plain(value)


def _argument(value: Any, place: Place, plain: Plain) -> Any:
    def write(leaf: Any) -> Any:
        if isinstance(leaf, KerasTensor):
            return tensor_argument(leaf, place)
        return write_index(leaf, wrapped=True) if leaf is Ellipsis or isinstance(leaf, slice) else plain(leaf)

    return map_structure(write, value)


def tensor_argument(value: KerasTensor, place: Place) -> dict[str, Any]:
    """A symbolic tensor as Keras 3 writes it."""
    config = {"shape": value.shape, "dtype": str(value.dtype).removeprefix("torch."), "keras_history": place(value)}
    return {"class_name": "__keras_tensor__", "config": config}


def is_operation(layer: Any) -> bool:
    """Whether a layer is a function: its first argument is kept as it was given, and None among its keywords has a meaning."""
    return isinstance(layer, OperationLayer)


def read_first(node: Any, find: Callable[[Any], Any]) -> Any:
    """The first argument of a call of a function: a tensor, a constant, or lists of them."""
    if isinstance(node[0], str):
        return node[2] if node[0] == CONSTANT else find(node[:3])
    return [read_first(item, find) for item in node]


def flat_rows(node: Any) -> list[Any]:
    """All rows in a call, at any depth; constants are none."""
    if isinstance(node, dict) or not node:
        return []
    if isinstance(node[0], str):
        return [] if node[0] == CONSTANT else [node]
    return [row for item in node if isinstance(item, (list, tuple)) for row in flat_rows(item)]


def keywords_of(node: Any) -> dict[str, Any]:
    """The keywords of a call, which stand in each of its rows."""
    if isinstance(node, dict) or not node:
        return {}
    if isinstance(node[0], str):
        return node[3] if len(node) > 3 and isinstance(node[3], dict) else {}
    return next((found for item in node if isinstance(item, (list, tuple)) and (found := keywords_of(item))), {})
