"""Weights of recurrent layers between Keras' plain layout and that of CuDNNLSTM and CuDNNGRU (Keras 2.0-2.2, tf.keras 1).

Plain: `kernel` (n, gates * u), `recurrent` (u, gates * u), `bias` (gates * u,), or (2, gates * u) with a row for the input and one for the
state. CuDNN: the same shapes, but each gate's kernel holds the transposed matrix in its rows, each gate's recurrent kernel is transposed,
and the bias is (2 * gates * u,), first for the input and then for the state. The order of the gates is the same. Facts: the loader of
Keras 2.2.4, run both ways.
"""

from __future__ import annotations

import torch
from torch import Tensor


def plain_from_cudnn(kernel: Tensor, recurrent: Tensor, bias: Tensor | None, gates: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """A CuDNN layer's weights in the plain layout; the bias comes as (2, gates * u)."""
    size = kernel.shape[0]
    kernel = torch.cat([part.reshape(-1, size).t() for part in kernel.chunk(gates, 1)], 1)
    return kernel, _turned(recurrent, gates), None if bias is None else bias.view(2, -1)


def cudnn_from_plain(kernel: Tensor, recurrent: Tensor, bias: Tensor | None, gates: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """Plain weights in the layout of a CuDNN layer; a bias of one row is shared out in halves, as Keras does."""
    size = kernel.shape[0]
    kernel = torch.cat([part.t().reshape(size, -1) for part in kernel.chunk(gates, 1)], 1)
    if bias is not None:
        bias = bias.reshape(-1) if bias.ndim == 2 else (bias / 2).repeat(2)
    return kernel, _turned(recurrent, gates), bias


def joined_bias(bias: Tensor) -> Tensor:
    """The bias (gates * u,) of a layer that adds both rows in one place (LSTM), from (2, gates * u)."""
    return bias.sum(0)


def _turned(recurrent: Tensor, gates: int) -> Tensor:
    return torch.cat([part.t() for part in recurrent.chunk(gates, 1)], 1)
