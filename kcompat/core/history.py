"""The graph seen from a layer: the tensors it was called on and the ones it made, call by call."""

from __future__ import annotations

from typing import Any

from kcompat.core.masks import mask_of
from kcompat.errors import NotBuiltError
from kcompat.graph import Node
from kcompat.tree import flatten, map_structure


class HistoryMixin:
    """Keras' `input`, `output`, `get_output_at(node_index)` and their kin."""

    name: str
    _inbound_nodes: list[Node]

    def _call_at(self, node_index: int, what: str) -> Node:
        if not self._inbound_nodes:
            raise NotBuiltError(f"Layer '{self.name}' has never been called on a symbolic tensor, so it has no {what}.")
        if not -len(self._inbound_nodes) <= node_index < len(self._inbound_nodes):
            raise NotBuiltError(
                f"Layer '{self.name}' was called {len(self._inbound_nodes)} times, so `node_index` {node_index} names no {what}."
            )
        return self._inbound_nodes[node_index]

    def _only_call(self, what: str) -> Node:
        if len(self._inbound_nodes) > 1:
            raise NotBuiltError(
                f"Layer '{self.name}' was called {len(self._inbound_nodes)} times, so its {what} is ambiguous: "
                f"use `get_{what.replace(' ', '_')}_at(node_index)`."
            )
        return self._call_at(0, what)

    def get_input_at(self, node_index: int) -> Any:
        """The symbolic input of the call number `node_index`."""
        return _inputs(self._call_at(node_index, "input"))

    def get_output_at(self, node_index: int) -> Any:
        """The symbolic output of the call number `node_index`."""
        return self._call_at(node_index, "output").outputs

    def get_input_shape_at(self, node_index: int) -> Any:
        """The input shape of the call number `node_index`."""
        return _shapes(_inputs(self._call_at(node_index, "input shape")))

    def get_output_shape_at(self, node_index: int) -> Any:
        """The output shape of the call number `node_index`."""
        return _shapes(self._call_at(node_index, "output shape").outputs)

    def get_input_mask_at(self, node_index: int) -> Any:
        """The symbolic input mask of the call number `node_index`, or None."""
        return mask_of(_inputs(self._call_at(node_index, "input mask")))

    def get_output_mask_at(self, node_index: int) -> Any:
        """The symbolic output mask of the call number `node_index`, or None."""
        return mask_of(self._call_at(node_index, "output mask").outputs)

    @property
    def input(self) -> Any:
        """The symbolic input of a layer that was called once."""
        return _inputs(self._only_call("input"))

    @property
    def output(self) -> Any:
        """The symbolic output of a layer that was called once."""
        return self._only_call("output").outputs

    @property
    def input_mask(self) -> Any:
        """The symbolic mask of the only input, or None."""
        return mask_of(_inputs(self._only_call("input mask")))

    @property
    def output_mask(self) -> Any:
        """The symbolic mask of the only output, or None."""
        return mask_of(self._only_call("output mask").outputs)

    @property
    def input_shape(self) -> Any:
        """The shape of the input, if all calls had the same."""
        return self._same_shape("input shape", lambda node: _shapes(_inputs(node)))

    @property
    def output_shape(self) -> Any:
        """The shape of the output, if all calls had the same."""
        return self._same_shape("output shape", lambda node: _shapes(node.outputs))

    def _same_shape(self, what: str, read: Any) -> Any:
        self._call_at(0, what)
        shapes = [read(node) for node in self._inbound_nodes]
        if any(shape != shapes[0] for shape in shapes):
            raise NotBuiltError(f"Layer '{self.name}' has several {what}s, {shapes}: use `get_{what.replace(' ', '_')}_at(node_index)`.")
        return shapes[0]

    @property
    def inbound_nodes(self) -> list[Node]:
        """The calls of the layer on symbolic tensors."""
        return self._inbound_nodes


def _inputs(node: Node) -> Any:
    """What the layer was called on: its first argument; a source (`Input`) counts as called on its own output."""
    if not node.parents:
        return node.outputs
    first = node.args[0] if node.args else next(iter(node.kwargs.values()))
    others = [p for p in node.parents if p not in flatten(first)]
    return first if not others or isinstance(first, dict) else [*flatten(first), *others]


def _shapes(tensors: Any) -> Any:
    return map_structure(lambda t: t.shape, tensors)
