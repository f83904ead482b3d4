"""A convolutional LSTM over whole sequences: the input is convolved for all steps at once, then the state once a step.

The gates i, f, c, o are a quarter of the channels each. Images keep Keras' order of axes, as in `convolve`. Masks: `scan`.
Facts: `parity/cases/conv_lstm.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kcompat.tensor import cells
from kcompat.tensor.convolve import Padding, convolve
from kcompat.tensor.loop import loop, stays_a_loop
from kcompat.tensor.scan import Options, Order, Weights, scan
from kcompat.tensor.shapes import channel_axis


class Slide(NamedTuple):
    """How a window slides over images."""

    strides: Sequence[int]
    padding: str | Padding
    dilation: Sequence[int]
    data_format: str

    def over(self, images: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
        """The convolution of (b, ...)."""
        return convolve(
            images, kernel, bias, strides=self.strides, padding=self.padding, dilation=self.dilation, data_format=self.data_format
        )


def project(x: Tensor, kernel: Tensor, bias: Tensor | None, slide: Slide, drop: Sequence[Tensor] | None = None) -> Tensor:
    """The convolution for all steps of `x` (b, t, ...): what goes into the gates, (b, t, ...).

    `drop`: for each gate, what every step of the input (b, ...) is multiplied with.
    """
    if drop is not None:
        biases: Any = (None,) * len(drop) if bias is None else bias.chunk(len(drop))
        parts = zip(drop, kernel.chunk(len(drop), -1), biases, strict=True)
        gates = [project(x * d.unsqueeze(1), k, b, slide) for d, k, b in parts]
        return torch.cat(gates, -1 if slide.data_format == "channels_last" else 2)
    return slide.over(x.flatten(0, 1), kernel, bias).unflatten(0, (x.shape[0], x.shape[1]))


def run_conv_lstm(
    z: Tensor,
    weights: Weights,
    slide: Slide,
    mask: Tensor | None,
    start: tuple[Tensor, ...],
    options: Options,
    activation: cells.Activation,
    gate: cells.Activation,
    drop: Sequence[Tensor] | None = None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Output and final (h, c) from `z`, what `project` made; `slide` is that of the states, `drop` for each gate their dropout."""
    axis = channel_axis(slide.data_format)

    def product(h: Tensor) -> Tensor:
        if drop is None:
            return slide.over(h, weights.recurrent)
        parts = zip(drop, weights.recurrent.chunk(len(drop), -1), strict=True)
        return torch.cat([slide.over(h * d, kernel) for d, kernel in parts], axis)

    def run(z: Tensor, states: tuple[Tensor, ...], order: Order | None) -> tuple[Tensor, ...]:
        if stays_a_loop(z):
            return loop(lambda row, held: cells.lstm_states(row + product(held[0]), held[1], activation, gate, axis), z, states)
        h, c = states
        every: list[Tensor] = []
        carried: list[Tensor] = []
        for row in z.unbind(0):
            h, c = cells.lstm_states(row + product(h), c, activation, gate, axis)
            if options.sequences or order is not None:
                every.append(h)
            if order is not None:
                carried.append(c)
        return torch.stack(every) if every else h.unsqueeze(0), torch.stack(carried) if carried else c

    return scan(run, z, mask, start, options)
