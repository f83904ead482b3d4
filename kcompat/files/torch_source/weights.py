"""The weights and constants of traced programs, and the rearranging that is done once instead of in every call.

Keras' shapes are not torch's: a convolution turns its kernel, an LSTM transposes it, a GRU puts its gates in another order. Where all
that is ever done with a weight is one such rearrangement, the module keeps the weight rearranged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from kcompat.files.torch_source.names import Places

#: these move numbers and compute none
_MOVES = frozenset(
    f"aten.{name}" for name in (
        "permute.default", "t.default", "numpy_T.default", "transpose.int", "reshape.default", "view.default", "contiguous.default",
        "chunk.default", "split.Tensor", "split_with_sizes.default", "cat.default", "unsqueeze.default", "squeeze.dim", "flip.default",
        "flatten.using_ints", "unflatten.int", "squeeze.default",
    )
)  # fmt: skip


@dataclass
class Weights:
    """Tensors by their names in the module, which of them are trained, and the nodes that are a weight as the module keeps it."""

    places: Places = field(default_factory=Places)
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    trainable: set[str] = field(default_factory=set)
    #: node -> name of the weight that holds its value already
    kept: dict[Any, str] = field(default_factory=dict)


def collect(programs: list[Any]) -> Weights:
    """The weights of all the programs, which are of one model."""
    weights = Weights()
    for program in programs:
        signature = program.graph_signature
        for target in signature.inputs_to_parameters.values():
            name = weights.places.of(target)
            weights.tensors[name] = program.state_dict[target].detach()
            if program.state_dict[target].requires_grad:
                weights.trainable.add(name)
        for target in signature.inputs_to_buffers.values():
            held = program.state_dict.get(target)
            weights.tensors[weights.places.of(target)] = (program.constants[target] if held is None else held).detach()
        for target in signature.inputs_to_lifted_tensor_constants.values():
            weights.tensors[weights.places.of(f"constants.{target}")] = program.constants[target].detach()
        for node, name in placeholders(program, weights.places).items():
            weights.kept[node] = name
    return weights


def placeholders(program: Any, places: Places) -> dict[Any, str]:
    """The placeholders that are weights -> their names in the module."""
    signature = program.graph_signature
    targets = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    targets.update({node: f"constants.{target}" for node, target in signature.inputs_to_lifted_tensor_constants.items()})
    return {node: places.of(targets[node.name]) for node in program.graph.nodes if node.op == "placeholder" and node.name in targets}


def rearrange(programs: list[Any], weights: Weights) -> None:
    """Keep those weights rearranged that are used in one arrangement only."""
    found: dict[str, dict[str, list[Any]]] = {}
    found_same: dict[Any, Any] = {}
    for program in programs:
        moved, same = _moved(program, weights)
        found_same.update(same)
        handed = set(same.values())
        for node, name in moved.items():
            if any(user not in moved and not (node in handed and _inner_graph(user) is not None) for user in node.users):
                found.setdefault(name, {}).setdefault(_text(node, same), []).append(node)
    for name, arrangements in found.items():
        nodes = next(iter(arrangements.values()))
        if len(arrangements) == 1 and nodes[0].op != "placeholder":
            tensor = weights.tensors[name]
            order = _evaluate(nodes[0], torch.arange(tensor.numel()).view(tensor.shape), found_same)
            if isinstance(order, torch.Tensor) and order.numel() == tensor.numel() and len(order.unique()) == order.numel():
                weights.tensors[name] = tensor.reshape(-1)[order.reshape(-1).to(tensor.device)].view(order.shape)
                weights.kept.update(dict.fromkeys(nodes, name))


def _moved(program: Any, weights: Weights) -> tuple[dict[Any, str], dict[Any, Any]]:
    """Every node that is a rearrangement of one weight -> the weight's name; and what is handed into inner graphs, inner -> outer."""
    found: dict[Any, str] = dict(placeholders(program, weights.places))
    same: dict[Any, Any] = {}
    _follow(program.graph_module, found, same)
    return found, same


def _follow(module: Any, found: dict[Any, str], same: dict[Any, Any]) -> None:
    for node in module.graph.nodes:
        if node.op != "call_function":
            continue
        inner = _inner_graph(node)
        if inner is not None:
            given = [n for n in inner.graph.nodes if n.op == "placeholder"]
            for placeholder, outer in zip(given, _handed(node), strict=False):
                if outer in found:
                    found[placeholder], same[placeholder] = found[outer], outer
            _follow(inner, found, same)
        elif str(node.target) in _MOVES or getattr(node.target, "__name__", "") == "getitem":
            sources = {found.get(parent) for parent in node.all_input_nodes}
            if len(sources) == 1 and (source := next(iter(sources))) is not None:
                found[node] = source


def _inner_graph(node: Any) -> Any:
    """The module that a loop or a block of statements runs."""
    held = [a for a in node.args if isinstance(a, torch.fx.Node) and a.op == "get_attr"]
    inner = getattr(node.graph.owning_module, str(held[0].target), None) if held else None
    return inner if isinstance(inner, torch.fx.GraphModule) else None


def _handed(node: Any) -> list[Any]:
    """What the placeholders of the inner graph stand for."""
    place = next(i for i, a in enumerate(node.args) if isinstance(a, torch.fx.Node) and a.op == "get_attr")
    flat: list[Any] = []
    for argument in node.args[place + 1 :]:
        flat += argument if isinstance(argument, (list, tuple)) else [argument]
    return flat


def _text(node: Any, same: dict[Any, Any]) -> str:
    """What is done to the weight, in words that are the same in every program."""
    if node in same:
        return _text(same[node], same)
    if node.op == "placeholder":
        return "weight"
    parts = torch.fx.node.map_arg((node.args, node.kwargs), lambda n: _Word(_text(n, same)))
    return f"{node.target}{parts}"


class _Word(str):
    def __repr__(self) -> str:
        return str(self)


def _evaluate(node: Any, weight: torch.Tensor, same: dict[Any, Any]) -> Any:
    if node in same:
        return _evaluate(same[node], weight, same)
    if node.op == "placeholder":
        return weight
    args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), lambda n: _evaluate(n, weight, same))
    return node.target(*args, **kwargs)
