"""Random numbers as a function of a key: integers in, the same numbers out, on every device, eager or traced.

A key is an int64 tensor (2,): seed and counter. Entry i of a draw is a 32-bit hash of (key, i), computed in int64 so that nothing
overflows (a product of 32 and 31 bits). torch.Generator is faster for one large eager draw, but cannot be traced by
`torch.compile(fullgraph=True)` or `torch.export`, and gives other numbers on other devices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_MASK = 0xFFFFFFFF


_ROUNDS = ((16, 0x7FEB352D), (15, 0x6C8E9CF5), (16, 0x45D9F3B))


def _mix(h: Tensor, rounds: tuple[tuple[int, int], ...] = _ROUNDS) -> Tensor:
    """A bijection of 32-bit integers, in place, in which every input bit reaches every output bit."""
    for shift, factor in rounds:
        h.bitwise_xor_(h >> shift).mul_(factor).bitwise_and_(_MASK)
    return h.bitwise_xor_(h >> 15)


def bits(key: Tensor, shape: Sequence[int], stream: int = 0) -> Tensor:
    """int64 tensor of `shape` with uniform integers from [0, 2^32); `stream` tells several draws of one key apart."""
    pair = _mix(((key >> 32) * 0x1B873593 ^ (key + 0x3C6EF372 * (stream + 1))) & _MASK)
    low, high = _mix((pair.flip(0) * 3 + pair) & _MASK)
    place = torch.arange(math.prod(shape), device=key.device, dtype=torch.int64)
    hashed = _mix(place.bitwise_xor_(low).bitwise_and_(_MASK))
    return _mix(hashed.bitwise_xor_(high), _ROUNDS[:1]).reshape(tuple(shape))


def uniform(key: Tensor, shape: Sequence[int], dtype: torch.dtype = torch.float32, stream: int = 0) -> Tensor:
    """Uniform in [0, 1): multiples of 2^-24, or of 2^-53 in float64. Half types are drawn in float32 and stay below 1."""
    drawn = bits(key, shape, stream)
    if dtype == torch.float64:
        return ((drawn >> 6 << 27) + (bits(key, shape, stream + 1000) >> 5)).to(dtype) * 2.0**-53
    if dtype in (torch.float16, torch.bfloat16):
        digits = 11 if dtype == torch.float16 else 8
        return (drawn >> (32 - digits)).to(dtype) * 2.0**-digits
    return (drawn >> 8).to(dtype) * 2.0**-24


def normal(key: Tensor, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard normal."""
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    radius = torch.sqrt(-2 * torch.log1p(-uniform(key, shape, wide)))
    return (radius * torch.cos(2 * math.pi * uniform(key, shape, wide, stream=1))).to(dtype)


def truncated_normal(key: Tensor, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard normal within two standard deviations."""
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    edge = math.erf(2 / math.sqrt(2))
    inner = (2 * uniform(key, shape, wide) - 1) * edge
    return (math.sqrt(2) * torch.erfinv(inner)).clamp(-2.0, 2.0).to(dtype)


def randint(key: Tensor, shape: Sequence[int], low: int, high: int) -> Tensor:
    """Uniform integers (int64) from [low, high), of which there may be at most 2^31."""
    return (bits(key, shape) * (high - low) >> 32) + low


def keep(key: Tensor, shape: Sequence[int], rate: float) -> Tensor:
    """bool tensor, False with probability `rate` (to 2^-32)."""
    return bits(key, shape) >= round(rate * 2**32)
