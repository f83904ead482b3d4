"""What can be compared of random values: their statistics, and along which axes they are constant."""

import numpy as np


def summary(array):
    """{"mean", "std", "low", "high", "zeros", "count", "values", "constant_axes", "shape", "dtype"} of an array.

    `values` lists the different values when there are at most eight; `count` is the number of entries that vary freely.
    """
    values = np.unique(np.round(array.astype("float64"), 5))
    constant = [axis for axis in range(array.ndim) if array.shape[axis] > 1 and bool((array == array.take([0], axis)).all())]
    free = array.size // max(int(np.prod([array.shape[axis] for axis in constant], dtype=int)), 1)
    return {
        "mean": float(array.mean()), "std": float(array.std()), "low": float(array.min()), "high": float(array.max()),
        "zeros": float((array == 0).mean()), "count": free, "values": values.tolist() if values.size <= 8 else None,
        "constant_axes": constant, "shape": list(array.shape), "dtype": str(array.dtype),
    }  # fmt: skip
