"""The statements of a traced program."""

from __future__ import annotations

import math
import operator
import re
from typing import Any

import torch

from kcompat.files.torch_source.calls import OPERATORS, call_text
from kcompat.files.torch_source.graph import changes_something
from kcompat.files.torch_source.names import Taken
from kcompat.files.torch_source.weights import Weights

#: (input, p, train) -> the input where nothing is trained
_SWITCHED = frozenset({"dropout", "feature_dropout"})
_SHORTER = {"sym_size_int": "size", "to_dtype": "to"}


class Body:
    """The statements of one graph; `names` says what its placeholders are called."""

    def __init__(self, graph: Any, names: dict[Any, str], taken: Taken, weights: Weights, device: str, mode: str = "exact"):
        """`mode`: 'exact', or 'switched' with `self.training` where the program says True, or 'bare' without what training changes."""
        self._graph, self._taken, self._weights, self._device, self._mode = graph, taken, weights, device, mode
        self._names = dict(names)
        self._compound: set[Any] = set()
        self.results: list[str] = []
        self._layer: str | None = None

    def lines(self) -> list[str]:
        """The statements, with a comment where another layer begins; afterwards `results` holds what the graph returns."""
        written: list[str] = []
        needed = self._needed()
        for node in self._graph.nodes:
            if node.op == "output":
                self.results = [self.text(value) for value in node.args[0]]
            if node.op != "call_function" or node not in needed or node in self._names:
                continue
            if node in self._weights.kept:
                self._names[node] = f"self.{self._weights.kept[node]}"
                continue
            if self._inlined(node):
                continue
            if self._mode == "bare" and _plain(node) in _SWITCHED and node.args[2] is not False:
                self._names[node] = self.text(node.args[0])
                continue
            statements = self._statements(node)
            here = _layer_of(node)
            if here is not None and here != self._layer:
                written.append(f"# {here}")
                self._layer = here
            written += statements
        return written

    def _needed(self) -> set[Any]:
        """The nodes that results and changes depend on, weights kept rearranged being there already."""
        found: set[Any] = set()
        left = [n for n in self._graph.nodes if n.op == "output" or (n.op == "call_function" and changes_something(n))]
        while left:
            node = left.pop()
            if node not in found:
                found.add(node)
                if node not in self._weights.kept:
                    left += node.all_input_nodes
        return found

    # -- values ----------------------------------------------------------------------------------------------------------------

    def text(self, value: Any) -> str:
        """How a value is written where it is an argument."""
        if isinstance(value, torch.fx.Node):
            if value in self._weights.kept:
                return f"self.{self._weights.kept[value]}"
            return f"({self._names[value]})" if value in self._compound else self._names[value]
        if isinstance(value, (list, tuple)):
            inner = ", ".join(self.text(item).removeprefix("(").removesuffix(")") if item in self._compound else self.text(item)
                              for item in value) if _hashable(value) else ", ".join(map(self.text, value))  # fmt: skip
            return f"({inner}{',' if len(value) == 1 else ''})" if isinstance(value, tuple) else f"[{inner}]"
        if isinstance(value, torch.device):
            return self._device
        if isinstance(value, float):
            return _number(value)
        if isinstance(value, slice):
            return f"slice({self.text(value.start)}, {self.text(value.stop)}, {self.text(value.step)})"
        return str(value) if isinstance(value, (torch.layout, torch.memory_format, torch.dtype)) else repr(value)

    def _inlined(self, node: Any) -> bool:
        """Sizes are written where they are used: x.shape[0], and sums of them that are used once."""
        target = str(node.target)
        if target == "aten.sym_size.int":
            self._names[node] = call_text(node, self.text)
            return True
        is_size = isinstance(node.meta.get("val"), (torch.SymInt, torch.SymFloat, torch.SymBool, int, float, bool))
        if is_size and len(node.users) == 1 and target != "aten.item.default":
            text = call_text(node, self.text)
            if len(text) <= 60:
                self._names[node] = text
                if node.target in OPERATORS or node.target is operator.neg:
                    self._compound.add(node)
                return True
        return False

    def _name(self, node: Any) -> str:
        base = re.sub(r"(_default)?(_\d+)?$", "", node.name).strip("_") or "x"
        return self._taken.take(_SHORTER.get(base, base))

    # -- statements --------------------------------------------------------------------------------------------------------------

    def _statements(self, node: Any) -> list[str]:
        kind = getattr(node.target, "__name__", "")
        if kind == "wrap_with_set_grad_enabled":
            enabled, graph, *args = node.args
            return self._block(f"with torch.{'enable_grad' if enabled else 'no_grad'}():", node, graph, args)
        if kind == "wrap_with_autocast":
            device, dtype, enabled, _cache, graph, *args = node.args
            kind = f"{self._device}.type" if device is not None else "'cpu'"
            return self._block(f"with torch.autocast({kind}, {self.text(dtype)}, {enabled}):", node, graph, args)
        if kind == "scan":
            return self._loop(node)
        text = call_text(node, self.text)
        if self._mode != "exact":
            text = self._switched(node, text)
        if not node.users:
            return [text]
        parts = _parts(node)
        if parts is not None:
            for part in parts:
                if part is not None:
                    self._names[part] = self._taken.take(node.name if part is None else _stem(node))
            return [f"{', '.join('_' if part is None else self._names[part] for part in parts)}{',' * (len(parts) == 1)} = {text}"]
        name = self._name(node)
        self._names[node] = name
        return [f"{name} = {text}"]

    def _switched(self, node: Any, text: str) -> str:
        plain = _plain(node)
        if self._mode == "bare":
            return re.sub(r"training=\w+, momentum=[\d.e-]+", "", text) if plain == "batch_norm" else text
        if plain == "batch_norm":
            return text.replace("training=True", "training=self.training")
        return re.sub(r"(, )(train=)?True\)$", r"\1training=self.training)", text) if plain in _SWITCHED else text

    def _inner(self, graph: Any, values: list[str]) -> Body:
        module = getattr(self._graph.owning_module, graph.target)
        placeholders = [n for n in module.graph.nodes if n.op == "placeholder"]
        inner = Body(module.graph, dict(zip(placeholders, values, strict=True)), self._taken, self._weights, self._device, self._mode)
        inner._layer = self._layer
        return inner

    def _block(self, head: str, node: Any, graph: Any, args: list[Any]) -> list[str]:
        inner = self._inner(graph, [self.text(a) for a in args])
        lines = [line for line in inner.lines() if not line.startswith("# ")]
        self._take_results(node, inner.results)
        return [head, *(f"    {line}" for line in lines or ["pass"])]

    def _take_results(self, node: Any, results: list[str]) -> None:
        for user in node.users:
            self._names[user] = results[user.args[1]]

    def _loop(self, node: Any) -> list[str]:
        """`scan`: states that go from step to step, rows that are read, and what each step gives."""
        graph, start, rows, more = node.args
        wanted = {user.args[1] for user in node.users if user.users}
        states = [self._taken.take("state") for _ in start]
        steps = [self._taken.take("step") for _ in rows]
        inner = self._inner(graph, [*states, *steps, *(self.text(m) for m in more)])
        lines = [line for line in inner.lines() if not line.startswith("# ")]
        new, every = inner.results[: len(start)], inner.results[len(start) :]
        shown = {k: self._taken.take("steps") for k in range(len(every)) if k + len(start) in wanted}
        unbound = [f"{self.text(row)}.unbind()" for row in rows]
        source = unbound[0] if len(rows) == 1 else f"zip({', '.join(unbound)})"
        written = [f"{', '.join(states)} = {', '.join(self.text(s) for s in start)}"]
        written += [f"{name} = []" for name in shown.values()]
        written.append(f"for {', '.join(steps)} in {source}:")
        written += [f"    {line}" for line in lines]
        written.append(f"    {', '.join(states)} = {', '.join(new)}")
        current = dict(zip(new, states, strict=True))
        written += [f"    {name}.append({current.get(every[k], every[k])})" for k, name in shown.items()]
        results = [*states, *(f"torch.stack({shown[k]})" if k in shown else "" for k in range(len(every)))]
        for k, name in shown.items():
            made = self._taken.take("stacked")
            written.append(f"{made} = torch.stack({name})")
            results[len(start) + k] = made
        self._take_results(node, results)
        return written


def _plain(node: Any) -> str:
    return str(node.target).removeprefix("aten.").split(".")[0]


def _hashable(values: Any) -> bool:
    return all(isinstance(v, (torch.fx.Node, int, float, str, bool, type(None))) for v in values)


def _stem(node: Any) -> str:
    return re.sub(r"(_default)?(_\d+)?$", "", node.name).strip("_") or "x"


def _parts(node: Any) -> list[Any] | None:
    """The nodes that take the parts of a result apart, where that is all that is done with it; None for other results."""
    value = node.meta.get("val")
    if not isinstance(value, (list, tuple)) or len(value) > 8 or any(user.target is not operator.getitem for user in node.users):
        return None
    by_index: dict[int, Any] = {}
    for user in node.users:
        if user.args[1] in by_index or not user.users:
            return None
        by_index[user.args[1]] = user
    return [by_index.get(index) for index in range(len(value))]


def _number(value: float) -> str:
    """A number as it was meant: 1 - 0.99 is 0.01."""
    if math.isinf(value) or math.isnan(value):
        return f'float("{value}")'
    short = float(f"{value:.12g}")
    return repr(short if abs(short - value) <= 1e-14 * abs(value) else value)


def _layer_of(node: Any) -> str | None:
    """'inner.conv2d (Conv2D)': the innermost layer below the model in which an operation was called."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    if len(stack) < 2:
        return None
    path, cls = stack[-1]
    return f"{re.sub(r'[^ -~]', lambda m: m.group(), str(path)) or '?'} ({str(cls).rsplit('.', 1)[-1]})".replace("\n", " ")
