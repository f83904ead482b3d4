"""Data given by index: `PyDataset` (Keras 2: `Sequence`), and how batches are fetched ahead by threads or processes."""

from __future__ import annotations

import contextlib
import itertools
import queue as queues
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from kcompat.errors import ArgumentError


class PyDataset:
    """Base of data whose batch `i` is `self[i]`: define `__getitem__(i)`, giving (x, y) or (x, y, sample_weight), and `__len__`.

    Without `__len__` there is no end, and `fit` needs `steps_per_epoch`. `workers` > 1 fetches batches ahead in threads, or, with
    `use_multiprocessing`, in processes; at most `max_queue_size` wait. Source: https://keras.io/api/utils/python_utils/#pydataset-class
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define `__getitem__`.")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not define `__len__`.")

    @property
    def num_batches(self) -> int | None:
        """The number of batches; None where there is no end."""
        try:
            return len(self)
        except NotImplementedError:
            return None

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in (itertools.count() if self.num_batches is None else range(len(self))))


Sequence = PyDataset


@dataclass(frozen=True)
class Fetching:
    """How batches are fetched: `workers` threads or processes ahead of use, at most `queue` waiting; none ahead with up to one thread."""

    workers: int = 1
    processes: bool = False
    queue: int = 10

    @classmethod
    def of(cls, data: Any, workers: Any = None, use_multiprocessing: Any = None, max_queue_size: Any = None) -> Fetching:
        """What the caller said, else what the data say of themselves."""
        said = {
            "workers": (workers, 1),
            "use_multiprocessing": (use_multiprocessing, False),
            "max_queue_size": (max_queue_size, 10),
        }
        found = {name: getattr(data, name, usual) if value is None else value for name, (value, usual) in said.items()}
        for name, least in (("workers", 0), ("max_queue_size", 1)):
            value = found[name]
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ArgumentError(f"`{name}` must be an integer of at least {least}, received {value!r}.")
        return cls(found["workers"], bool(found["use_multiprocessing"]), found["max_queue_size"])

    @property
    def ahead(self) -> bool:
        """Whether anything is fetched ahead."""
        return self.workers > 1 or (self.workers > 0 and self.processes)

    def by_index(self, data: Any, order: Iterable[int]) -> Iterator[Any]:
        """`data[i]` for each index, in this order."""
        if not self.ahead:
            return (data[i] for i in order)
        if self.processes:
            each = max(1, self.queue // self.workers)
            return iter(DataLoader(_ByIndex(data), None, sampler=order, num_workers=self.workers, collate_fn=_same, prefetch_factor=each))
        return _in_threads(data.__getitem__, iter(order), self.workers, max(self.queue, self.workers))

    def in_turn(self, items: Iterator[Any]) -> Iterator[Any]:
        """The items of an iterator, which one thread or process runs ahead."""
        if not self.ahead:
            return items
        if self.processes:
            return iter(DataLoader(_InTurn(items), None, num_workers=1, collate_fn=_same, prefetch_factor=self.queue))
        return _by_thread(items, self.queue)


class _ByIndex(Dataset[Any]):
    def __init__(self, data: Any):
        self.data = data

    def __getitem__(self, index: int) -> Any:
        return self.data[index]


class _InTurn(IterableDataset[Any]):
    def __init__(self, items: Iterator[Any]):
        self.items = items

    def __iter__(self) -> Iterator[Any]:
        return self.items


def _same(item: Any) -> Any:
    return item


def _in_threads(load: Callable[[int], Any], order: Iterator[int], workers: int, queue: int) -> Iterator[Any]:
    pool, waiting = ThreadPoolExecutor(workers), deque[Future[Any]]()
    try:
        waiting.extend(pool.submit(load, i) for i in itertools.islice(order, queue))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(load, i) for i in itertools.islice(order, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_END = object()


def _by_thread(items: Iterator[Any], size: int) -> Iterator[Any]:
    made: queues.Queue[tuple[Any, BaseException | None]] = queues.Queue(size)
    stopped = threading.Event()

    def put(item: Any, error: BaseException | None) -> bool:
        while not stopped.is_set():
            with contextlib.suppress(queues.Full):
                made.put((item, error), timeout=0.05)
                return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item, None):
                    return
            put(_END, None)
        except BaseException as error:  # reaches the caller
            put(_END, error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stopped.set()
        thread.join(timeout=5)


class SequenceEnqueuer:
    """Fetches batches ahead: `start(workers, max_queue_size)`, then `get()` is an iterator, then `stop()`."""

    def __init__(self, sequence: Any, use_multiprocessing: bool = False):
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self._running: Iterator[Any] | None = None

    def _items(self, fetching: Fetching) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define `_items`.")

    def is_running(self) -> bool:
        """Whether batches are being fetched."""
        return self._running is not None

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Begin to fetch."""
        self._running = self._items(Fetching.of(None, max(workers, 2), self.use_multiprocessing, max_queue_size))

    def get(self) -> Iterator[Any]:
        """The batches."""
        if self._running is None:
            raise ArgumentError(f"{type(self).__name__}: call `start` before `get`.")
        return self._running

    def stop(self, timeout: float | None = None) -> None:
        """End fetching; waits at most for the batches under way."""
        close = getattr(self._running, "close", None)
        self._running = None
        if close is not None:
            close()


class OrderedEnqueuer(SequenceEnqueuer):
    """Fetches the batches of a `Sequence` ahead, in order, epoch after epoch without end; `shuffle` orders each epoch anew."""

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False):
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _items(self, fetching: Fetching) -> Iterator[Any]:
        count = len(self.sequence)
        while True:
            order = torch.randperm(count).tolist() if self.shuffle else range(count)
            yield from fetching.by_index(self.sequence, order)
            if hasattr(self.sequence, "on_epoch_end"):
                self.sequence.on_epoch_end()


class GeneratorEnqueuer(SequenceEnqueuer):
    """Runs a generator ahead. `random_seed` seeds numpy in a process that runs it; nothing waits in steps of `wait_time` (Keras 2.2)."""

    def __init__(self, generator: Any, use_multiprocessing: bool = False, wait_time: float | None = None, random_seed: int | None = None):
        super().__init__(generator, use_multiprocessing)
        if wait_time is not None and wait_time < 0:
            raise ArgumentError(f"GeneratorEnqueuer: `wait_time` must not be negative, received {wait_time!r}.")
        self.random_seed = random_seed

    def _items(self, fetching: Fetching) -> Iterator[Any]:
        return fetching.in_turn(self._seeded(iter(self.sequence)))

    def _seeded(self, items: Iterator[Any]) -> Iterator[Any]:
        if self.use_multiprocessing and self.random_seed is not None:
            import numpy as np

            np.random.seed(self.random_seed)
        yield from items
