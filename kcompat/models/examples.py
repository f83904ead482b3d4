"""Example inputs of a model, and the program that `torch.export` finds with them."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import is_concrete_int
from torch.utils._pytree import tree_leaves

from kcompat.core.spec import InputSpec
from kcompat.core.weights import make_weights_contiguous
from kcompat.errors import ArgumentError, FileError
from kcompat.graph import KerasTensor
from kcompat.layers.embedding import Embedding
from kcompat.tensor.dtypes import torch_dtype
from kcompat.tree import map_structure

#: (batch, other lengths) of the examples, for sizes that are open; the larger ones for models that need more
_SIZES = (((2, 6), (3, 8)), ((2, 32), (3, 40)), ((2, 128), (3, 160)))


@dataclass
class Examples:
    """Two example inputs of different sizes, the names of the inputs, and for each input which axes are open."""

    first: Any
    second: Any
    names: list[str]
    open_axes: Any

    def __iter__(self) -> Iterator[Any]:
        return iter((self.first, self.second))


def examples_of(model: Any, signature: Any = None) -> Examples:
    """Examples for the model's own inputs, or for a signature: tensors, or specs with a shape and a dtype."""
    given = signature
    if given is None:
        if model._network is None:
            raise ArgumentError(
                f"Model '{model.name}' has no graph that tells its inputs: give examples or `InputSpec`s of them as `input_signature`."
            )
        given = model.input
    elif isinstance(given, (list, tuple)) and len(given) == 1 and (model._network is None or not isinstance(model.input, (list, tuple))):
        given = given[0]  # Keras takes a list of one for one input
    names = _names(model, given)
    if not _is_spec(tree_leaves(given, is_leaf=_is_spec)[0]):
        first = map_structure(torch.as_tensor, given)
        return Examples(first, map_structure(lambda t: torch.cat([t, t[:1]]), first), names, map_structure(lambda t: {0}, first))
    open_axes = map_structure(lambda t: {a for a, n in enumerate(t.shape) if n is None}, given, is_leaf=_is_spec)
    problem: Exception | None = None
    for sizes in _SIZES:
        random = torch.Generator().manual_seed(0)
        first, second = (map_structure(lambda t, s=s, random=random: _drawn(model, t, s, random), given, is_leaf=_is_spec) for s in sizes)
        try:
            with torch.no_grad():
                twin_of(model).eval()(first)
            return Examples(first, second, names, open_axes)
        except Exception as error:
            problem = problem or error
    raise FileError(f"Model '{model.name}' does not run on random inputs: {problem}. Give examples as `input_signature`.") from problem


def _is_spec(value: Any) -> bool:
    return isinstance(value, (InputSpec, KerasTensor))


def _drawn(model: Any, spec: Any, sizes: tuple[int, int], random: torch.Generator) -> torch.Tensor:
    if spec.shape is None:
        raise ArgumentError(f"`input_signature` must tell shapes, received {spec!r}.")
    shape = [n if n is not None else sizes[min(axis, 1)] for axis, n in enumerate(spec.shape)]
    dtype = spec.dtype if isinstance(spec.dtype, torch.dtype) else torch_dtype(spec.dtype or "float32")
    words = _words(model, spec)
    if words is not None or not dtype.is_floating_point:
        return torch.randint(0, words or 2, shape, generator=random).to(dtype)
    return torch.rand(shape, generator=random).to(dtype)


def _words(model: Any, symbol: Any) -> int | None:
    """How many rows the smallest embedding table has that an input goes into, None where there is none."""
    if model._network is None:
        return None
    calls = [node for node in model._network.nodes if isinstance(node.operation, Embedding) and any(p is symbol for p in node.parents)]
    return min((node.operation.input_dim for node in calls), default=None)


def _names(model: Any, given: Any) -> list[str]:
    """The names of the inputs in the order in which a program takes them."""
    if model._network is not None:
        known = dict(zip(map(id, model.inputs), model.input_names, strict=True))
        return tree_leaves(map_structure(lambda t: known[id(t)], model.input))
    count = len(tree_leaves(given, is_leaf=_is_spec))
    return ["inputs"] if count == 1 else [f"input_{index + 1}" for index in range(count)]


# -- programs ------------------------------------------------------------------------------------------------------------------


def twin_of(model: Any, seeded: bool = True) -> Any:
    """A copy of the model that may be changed; without `seeded` its layers draw from torch's generator."""
    twin = copy.deepcopy(model)
    for module in twin.modules() if not seeded else ():
        if getattr(module, "seed_generator", None) is not None:
            module.seed_generator = None
    return twin


def traced(model: Any, examples: Examples, training: bool, seeded: bool = True, fixed: bool = False, frozen: bool = False) -> Any:
    """The program that `torch.export` finds.

    With `fixed` sizes may become those of the examples, else a size that cannot stay open is an error. `frozen` leaves gradients out,
    without `seeded` layers draw from torch's generator.
    """
    twin = twin_of(model, seeded)
    make_weights_contiguous(twin)
    twin.train(training)
    if frozen:
        twin.requires_grad_(False)
    automatic = map_structure(
        lambda axes: dict.fromkeys(axes, torch.export.Dim.AUTO), examples.open_axes, is_leaf=lambda value: isinstance(value, set)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = torch.export.export(twin, (examples.first,), dynamic_shapes=(automatic,))
        except Exception as error:
            raise FileError(f"Model '{model.name}' cannot be traced by torch.export: {error}") from error
    if not fixed:
        _check_open(model, program, examples)
    return program


def _check_open(model: Any, program: Any, examples: Examples) -> None:
    inputs = [n for n in program.graph.nodes if n.op == "placeholder" and n.name in program.graph_signature.user_inputs]
    for node, name, axes in zip(inputs, examples.names, _sets(examples.open_axes), strict=True):
        closed = [axis for axis in sorted(axes) if is_concrete_int(node.meta["val"].shape[axis])]
        if closed and node.users:
            raise FileError(
                f"Model '{model.name}': axis {closed[0]} of the input '{name}' is open, but the model computes with its size so that it "
                "cannot stay open. Give an `input_signature` of tensors that have the size you want."
            )


def _sets(structure: Any) -> list[set[int]]:
    return tree_leaves(structure, is_leaf=lambda value: isinstance(value, set))
