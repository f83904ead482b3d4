"""Building a layer by its first call."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import torch

from kcompat import config
from kcompat.core.context import ambient
from kcompat.errors import ArgumentTypeError
from kcompat.tree import leaves, map_structure


class CallSpec:
    """The parameters of a class's `call`, read once when the class is made."""

    def __init__(self, call: Any, build: Any):
        parameters = list(inspect.signature(call).parameters.values())[1:]
        named = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        self.names = [p.name for p in named if p.kind is not p.KEYWORD_ONLY]
        self.first = self.names[0] if self.names else "inputs"
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        every = {p.name for p in named}
        self.takes_training = "training" in every
        default = inspect.signature(call).parameters["training"].default if self.takes_training else None
        self.training_default = default if isinstance(default, bool) else None
        self.takes_mask = "mask" in every
        self.passes_any = takes_any
        shapes = list(inspect.signature(build).parameters.values())[1:]
        names = [p.name for p in shapes if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        #: Keras 3: `build(self, query_shape, value_shape)` asks for the shapes of several arguments of `call`
        self.build_shapes = names if len(names) > 1 and all(n.endswith("_shape") for n in names) else None


def shapes_of(value: Any) -> Any:
    """The shapes of a structure of tensors, as tuples."""
    return map_structure(lambda t: tuple(t.shape) if hasattr(t, "shape") else None, value)


def build_for(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Build the layer for the shapes of this call."""
    spec: CallSpec = layer._call_spec
    if not any(hasattr(leaf, "shape") for leaf in leaves(inputs)) and layer._overrides_build:
        raise ArgumentTypeError(
            f"Layer '{layer.name}' ({type(layer).__name__}) must be called on tensors or arrays, received {type(inputs).__name__}."
        )
    with _first_device(inputs):
        _build(layer, spec, inputs, args, kwargs)


def _first_device(inputs: Any) -> Any:
    """Weights made by a first call live where its input does, unless `config.set_device` says otherwise."""
    found = next((leaf.device for leaf in leaves(inputs) if isinstance(leaf, torch.Tensor)), None)
    same = found is None or config.device_is_set() or found == config.device() or ambient.inferring
    return contextlib.nullcontext() if same else found


def _build(layer: Any, spec: CallSpec, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if spec.build_shapes is None:
        layer._build_once(shapes_of(inputs))
        return
    given = {**dict(zip(spec.names, (inputs, *args), strict=False)), **kwargs}
    shapes = {}
    for name in spec.build_shapes:
        argument = name.removesuffix("_shape")
        if given.get(argument) is not None:
            shapes[name] = shapes_of(given[argument])
    layer._build_once(**shapes)
