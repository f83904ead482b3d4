"""`model.summary()`: a table of layers, output shapes and numbers of parameters, as Keras prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kcompat.errors import ArgumentError, NotBuiltError
from kcompat.tree import flatten


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: list[str] | None = None,
) -> None:
    """Print one row a layer: name and type, output shape, parameters; in a graph that branches also what feeds it.

    `positions` are the columns' ends as parts of `line_length` (or absolute), `layer_range` the names of the first and last layer.
    """
    if not model.built:
        raise NotBuiltError(f"Model '{model.name}' is not built yet: call it on data, or `build(input_shape)`, before `summary`.")
    emit = print_fn or print
    branching = model._network is not None and not hasattr(model, "_stack")
    heads = (
        ["Layer (type)", "Output Shape", "Param #"] + (["Connected to"] if branching else []) + (["Trainable"] if show_trainable else [])
    )
    line_length = line_length or (98 if branching else 65)
    positions = positions or ([0.33, 0.55, 0.67, 1.0] if branching else [0.45, 0.85, 1.0])
    ends = [int(p * line_length) if p <= 1 else int(p) for p in positions[: 3 + branching]]
    if show_trainable:
        ends.append(ends[-1] + 11)
        line_length = max(line_length, ends[-1])
    emit(f'Model: "{model.name}"')
    emit("_" * line_length)
    _row(heads, ends, emit)
    emit("=" * line_length)
    for layer in _in_range(model.layers, layer_range):
        _layer_rows(layer, model, branching, expand_nested, show_trainable, ends, emit, indent="")
    emit("=" * line_length)
    trainable = sum(w.numel() for w in model.trainable_weights)
    fixed = sum(w.numel() for w in model.non_trainable_weights)
    size = sum(w.numel() * w.element_size() for w in model.weights)
    emit(f"Total params: {trainable + fixed:,} ({_size(size)})")
    emit(f"Trainable params: {trainable:,}")
    emit(f"Non-trainable params: {fixed:,}")
    emit("_" * line_length)


def _layer_rows(
    layer: Any, model: Any, branching: bool, nested: bool, show_trainable: bool, ends: list[int], emit: Callable[[str], Any], indent: str
) -> None:
    cells = [f"{indent}{layer.name} ({type(layer).__name__})", _output_shape(layer), f"{layer.count_params():,}" if layer.built else "?"]
    if branching:
        cells.append(_feeds(layer, model))
    if show_trainable:
        cells.append("Y" if layer.trainable else "N")
    _row(cells, ends, emit)
    if nested and getattr(layer, "_is_model", False):
        for inner in layer.layers:
            _layer_rows(inner, layer, branching, nested, show_trainable, ends, emit, indent=f"{indent}| ")


def _row(cells: list[str], ends: list[int], emit: Callable[[str], Any]) -> None:
    """Print cells in columns; what is too long for its column goes on in the next line."""
    starts = [0, *ends[:-1]]
    widths = [end - start - 1 for start, end in zip(starts, ends, strict=True)]
    pieces = [[cell[i : i + width] for i in range(0, len(cell), width)] or [""] for cell, width in zip(cells, widths, strict=True)]
    for line in range(max(len(p) for p in pieces)):
        parts = ((p[line] if line < len(p) else "").ljust(end - start) for p, start, end in zip(pieces, starts, ends, strict=True))
        emit("".join(parts).rstrip())


def _output_shape(layer: Any) -> str:
    try:
        shape = layer.output_shape
    except NotBuiltError:
        return "multiple" if layer._inbound_nodes else "?"
    return str(shape)


def _feeds(layer: Any, model: Any) -> str:
    """The layers whose outputs feed this one, with call and tensor numbers."""
    names = []
    for node in model._network.calls_of(layer):
        for tensor in node.parents:
            operation, call, index = tensor._keras_history
            names.append(f"{getattr(operation, 'name', getattr(operation, '__name__', operation))}[{call}][{index}]")
    return str(flatten(names)) if names else "[]"


def _in_range(layers: list[Any], layer_range: list[str] | None) -> list[Any]:
    if layer_range is None:
        return layers
    names = [layer.name for layer in layers]
    if len(layer_range) != 2 or any(n not in names for n in layer_range):
        raise ArgumentError(f"`layer_range` must name the first and the last layer out of {names}, received {layer_range!r}.")
    first, last = sorted(names.index(n) for n in layer_range)
    return layers[first : last + 1]


def _size(count: float) -> str:
    for unit in ("Byte", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            return f"{count:.2f} {unit}"
        count /= 1024
    return ""
