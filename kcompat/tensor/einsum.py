"""Einstein equations of one input and one kernel: their parts, and the shapes they make. Integers only; None is an unknown size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from kcompat.errors import ArgumentError, ShapeError

_FORM = re.compile(r"(\.\.\.)?([A-Za-z]+)(\.\.\.)?,([A-Za-z]+)->(\.\.\.)?([A-Za-z]+)(\.\.\.)?")
Size = int | None


class Equation(NamedTuple):
    """The labels of input, kernel and output, and on which side `...` stands ("left", "right" or "")."""

    source: str
    kernel: str
    output: str
    rest: str


class Shapes(NamedTuple):
    """The shapes of kernel, bias (None: no bias) and output."""

    kernel: tuple[Size, ...]
    bias: tuple[Size, ...] | None
    output: tuple[Size, ...]


def parsed(equation: str) -> Equation:
    """The parts of `ab,bc->ac`, `...a,ab->...b` or `ab...,bc->ac...`; ArgumentError for any other form."""
    found = _FORM.fullmatch(equation) if isinstance(equation, str) else None
    if found is not None:
        left, source, right, kernel, left_too, output, right_too = found.groups()
        if (left, right) == (left_too, right_too) and not (left and right):
            strays = set(output) - set(source) - set(kernel)
            if strays:
                raise ArgumentError(f"EinsumDense: `equation` {equation!r} has '{min(strays)}' in the output, but in neither operand.")
            return Equation(source, kernel, output, "left" if left else "right" if right else "")
    raise ArgumentError(
        f"EinsumDense: `equation` must have the form 'ab,bc->ac', '...a,ab->...b' or 'ab...,bc->ac...', received {equation!r}."
    )


def shapes(
    equation: Equation, input_shape: Sequence[Size], output_shape: Sequence[Size], bias_axes: str | None, fill: bool = True
) -> Shapes:
    """The shapes for an input of `input_shape`; `output_shape` is without the batch and the sizes under `...`.

    A None in `output_shape` is an axis of the input's size, which `fill` puts in its place.
    """
    source, kernel, output, rest = equation
    hidden = len(input_shape) - len(source)
    if hidden < 0 or (hidden > 0 and not rest):
        raise ShapeError(f"the equation's input '{source}' does not have the rank of an input of shape {tuple(input_shape)}")
    full = [input_shape[0], *output_shape]
    if rest == "left":
        full[1:1] = input_shape[1:hidden]
    elif rest == "right":
        full += input_shape[len(source) :]
    if len(full) != len(output) + hidden:
        raise ShapeError(f"`output_shape` {tuple(output_shape)} does not have the {len(output)} axes of '{output}' but the batch")
    skipped = hidden if rest == "left" else 0
    sizes = {label: input_shape[skipped + i] for i, label in enumerate(source)}
    for i, label in enumerate(output):
        told, known = full[skipped + i], sizes.get(label)
        if label in source and None not in (told, known) and told != known:
            raise ShapeError(f"axis '{label}' has size {known} in the input and {told} in `output_shape`")
        sizes[label] = told if known is None else known
        if fill:
            full[skipped + i] = sizes[label]
    lost = set(kernel) - set(sizes)
    if lost:
        raise ShapeError(f"the size of the kernel's axis '{min(lost)}' is told neither by the input nor by the output")
    return Shapes(tuple(sizes[label] for label in kernel), _bias(equation, sizes, bias_axes, hidden), tuple(full))


def _bias(equation: Equation, sizes: dict[str, Size], axes: str | None, hidden: int) -> tuple[Size, ...] | None:
    if not axes:
        return None
    first = min(equation.output.index(label) for label in axes)
    shape = tuple(sizes[label] if label in axes else 1 for label in equation.output[first:])
    return shape + (1,) * hidden if equation.rest == "right" else shape


def product_axes(equation: Equation) -> int:
    """How many axes a plain matrix product sums, if the equation is one: the input's last, the kernel's first; else 0."""
    source, kernel, output, rest = equation
    summed = len(source) - next((i for i, (a, b) in enumerate(zip(source, output, strict=False)) if a != b), min(len(source), len(output)))
    kept, gone = source[: len(source) - summed], source[len(source) - summed :]
    fits = summed > 0 and rest != "right" and kernel.startswith(gone) and len(kernel) > summed and output == kept + kernel[summed:]
    return summed if fits and not set(kept) & set(kernel) and len(set(source + kernel)) == len(source) + len(kernel) - summed else 0
