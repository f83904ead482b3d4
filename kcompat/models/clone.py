"""Copies of a model with new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kcompat.core.input import Input, InputLayer
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import keras_version_scope
from kcompat.graph import KerasTensor
from kcompat.models.model import Model
from kcompat.models.sequential import Sequential
from kcompat.tree import flatten, map_structure


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A model of the same architecture with newly initialized weights (Keras: clone_model).

    `input_tensors` are symbolic inputs to build on, `clone_function(layer)` makes the copy of a layer, `call_function(layer, *args,
    **kwargs)` calls it, `recursive` applies both inside nested models too.
    """
    if kwargs:
        raise ArgumentTypeError(f"`clone_model` got unknown arguments {list(kwargs)}.")
    if not isinstance(model, Model):
        raise ArgumentTypeError(f"`clone_model` takes a model, received {type(model).__name__}.")
    make = clone_function or _copy

    def clone(layer: Any) -> Any:
        if recursive and isinstance(layer, Model) and layer._network is not None:
            return clone_model(layer, clone_function=clone_function, call_function=call_function, recursive=True)
        return make(layer)

    with keras_version_scope(model._keras_version):
        if isinstance(model, Sequential):
            return _clone_stack(model, input_tensors, clone)
        if model._network is None:
            if clone_function is not None or input_tensors is not None:
                raise ArgumentError(
                    f"Model '{model.name}' is a subclass without a graph; `clone_model` can only copy it through its config."
                )
            return _copy(model)
        return _clone_graph(model, input_tensors, clone, call_function)


def _copy(layer: Layer) -> Any:
    with keras_version_scope(layer._keras_version):
        return type(layer).from_config(layer.get_config())


def _clone_stack(model: Sequential, input_tensors: Any, clone: Callable[[Any], Any]) -> Sequential:
    layers = [clone(layer) for layer in model.layers]
    copy = type(model)(name=model.name)
    if input_tensors is not None:
        given = flatten(input_tensors)
        if len(given) != 1 or not isinstance(given[0], KerasTensor):
            raise ArgumentError(f"`input_tensors` of a Sequential must be one symbolic tensor, received {input_tensors!r}.")
        copy._push(given[0])
    elif model._begin is not None:
        copy._push(_copy(model._begin))
    for layer in layers:
        copy._push(layer)
    copy._rebuild()
    return copy


def _clone_graph(model: Any, input_tensors: Any, clone: Callable[[Any], Any], call: Callable[..., Any] | None) -> Any:
    network = model._network
    inputs = model.__dict__["_inputs_structure"]
    sources = flatten(inputs)
    if input_tensors is None:
        fresh = [Input(batch_shape=t.shape, dtype=t.dtype, name=t._node.operation.name, sparse=t.sparse) for t in sources]
    else:
        fresh = flatten(input_tensors)
        if len(fresh) != len(sources) or not all(isinstance(t, KerasTensor) for t in fresh):
            raise ArgumentError(f"`input_tensors` must be {len(sources)} symbolic tensors, received {input_tensors!r}.")
    new = {id(old): tensor for old, tensor in zip(sources, fresh, strict=True)}
    copies: dict[int, Any] = {}

    def swap(leaf: Any) -> Any:
        return new[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

    for node in network.nodes:
        if all(id(t) in new for t in flatten(node.outputs)):
            continue
        operation = node.operation
        if isinstance(operation, Layer) and not isinstance(operation, InputLayer):
            if id(operation) not in copies:
                copies[id(operation)] = clone(operation)
            operation = copies[id(operation)]
        args, kwargs = map_structure(swap, node.args), map_structure(swap, node.kwargs)
        made = call(operation, *args, **kwargs) if call is not None and isinstance(operation, Layer) else operation(*args, **kwargs)
        new.update(zip((id(t) for t in flatten(node.outputs)), flatten(made), strict=True))
    outputs = map_structure(swap, model.__dict__["_outputs_structure"])
    return Model(map_structure(swap, inputs), outputs, name=model.name)
