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
