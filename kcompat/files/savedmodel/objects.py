"""The graph of objects in a checkpoint: which object holds which under what name, and the tensors of each.

It is stored under the name `_CHECKPOINTABLE_OBJECT_GRAPH`. Objects may hold each other in circles, so walks remember where they have been.
Source: tensorflow/core/protobuf/trackable_object_graph.proto
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kcompat.errors import FileError
from kcompat.files.savedmodel.bundle import Bundle
from kcompat.files.savedmodel.wire import fields, message, number, text

KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_WHAT = "The graph of objects in the checkpoint"
#: what Keras adds to the objects of a SavedModel beside the attributes they have
DERIVED = frozenset({
    "variables", "trainable_variables", "non_trainable_variables", "regularization_losses", "keras_api", "__call__", "signatures",
    "call_and_return_all_conditional_losses", "call_and_return_conditional_losses", "_default_save_signature", "save_counter", "root",
})  # fmt: skip
_VALUE = "VARIABLE_VALUE"
#: deeper than any model holds its weights
_DEPTH = 64


@dataclass
class Node:
    """One object: its parts by name, the keys of its own tensors by attribute, and for an optimizer the slots it keeps."""

    children: dict[str, int] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    #: what TensorFlow calls the variable: "dense/kernel"
    full_name: str = ""
    #: (number of the variable, name of the slot, number of the slot's variable)
    slots: list[tuple[int, str, int]] = field(default_factory=list)


class Objects:
    """All objects; 0 is the root."""

    def __init__(self, nodes: list[Node]):
        if not nodes:
            raise FileError(f"{_WHAT} is empty.")
        self.nodes = nodes
        for node in nodes:
            for target in (*node.children.values(), *(n for variable, _, slot in node.slots for n in (variable, slot))):
                if target >= len(nodes):
                    raise FileError(f"{_WHAT} is damaged: it names object {target} of {len(nodes)}.")

    def child(self, index: int, *names: str) -> int | None:
        """The object that `names` lead to from object `index`, or None."""
        for name in names:
            found = self.nodes[index].children.get(name)
            if found is None:
                return None
            index = found
        return index

    def listed(self, index: int, prefix: str = "") -> list[int]:
        """The parts called `prefix` and a number, in the order of the numbers."""
        parts = self.nodes[index].children
        numbered = [(int(name[len(prefix) :]), target) for name, target in parts.items() if _is_numbered(name, prefix)]
        return [target for _, target in sorted(numbered)]

    def value_key(self, index: int) -> str | None:
        """Under which name the bundle holds the value of a variable; None for an object that is none."""
        return self.nodes[index].keys.get(_VALUE)

    def variables(self, index: int, skip: frozenset[str] = DERIVED) -> Iterator[tuple[tuple[str, ...], int]]:
        """(path of names, number) of every variable below an object, each once, in the order in which the objects were made."""
        seen = {index}
        stack: list[tuple[tuple[str, ...], int]] = [((), index)]
        while stack:
            path, here = stack.pop()
            if self.value_key(here) is not None:
                yield path, here
            for name, target in reversed(self.nodes[here].children.items()):
                if target not in seen and name not in skip and len(path) < _DEPTH:
                    seen.add(target)
                    stack.append(((*path, name), target))


def _is_numbered(name: str, prefix: str) -> bool:
    rest = name[len(prefix) :]
    return name.startswith(prefix) and rest.isascii() and rest.isdigit() and len(rest) < 10


def read_objects(bundle: Bundle) -> Objects:
    """The graph of objects of a checkpoint."""
    nodes = [_node(message(value, _WHAT)) for n, value in fields(memoryview(bundle.text(KEY)), _WHAT) if n == 1]
    return Objects(nodes)


def _node(data: memoryview) -> Node:
    node = Node()
    for n, value in fields(data, _WHAT):
        if n == 1:
            target, name = 0, ""
            for k, v in fields(message(value, _WHAT), _WHAT):
                target = number(v, _WHAT) if k == 1 else target
                name = text(v, _WHAT) if k == 2 else name
            node.children[name] = target
        elif n == 2:
            found = dict(fields(message(value, _WHAT), _WHAT))
            if 1 in found and 3 in found:
                node.keys[text(found[1], _WHAT)] = text(found[3], _WHAT)
                node.full_name = text(found[2], _WHAT) if 2 in found else node.full_name
        elif n == 3:
            found = dict(fields(message(value, _WHAT), _WHAT))
            node.slots.append((number(found.get(1, 0), _WHAT), text(found.get(2, memoryview(b"")), _WHAT), number(found.get(3, 0), _WHAT)))
    return node
