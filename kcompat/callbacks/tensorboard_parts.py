"""What `TensorBoard` writes of a model: its graph, weights as images, layers' outputs, embeddings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat import config
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.tree import flatten


def profiled_batches(given: Any) -> tuple[int, int]:
    """First and last batch to profile, from a number, a pair, or "first,last"; (0, 0) where 0 asks for none."""
    try:
        listed = [int(part) for part in given.split(",")] if isinstance(given, str) else given
        first, last = (listed, listed) if isinstance(listed, int) else listed * 2 if len(listed) == 1 else listed
        if 0 <= first <= last:
            return int(first), int(last)
    except (TypeError, ValueError, IndexError):
        pass
    raise ArgumentError(f"TensorBoard: `profile_batch` must be a number of a batch, or a first and a last one, received {given!r}.")


def weight_tag(weight: Any) -> str:
    """The name of a weight in event files: a path without colons."""
    name = getattr(weight, "path", None) if behaviour("variable_name") == "own" else getattr(weight, "name", None)
    return str(name or "weight").replace(":", "_")


def as_image(weight: Tensor) -> Tensor | None:
    """A weight of up to three axes (beside those of size 1) as images (n, height, width, channels), scaled to 0..1; None for others."""
    image = weight.squeeze()
    if image.ndim == 1:
        image = image.reshape(1, -1, 1, 1)
    elif image.ndim == 2:
        image = (image.T if image.shape[0] > image.shape[1] else image)[None, ..., None]
    elif image.ndim == 3:
        image = (image.permute(2, 0, 1) if config.image_data_format() == "channels_last" else image)[..., None]
    if image.ndim != 4 or image.shape[-1] not in (1, 3, 4):
        return None
    low, high = image.min(), image.max()
    return (image - low) / (high - low).clamp_min(torch.finfo(image.dtype).tiny)


def write_graph(writer: Any, model: Any) -> None:
    """The layers and what feeds them as a graph, and the model's JSON for TensorBoard's conceptual graph."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    network = getattr(model, "_network", None)
    nodes = []
    for layer in getattr(model, "layers", ()):
        calls = [] if network is None else network.calls_of(layer)
        feeds = [getattr(t._keras_history[0], "name", str(t._keras_history[0])) for call in calls for t in call.parents]
        nodes.append(NodeDef(name=layer.name, op=type(layer).__name__, input=dict.fromkeys(feeds)))
    writer.file_writer.add_event(Event(graph_def=GraphDef(node=nodes).SerializeToString()))
    if network is None:
        return
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1"))
    text = TensorProto(dtype="DT_STRING", string_val=[model.to_json().encode()])
    writer.file_writer.add_summary(Summary(value=[Summary.Value(tag="keras", tensor=text, metadata=about)]), 0)


def embeddings(model: Any, names: Sequence[str] | None = None) -> list[Any]:
    """The layers of these names, or all embeddings."""
    layers = list(getattr(model, "layers", ()))
    return [layer for layer in layers if layer.name in names] if names else [x for x in layers if type(x).__name__ == "Embedding"]


def layer_outputs(model: Any, layers: Sequence[Any], inputs: Sequence[Any], batch_size: int) -> dict[str, Tensor]:
    """The outputs of layers for arrays of inputs, in inference, computed in batches."""
    found: dict[str, list[Tensor]] = {}
    hooks = [layer.register_forward_hook(lambda _, __, out, n=layer.name: _keep(found, n, out)) for layer in layers]
    try:
        model.predict(list(inputs) if len(inputs) > 1 else inputs[0], batch_size=batch_size, verbose=0)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(values) for name, values in found.items()}


def _keep(found: dict[str, list[Tensor]], name: str, output: Any) -> None:
    for index, tensor in enumerate(flatten(output)):
        found.setdefault(name if tensor is output else f"{name}_{index}", []).append(tensor.detach())


def write_embeddings(writer: Any, told: Any, epoch: int) -> None:
    """The tables of embeddings, or what they make of `embeddings_data`, for TensorBoard's projector."""
    layers = embeddings(told.model, told.embeddings_layer_names)
    if told.embeddings_data is not None:
        data = told.embeddings_data
        made = layer_outputs(told.model, layers, data if isinstance(data, (list, tuple)) else [data], told.batch_size)
        tables = {name: values.flatten(1) for name, values in made.items()}
    else:
        tables = {layer.name: layer.weights[0].detach() for layer in layers}
    for name, table in tables.items():
        writer.add_embedding(table, _labels(told, name, len(table)), tag=name, global_step=epoch)


def _labels(told: Any, name: str, count: int) -> list[str] | None:
    """One label for each row, from the file of `embeddings_metadata`; a header line of several columns is dropped."""
    given = told.embeddings_metadata
    path = given.get(name) if isinstance(given, Mapping) else given
    if path is None:
        return None
    path = path if os.path.isabs(path) or os.path.exists(path) else os.path.join(told.log_dir, path)
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    lines = lines[1:] if len(lines) == count + 1 else lines
    if len(lines) != count:
        raise ArgumentError(f"TensorBoard: `embeddings_metadata` '{path}' has {len(lines)} labels for the {count} rows of '{name}'.")
    return lines
