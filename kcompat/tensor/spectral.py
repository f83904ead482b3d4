"""A kernel scaled by its largest singular value."""

from __future__ import annotations

import torch
from torch import Tensor

from kcompat.tensor.group_norm import unit_norm


def spectral_step(kernel: Tensor, u: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """`kernel` divided by its largest singular value as a matrix (-1, n), and the next estimate of the vector `u` (1, n).

    A kernel of zeros stays, and so does its `u`. Source: https://arxiv.org/abs/1802.05957
    """
    matrix = kernel.reshape(-1, kernel.shape[-1])
    v, new = u, u
    for _ in range(iterations):
        v = unit_norm(new @ matrix.T, (0, 1))
        new = unit_norm(v @ matrix, (0, 1))
    sigma = (v @ matrix * new).sum()
    empty = (kernel == 0).all()
    return torch.where(empty, kernel, kernel / sigma), torch.where(empty, u, new)
