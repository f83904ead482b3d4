"""Products of the last axis with a matrix."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def affine(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """`x @ kernel + bias` over the last axis; `x` (..., n), `kernel` (n, m), `bias` (m,) or None."""
    if x.ndim == 2:
        return x.mm(kernel) if bias is None else torch.addmm(bias, x, kernel)
    return F.linear(x, kernel.t(), bias)


def affine_axes(x: Tensor, kernel: Tensor, bias: Tensor | None, axes: int) -> Tensor:
    """The product over the last `axes` axes of `x` and the first of `kernel`, plus a bias of its other sizes, in one matrix product.

    `x` (..., n1, n2), `kernel` (n1, n2, m1, m2), `bias` (m1, m2) or None, with any number of axes each: (..., m1, m2).
    """
    made = kernel.shape[axes:]
    matrix = kernel.flatten(0, axes - 1).flatten(1)
    flat = affine(x.flatten(-axes), matrix, None if bias is None else bias.flatten())
    return flat.unflatten(-1, made)


def maxout(x: Tensor, kernels: Tensor, biases: Tensor | None) -> Tensor:
    """The largest of the products with several matrices, entry by entry; `x` (b, n), `kernels` (k, n, m), `biases` (k, m) or None."""
    products = torch.einsum("bn,knm->bkm", x, kernels)
    return (products if biases is None else products + biases).amax(1)


def highway(x: Tensor, transformed: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """`t * transformed + (1 - t) * x` with the gate `t = sigmoid(x @ kernel + bias)`; `x` (b, n), `kernel` (n, n)."""
    return torch.lerp(x, transformed, torch.sigmoid(affine(x, kernel, bias)))
