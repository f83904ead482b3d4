"""Arrays of a weights file and the weights of a model: which belong together, by position or by name; all are set or none.

Inside one entry of the file the trainable weights come first, then the others, each in the order of creation, for a nested model too.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from kcompat.errors import ArgumentError, FileError, NotBuiltError, ShapeError
from kcompat.files.hdf5 import H5Array, H5Group
from kcompat.files.layouts import Writer, as_today, slots_as_today
from kcompat.generations import behaviour

TOP_LEVEL = "top_level_model_weights"
#: Theano convolves where all other backends correlate: these kernels lie reversed in files that Keras 2 wrote with Theano.
#: Layers that are not here are stored as they are (measured with Keras 2.2.4).
_REVERSED_BY_THEANO = {
    "Conv1D": ("kernel",), "Conv2D": ("kernel",), "Conv3D": ("kernel",), "Conv2DTranspose": ("kernel",),
    "ConvLSTM2D": ("kernel", "recurrent_kernel"),
}  # fmt: skip


@dataclass
class StoredLayer:
    """One entry of a weights file."""

    name: str
    arrays: list[H5Array]


class StoredWeights:
    """The weights part of a file: entries in model order, the model's own weights, who wrote it."""

    def __init__(self, root: H5Group):
        group = root if root.texts("layer_names") is not None else root.group("model_weights")
        names = group.texts("layer_names") if group is not None else None
        if group is None or names is None:
            raise FileError("The file holds no weights: neither its root nor a group `model_weights` has the attribute `layer_names`.")
        self.keras_version = group.text("keras_version") or root.text("keras_version") or "1"
        self.backend = group.text("backend") or root.text("backend")
        self.layers = [_entry(group, name) for name in names]
        top = group.group(TOP_LEVEL)
        self.top_level = StoredLayer(TOP_LEVEL, _arrays(top)) if top is not None else None
        keras1 = behaviour("file_layout", self.keras_version) == "1"
        names = [array.name for entry in self.layers for array in entry.arrays]
        #: TensorFlow ends the names of variables in ":0", Theano does not; a file of Keras 1 tells its backend in no other way
        self.writer = Writer(keras1=keras1, theano=keras1 and not any(name.endswith(":0") for name in names))

    def entry_for(self, layer: Any, entry: StoredLayer) -> StoredLayer:
        """An entry with its arrays laid out as `layer` has its weights."""
        return StoredLayer(entry.name, as_today(layer, entry.arrays, self.writer))

    def slots_for(self, model: Any, state: list[H5Array]) -> list[Any]:
        """The arrays of the optimizer's state in the order that the model's weights have today."""
        if not self.writer.keras1:
            return state
        return slots_as_today([(layer, entry.arrays) for layer, entry in layers_and_entries(model, self)], state, self.writer)

    @property
    def nbytes(self) -> int:
        """How many bytes the arrays have once they are read."""
        entries = [*self.layers, *([self.top_level] if self.top_level else [])]
        return sum(math.prod(a.shape) * a.dtype.itemsize for entry in entries for a in entry.arrays)


def _entry(group: H5Group, name: str) -> StoredLayer:
    found = group.group(name)
    if found is None:
        raise FileError(f"The file lists the layer '{name}' but has no group of this name: it is damaged.")
    return StoredLayer(name, _arrays(found))


def _arrays(group: H5Group) -> list[H5Array]:
    return [group.array(path) for path in group.texts("weight_names") or []]


# -- matching ----------------------------------------------------------------------------------------------------------

#: a weight and the array it takes its values from
Pair = tuple[Any, H5Array]


def in_file_order(layer: Any) -> list[Any]:
    """The weights of a layer or nested model as one entry of a file lists them."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def own_weights(model: Any) -> list[Any]:
    """The weights that the model object itself has, outside of its layers."""
    below = {id(w) for layer in model.flattened_layers for w in layer.weights}
    return [w for w in in_file_order(model) if id(w) not in below]


def layers_and_entries(model: Any, stored: StoredWeights) -> list[tuple[Any, StoredLayer]]:
    """The layers that have weights with their entries, in order; file and model must have equally many of them."""
    layers = [layer for layer in model.flattened_layers if in_file_order(layer)]
    entries = [entry for entry in stored.layers if entry.arrays]
    if len(layers) != len(entries):
        raise ArgumentError(
            f"The file has weights for {len(entries)} layers, model '{model.name}' has {len(layers)} layers with weights. "
            f"In the file: {_listed(e.name for e in entries)}; in the model: {_listed(x.name for x in layers)}. "
            "`by_name=True` loads the layers whose names agree."
        )
    return list(zip(layers, entries, strict=True))


def by_position(model: Any, stored: StoredWeights) -> list[Pair]:
    """Pairs for the layers that have weights, in order."""
    pairs: list[Pair] = []
    for layer, entry in layers_and_entries(model, stored):
        pairs += _pairs(layer.name, in_file_order(layer), stored.entry_for(layer, entry), skip_mismatch=False)
    return pairs + _top_level(model, stored, skip_mismatch=False)


def by_name(model: Any, stored: StoredWeights, skip_mismatch: bool) -> list[Pair]:
    """Pairs for the layers whose names agree; with `skip_mismatch`, what does not fit is left alone with a warning."""
    pairs: list[Pair] = []
    for entry in stored.layers:
        for layer in model.flattened_layers:
            if layer.name == entry.name:
                pairs += _pairs(layer.name, in_file_order(layer), stored.entry_for(layer, entry), skip_mismatch)
    return pairs + _top_level(model, stored, skip_mismatch)


def _top_level(model: Any, stored: StoredWeights, skip_mismatch: bool) -> list[Pair]:
    if stored.top_level is None:
        return []
    return _pairs(model.name, own_weights(model), stored.top_level, skip_mismatch)


def _pairs(name: str, weights: Sequence[Any], entry: StoredLayer, skip_mismatch: bool) -> list[Pair]:
    if len(weights) != len(entry.arrays):
        message = (
            f"Layer '{name}' has {len(weights)} weights of shapes {[tuple(w.shape) for w in weights]}, the file has {len(entry.arrays)} "
            f"for '{entry.name}', of shapes {[a.shape for a in entry.arrays]}."
        )
        if not skip_mismatch:
            raise ArgumentError(message)
        warnings.warn(f"{message} They are not loaded.", stacklevel=2)
        return []
    pairs = []
    for weight, array in zip(weights, entry.arrays, strict=True):
        if tuple(weight.shape) == array.shape:
            pairs.append((weight, array))
            continue
        message = (
            f"Layer '{name}': the weight '{_name(weight)}' has shape {tuple(weight.shape)}, the file's '{array.name}' has {array.shape}."
        )
        if not skip_mismatch:
            raise ShapeError(message)
        warnings.warn(f"{message} It is not loaded.", stacklevel=2)
    return pairs


def _name(weight: Any) -> str:
    return getattr(weight, "path", None) or "?"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:8]) + (f", ... ({len(names)})" if len(names) > 8 else "")


# -- setting -----------------------------------------------------------------------------------------------------------


def load(model: Any, stored: StoredWeights, by_names: bool = False, skip_mismatch: bool = False) -> None:
    """Give `model` the values of a file; nothing has changed when this raises."""
    if not model.built:
        raise NotBuiltError(f"Model '{model.name}' has no weights yet, so none can be loaded. Call it on data, or `build(input_shape)`.")
    pairs = by_name(model, stored, skip_mismatch) if by_names else by_position(model, stored)
    if by_names and not {layer.name for layer in model.flattened_layers} & {entry.name for entry in stored.layers}:
        entries, layers = _listed(e.name for e in stored.layers if e.arrays), _listed(x.name for x in model.flattened_layers)
        warnings.warn(
            f"Nothing is loaded: no layer of model '{model.name}' ({layers}) has the name of one in the file ({entries}).", stacklevel=3
        )
    reversed_kernels = _theano_kernels(model) if stored.backend == "theano" else set()
    put_all(pairs, reversed_kernels)


def put_all(pairs: Iterable[Pair], reversed_kernels: Collection[int] = ()) -> None:
    """Give weights the values of arrays of their shapes: those that could fail to be read are read before any weight changes."""
    ready = [(weight, array, None if array.is_in_place else array.read()) for weight, array in pairs]
    for weight, array, value in ready:
        value = array.read() if value is None else value
        put(weight, _reversed(value) if id(weight) in reversed_kernels else value, array.is_bfloat16)


def put(weight: torch.Tensor, value: np.ndarray, is_bfloat16: bool = False) -> None:
    """Write an array of the same shape into a weight, without another copy where both are on the host."""
    target = weight.detach()
    if is_bfloat16:
        target.copy_(torch.from_numpy(np.array(value).view(np.int16)).view(torch.bfloat16))
    elif target.device.type == "cpu" and target.dtype is not torch.bfloat16:
        np.copyto(target.data.numpy(), value, casting="unsafe")
    else:
        target.copy_(torch.from_numpy(np.require(value, value.dtype.newbyteorder("="), ("C", "W"))))


def _theano_kernels(model: Any) -> set[int]:
    """The identities of all weights that a file written with Theano holds reversed, in nested and wrapped layers too."""
    found = set()
    for module in model.modules():
        for attribute in _REVERSED_BY_THEANO.get(type(module).__name__, ()):
            found.add(id(getattr(module, attribute)))
    return found


def _reversed(kernel: np.ndarray) -> np.ndarray:
    spatial = tuple(range(kernel.ndim - 2))
    return np.ascontiguousarray(np.flip(kernel, spatial))
