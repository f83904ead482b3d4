"""`HDF5Matrix` of Keras 2: rows of a dataset in an HDF5 file, given to `fit`, `evaluate` and `predict` like an array."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.files.hdf5 import open_file


class HDF5Matrix:
    """The rows `start` to `end` (None: the last) of `dataset` in the file `datapath`; `normalizer` is applied to what is read.

    Rows are read when they are asked for: `x[3]`, `x[3:5]`, `x[[3, 5]]` in increasing order; a negative number counts from `start`
    backwards, as in Keras. A model that trains on it reads it as a whole.
    Source: https://keras.io/2.2.4/utils/ ; behaviour recorded with Keras 2.2.4

        model.fit(HDF5Matrix("data.h5", "x", 0, 900), HDF5Matrix("data.h5", "y", 0, 900), shuffle="batch")
    """

    def __init__(
        self,
        datapath: str | os.PathLike[str],
        dataset: str,
        start: int = 0,
        end: int | None = None,
        normalizer: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self._file = contextlib.ExitStack()
        root = self._file.enter_context(open_file(datapath))
        try:
            array = root.array(dataset)  # which refuses what leads out of the file
            found = h5py.File(os.fspath(datapath), "r")
            self._file.callback(found.close)
        except BaseException:
            self._file.close()
            raise
        if not array.shape:
            self._file.close()
            raise ArgumentError(f"`dataset` '{dataset}' of '{datapath}' must have rows, it is one number.")
        self.data = found[dataset]
        self.start = start
        self.end = array.shape[0] if end is None else end
        self.normalizer = normalizer

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> np.ndarray:
        rows: Any
        if isinstance(key, slice):
            begin = 0 if key.start is None else key.start
            stop = self.shape[0] if key.stop is None else key.stop
            rows, last = slice(begin + self.start, stop + self.start, key.step), stop - 1
        elif isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            rows, last = int(key) + self.start, int(key)
        elif isinstance(key, (list, tuple, np.ndarray)) and len(key):
            numbers = np.asarray(key)
            if numbers.dtype.kind == "b":
                numbers = np.flatnonzero(numbers)
            rows, last = (numbers + self.start).tolist(), int(numbers.max(initial=0))
        else:
            raise ArgumentTypeError(f"HDF5Matrix takes a number, a slice or a list of numbers as index, received {key!r}.")
        if last + self.start >= self.end:
            raise IndexError(f"HDF5Matrix: row {last} was asked for, there are {len(self)}.")
        found = np.asarray(self.data[rows])
        return found if self.normalizer is None else np.asarray(self.normalizer(found))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of these rows."""
        return (self.end - self.start, *self.data.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """The type of the numbers in the file; a normalizer may give another."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)
