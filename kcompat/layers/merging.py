"""Layers that make one tensor of several, and their lower-case functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.masks import mask_of
from kcompat.core.spec import is_shape
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor
from kcompat.tensor.merge import align
from kcompat.tensor.merge import dot as dot_product
from kcompat.tree import flatten


class _Merge(Layer):
    """Base of merging layers: the inputs as a list, their masks joined by the generation's law."""

    supports_masking = True
    least = 1
    _passes_down = False

    def build(self, input_shape: Any) -> None:
        """Check that there are enough inputs, of shapes that go together."""
        shapes = _shapes(input_shape)
        least = max(self.least, behaviour("merge_least", self._keras_version))
        if shapes is None or len(shapes) < least:
            raise ArgumentError(
                f"{type(self).__name__} '{self.name}' must be called on a list of at least {least} inputs, received shape {input_shape!r}."
            )
        if self._one_batch and behaviour("merge_batches_equal", self._keras_version):
            self._check_batches(shapes)
        self.compute_output_shape(input_shape)
        super().build(input_shape)

    _one_batch = True

    def _check_batches(self, shapes: list[Any]) -> None:
        sizes = {s[0] for s in shapes if s and s[0] is not None}
        if len(sizes) > 1:
            raise ShapeError(
                f"{type(self).__name__} '{self.name}': the inputs must have one batch size, received shapes {shapes}. Repeat the smaller "
                "input, or merge before the batches part."
            )

    def call(self, inputs: Any) -> Tensor:
        """The inputs joined."""
        tensors = _list(self, inputs)
        return self._join(align(tensors) if len({t.ndim for t in tensors}) > 1 else tensors)

    def _join(self, tensors: list[Tensor]) -> Tensor:
        raise ArgumentTypeError(f"{type(self).__name__} does not say how inputs are joined: override `_join` or `call`.")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that the inputs broadcast to."""
        shapes = _shapes(input_shape)
        if shapes is None:
            raise ArgumentError(f"{type(self).__name__} '{self.name}' must be called on a list of inputs, received shape {input_shape!r}.")
        rank = max(len(s) for s in shapes)
        full = [(s[0], *(1,) * (rank - len(s)), *s[1:]) if len(s) < rank else s for s in shapes]
        return tuple(self._broadcast(sizes, shapes) for sizes in zip(*full, strict=True))

    def _broadcast(self, sizes: tuple[int | None, ...], shapes: list[Any]) -> int | None:
        fixed = {n for n in sizes if n not in (None, 1)}
        if len(fixed) > 1:
            raise ShapeError(f"{type(self).__name__} '{self.name}': inputs of shapes {shapes} cannot be merged, their sizes differ.")
        if None in sizes and behaviour("merge_unknown_sizes", self._keras_version) == "unknown":
            return None
        return fixed.pop() if fixed else (None if None in sizes else 1)

    _turns_masks_only = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """All masks hold (Keras 1 and 2), or any does and every input has one (Keras 3)."""
        if mask is None:
            return None
        masks = flatten(mask) if isinstance(mask, (list, tuple, dict)) else [mask]
        if len(masks) != len(_list(self, inputs)):
            raise ArgumentError(f"{type(self).__name__} '{self.name}': `mask` must have one entry for each input, received {len(masks)}.")
        if behaviour("merge_mask", self._keras_version) == "or":
            return None if any(m is None for m in masks) else reduce(torch.logical_or, masks)
        present = [m for m in masks if m is not None]
        return reduce(torch.logical_and, present) if present else None


def _list(layer: Layer, inputs: Any) -> list[Any]:
    if isinstance(inputs, (list, tuple)):
        return list(inputs)
    if isinstance(inputs, dict):
        return flatten(inputs)
    raise ArgumentTypeError(f"{type(layer).__name__} '{layer.name}' must be called on a list of tensors, received {type(inputs).__name__}.")


def _shapes(input_shape: Any) -> list[tuple[int | None, ...]] | None:
    values = flatten(input_shape, is_leaf=is_shape) if isinstance(input_shape, dict) else input_shape
    if not isinstance(values, (list, tuple)) or not values or not all(is_shape(s) for s in values):
        return None
    return [tuple(s) for s in values]


class Add(_Merge):
    """The sum of the inputs, broadcast. Source: https://keras.io/api/layers/merging_layers/add/"""

    _makes_new = True

    def _join(self, tensors: list[Tensor]) -> Tensor:
        return reduce(torch.add, tensors) if len(tensors) > 1 else tensors[0].clone()


class Subtract(_Merge):
    """The first of two inputs less the second. Source: https://keras.io/api/layers/merging_layers/subtract/"""

    least = 2

    def build(self, input_shape: Any) -> None:
        """Check that there are two inputs."""
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ArgumentError(f"Subtract '{self.name}' must be called on exactly 2 inputs, received {len(input_shape)}.")

    def _join(self, tensors: list[Tensor]) -> Tensor:
        return torch.sub(*tensors)


class _SkippingMerge(_Merge):
    """A merge that in Keras 3 leaves masked steps out: what one input masks is decided by the others alone."""

    def call(self, inputs: Any) -> Tensor:
        """The inputs joined."""
        tensors = _list(self, inputs)
        masks = [mask_of(t) for t in tensors]
        if all(m is None for m in masks) or not behaviour("merge_skips_masked", self._keras_version):
            return super().call(tensors)
        full = align(tensors)
        wide = [None if m is None else m.reshape(*m.shape, *(1,) * (t.ndim - m.ndim)) for t, m in zip(full, masks, strict=True)]
        return self._join_masked(full, wide)

    def _join_masked(self, tensors: list[Tensor], masks: list[Any]) -> Tensor:
        """Step by step: a masked entry takes the other side's value; both masked count as they are."""
        joined, seen = tensors[0], masks[0]
        for tensor, mask in zip(tensors[1:], masks[1:], strict=True):
            if mask is not None:
                tensor = torch.where(mask, tensor, joined)
            if seen is not None:
                joined = torch.where(seen, joined, tensor)
            seen = None if mask is None or seen is None else mask | seen
            joined = self._join([joined, tensor])
        return joined


class Multiply(_SkippingMerge):
    """The product of the inputs, entry by entry. Source: https://keras.io/api/layers/merging_layers/multiply/"""

    def _join_masked(self, tensors: list[Tensor], masks: list[Any]) -> Tensor:
        joined = self._join([t if m is None else torch.where(m, t, torch.ones_like(t)) for t, m in zip(tensors, masks, strict=True)])
        if any(m is None for m in masks):
            return joined
        return torch.where(reduce(torch.logical_or, masks), joined, torch.zeros_like(joined))

    def _join(self, tensors: list[Tensor]) -> Tensor:
        return reduce(torch.mul, tensors)


class Average(_Merge):
    """The mean of the inputs. Source: https://keras.io/api/layers/merging_layers/average/"""

    def _join(self, tensors: list[Tensor]) -> Tensor:
        total = reduce(torch.add, tensors)
        return (total if total.is_floating_point() or total.is_complex() else total.double()) / len(tensors)


class Maximum(_SkippingMerge):
    """The largest of the inputs, entry by entry; ties give their gradient to the first.

    Source: https://keras.io/api/layers/merging_layers/maximum/
    """

    def _join(self, tensors: list[Tensor]) -> Tensor:
        return reduce(lambda a, b: torch.where((a >= b) | (a != a), a, b), tensors)  # a != a: what is no number stays so


class Minimum(_SkippingMerge):
    """The smallest of the inputs, entry by entry; ties give their gradient to the first.

    Source: https://keras.io/api/layers/merging_layers/minimum/
    """

    def _join(self, tensors: list[Tensor]) -> Tensor:
        return reduce(lambda a, b: torch.where((a <= b) | (a != a), a, b), tensors)


class Concatenate(_Merge):
    """The inputs one behind the other along `axis`. Source: https://keras.io/api/layers/merging_layers/concatenate/"""

    _one_batch = False

    def __init__(self, axis: int = -1, **kwargs: Any):
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ArgumentTypeError(f"Concatenate: `axis` must be an integer, received {axis!r}.")
        super().__init__(**kwargs)
        self.__dict__["axis"] = axis

    def call(self, inputs: Any) -> Tensor:
        """The inputs concatenated."""
        return torch.cat(_list(self, inputs), self.axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The sizes of the first input, those along `axis` added up."""
        shapes = _shapes(input_shape)
        if shapes is None:
            raise ArgumentError(f"Concatenate '{self.name}' must be called on a list of inputs, received shape {input_shape!r}.")
        rank = len(shapes[0])
        if any(len(s) != rank for s in shapes) or not -rank <= self.axis < rank:
            raise ShapeError(
                f"Concatenate '{self.name}': inputs must have one rank that has the `axis` {self.axis}, received shapes {shapes}."
            )
        axis = self.axis % rank
        result: list[int | None] = []
        for place, sizes in enumerate(zip(*shapes, strict=True)):
            known = {n for n in sizes if n is not None}
            if place == axis:
                result.append(None if None in sizes else sum(sizes))  # type: ignore[arg-type]
            elif len(known) > 1:
                raise ShapeError(f"Concatenate '{self.name}': inputs of shapes {shapes} differ beside the `axis` {self.axis}.")
            else:
                result.append(known.pop() if known else None)
        return tuple(result)

    _turns_masks_only = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks joined in the same way: one behind the other along time, else by the generation's law."""
        if mask is None:
            return None
        tensors, masks = _list(self, inputs), list(mask)
        if len(masks) != len(tensors):
            raise ArgumentError(f"Concatenate '{self.name}': `mask` must have one entry for each input, received {len(masks)}.")
        if all(m is None for m in masks):
            return None
        law = behaviour("concatenate_mask", self._keras_version)
        axis = self.axis % len(tensors[0].shape)
        if law == "raise" and any(m is None for m in masks) and axis == 1:
            raise ShapeError(f"Concatenate '{self.name}': along time all inputs must have a mask or none, in this Keras generation.")
        full = [_full_mask(t, m) for t, m in zip(tensors, masks, strict=True)]
        if behaviour("merge_mask", self._keras_version) == "or":
            if axis == 1 and all(m.ndim > 1 for m in full):
                return torch.cat(full, 1)
            return reduce(torch.logical_or, full)
        if axis < full[0].ndim:
            return torch.cat(full, axis)
        return reduce(torch.logical_and, full)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "axis": self.axis}


def _full_mask(tensor: Any, mask: Any) -> Any:
    """The mask, or one of all ones over batch and time."""
    if mask is not None:
        return mask
    if isinstance(tensor, KerasTensor):
        return KerasTensor(tensor.shape[:2], "bool")
    return torch.ones(tensor.shape[:2], dtype=torch.bool, device=tensor.device)


class Dot(_Merge):
    """Per sample, the sum of products over one axis of each of two inputs; `normalize` makes it the cosine.

    Source: https://keras.io/api/layers/merging_layers/dot/
    """

    least = 2

    def __init__(self, axes: int | tuple[int, int], normalize: bool = False, **kwargs: Any):
        if not isinstance(axes, (int, list, tuple)):
            raise ArgumentTypeError(f"Dot: `axes` must be an integer or two integers, received {axes!r}.")
        if not isinstance(axes, int) and (len(axes) != 2 or not all(isinstance(a, int) for a in axes)):
            raise ArgumentError(f"Dot: `axes` must be an integer or two integers, received {axes!r}.")
        super().__init__(**kwargs)
        self.__dict__.update(axes=axes, normalize=normalize)

    def _pair(self) -> tuple[int, int]:
        return (self.axes, self.axes) if isinstance(self.axes, int) else tuple(self.axes)

    def call(self, inputs: Any) -> Tensor:
        """The products summed."""
        x, y = _list(self, inputs)
        paired = x.ndim == y.ndim > 3 and behaviour("dot_pairs_axes", self._keras_version)
        return dot_product(x, y, self._pair(), bool(self.normalize), paired)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The sizes that remain of the first input, then of the second."""
        shapes = _shapes(input_shape)
        if shapes is None or len(shapes) != 2:
            raise ArgumentError(f"Dot '{self.name}' must be called on exactly 2 inputs, received shape {input_shape!r}.")
        self._check_batches(shapes)
        for axis, shape in zip(self._pair(), shapes, strict=True):
            if not -len(shape) < axis < len(shape) or axis == 0:
                raise ShapeError(
                    f"Dot '{self.name}': `axes` must be axes behind the batch of the inputs, received {self.axes} for shapes {shapes}."
                )
        first, second = (axis % len(s) for axis, s in zip(self._pair(), shapes, strict=True))
        a, b = shapes[0][first], shapes[1][second]
        if None not in (a, b) and a != b:
            raise ShapeError(f"Dot '{self.name}': the sizes {a} and {b} along `axes` {self.axes} differ; input shapes {shapes}.")
        rest = [n for i, n in enumerate(shapes[0]) if i not in (0, first)] + [n for i, n in enumerate(shapes[1]) if i not in (0, second)]
        return (shapes[0][0], *(rest or [1]))

    _turns_masks_only = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: the product has no steps of its own."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _function(cls: type, name: str) -> Callable[..., Any]:
    def merge(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        return cls(*args, **kwargs)(inputs)

    merge.__name__ = merge.__qualname__ = name
    merge.__doc__ = f"`{cls.__name__}(...)(inputs)`: a list of tensors merged by a new {cls.__name__} layer."
    return merge


add, subtract, multiply, average = (_function(c, c.__name__.lower()) for c in (Add, Subtract, Multiply, Average))
maximum, minimum, concatenate, dot = (_function(c, c.__name__.lower()) for c in (Maximum, Minimum, Concatenate, Dot))

NAMES = {c.__name__: c for c in (Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot)}
registry.register("layer", NAMES)
