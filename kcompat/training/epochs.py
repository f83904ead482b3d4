"""What an epoch draws: `Source`, and `Arrays`, which become tensors once and give batches by index.

A batch is `(x, y, weight)`: structures of tensors (arrays where torch has no such dtype, as strings), None where absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat import config
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.training.data import Batch, checked_batch_size, move, same_length
from kcompat.tree import flatten, map_structure

#: targets and sample weights -> sample weights with those of the classes in them
Weigh = Callable[[Any, Any], Any]

END: Any = object()


class Source:
    """Batches, epoch by epoch. `steps` and `samples` are None where nobody knows them beforehand."""

    steps: int | None = None
    samples: int | None = None
    batch_size: int | None = None
    #: all targets, where they are at hand
    targets: Any = None
    #: whether the last epoch ended before the steps asked for
    dry = False
    #: whether an epoch of a given number of steps begins behind the one before
    goes_on = True

    def __init__(self, device: torch.device):
        self.device = device
        self._running: Iterator[Batch] | None = None

    def draw(self) -> Iterator[Batch]:
        """The batches of one epoch, or all there are."""
        raise NotImplementedError

    def epoch(self, steps: int | None) -> Iterator[Batch]:
        """The batches of one epoch, or `steps` of them: from the beginning, or going on behind those of the last epoch."""
        return self.draw() if steps is None or steps == self.steps else self._some(steps)

    def _some(self, steps: int) -> Iterator[Batch]:
        if not self.goes_on:
            self._running = None
        for _ in range(steps):
            batch = self._next()
            if batch is END and self.goes_on and self.steps:  # the next round
                self._running = None
                batch = self._next()
            if batch is END:
                self.dry = True
                return
            yield batch

    def _next(self) -> Any:
        if self._running is None:
            self._running = self.draw()
        return next(self._running, END)

    @property
    def repeats(self) -> bool:
        """Whether a new process finds the same batches from the beginning; a generator is where its owner left it."""
        return True

    def begin_epoch(self) -> None:
        """Called before each epoch."""

    def end_epoch(self) -> None:
        """Called after each epoch."""

    def end(self) -> None:
        """Called when no more batches are asked for."""

    def get_state(self) -> Any:
        """What the order of the next epoch depends on, beside the generators of random numbers."""
        return None

    def set_state(self, state: Any) -> None:
        """Take what `get_state` gave."""


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
        self._last_order: np.ndarray | None = None
        self.goes_on = behaviour("steps_go_on")

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
        """A new order of the samples. The generations that draw from numpy shuffle the order of the epoch before."""
        assert self.samples is not None
        assert self.batch_size is not None
        together = self.batch_size if self.shuffle == "batch" else 1
        whole = self.samples // together
        if not self._from_numpy:
            if together == 1:
                return torch.randperm(self.samples)
            mixed = torch.arange(whole * together).reshape(whole, -1)[torch.randperm(whole)].reshape(-1)
            return torch.cat([mixed, torch.arange(whole * together, self.samples)])
        order = np.arange(self.samples) if self._last_order is None else self._last_order.copy()
        np.random.shuffle(order if together == 1 else order[: whole * together].reshape(whole, -1))
        self._last_order = order
        return torch.from_numpy(order.copy())

    def get_state(self) -> Any:
        """The order of the last epoch, where the next one depends on it."""
        return None if self._last_order is None else torch.from_numpy(self._last_order.copy())

    def set_state(self, state: Any) -> None:
        """Take what `get_state` gave."""
        self._last_order = None if state is None else state.numpy()

    def _rebuild(self, values: tuple[Any, ...]) -> Batch:
        supply = iter(values)
        form = [None if part is None else map_structure(lambda leaf: None if leaf is None else next(supply), part) for part in self._form]
        return tuple(move(part, self.device) for part in form)  # type: ignore[return-value]

    def arrays(self) -> list[Any]:
        """Inputs, targets and sample weights (1 where there are none) as a flat list of numpy arrays: what old callbacks look at."""
        x, y, w = (
            [] if part is None else [leaf.cpu().numpy() if isinstance(leaf, Tensor) else leaf for leaf in flatten(part)]
            for part in self._form
        )
        return [*x, *y, *(w or [np.ones(self.samples or 0, config.floatx()) for _ in y])]

    def weighed(self, weigh: Weigh) -> Arrays:
        """The same samples, with weights by their classes."""
        x, y, w = self._form
        if y is None:
            raise ArgumentError("`class_weight` needs targets `y`.")
        return Arrays(x, y, weigh(y, w), self.batch_size, self.shuffle, self.device)

    def split(self, share: float, batch_size: int | None = None) -> tuple[Arrays, Arrays]:
        """The samples before the last `share` of them, and those, in batches of `batch_size` if given."""
        assert self.samples is not None
        cut = int(self.samples * (1.0 - share))
        if not 0 < share < 1 or cut in (0, self.samples):
            raise ArgumentError(f"`validation_split` {share!r} of {self.samples} samples leaves nothing on one side.")
        parts = []
        for where, shuffle, size in ((slice(0, cut), self.shuffle, None), (slice(cut, None), False, batch_size)):
            x, y, w = (None if p is None else map_structure(lambda v, at=where: None if v is None else v[at], p) for p in self._form)
            parts.append(Arrays(x, y, w, size or self.batch_size, shuffle, self.device))
        return parts[0], parts[1]


def _picked(leaf: Any, parts: Iterable[Tensor]) -> Iterator[Any]:
    if isinstance(leaf, Tensor):
        return (leaf.index_select(0, part if leaf.device.type == "cpu" else part.to(leaf.device)) for part in parts)
    return (leaf[part.numpy()] for part in parts)
