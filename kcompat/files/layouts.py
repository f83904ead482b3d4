"""Weights as older releases laid them out, and as the layers have them today: ONE table, class -> what its arrays become.

Keras 1 (facts: recorded with 1.2.2) kept one array for each gate of a recurrent layer, kernels of convolutions in the order of
`dim_ordering`, and what its Theano backend wrote is reversed in space, because Theano convolves where all others correlate. Weights of
CuDNNLSTM and CuDNNGRU go into LSTM and GRU, and back, from files of any release.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from kcompat.errors import ShapeError
from kcompat.tensor.gates import cudnn_from_plain, joined_bias, plain_from_cudnn


class Array(Protocol):
    """What a file's array can do: shape and dtype at once, values on demand."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self) -> np.ndarray:
        """The values."""
        ...


class Made:
    """An array computed from arrays of a file when it is read."""

    is_bfloat16 = False
    is_in_place = False

    def __init__(self, sources: Sequence[Array], make: Callable[..., np.ndarray], name: str | None = None):
        self._sources, self._make = list(sources), make
        self.name, self.dtype = name or sources[0].name, sources[0].dtype
        self.shape = make(*(np.broadcast_to(np.float32(0), s.shape) for s in sources)).shape

    def read(self) -> np.ndarray:
        """The values."""
        return np.asarray(self._make(*(source.read() for source in self._sources)), order="C")

    def copy(self) -> np.ndarray:
        """The values as an array of their own."""
        return self.read()


def made(sources: Sequence[Array], make: Callable[..., np.ndarray]) -> Made:
    """An array that `make` computes from others; its shape is found without reading them."""
    return Made(sources, make)


@dataclass(frozen=True)
class Writer:
    """Who laid the arrays out."""

    keras1: bool
    theano: bool


@dataclass(frozen=True)
class Row:
    """How the arrays of a class become today's; `count` tells how many there are where that differs."""

    convert: Callable[[Any, list[Any], Writer], list[Any]]
    count: Callable[[Any], int] | None = None


@dataclass(frozen=True)
class Part:
    """The arrays of one leaf layer inside an entry of a file."""

    leaf: Any
    arrays: list[Any]
    trainable: bool

    def as_today(self, writer: Writer) -> list[Any]:
        """The arrays as the leaf has its weights today."""
        row = KERAS1.get(type(self.leaf).__name__) if writer.keras1 else None
        arrays = row.convert(self.leaf, self.arrays, writer) if row is not None and self.arrays else self.arrays
        gates = CUDNN.get(type(self.leaf).__name__)
        return arrays if gates is None else _cudnn_or_plain(self.leaf, arrays, gates)


def parts(layer: Any, arrays: list[Any], keras1: bool = True) -> list[Part] | None:
    """An entry cut into the arrays of its leaves, trainable ones first; None where their number does not fit."""
    found: list[Part] = []
    start = 0
    for trainable in (True, False):
        for leaf in _leaves(layer):
            row = KERAS1.get(type(leaf).__name__) if keras1 else None
            own = leaf.trainable_weights if trainable else leaf.non_trainable_weights
            count = row.count(leaf) if row is not None and row.count is not None and own else len(own)
            found.append(Part(leaf, arrays[start : start + count], trainable))
            start += count
    return found if start == len(arrays) else None


def as_today(layer: Any, arrays: list[Any], writer: Writer) -> list[Any]:
    """The arrays of one entry of a file as `layer` (a leaf, a wrapper, a nested model) has them today, trainable ones first."""
    cut = parts(layer, arrays, writer.keras1)
    return arrays if cut is None else [array for part in cut for array in part.as_today(writer)]


def slots_as_today(entries: Sequence[tuple[Any, list[Any]]], state: list[Any], writer: Writer) -> list[Any]:
    """The optimizer's arrays in the order of today's weights; Keras 1 sorted each slot by the names of the weights.

    `entries` are layers with the arrays that the file has for them.
    """
    cuts = [parts(layer, arrays) or [] for layer, arrays in entries]
    names = sorted(_own_name(a) for cut in cuts for part in cut if part.trainable for a in part.arrays)
    if not writer.keras1 or not names:
        return state
    head = 1 if state and state[0].shape == () else 0
    turned = state[:head]
    for start in range(head, len(state) - len(names) + 1, len(names)):
        slot = dict(zip(names, state[start : start + len(names)], strict=True))
        for part in (part for cut in cuts for part in cut if part.trainable):
            turned += Part(part.leaf, [slot[_own_name(a)] for a in part.arrays], True).as_today(writer)
    return turned


def _own_name(array: Any) -> str:
    return array.name.rsplit("/", 1)[-1]


def _leaves(layer: Any) -> Any:
    """The layers inside that have weights of their own, in the order in which a file lists them."""
    if getattr(layer, "_is_model", False):
        parts = layer.flattened_layers
    elif hasattr(layer, "forward_layer"):
        parts = [layer.forward_layer, layer.backward_layer]
    elif hasattr(layer, "layer"):
        parts = [layer.layer]
    else:
        yield layer
        return
    for part in parts:
        yield from _leaves(part)


# -- Keras 1 -----------------------------------------------------------------------------------------------------------


def _kernel_rows(spatial: int, last: tuple[int, int], first: tuple[int, int]) -> Callable[[Any, list[Any], Writer], list[Any]]:
    """Every kernel of a layer to (space..., last axes).

    `last` are the places of its two channel axes, `first` those where they come first.
    """

    def convert(layer: Any, arrays: list[Any], writer: Writer) -> list[Any]:
        channels_first = layer.data_format == "channels_first"
        space = range(2, 2 + spatial) if channels_first else range(spatial)
        order = (*space, *(first if channels_first else (spatial + last[0], spatial + last[1])))

        def turned(kernel: np.ndarray) -> np.ndarray:
            kernel = kernel.transpose(order)
            return np.flip(kernel, tuple(range(spatial))) if writer.theano else kernel

        return [made([a], turned) if len(a.shape) == spatial + 2 else a for a in arrays]

    return convert


def _steps(layer: Any, arrays: list[Any], writer: Writer) -> list[Any]:
    """Convolution1D was a Convolution2D of width 1: (steps, 1, in, out)."""

    def flat(kernel: np.ndarray) -> np.ndarray:
        kernel = kernel.reshape(kernel.shape[0], *kernel.shape[2:])
        return kernel[::-1] if writer.theano else kernel

    return [made([a], flat) if len(a.shape) == 4 else a for a in arrays]


def _gates(file_order: str, order: str, kernel: Callable[..., Any] | None = None) -> Row:
    """One (W, U, b) for each gate, joined along the last axis in today's order."""
    places = [file_order.index(gate) for gate in order]

    def convert(layer: Any, arrays: list[Any], writer: Writer) -> list[Any]:
        if len(arrays) != 3 * len(order):
            return arrays
        turned = kernel(layer, arrays, writer) if kernel is not None else arrays
        return [made([turned[3 * p + k] for p in places], lambda *parts: np.concatenate(parts, -1)) for k in range(3)]

    def count(layer: Any) -> int:
        return 3 if getattr(layer, "implementation", 0) == 2 else 3 * len(order)

    return Row(convert, count)


KERAS1: dict[str, Row] = {
    "Conv1D": Row(_steps),
    "Conv2D": Row(_kernel_rows(2, (0, 1), (1, 0))),
    "Conv3D": Row(_kernel_rows(3, (0, 1), (1, 0))),
    "Conv2DTranspose": Row(_kernel_rows(2, (1, 0), (0, 1))),
    "SeparableConv2D": Row(_kernel_rows(2, (0, 1), (1, 0))),
    "LSTM": _gates("icfo", "ifco"),
    "GRU": _gates("zrh", "zrh"),
    "ConvLSTM2D": _gates("icfo", "ifco", _kernel_rows(2, (0, 1), (1, 0))),
}


# -- CuDNN -------------------------------------------------------------------------------------------------------------

#: how many gates the layers have whose weights files may hold in CuDNN's layout, or which have them so themselves (`tensor.gates`)
CUDNN = {"LSTM": 4, "CuDNNLSTM": 4, "GRU": 3, "CuDNNGRU": 3}


def _cudnn_or_plain(layer: Any, arrays: list[Any], gates: int) -> list[Any]:
    """The arrays in the layout of `layer`, where the file has the other one: the length of the bias tells (facts: Keras 2.2.4)."""
    own = [tuple(w.shape) for w in layer.weights]
    if len(own) != 3 or len(arrays) != 3 or [tuple(a.shape) for a in arrays[:2]] != own[:2]:
        return arrays
    there, here = tuple(arrays[2].shape), own[2]
    width = own[1][1]
    cudnn = (2 * width,)
    if there == here or cudnn not in (there, here):
        return arrays
    if gates == 3 and (width,) in (there, here):
        told = ("a CuDNNGRU", "`reset_after=False`") if there == cudnn else ("a GRU with `reset_after=False`", "CuDNN's law")
        raise ShapeError(
            f"Layer '{layer.name}' ({type(layer).__name__}) computes by {told[1]}, the file has the weights of {told[0]}, and no weights "
            "give the same numbers. A GRU with `reset_after=True` goes with CuDNNGRU."
        )
    turn: Callable[..., Any] = plain_from_cudnn if there == cudnn else cudnn_from_plain

    def part(place: int) -> Callable[..., np.ndarray]:
        def make(*given: np.ndarray) -> np.ndarray:
            found: Any = turn(*(torch.from_numpy(np.array(a)) for a in given), gates)[place]
            return (joined_bias(found) if place == 2 and found.shape != here and found.ndim == 2 else found).numpy()

        return make

    return [Made(arrays, part(place), name=arrays[place].name) for place in range(3)]
