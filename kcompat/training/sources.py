"""Sources of batches for what users give: arrays, a DataLoader, a Dataset, a `Sequence`, a generator, any iterable of batches."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.training.data import Batch, checked_batch_size, convert, is_structure_of_arrays, length, move, unpack, weigh_classes
from kcompat.training.epochs import Arrays, Source, Weigh
from kcompat.training.sequence import Fetching, PyDataset
from kcompat.tree import map_structure


class Iterated(Source):
    """Batches from a DataLoader, a generator, or anything that iterates over batches."""

    def __init__(self, data: Any, device: torch.device, class_weight: Weigh | None = None, fetching: Fetching | None = None):
        super().__init__(device)
        self._data = data
        self._once = hasattr(data, "__next__")
        self._ahead: Iterator[Any] | None = None
        self._class_weight = class_weight
        self._fetching = fetching or Fetching()
        self.steps = None if self._once else _known_length(data)

    def draw(self) -> Iterator[Batch]:
        """The batches of one epoch; a generator goes on where it stopped."""
        if self._once and self._ahead is None:
            self._ahead = self._fetching.in_turn(self._data)
        return (self._convert(item) for item in (self._data if self._ahead is None else self._ahead))

    def _convert(self, item: Any) -> Batch:
        if type(item) in (list, tuple) and len(item) == 2 and self._class_weight is None:  # what a DataLoader gives, as it is
            x, y = item
            if type(x) is Tensor and type(y) is Tensor and x.device == self.device == y.device:
                return x, y, None
        x, y, w = (move(convert(part), self.device) if part is not None else None for part in unpack(item))
        if self._class_weight is not None:
            w = self._class_weight(y, w)
        return x, y, w

    @property
    def repeats(self) -> bool:
        """Whether the data can be iterated anew."""
        return not self._once

    def end(self) -> None:
        """Stop what fetches ahead."""
        close = getattr(self._ahead, "close", None)
        if close is not None and self._ahead is not self._data:
            close()

    def begin_epoch(self) -> None:
        """Tell a `PyDataset` that an epoch begins."""
        before = getattr(self._data, "on_epoch_begin", None)
        if before is not None:
            before()

    def end_epoch(self) -> None:
        """Tell a `Sequence` that its epoch is over."""
        after = getattr(self._data, "on_epoch_end", None)
        if after is not None:
            after()


class Indexed(Iterated):
    """Batches from an object with `__getitem__` (Keras: `Sequence`, `PyDataset`), in a new order each epoch if asked for."""

    def __init__(self, data: Any, shuffle: Any, device: torch.device, class_weight: Weigh | None = None, fetching: Fetching | None = None):
        super().__init__(data, device, class_weight, fetching)
        self._once = False
        if isinstance(data, PyDataset):
            self.steps = data.num_batches
        self._shuffle = shuffle
        self.goes_on = behaviour("steps_go_on")
        self._keeps_order = behaviour("sequence_order") == "kept"
        self._last_order: list[int] | None = None

    def draw(self) -> Iterator[Batch]:
        """The batches of one epoch."""
        return (self._convert(item) for item in self._fetching.by_index(self._data, self._order()))

    def _order(self) -> Iterable[int]:
        if self.steps is None:
            return itertools.count()
        if not self._shuffle:
            return range(self.steps)
        order = list(range(self.steps)) if self._last_order is None else self._last_order
        random.shuffle(order)
        self._last_order = order if self._keeps_order else None
        return order

    def epoch(self, steps: int | None) -> Iterator[Batch]:
        """The batches of one epoch, or `steps` of them."""
        if steps is None and self.steps is None:
            raise ArgumentError(f"{type(self._data).__name__} has no `__len__`: give `steps_per_epoch` (`steps`).")
        return super().epoch(steps)

    def get_state(self) -> Any:
        """The order of the last epoch, where the next one depends on it."""
        return self._last_order

    def set_state(self, state: Any) -> None:
        """Take what `get_state` gave."""
        self._last_order = state


def _known_length(data: Any) -> int | None:
    try:
        return len(data)
    except (TypeError, NotImplementedError):
        return None


def source(
    x: Any,
    y: Any = None,
    weight: Any = None,
    *,
    batch_size: int | None = None,
    shuffle: Any = False,
    class_weight: Any = None,
    names: Sequence[str] | None = None,
    fetching: tuple[Any, Any, Any] = (None, None, None),
    for_prediction: bool = False,
    device: torch.device,
) -> Source:
    """The source that fits what the user gave. Nothing is drawn yet.

    `names` are those of the model's outputs, for class weights by output; `fetching` is workers, use_multiprocessing, max_queue_size.
    """
    if isinstance(x, TensorDataset):
        _alone(x, y=y, sample_weight=weight)
        x, y, weight = unpack(x.tensors)
    if x is None:
        raise ArgumentError("`x` is None: give arrays, tensors, a DataLoader, a Dataset or an iterable of batches.")
    if shuffle not in (True, False, "batch"):
        raise ArgumentError(f"`shuffle` must be True, False or 'batch', received {shuffle!r}.")
    weigh = None if class_weight is None else functools.partial(weigh_classes, class_weight, names)
    if isinstance(x, Dataset):
        _alone(x, y=y, sample_weight=weight)
        mixed = bool(shuffle) and not isinstance(x, IterableDataset)
        return Iterated(DataLoader(x, batch_size=checked_batch_size(batch_size), shuffle=mixed), device, weigh)
    if is_structure_of_arrays(x):
        if for_prediction and behaviour("predict_lengths") == "first":
            x = _cut_to_first(convert(x))
        return _arrays(x, y, weight, batch_size, shuffle, weigh, device)
    _alone(x, y=y, sample_weight=weight, batch_size=batch_size)
    if isinstance(x, DataLoader):
        return Iterated(x, device, weigh)
    told = Fetching.of(x, *fetching)
    if isinstance(x, PyDataset) or (hasattr(x, "__getitem__") and hasattr(x, "__len__")):
        return Indexed(x, shuffle, device, weigh, told)
    if isinstance(x, Iterable):
        return Iterated(x, device, weigh, told)
    raise ArgumentTypeError(f"`x` must be arrays, tensors, a DataLoader, a Dataset or an iterable of batches, received {type(x).__name__}.")


def _arrays(x: Any, y: Any, weight: Any, batch_size: Any, shuffle: Any, weigh: Weigh | None, device: torch.device) -> Arrays:
    y, weight = convert(y), convert(weight)
    if weigh is not None:
        if y is None:
            raise ArgumentError("`class_weight` needs targets `y`.")
        weight = weigh(y, weight)
    return Arrays(convert(x), y, weight, batch_size, shuffle, device)


def _cut_to_first(x: Any) -> Any:
    """Inputs cut to the number of samples of the first."""
    samples = length(x)
    return map_structure(lambda leaf: leaf[:samples], x)


def _alone(x: Any, **others: Any) -> None:
    for name, value in others.items():
        if value is not None:
            raise ArgumentError(f"`{name}` cannot be given when `x` is a {type(x).__name__}: its batches carry it.")


__all__ = ["Arrays", "Indexed", "Iterated", "Source", "source"]
