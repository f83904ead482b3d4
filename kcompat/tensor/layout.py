"""Keras' order of axes seen as torch's, and back: views of any rank, nothing moves in memory.

A channels_last batch (n, ..., c) permuted to (n, c, ...) is what torch calls the `channels_last` memory format, which its
kernels take as it is. One spatial axis is seen as two, the first of size 1: torch has no such format for (n, c, length),
and would copy.
"""

from __future__ import annotations

from torch import Tensor

_TO_FIRST = {3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}
_TO_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


def channels_first(x: Tensor, data_format: str) -> Tensor:
    """(n, ..., c) or (n, c, ...) as (n, c, ...)."""
    return x.permute(_TO_FIRST[x.ndim]) if data_format == "channels_last" else x


def channels_restored(x: Tensor, data_format: str) -> Tensor:
    """(n, c, ...) as `data_format` says."""
    return x.permute(_TO_LAST[x.ndim]) if data_format == "channels_last" else x


def as_images(x: Tensor, data_format: str) -> Tensor:
    """(n, c, ...) with at least two spatial axes, for torch's 2D and 3D kernels."""
    if x.ndim == 4:
        return x.permute(0, 3, 1, 2) if data_format == "channels_last" else x
    if x.ndim != 3:
        return channels_first(x, data_format)
    return x.unsqueeze(1).permute(0, 3, 1, 2) if data_format == "channels_last" else x.unsqueeze(2)


def from_images(x: Tensor, rank: int, data_format: str) -> Tensor:
    """What `as_images` made of `rank` spatial axes, back in Keras' order."""
    if rank == 2:
        return x.permute(0, 2, 3, 1) if data_format == "channels_last" else x
    if rank != 1:
        return channels_restored(x, data_format)
    return x.permute(0, 2, 3, 1).squeeze(1) if data_format == "channels_last" else x.squeeze(2)
