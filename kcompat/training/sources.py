"""Sources of batches. Arrays become tensors once and batches are selected by index; all else is iterated as it comes.

A batch is `(x, y, weight)`: structures of tensors (arrays where torch has no such dtype, as strings), None where absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.training.data import (
    Batch,
    checked_batch_size,
    class_weights,
    combine_weights,
    convert,
    is_structure_of_arrays,
    move,
    same_length,
    unpack,
)
from kcompat.tree import flatten, map_structure


class Source:
    """Batches, epoch by epoch. `steps` and `samples` are None where nobody knows them beforehand."""

    steps: int | None = None
    samples: int | None = None
    batch_size: int | None = None
    #: all targets, where they are at hand
    targets: Any = None
    #: whether the last epoch ended before the steps asked for
    dry = False

    def __init__(self, device: torch.device):
        self.device = device

    def draw(self) -> Iterator[Batch]:
        """The batches of one epoch, or all there are."""
        raise NotImplementedError

    def epoch(self, steps: int | None) -> Iterator[Batch]:
        """The batches of one epoch, at most `steps`."""
        if steps is None:
            yield from self.draw()
            return
        count = 0
        for batch in islice(self.draw(), steps):
            count += 1
            yield batch
        self.dry = count < steps

    def end_epoch(self) -> None:
        """Called after each epoch."""


class Arrays(Source):
    """Arrays of one length, in batches, shuffled anew each epoch if asked for (`"batch"`: in batches that stay together)."""

    def __init__(self, x: Any, y: Any, weight: Any, batch_size: int | None, shuffle: Any, device: torch.device):
        super().__init__(device)
        self._form = (x, y, weight)
        self._leaves = [leaf for leaf in flatten(self._form) if leaf is not None]
        self.samples = same_length({"x": x, "y": y, "sample_weight": weight})
        self.batch_size = checked_batch_size(batch_size)
        self.steps = -(-self.samples // self.batch_size)
        self.shuffle = shuffle
        self.targets = y
        self._flat = all(part is None or isinstance(part, Tensor) for part in self._form)
        self._from_numpy = behaviour("shuffle_from") == "numpy"

    def draw(self) -> Iterator[Batch]:
        """The batches of one epoch."""
        columns = [self._column(leaf) for leaf in self._leaves] if not self.shuffle else self._shuffled()
        _, y, w = self._form
        if self._flat and all(leaf.device == self.device for leaf in self._leaves):
            if y is None and w is None:
                return ((a, None, None) for (a,) in zip(*columns, strict=True))
            if w is None:
                return ((a, b, None) for a, b in zip(*columns, strict=True))
            if y is not None:
                return zip(*columns, strict=True)  # type: ignore[return-value]
        return (self._rebuild(values) for values in zip(*columns, strict=True))

    def _column(self, leaf: Any) -> Iterable[Any]:
        if isinstance(leaf, Tensor):
            return leaf.split(self.batch_size)
        return (leaf[i : i + self.batch_size] for i in range(0, self.samples, self.batch_size))  # type: ignore[operator,arg-type]

    def _shuffled(self) -> list[Iterable[Any]]:
        parts = self._order().split(self.batch_size)
        return [_picked(leaf, parts) for leaf in self._leaves]

    def _order(self) -> Tensor:
        assert self.samples is not None
        assert self.batch_size is not None
        if self.shuffle == "batch":
            whole = self.samples // self.batch_size
            first = torch.arange(whole * self.batch_size).reshape(whole, -1)[self._permutation(whole)].reshape(-1)
            return torch.cat([first, torch.arange(whole * self.batch_size, self.samples)])
        return self._permutation(self.samples)

    def _permutation(self, n: int) -> Tensor:
        if not self._from_numpy:
            return torch.randperm(n)
        order = np.arange(n)
        np.random.shuffle(order)
        return torch.from_numpy(order)

    def _rebuild(self, values: tuple[Any, ...]) -> Batch:
        supply = iter(values)
        form = [None if part is None else map_structure(lambda leaf: None if leaf is None else next(supply), part) for part in self._form]
        return tuple(move(part, self.device) for part in form)  # type: ignore[return-value]

    def split(self, share: float) -> tuple[Arrays, Arrays]:
        """The samples before the last `share` of them, and those."""
        assert self.samples is not None
        cut = int(self.samples * (1.0 - share))
        if not 0 < share < 1 or cut in (0, self.samples):
            raise ArgumentError(f"`validation_split` {share!r} of {self.samples} samples leaves nothing on one side.")
        parts = []
        for where, shuffle in ((slice(0, cut), self.shuffle), (slice(cut, None), False)):
            x, y, w = (None if p is None else map_structure(lambda v, at=where: None if v is None else v[at], p) for p in self._form)
            parts.append(Arrays(x, y, w, self.batch_size, shuffle, self.device))
        return parts[0], parts[1]


def _picked(leaf: Any, parts: Iterable[Tensor]) -> Iterator[Any]:
    if isinstance(leaf, Tensor):
        return (leaf.index_select(0, part if leaf.device.type == "cpu" else part.to(leaf.device)) for part in parts)
    return (leaf[part.numpy()] for part in parts)


class Iterated(Source):
    """Batches from a DataLoader, a generator, or anything that iterates over batches."""

    def __init__(self, data: Any, device: torch.device, class_weight: Mapping[int, float] | None = None):
        super().__init__(device)
        self._data = data
        self._running: Iterator[Any] | None = data if hasattr(data, "__next__") else None
        self._once = self._running is not None
        self._class_weight = class_weight
        self.steps = None if self._once else _known_length(data)

    def draw(self) -> Iterator[Batch]:
        """The batches of one epoch; a generator goes on where it stopped."""
        return (self._convert(item) for item in (self._running if self._once else self._data))  # type: ignore[union-attr]

    def epoch(self, steps: int | None) -> Iterator[Batch]:
        """The batches of one epoch. With `steps` other than its length, an iterable goes on where the last epoch stopped."""
        if self._once or steps is None or steps == self.steps:
            yield from super().epoch(steps)
            return
        for _ in range(steps):
            batch = self._next()
            if batch is None:
                self.dry = True
                return
            yield self._convert(batch)

    def _next(self) -> Any:
        if self._running is None:
            self._running = iter(self._data)
        return next(self._running, None)

    def _convert(self, item: Any) -> Batch:
        x, y, w = (move(convert(part), self.device) if part is not None else None for part in unpack(item))
        if self._class_weight is not None:
            w = combine_weights(w, class_weights(y, self._class_weight))
        return x, y, w

    def end_epoch(self) -> None:
        """Tell a `Sequence` that its epoch is over."""
        after = getattr(self._data, "on_epoch_end", None)
        if after is not None:
            after()


class Sequence_(Iterated):
    """Batches from an object with `__len__` and `__getitem__` (Keras: `Sequence`, `PyDataset`), in a new order each epoch if asked for."""

    def __init__(self, data: Any, shuffle: Any, device: torch.device, class_weight: Mapping[int, float] | None = None):
        super().__init__(data, device, class_weight)
        self._once = False
        self._running = None
        self.steps = len(data)
        self._shuffle = shuffle

    def draw(self) -> Iterator[Batch]:
        """The batches of one epoch."""
        order = torch.randperm(len(self._data)).tolist() if self._shuffle else range(len(self._data))
        return (self._convert(self._data[i]) for i in order)

    def epoch(self, steps: int | None) -> Iterator[Batch]:
        """The batches of one epoch, at most `steps`."""
        return Source.epoch(self, steps)


def _known_length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:
        return None


def source(
    x: Any,
    y: Any = None,
    weight: Any = None,
    *,
    batch_size: int | None = None,
    shuffle: Any = False,
    class_weight: Mapping[int, float] | None = None,
    device: torch.device,
) -> Source:
    """The source that fits what the user gave. Nothing is drawn yet."""
    if isinstance(x, TensorDataset):
        _alone(x, y=y, sample_weight=weight)
        x, y, weight = unpack(x.tensors)
    if x is None:
        raise ArgumentError("`x` is None: give arrays, tensors, a DataLoader, a Dataset or an iterable of batches.")
    if isinstance(x, Dataset):
        _alone(x, y=y, sample_weight=weight)
        mixed = bool(shuffle) and not isinstance(x, IterableDataset)
        return Iterated(DataLoader(x, batch_size=checked_batch_size(batch_size), shuffle=mixed), device, class_weight)
    if is_structure_of_arrays(x):
        return _arrays(x, y, weight, batch_size, shuffle, class_weight, device)
    _alone(x, y=y, sample_weight=weight, batch_size=batch_size)
    if isinstance(x, DataLoader):
        return Iterated(x, device, class_weight)
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        return Sequence_(x, shuffle, device, class_weight)
    if isinstance(x, Iterable):
        return Iterated(x, device, class_weight)
    raise ArgumentTypeError(f"`x` must be arrays, tensors, a DataLoader, a Dataset or an iterable of batches, received {type(x).__name__}.")


def _arrays(x: Any, y: Any, weight: Any, batch_size: Any, shuffle: Any, class_weight: Any, device: torch.device) -> Arrays:
    y = convert(y)
    weight = convert(weight)
    if class_weight is not None:
        if y is None:
            raise ArgumentError("`class_weight` needs targets `y`.")
        weight = combine_weights(weight, class_weights(y, class_weight))
    return Arrays(convert(x), y, weight, batch_size, shuffle, device)


def _alone(x: Any, **others: Any) -> None:
    for name, value in others.items():
        if value is not None:
            raise ArgumentError(f"`{name}` cannot be given when `x` is a {type(x).__name__}: its batches carry it.")
