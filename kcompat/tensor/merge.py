"""Several tensors made into one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def align(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors of one rank: Keras adds axes of size 1 behind the batch axis of those that have fewer."""
    rank = max(t.ndim for t in tensors)
    if all(t.ndim == rank for t in tensors):
        return list(tensors)
    return [t.reshape(t.shape[0], *(1,) * (rank - t.ndim), *t.shape[1:]) for t in tensors]


def dot(x: Tensor, y: Tensor, axes: tuple[int, int], normalize: bool = False, paired: bool = False) -> Tensor:
    """Per sample, the sum of products over one axis of each: (b, ..., n, ...) and (b, ..., n, ...) -> (b, rest of x, rest of y).

    `normalize` divides by the lengths along the axes first (cosine), with 1e-12 as the least squared length. Two matrices (b, n) give
    (b, 1). `paired`, for inputs of one rank (Keras before 2.3): the two last axes are multiplied as matrices, those before go in pairs;
    an axis that is not the last means the last but one.
    """
    first, second = (axis % t.ndim for axis, t in zip(axes, (x, y), strict=True))
    if normalize:
        x, y = _unit(x, first), _unit(y, second)
    if paired:
        return (x if first == x.ndim - 1 else x.mT) @ (y.mT if second == y.ndim - 1 else y)
    x, y = x.movedim(first, -1), y.movedim(second, -1)
    product = torch.bmm(
        x.flatten(1, -2) if x.ndim > 2 else x.unsqueeze(1), (y.flatten(1, -2) if y.ndim > 2 else y.unsqueeze(1)).transpose(1, 2)
    )
    shape = (*x.shape[1:-1], *y.shape[1:-1])
    return product.reshape(x.shape[0], *(shape or (1,)))


def cosine(x: Tensor, y: Tensor, axes: tuple[int, int], least: float = 1e-7) -> Tensor:
    """The dot product over the root of both squared lengths, as Keras 1 wrote it: lengths come from `dot` of each input with itself."""
    lengths = torch.sqrt(dot(x, x, axes) * dot(y, y, axes))
    return dot(x, y, axes) / lengths.clamp(min=least)


def _unit(x: Tensor, axis: int) -> Tensor:
    return x * torch.rsqrt(torch.clamp((x * x).sum(axis, keepdim=True), min=1e-12))
