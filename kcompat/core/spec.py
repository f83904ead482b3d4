"""What a layer expects of its input: rank, sizes of some axes, dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kcompat.errors import ArgumentError, ShapeError
from kcompat.tensor.dtypes import dtype_name, torch_dtype


def is_shape(value: Any) -> bool:
    """Whether `value` is one shape (sizes, None where one varies), no structure of shapes."""
    return isinstance(value, (tuple, list)) and all(n is None or isinstance(n, int) for n in value)


class InputSpec:
    """Expected dtype, shape, rank (`ndim`, `min_ndim`, `max_ndim`) and sizes by axis (`axes`) of one input (Keras: InputSpec)."""

    def __init__(
        self,
        dtype: Any = None,
        shape: tuple[int | None, ...] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ):
        self.dtype = None if dtype is None else dtype_name(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        highest = (self.ndim or self.max_ndim or 0) - 1
        if self.axes and (self.ndim or self.max_ndim) and max(self.axes) > highest:
            raise ArgumentError(f"`axes` {self.axes} of an InputSpec name an axis beyond {highest}, the last of rank {highest + 1}.")
        sizes = dict(enumerate(self.shape)) if self.shape is not None else {}
        self._sizes = tuple((axis, size) for axis, size in {**sizes, **self.axes}.items() if size is not None)

    def __repr__(self) -> str:
        parts = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return "InputSpec(" + ", ".join(f"{p}={getattr(self, p)!r}" for p in parts if getattr(self, p)) + ")"

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal spec."""
        return {p: getattr(self, p) for p in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """A spec from its config."""
        return cls(**config)

    def admits(self, shape: tuple[int | None, ...]) -> bool:
        """Whether a tensor of this shape fits; unknown sizes fit anything."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            return self.allow_last_axis_squeeze and self.shape is not None and _squeezes(shape, self.shape)
        if (self.min_ndim is not None and rank < self.min_ndim) or (self.max_ndim is not None and rank > self.max_ndim):
            return False
        return all(axis >= rank or shape[axis] == size or shape[axis] is None for axis, size in self._sizes)

    def quick_test(self) -> Callable[[Any], bool]:
        """`admits` for known sizes, as short as the spec allows: layers ask it at every call."""
        if self.shape is not None or self.max_ndim is not None or len(self._sizes) > 1:
            return self.admits
        axis, size = self._sizes[0] if self._sizes else (-1, None)
        if self.ndim is not None and not self._sizes:
            rank = self.ndim
            return lambda shape: len(shape) == rank
        if self.ndim is not None:
            rank = self.ndim
            return lambda shape: len(shape) == rank and shape[axis] == size
        if self._sizes and axis == -1:
            least = self.min_ndim or 1
            return lambda shape: len(shape) >= least and shape[-1] == size
        return self.admits

    def check(self, shape: tuple[int | None, ...], dtype: Any, where: str) -> None:
        """Raise the error that says what was expected, if a tensor of this shape and dtype does not fit."""
        if self.admits(shape):
            if self.dtype is not None and torch_dtype(self.dtype) != dtype:
                raise ArgumentError(f"{where} expects an input of dtype {self.dtype}, received {dtype_name(dtype)}.")
            return
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            expected = f"expected ndim={self.ndim}, found ndim={rank}"
        elif self.min_ndim is not None and rank < self.min_ndim:
            expected = f"expected min_ndim={self.min_ndim}, found ndim={rank}"
        elif self.max_ndim is not None and rank > self.max_ndim:
            expected = f"expected max_ndim={self.max_ndim}, found ndim={rank}"
        else:
            wrong = [(a, s) for a, s in self._sizes if a < rank and shape[a] != s and shape[a] is not None]
            expected = "expected " + ", ".join(f"axis {a} to have value {s}" for a, s in wrong)
        raise ShapeError(f"Input of {where} is incompatible with the layer: {expected}. Full shape received: {tuple(shape)}")


def _squeezes(shape: tuple[int | None, ...], expected: tuple[int | None, ...]) -> bool:
    longer, shorter = (shape, expected) if len(shape) > len(expected) else (expected, shape)
    return len(longer) == len(shorter) + 1 and longer[-1] == 1
