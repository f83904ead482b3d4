"""Running numbers: read from the device, started anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat.metrics.base import reset


def to_numbers(results: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors as Python floats, read from the device in one go; what is no scalar as an array."""
    flat: dict[str, Any] = {}
    for key, value in results.items():
        flat.update(value if isinstance(value, Mapping) else {key: value})
    scalars = {k: v for k, v in flat.items() if isinstance(v, Tensor) and v.numel() == 1}
    if scalars:
        device = next(iter(scalars.values())).device
        read = torch.stack([v.detach().reshape(()).to(device, torch.float64) for v in scalars.values()]).tolist()
        flat.update(zip(scalars, read, strict=True))
    return {k: v.detach().cpu().numpy() if isinstance(v, Tensor) else v for k, v in flat.items()}


def reset_all(metrics: Sequence[Any]) -> None:
    """Start metrics anew."""
    for metric in metrics:
        reset(metric)
