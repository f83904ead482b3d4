"""Noise on a tensor. `key` is None (torch's generator) or an int64 tensor (2,) that fixes the numbers, see `random`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kcompat.tensor import random as draws

#: what SELU tends to far below 0: -scale * alpha
_SELU_LIMIT = -1.7580993408473766


def _normal(like: Tensor, key: Tensor | None) -> Tensor:
    return torch.randn_like(like) if key is None else draws.normal(key, like.shape, like.dtype)


def add_normal(x: Tensor, stddev: float, key: Tensor | None) -> Tensor:
    """`x` plus noise of mean 0."""
    return x + stddev * _normal(x, key)


def multiply_normal(x: Tensor, stddev: float, key: Tensor | None) -> Tensor:
    """`x` times noise of mean 1."""
    return x * (1 + stddev * _normal(x, key))


def alpha_dropout(x: Tensor, rate: float, noise_shape: Sequence[int], key: Tensor | None) -> Tensor:
    """`a * (x or SELU's limit) + b`, where a and b keep mean 0 and variance 1; entries share decisions along sizes of 1.

    Source: https://arxiv.org/abs/1706.02515
    """
    kept = torch.rand(tuple(noise_shape), device=x.device) >= rate if key is None else draws.keep(key, noise_shape, rate)
    scale = ((1 - rate) * (1 + rate * _SELU_LIMIT**2)) ** -0.5
    return torch.where(kept, x, _SELU_LIMIT) * scale - scale * _SELU_LIMIT * rate
